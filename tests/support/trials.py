"""Experiments made of chance with a seed: what brokers would have counted of them."""

from __future__ import annotations

from math import exp, log2
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from h2o_core.errors import Code
from h2o_core.experiment.arms import Arm, Counted, Groups, Part, Stage
from h2o_core.experiment.clusters import GROUPS, group_of
from h2o_core.histogram import BUCKETS_PER_OCTAVE, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

STABLE, NEW = "1.0.0", "2.0.0"


def stage(parts: int = 1000) -> Stage:
    return Stage("checkout", "s1", STABLE, ((STABLE, 10_000 - parts), (NEW, parts)))


class Call(NamedTuple):
    """One request as it ended."""

    code: Code = Code.OK
    took_ns: int = 20_000_000
    key: bytes = b""
    carried: bool = False


def part(calls: Iterable[Call]) -> Part:
    """Count *calls* of one version, all with a key or all without."""
    times, outcomes = Histogram(), dict[int, int]()
    groups = [[0] * GROUPS for _ in Groups._fields]
    assigned = carried = 0
    for call in calls:
        times.record(call.took_ns)
        outcomes[call.code] = outcomes.get(call.code, 0) + 1
        carried += call.carried
        assigned += not call.carried
        if call.key:
            at = group_of(call.key)
            groups[0][at] += not call.carried
            groups[1][at] += 1
            groups[2][at] += call.code is Code.INTERNAL
            groups[3][at] += call.code is Code.APPLICATION
            groups[4][at] += int(log2(call.took_ns) * BUCKETS_PER_OCTAVE)
    with_keys = any(groups[1])
    return Part(
        assigned, carried, outcomes, times, Groups(*map(tuple, groups)) if with_keys else Groups((), (), (), (), ())
    )


def counted(control: Arm, challenger: Arm, *, parts: int = 1000, broken: int = 0) -> Counted:
    arms = {STABLE: control, NEW: challenger}
    return Counted("/service/customer", stage(parts), 1000.0, arms, broken=broken)


def shares(requests: int, errors: int = 0, application: int = 0, took_ns: int = 20_000_000) -> Part:
    """Requests without a key, so many of which failed."""
    times = Histogram()
    times.buckets = {int(log2(took_ns) * BUCKETS_PER_OCTAVE): requests}
    times.sum_ns = requests * took_ns
    outcomes: dict[int, int] = {
        Code.OK: requests - errors - application,
        Code.INTERNAL: errors,
        Code.APPLICATION: application,
    }
    return Part(requests, 0, {code: count for code, count in outcomes.items() if count}, times)


def durations(dice: Random, count: int, median_ms: float, spread: float = 0.5) -> Histogram:
    """*count* log-normal durations."""
    times = Histogram()
    for _ in range(count):
        times.record(int(median_ms * 1e6 * exp(dice.gauss(0, spread))))
    return times


def binomial(dice: Random, n: int, p: float) -> int:
    return sum(1 for _ in range(n) if dice.random() < p)
