"""Two versions on three hosts, weights that are shifted: which share each gets of requests with and without a key."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

from google.protobuf.wrappers_pb2 import StringValue

from bench.control.deciding import decide
from bench.control.round import Round, figure
from bench.faults.stage import ROOT, broker_endpoint, report
from bench.figures import Figure, Goal, Sense
from h2o_console.dev.plan import HostPlan
from h2o_core.control.traffic import Traffic
from h2o_core.hostfile import InstanceSpec
from h2o_core.io.client import Client

if TYPE_CHECKING:
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

_PACKAGE: Final = "/service/echo"
_SHARES: Final = (100, 1_000, 2_500, 5_000, 10_000)
"""Of the new version, out of 10,000."""
_REQUESTS: Final = 10_000
_AT_ONCE: Final = 40


def _instances(version: str) -> InstanceSpec:
    argv = (sys.executable, "-m", "tests.support.echo_package")
    return InstanceSpec(_PACKAGE, argv, env={"ECHO_VERSION": version}, cwd=str(ROOT))


def measure(stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``share_error_points``: the largest difference, in points, of any weight, with keys or without.

    The versions are the destinations' own counts. Chance alone is 0.5 points of 10,000 requests at 50 % (one sigma).
    """
    both = (_instances("1.0.0"), _instances("2.0.0"))
    plans = [HostPlan("host-1", "a", both), HostPlan("host-2", "b", both), HostPlan("host-3", "c", both[:1])]
    fleet = stage.fleet(plans=plans)
    count = _REQUESTS // 2 if quick else _REQUESTS
    worst = {"sticky": 0.0, "keyless": 0.0}
    for share in _SHARES:
        decide(fleet, [Traffic(_PACKAGE, "1.0.0", (("1.0.0", 10_000 - share), ("2.0.0", share)))])
        for how, so_far in worst.items():
            before = _served(fleet)
            asyncio.run(_ask(broker_endpoint(fleet, "host-1"), count, sticky=how == "sticky"))
            served = _served(fleet) - before
            points = 100 * served["2.0.0"] / served.total()
            stage.say(f"  {how}: {points:.2f} % of {served.total()} for {share / 100:g} %")
            worst[how] = max(so_far, abs(points - share / 100))
    return [
        figure("share_error_points", max(worst.values()), goal=Goal(Sense.AT_MOST, 2)),
        *(figure(f"share_error_points_{how}", points) for how, points in worst.items()),
    ]


async def _ask(endpoint: str, count: int, *, sticky: bool) -> None:
    async with Client(endpoint) as client:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with turns:
                key = f"customer-{number}" if sticky else ""
                request = StringValue(value="x")
                await client.call(f"{_PACKAGE}/say", request, StringValue, timeout_s=10, sticky_key=key)

        await asyncio.gather(*map(one, range(count)))


def _served(fleet: Fleet) -> Counter[str]:
    """Requests by version."""
    found: Counter[str] = Counter()
    for host in fleet.hosts:
        for one in report(fleet, host).instances:
            found[one.version] += sum(outcome.count for feature in one.features for outcome in feature.outcomes)
    return found


ROUND: Final = Round("shares", measure, long=True)
