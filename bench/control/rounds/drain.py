"""Three hosts at half of the fleet's slots; one after the other is drained until it is safe, and comes back."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from bench.children import BenchError
from bench.control.draining import HOSTS, Gateways
from bench.control.round import Round, figure
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_ROUNDS: Final = 10
_REQUESTS: Final = 100_000


def measure(stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``drain_requests`` (a tenth of the rounds' when *quick*) and ``drain_failed`` of them, each id accounted for.

    ``drain_safe_p50_s``, ``…_max_s``: from writing the drain to safe; 5 s of that nobody may have sent from there.
    """
    rounds, requests = (3, _REQUESTS // 10) if quick else (_ROUNDS, _REQUESTS)
    gateways = Gateways(stage)
    took_s: list[float] = []
    for at in range(rounds):
        host = HOSTS[at % len(HOSTS)]
        before = gateways.served
        took_s.append(gateways.drain(host))
        gateways.serve(500)
        gateways.undrain(host)
        gateways.serve(max(500, (requests // rounds) - (gateways.served - before)))
        stage.say(f"  {host}: safe after {took_s[-1]:.1f} s, {gateways.served} requests so far")
    result = stage.settle(None, gateways.clients)
    if result.account.breaches:
        raise BenchError(str(result.account))
    return [
        figure("drain_requests", result.account.requests, goal=Goal(Sense.AT_LEAST, requests)),
        figure("drain_failed", result.account.failed, goal=Goal(Sense.AT_MOST, 0)),
        figure("drain_safe_p50_s", median(took_s), "s"),
        figure("drain_safe_max_s", max(took_s), "s"),
    ]


ROUND: Final = Round("drain", measure, long=True)
