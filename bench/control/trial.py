"""Three hosts in three zones with nine instances, a client on each host, 500 requests/s of 20 ms: and who serves them.

The figures are the destinations' own counts, by instance: what a caller sees may have been retried elsewhere.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

from bench.control.behaviour import FILE, Behaviour, write
from bench.faults.stage import ROOT, broker_endpoint, report
from h2o_console.dev.plan import HostPlan
from h2o_core.errors import Code
from h2o_core.hostfile import InstanceSpec
from tests.counting.client import Load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

PACKAGE: Final = "/service/measured"
WORK: Final = f"{PACKAGE}/work"
RATE: Final = 500
WORK_S: Final = 0.020
_ZONES: Final = "abc"
_EACH: Final = 3


class Trial:
    """The fleet, under load from its beginning until the stage ends."""

    def __init__(self, stage: Stage, rate: int = RATE, origins: int = len(_ZONES)) -> None:
        """*rate*: requests/s in all, from a client on each of the first *origins* hosts. Raises BenchError."""
        self.stage = stage
        self._told = stage.directory / "behaviour.json"
        argv = (sys.executable, "-m", "bench.control.worker")
        spec = InstanceSpec(PACKAGE, argv, count=_EACH, env={FILE: str(self._told)}, cwd=str(ROOT))
        plans = [HostPlan(f"host-{at}", zone, (spec,)) for at, zone in enumerate(_ZONES, start=1)]
        self.fleet: Fleet = stage.fleet(plans=plans)
        self.clients = [stage.client(broker_endpoint(self.fleet, host)) for host in list(self.fleet.hosts)[:origins]]
        for client in self.clients:
            client.add(Load(WORK, idempotent=True, rate_per_s=rate / len(self.clients), delay_s=WORK_S))
        stage.wait(lambda: all(client.oks > rate for client in self.clients), "every client is served", within_s=30)

    def behave(self, **told: Behaviour) -> None:
        """From now on, by instance id; all others are well."""
        write(self._told, told)

    def instances(self, host: str) -> list[str]:
        """Ids of those on *host*."""
        return sorted(one.instance for one in report(self.fleet, host).instances if one.package == PACKAGE)

    def outcomes(self) -> Counter[tuple[str, int]]:
        """How often each instance has ended a request, by its id and the code, since it began."""
        return Counter(
            {
                (one.instance, outcome.code): outcome.count
                for host in self.fleet.hosts
                for one in report(self.fleet, host).instances
                for feature in one.features
                if feature.feature == WORK
                for outcome in feature.outcomes
            }
        )

    def window(self, seconds: float) -> Window:
        """What comes of the load for so long."""
        before = self.outcomes()
        self.stage.pass_s(seconds, self.clients)
        return Window(self.outcomes() - before, sum(len(self.instances(host)) for host in self.fleet.hosts))

    def ejections(self) -> int:
        """How often any instance has been taken out by its broker."""
        return sum(report(self.fleet, host).counters.get("ejections", 0) for host in self.fleet.hosts)


class Window:
    """A while of a trial: what each instance ended."""

    def __init__(self, outcomes: Counter[tuple[str, int]], instances: int) -> None:
        self._outcomes = outcomes
        self._instances = instances

    @property
    def requests(self) -> int:
        """All that was ended by an instance."""
        return self._outcomes.total()

    def of(self, instance: str) -> int:
        """What this one ended."""
        return sum(count for (one, _), count in self._outcomes.items() if one == instance)

    def part(self, instance: str) -> float:
        """As a multiple of an equal part."""
        return self.of(instance) * self._instances / max(1, self.requests)

    def largest_part(self, but: Sequence[str] = ()) -> float:
        """Of all but those."""
        return max((self.part(one) for one in {one for one, _ in self._outcomes} if one not in but), default=0.0)

    def failed_pct(self) -> float:
        """Which share of all was INTERNAL."""
        failed = sum(count for (_, code), count in self._outcomes.items() if code == Code.INTERNAL)
        return 100 * failed / max(1, self.requests)
