"""How much a version has to do, from what agents remember of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h2o_console.commands.demand import demand_of
from h2o_core.errors import Code
from h2o_core.pb.host_pb2 import History, Point, Series
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch
from h2o_core.plan.situation import Demand, Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

ECHO = "/service/echo"
AS_OF_S = 1_000.0
KEY = (ECHO, "1.0.0")
ONE, TWO = Instance("a", *KEY, "host-1", 64), Instance("b", *KEY, "host-2", 64)


def point(age_s: float, took_s: float, **outcomes: int) -> Point:
    """Ten seconds in which requests so ended and took so long each."""
    counts = [OutcomeCount(code=Code[code], count=many) for code, many in outcomes.items()]
    total_ns = int(sum(outcomes.values()) * took_s * 1e9)
    return Point(t_s=AS_OF_S - age_s, covered_s=10, outcomes=counts, processing=Sketch(sum=total_ns))


def rounded(found: Mapping[tuple[str, str], Demand], key: tuple[str, str] = KEY) -> Demand:
    one = found[key]
    assert one.rate_per_s is not None
    return replace(one, busy=None if one.busy is None else round(one.busy, 6), rate_per_s=round(one.rate_per_s, 6))


def history(*points: Point, version: str = "1.0.0") -> History:
    return History(as_of_s=AS_OF_S, series=[Series(kind="package", package=ECHO, version=version, points=points)])


def test_rate_times_service_time_over_all_hosts():
    here = history(*(point(age_s, 0.02, OK=1_000) for age_s in (20, 30, 300)))
    found = demand_of([here, here], [ONE, TWO], {"host-1", "host-2"})
    assert rounded(found) == Demand(4.0, 200.0, 0.0)


def test_one_that_fails_at_once_is_as_busy_as_when_it_was_well():
    here = history(point(300, 0.02, OK=1_000), point(20, 0.001, INTERNAL=1_000))
    assert rounded(demand_of([here], [ONE], {"host-1"})) == Demand(2.0, 100.0, 1.0)


def test_one_that_was_never_well_is_as_fast_as_the_others_of_its_package():
    old, new = history(point(20, 0.05, OK=100)), history(point(20, 1.0, TIMEOUT=100), version="2.0.0")
    other = Instance("c", ECHO, "2.0.0", "host-1", 64)
    found = demand_of([old, new], [ONE, other], {"host-1"})
    assert rounded(found, (ECHO, "2.0.0")) == Demand(0.5, 10.0, 1.0)
    alone = demand_of([new], [other], {"host-1"})
    assert rounded(alone, (ECHO, "2.0.0")) == Demand(None, 10.0, 1.0)


def test_who_is_silent_is_taken_to_do_as_much_as_the_others():
    here = history(point(20, 0.02, OK=1_000))
    assert rounded(demand_of([here], [ONE, TWO], {"host-1"})) == Demand(4.0, 200.0, 0.0)


def test_what_nobody_counted_is_not_known():
    assert demand_of([], [ONE], {"host-1"}) == {KEY: Demand()}
    assert demand_of([history(point(300, 0.02, OK=9))], [ONE], {"host-1"}) == {KEY: Demand()}
    assert demand_of([history(point(20, 0.02, OK=9))], [TWO], {"host-1"}) == {KEY: Demand()}


def test_no_requests_are_no_demand():
    assert demand_of([history(point(20, 0.0))], [ONE], {"host-1"}) == {KEY: Demand(0.0, 0.0, None)}
