"""Twenty brokers and agents on this machine: from the commit of a change until all twenty say that it is applied."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from bench.control.deciding import decide
from bench.control.round import Round, figure
from bench.figures import Figure, Goal, Sense
from h2o_console.dev.plan import HostPlan
from h2o_core.control.traffic import Traffic

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_HOSTS: Final = 20
_CHANGES: Final = 100
_ZONES: Final = "abc"
_PACKAGE: Final = "/service/nobody"


def measure(stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``apply_20_brokers_p99_s``, ``…_p50_s``, ``…_max_s``: of a hundred changes, one after the other."""
    plans = [HostPlan(f"host-{at}", _ZONES[at % 3], ()) for at in range(1, _HOSTS + 1)]
    fleet = stage.fleet(plans=plans, wait=False)
    fleet.wait_ready(120.0)
    count = _CHANGES // 5 if quick else _CHANGES
    shares = [10_000 - at for at in range(count)]
    took_s = sorted(decide(fleet, (Traffic(_PACKAGE, "1", (("1", one), ("2", 10_000 - one))) for one in shares)))
    return [
        figure("apply_20_brokers_p99_s", took_s[-1 - count // 100], "s", Goal(Sense.AT_MOST, 1)),
        figure("apply_20_brokers_p50_s", median(took_s), "s"),
        figure("apply_20_brokers_max_s", took_s[-1], "s"),
    ]


ROUND: Final = Round("apply", measure, long=True)
