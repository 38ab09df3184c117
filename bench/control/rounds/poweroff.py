"""Three hosts at half of the fleet's slots; each is drained until it is safe, and then all of it is killed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.children import BenchError
from bench.control.draining import HOSTS, Gateways
from bench.control.round import Round, figure
from bench.faults.stage import picture
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_WHILE_OFF: Final = 3_000


def measure(stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``poweroff_requests``, ``poweroff_failed``: all processes of a host get SIGKILL, then it comes back."""
    gateways = Gateways(stage)
    for at, host in enumerate(HOSTS[: 1 if quick else None]):
        others = [one for one in HOSTS if one != host]
        gateways.drain(host)
        gateways.power_off(host)
        gateways.serve(_WHILE_OFF)
        stage.wait(
            lambda host=host, one=others[0]: host not in {each.host for each in picture(gateways.fleet, one).hosts},
            f"{host} is out of the register",
            within_s=20,
        )
        gateways.power_on(host)
        gateways.undrain(host)
        gateways.serve(_WHILE_OFF)
        stage.say(f"  {host} was off, {gateways.served} requests so far ({at + 1})")
    result = stage.settle(None, gateways.clients)
    if result.account.breaches:
        raise BenchError(str(result.account))
    return [
        figure("poweroff_requests", result.account.requests),
        figure("poweroff_failed", result.account.failed, goal=Goal(Sense.AT_MOST, 0)),
    ]


ROUND: Final = Round("poweroff", measure, long=True)
