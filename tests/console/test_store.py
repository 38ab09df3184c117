"""The store and the poller: rates from differences, resets, silence, hosts that come and go; real HTTP on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings, strategies as st

from h2o_console.feed.answers import parse_head, parse_hosts, parse_instances
from h2o_console.feed.clocks import monotonic_s
from h2o_console.feed.counters import MOST, Unreadable, parse_promises, parse_stats
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import NAME, FeedThread
from h2o_console.rows.board import Board
from h2o_console.rows.cells import Glyph
from h2o_console.rows.packages import PackageRow, package_board, package_reasons, package_row
from h2o_console.rows.reasons import worst
from h2o_console.rows.told import Told
from h2o_console.store.buckets import BUCKET_S, bucket_at
from h2o_console.store.fleet import Store
from h2o_console.store.outcomes import CounterReset, by_code, counted_since
from h2o_console.store.pace import Between, Pace, line_of
from h2o_console.store.sketches import TimedUntil
from h2o_console.store.views import PackageView
from h2o_console.store.windows import Window
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.pieces import Pieces
from h2o_core.pb.host_pb2 import ChildReport, HostStats
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch
from tests.console.fake_fleet import FakeFleet, FleetServer
from tests.console.still_fleet import running

if TYPE_CHECKING:
    from google.protobuf.message import Message

PACKAGE = "service/customer"
NOBODY = Told(None)
"""Nobody has looked."""


class Fed:
    """A store that a fake fleet is fed to by hand, without sockets: every second a reading of each host."""

    def __init__(self, hosts: int = 2) -> None:
        self.fleet = FakeFleet(hosts)
        self.store = Store()
        self.now_s = 1000.0

    def picture(self) -> None:
        document = self.ask("host-1", "/hosts")
        self.store.put_hosts(parse_head(document), parse_hosts(document), "unix:/agent.sock", self.now_s)
        self.store.put_picture(parse_instances(self.ask("host-1", "/instances?fleet=1")), self.now_s)
        self.store.put_promises(parse_promises(self.ask("host-1", "/features?fleet=1")))

    def ask(self, host: str, path: str) -> dict[str, Any]:
        document = self.fleet.document(host, path)
        assert document is not None
        return document

    def read(self, *hosts: str) -> None:
        for host in hosts or self.fleet.hosts:
            self.store.put_stats(host, parse_stats(self.fleet.stats(host).SerializeToString()), self.now_s)

    def run(self, seconds: int, *hosts: str, every_s: int = 1) -> None:
        for second in range(seconds):
            self.fleet.advance(1.0)
            self.now_s += 1.0
            if (second + 1) % every_s == 0:
                self.read(*hosts)

    def view(self, name: str = PACKAGE) -> PackageView:
        view = self.store.package(name, self.now_s, whole=True)
        assert view is not None
        assert view.counts == running(*view.instances)["counts"]
        return view


@pytest.fixture
def fed() -> Fed:
    fed = Fed()
    fed.fleet.run(PACKAGE, "1.0.0", "host-1", features=("retrieve",), per_s=40.0)
    fed.fleet.run(PACKAGE, "1.0.0", "host-2", features=("retrieve",), per_s=20.0)
    fed.fleet.advance(500)
    fed.picture()
    fed.read()
    return fed


# rates and windows


def test_the_first_reading_is_a_base_and_no_rate(fed: Fed) -> None:
    view = fed.view()
    assert (view.rps, view.outcomes, view.p95_ms) == (None, {}, None)
    assert view.known


def test_rates_are_those_of_the_differences(fed: Fed) -> None:
    fed.run(30)
    view = fed.view()
    assert view.rps == pytest.approx(60, rel=0.05)
    assert 1700 <= view.outcomes["OK"] <= 1800
    assert view.p50_ms == pytest.approx(5.0, rel=0.1)
    known = [value for value in view.rps_line if value is not None]
    assert 5 <= len(known) <= 6
    assert known == pytest.approx([60] * len(known), rel=0.1)


def test_hosts_that_are_read_at_different_rhythms_give_the_true_sum(fed: Fed) -> None:
    for _ in range(6):
        fed.run(4, "host-1")
        fed.run(1)
    assert fed.view().rps == pytest.approx(60, rel=0.05)
    known = [value for value in fed.view().rps_line if value is not None]
    assert known == pytest.approx([60] * len(known), rel=0.15)


def test_what_is_older_than_a_minute_is_forgotten(fed: Fed) -> None:
    fed.run(20)
    for instance in fed.fleet.instances.values():
        instance.per_s = 0
    fed.run(61)
    view = fed.view()
    assert (view.outcomes, view.p95_ms, view.rps) == ({}, None, 0.0)


def test_the_same_answer_twice_is_counted_once_and_grows_old(fed: Fed) -> None:
    fed.run(5)
    before = fed.view().outcomes
    fed.now_s += 3
    fed.read()
    assert fed.view().outcomes == before
    assert fed.store.hosts["host-1"].age_s(fed.now_s) == 3


# resets


def test_a_restarted_broker_counts_from_its_start(fed: Fed) -> None:
    fed.run(20)
    before = sum(fed.view().outcomes.values())
    fed.fleet.restart_broker("host-1")
    fed.run(2)
    after = fed.view()
    assert 0 <= sum(after.outcomes.values()) - before <= 3 * 60
    assert after.rps == pytest.approx(60, rel=0.1)


def test_an_instance_that_is_new_counts_from_zero(fed: Fed) -> None:
    fed.run(3)
    fed.fleet.run(PACKAGE, "1.1.0", "host-2", features=("retrieve",), per_s=30.0, started_s=fed.fleet.now_s)
    fed.run(10)
    assert fed.view().rps == pytest.approx(90, rel=0.05)
    assert {feature.version for feature in fed.view().features} == {"1.0.0", "1.1.0"}


def test_a_young_fleet_shows_its_first_minute_at_once() -> None:
    fed = Fed(1)
    fed.fleet.brokers["host-1"].started_s = fed.fleet.now_s
    fed.fleet.run(PACKAGE, "1.0.0", "host-1", features=("retrieve",), per_s=40.0, started_s=fed.fleet.now_s)
    fed.fleet.advance(20)
    fed.picture()
    fed.read()
    assert fed.view().rps == pytest.approx(40, rel=0.05)
    assert sum(fed.view().outcomes.values()) == pytest.approx(800, rel=0.02)


def test_a_counter_that_goes_down_by_itself_is_a_new_base_not_a_negative_rate(fed: Fed) -> None:
    fed.run(5)
    for instance in fed.fleet.instances.values():
        instance.endpoints["retrieve"].outcomes = {"OK": 3}
    fed.run(1)
    assert all(count >= 0 for count in fed.view().outcomes.values())
    fed.run(12)
    assert fed.view().rps == pytest.approx(60, rel=0.05)


def test_after_a_long_silence_the_window_holds_no_more_than_a_minute(fed: Fed) -> None:
    fed.run(5)
    fed.run(300, every_s=1000)
    fed.read()
    assert fed.view().outcomes.get("OK", 0) == 0
    fed.run(10)
    assert fed.view().rps == pytest.approx(60, rel=0.05)


def test_another_host_s_clock_may_be_wrong_by_hours(fed: Fed) -> None:
    fed.run(5)
    fed.fleet.now_s -= 7200  # ntpd has had its say
    fed.run(12)
    assert fed.view().rps == pytest.approx(60, rel=0.1)


# silence and absence


def test_a_silent_host_makes_its_rows_stale_and_says_so(fed: Fed) -> None:
    fed.run(10)
    fed.store.put_failure("host-2", "connection refused")
    fed.run(6, "host-1")
    view = fed.view()
    assert [(host.host, host.why) for host in view.silent] == [("host-2", "connection refused")]
    assert view.rps == pytest.approx(40, rel=0.05)
    assert [instance.silent for instance in view.instances] == [False, True]
    assert fed.store.fleet(fed.now_s).answering == 1
    fed.store.put_failure("host-1", "no answer in 2 s")
    fed.now_s += 10
    stale = fed.view()
    assert (stale.known, stale.rps, stale.p95_ms, stale.outcomes) == (False, None, None, {})
    assert all(feature.p95_ms is None and not feature.outcomes for feature in stale.features)


def test_ages_of_silent_hosts_make_their_packages_dirty_each_second(fed: Fed) -> None:
    fed.run(2)
    fed.now_s += 10
    assert PACKAGE in fed.store.take_dirty(fed.now_s)
    assert PACKAGE not in fed.store.take_dirty(fed.now_s + 0.1)
    assert PACKAGE in fed.store.take_dirty(fed.now_s + 1.1)


def test_instances_of_a_host_that_never_answered_come_from_the_picture() -> None:
    fed = Fed(2)
    fed.fleet.run(PACKAGE, "1.0.0", "host-2")
    fed.picture()
    assert [(one.host, one.silent) for one in fed.view().instances] == [("host-2", True)]
    assert fed.view().silent == ()
    fed.now_s += 60
    assert [host.age_s for host in fed.view().silent] == [None]


def test_a_package_whose_last_instance_went_stays_until_it_is_forgotten(fed: Fed) -> None:
    fed.run(3)
    assert fed.view().peak == 2
    fed.fleet.promises.clear()
    for instance in list(fed.fleet.instances.values()):
        fed.fleet.stop(instance)
    fed.run(1)
    fed.picture()
    assert fed.view().gone_s == 0.0
    fed.now_s += 30
    assert (fed.view().gone_s, fed.view().peak) == (30.0, 2)
    fed.now_s += 1000
    assert fed.store.package(PACKAGE, fed.now_s) is None


def test_a_host_that_left_takes_its_instances_along(fed: Fed) -> None:
    fed.run(3)
    assert fed.view().peak == 2
    fed.fleet.hosts.remove("host-2")
    fed.picture()
    assert {instance.host for instance in fed.view().instances} == {"host-1"}
    assert fed.view().peak == 2


def test_children_that_have_not_registered_are_shown(fed: Fed) -> None:
    fed.fleet.children["host-1"] = [
        ChildReport(key="broker", state="running", pid=7),
        ChildReport(
            key="service.customer-1", package=f"/{PACKAGE}", state="backoff", due_in_s=4.0, failures=3,
            crash_loops=True, exited=True, last_exit=1, last_exit_known=True, why="KeyError",
        ),
    ]  # fmt: skip
    fed.run(1)
    children = [one for one in fed.view().instances if not one.id]
    assert [(one.state, one.silent, one.ready) for one in children] == [("backoff", False, False)]
    assert children[0].why == "crash loop: exit code 1, 3 times in a row (KeyError); again in 4 s"
    assert children[0].child is not None
    assert children[0].child.crash_loops


def test_an_instance_knows_its_child(fed: Fed) -> None:
    first = next(one for one in fed.fleet.instances.values() if one.host == "host-1")
    child = ChildReport(
        key="service.customer-1", package=f"/{PACKAGE}", state="running", launch=f"{first.id}.1", pid=7, restarts=2,
        cpu_pct=12.5, rss_bytes=1 << 20, exited=True, last_exit=-9, last_exit_known=True, last_exit_s=fed.fleet.now_s,
    )  # fmt: skip
    fed.fleet.children["host-1"] = [child]
    fed.run(5)
    [shown] = [one for one in fed.store.instances(fed.now_s) if one.id == first.id]
    assert shown.child is not None
    assert (shown.child.restarts, shown.child.cpu_pct, shown.child.exit) == (2, 12.5, "signal 9")
    assert shown.child.exit_age_s == pytest.approx(5)
    assert len(fed.view().instances) == 2, "not once as an instance and once as a child"


def test_origin_and_destination_are_never_added_up(fed: Fed) -> None:
    fed.run(2)
    fed.fleet.called("host-1", "api/customer", f"{PACKAGE}/retrieve", "NO_ROUTE", 5)
    fed.run(1)
    assert fed.view().callers == {"NO_ROUTE": 5}
    assert "NO_ROUTE" not in fed.view().outcomes


def test_what_a_host_calls_is_counted_again_when_it_is_not_silent_any_more(fed: Fed) -> None:
    def called() -> list[int]:
        return [view.outcomes.get("OK", 0) for view in fed.store.calls(fed.now_s)]

    fed.run(2)
    fed.fleet.called("host-2", "api/customer", f"{PACKAGE}/retrieve", "OK", 5)
    fed.run(1)
    assert called() == [5]
    fed.run(70, "host-1")
    assert called() == [], "nothing in the last minute, and its host is silent"
    fed.run(1)
    fed.fleet.called("host-2", "api/customer", f"{PACKAGE}/retrieve", "OK", 7)
    fed.run(1)
    assert called() == [7]


def test_zookeeper_s_worst_state_is_the_fleet_s(fed: Fed) -> None:
    fed.run(1)
    assert fed.store.fleet(fed.now_s).register == "connected"
    fed.fleet.register["host-2"] = ("silent", 14.0)
    fed.run(1)
    fleet = fed.store.fleet(fed.now_s + 0.5)
    assert (fleet.register, fleet.silent_s, fleet.register_hosts) == ("silent", 14.5, 1)


# board


def test_an_equal_row_keeps_its_version_and_is_not_made_anew_each_time(fed: Fed) -> None:
    board = package_board(fed.store, lambda: NOBODY, set)
    fed.run(30)
    assert board.update(fed.now_s, (PACKAGE,))
    version = board.versions[PACKAGE]
    assert not board.update(fed.now_s + 0.1, (PACKAGE,))
    fed.run(1)
    board.update(fed.now_s, (PACKAGE,))
    assert board.versions[PACKAGE] == version + (board.rows[PACKAGE].requests > 0)


def test_what_is_not_on_screen_is_made_more_rarely_and_not_forgotten(fed: Fed) -> None:
    board = package_board(fed.store, lambda: NOBODY, set)
    board.update(fed.now_s)
    made = board.versions[PACKAGE]
    fed.run(2)
    board.update(fed.now_s)
    assert board.versions[PACKAGE] == made
    fed.run(3)
    board.update(fed.now_s)
    assert board.versions[PACKAGE] == made + 1


def test_what_nobody_looked_at_for_a_while_is_made_anew_before_it_is_shown() -> None:
    now, names = {"row": 1}, [f"service/p{at:03}" for at in range(300)]

    def made(name: str, _now_s: float) -> PackageRow:
        return PackageRow(name, name, Glyph.FINE, (), str(now["row"]), "", "")

    board = Board(lambda _: set(names), made)
    board.update(10.0)
    now["row"] = 2
    board.update(11.0)
    assert {row.instances for row in board.rows.values()} == {"1"}
    board.update(14.0)
    assert {row.instances for row in board.rows.values()} == {"2"}, "all at once"


# pure windows


@given(st.lists(st.tuples(st.floats(0.1, 7), st.integers(0, 500)), min_size=1, max_size=40))
def test_a_pace_is_requests_over_time_whatever_the_rhythm(readings: list[tuple[float, int]]) -> None:
    pace, now_s = Pace(), 1000.0
    for span_s, requests in readings:
        pace.add(Between(now_s, now_s + span_s), requests)
        now_s += span_s
    rates = [requests / span_s for span_s, requests in readings]
    measured = pace.per_s(now_s)
    assert measured is not None
    assert min(rates) * 0.999 <= measured <= max(rates) * 1.001 + 1e-9
    known = [value for value in line_of([pace], now_s) if value is not None]
    assert known
    assert all(min(rates) * 0.999 <= value <= max(rates) * 1.001 + 1e-9 for value in known)


@pytest.mark.parametrize(
    ("on_screen", "looks_every", "times"),
    [((PACKAGE,), 10, range(8, 11)), ((), 41, range(3, 6))],
    ids=["on screen", "elsewhere"],
)
def test_a_view_is_not_made_ready_more_often_than_its_hosts_are_read(
    fed: Fed, on_screen: tuple[str, ...], looks_every: int, times: range
) -> None:
    fed.store.look_at(on_screen)
    shown, made = fed.store.package(PACKAGE, fed.now_s), 0
    for tenth in range(450):
        fed.now_s += 0.1
        fed.store.prepare(fed.now_s, 4.5)
        if tenth % looks_every == 0 and (view := fed.store.package(PACKAGE, fed.now_s)) is not shown:
            shown, made = view, made + 1
    assert made in times


def test_a_package_has_its_instances_one_by_one_and_what_features_took_when_it_is_asked_for_whole(fed: Fed) -> None:
    def instances(*, whole: bool) -> int:
        view = fed.store.package(PACKAGE, fed.now_s, whole=whole)
        assert view is not None
        assert view.counts.total == 2
        assert {one.p95_ms is not None for one in view.features if one.outcomes} <= {bool(view.instances)}
        return len(view.instances)

    fed.store.look_at((PACKAGE,))
    fed.run(3)
    assert all(one.outcomes for one in fed.view().features)
    assert instances(whole=False) == 0
    fed.store.prepare(fed.now_s)
    assert instances(whole=True) == 2, "although a row's view was made ready"
    fed.now_s += 1
    fed.store.prepare(fed.now_s)
    assert instances(whole=False) == 2, "made ready whole"
    fed.now_s += 4
    fed.store.prepare(fed.now_s)
    assert instances(whole=False) == 0, "nobody looks at them any more"


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(1, 9)), max_size=60))
def test_a_window_holds_exactly_its_buckets(steps: list[tuple[float, int]]) -> None:
    window, now_s = Window(), 6000.0
    added: list[tuple[float, int]] = []
    for step_s, count in steps:
        now_s += step_s
        window.add_outcomes(bucket_at(now_s), {"OK": count})
        added.append((now_s, count))
    oldest = now_s // BUCKET_S - 9
    expected = sum(count for at_s, count in added if at_s // BUCKET_S >= oldest)
    assert sum(window.outcomes(now_s).values()) == expected


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(-1, 3), st.booleans()), max_size=60))
def test_what_a_window_remembers_from_reading_to_reading_is_what_it_holds(
    steps: list[tuple[float, int, bool]],
) -> None:
    """Read at any moment or never, long idle or not: what moves on is the sum of what was added, and so are pieces."""
    window, now_s = Window(), 6000.0
    added: list[tuple[float, str, int]] = []
    was_read: list[tuple[Pieces, Histogram]] = []
    for step_s, octave, looks in steps:
        now_s += step_s
        if octave >= 0:
            one = Histogram()
            one.record(1000 << octave)
            window.add_outcomes(bucket_at(now_s), {f"CODE{octave}": 1})
            window.add_times(bucket_at(now_s), one)
            added.append((now_s, f"CODE{octave}", 1000 << octave))
        if looks:
            held = [entry for entry in added if entry[0] // BUCKET_S >= now_s // BUCKET_S - 9]
            expected = Histogram()
            for _, _, time_ns in held:
                expected.record(time_ns)
            sketch = window.sketch(now_s)
            assert window.outcomes(now_s) == Counter(code for _, code, _ in held)
            assert (sketch.buckets, sketch.sum_ns) == (expected.buckets, expected.sum_ns)
            was_read.append((Pieces(window.pieces(now_s)), expected))
            assert window.reaches(int(now_s // BUCKET_S)) == any(at // BUCKET_S == now_s // BUCKET_S for at, *_ in held)
    for pieces, expected in was_read:
        assert pieces.count == expected.count, "whatever came later"
        assert pieces.below(330) == expected.below(330)
        assert (pieces.sketch().lists(), pieces.sketch().sum_ns) == (expected.lists(), expected.sum_ns)


@given(st.lists(st.dictionaries(st.sampled_from([*Code, 990]), st.integers(0, 3) | st.just(MOST)), max_size=8))
def test_what_was_counted_from_reading_to_reading_adds_up_or_went_down(readings: list[dict[int, int]]) -> None:
    known: dict[str, int] = {}
    for reading in readings:
        counts = [OutcomeCount(code=code, count=count) for code, count in reading.items()]
        before, now = Counter(known), Counter(by_code(counts))
        if before <= now:
            assert counted_since(known, counts) == now - before
        else:
            with pytest.raises(CounterReset):
                counted_since(known, counts)
        assert known == now, "whatever was before"


def wire(*, index: Sequence[int] = (), count: Sequence[int] = (), zero: int = 0, total: int = 0) -> bytes:
    return Sketch(index=index, count=count, zero=zero, sum=total).SerializeToString()


def wire_of(histogram: Histogram) -> bytes:
    index, count = histogram.lists()
    return wire(index=index, count=count, zero=histogram.zero, total=histogram.sum_ns)


@given(st.lists(st.integers(0, 1 << 40)), st.lists(st.integers(0, 1 << 40)))
def test_the_difference_of_two_sketches_is_what_was_recorded_in_between(before: list[int], between: list[int]) -> None:
    earlier, later, expected = Histogram(), Histogram(), Histogram()
    for value in before:
        earlier.record(value)
    for value in (*before, *between):
        later.record(value)
    for value in between:
        expected.record(value)
    found = TimedUntil(wire_of(earlier)).more(wire_of(later)) or Histogram()
    assert (found.buckets, found.zero, found.sum_ns) == (expected.buckets, expected.zero, expected.sum_ns)


@given(st.lists(st.lists(st.sampled_from([0, 1, 900, 10**3, 10**6, 10**9]), max_size=4), max_size=8))
def test_what_was_timed_from_sketch_to_sketch_adds_up(steps: list[list[int]]) -> None:
    timed, recorded, found = TimedUntil(wire_of(Histogram())), Histogram(), Histogram()
    for step in steps:  # some with buckets that are new, some with none
        for value in step:
            recorded.record(value)
        found.merge(timed.more(wire_of(recorded)) or Histogram())
    assert (found.buckets, found.zero, found.sum_ns) == (recorded.buckets, recorded.zero, recorded.sum_ns)


def test_after_a_sketch_that_is_no_difference_the_next_one_is() -> None:
    timed = TimedUntil(wire(index=[5, 6], count=[3, 3]))
    for sketch in (wire(index=[5, 6], count=[2, 3]), wire(index=[7], count=[1])):
        with pytest.raises(CounterReset):
            timed.more(sketch)
    found = timed.more(wire(index=[7], count=[4], total=9))
    assert found is not None
    assert (found.buckets, found.sum_ns) == ({7: 3}, 9)
    timed.start_from(wire(index=[8], count=[1]))
    found = timed.more(wire(index=[8], count=[3], total=9))
    assert found is not None
    assert found.buckets == {8: 2}


@pytest.mark.parametrize(
    "sketch",
    [
        wire(index=[1], count=[]),
        wire(index=[], count=[1]),
        wire(index=[1, 2], count=[1]),
        wire(index=[10**9], count=[1]),
        wire(index=[1], count=[MOST]),
        wire(zero=(1 << 64) - 1),
        wire(index=[1], count=[1], total=(1 << 64) - 1),
    ],
)
def test_a_sketch_that_is_none_is_no_difference(sketch: bytes) -> None:
    with pytest.raises(CounterReset):
        TimedUntil().more(sketch)


def test_sketches_that_went_down_are_no_difference() -> None:
    for earlier, later in [
        (wire(index=[5], count=[3]), wire(index=[5], count=[2])),
        (wire(index=[5, 6], count=[3, 1]), wire(index=[5], count=[3])),
        (wire(zero=2), wire(zero=1)),
        (wire(index=[5], count=[3], total=9), wire(index=[5], count=[3], total=8)),
    ]:
        with pytest.raises(CounterReset):
            TimedUntil(earlier).more(later)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_bytes_that_are_no_sketch_never_raise_anything_else(earlier: bytes, later: bytes) -> None:
    with suppress(CounterReset):
        TimedUntil(earlier).more(later)


HOSTILE = st.sampled_from([0, 1, -1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1, 1 << 62])
FLOATS = st.sampled_from([0.0, -1.0, float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 1e-320])


@st.composite
def twisted(draw: st.DrawFn) -> bytes:
    """A real answer of /stats in which some fields were replaced by anything that their type takes, bytes by noise."""
    fleet = FakeFleet(1)
    fleet.run(PACKAGE, "1.0.0", "host-1", per_s=5.0)
    fleet.advance(3)
    fleet.called("host-1", "api/x", f"{PACKAGE}/retrieve", "NO_ROUTE")
    fleet.children["host-1"] = [ChildReport(key="a", package=f"/{PACKAGE}", state="backoff", exited=True)]
    stats = fleet.stats("host-1")
    for _ in range(draw(st.integers(1, 5))):
        _twist(draw, stats)
    body = bytearray(stats.SerializeToString())
    for _ in range(draw(st.integers(0, 2))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body)


def _twist(draw: st.DrawFn, message: Message) -> None:
    """Replace one field somewhere below *message*."""
    one = draw(st.sampled_from(list(message.DESCRIPTOR.fields)))
    value = getattr(message, one.name)
    if one.message_type is not None and one.message_type.GetOptions().map_entry:
        value["odd"] = draw(HOSTILE.filter(lambda number: 0 <= number < 1 << 64))
    elif one.message_type is not None and one.is_repeated:
        if not value or draw(st.integers(0, 5)) == 0:
            value.extend([type(value[0])() if value else value.add()] * draw(st.integers(0, 3)))
        else:
            _twist(draw, draw(st.sampled_from(list(value))))
    elif one.message_type is not None:
        if draw(st.integers(0, 5)) == 0:
            message.ClearField(one.name)
        else:
            _twist(draw, value)
    else:
        scalar = _scalar(draw, one)
        with suppress(ValueError, TypeError, OverflowError):  # beyond what the field's type takes
            if one.is_repeated:
                value.append(scalar)
            else:
                setattr(message, one.name, scalar)


def _scalar(draw: st.DrawFn, one: Any) -> Any:
    if one.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return draw(st.text(max_size=12))
    if one.cpp_type in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
        return draw(FLOATS)
    return draw(HOSTILE)


@settings(max_examples=300, deadline=None)
@given(st.lists(twisted(), min_size=1, max_size=3))
def test_no_answer_whatever_its_shape_breaks_the_store(bodies: list[bytes]) -> None:
    fed = Fed(1)
    fed.picture()
    board = package_board(fed.store, lambda: NOBODY, set)
    for body in bodies:
        fed.now_s += 1
        with suppress(Unreadable):
            fed.store.put_stats("host-1", parse_stats(body), fed.now_s)
        board.update(fed.now_s + 2)
        briefs = {brief.name: brief for brief in fed.store.briefs(fed.now_s)}
        for name in list(fed.store.names()):
            fed.store.times(name, fed.now_s)
            view = fed.store.package(name, fed.now_s)
            assert view is not None
            assert package_row(view, NOBODY).glyph == worst(package_reasons(briefs[name], NOBODY))
        fed.store.fleet(fed.now_s)
        fed.store.servers(fed.now_s)
        fed.store.host("host-1", fed.now_s)
        fed.store.features(fed.now_s)
        fed.store.calls(fed.now_s)
        for one in fed.store.instances(fed.now_s):
            fed.store.instance(one.host, one.key, fed.now_s)


# over real HTTP


@asynccontextmanager
async def polling(served: FleetServer, home: str = "", timeout_s: float = 2.0) -> AsyncGenerator[tuple[Store, Poller]]:
    store = Store()
    poller = Poller(store, home or f"http://{served.address('host-1')}", timeout_s=timeout_s)
    task = asyncio.create_task(poller.run())
    ticking = asyncio.create_task(_let_time_pass(served))
    try:
        yield store, poller
    finally:
        for each in (task, ticking):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


async def _let_time_pass(served: FleetServer) -> None:
    while True:
        await asyncio.sleep(0.1)
        with served.lock:
            served.fleet.advance(0.1)


async def holds(condition: Callable[[], object], what: str) -> None:
    """Wait until *condition* holds, 10 s at most."""
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s, what
        await asyncio.sleep(0.02)


@pytest.fixture
def fleet() -> FakeFleet:
    fleet = FakeFleet(3)
    for host in fleet.hosts:
        fleet.run(PACKAGE, "1.0.0", host, features=("retrieve",), per_s=50.0)
    return fleet


def view_of(store: Store) -> PackageView | None:
    """As a screen that shows it reads it."""
    store.look_at((PACKAGE,))
    return store.package(PACKAGE, monotonic_s())


async def test_a_fleet_fills_the_store(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: (view := view_of(store)) and (view.rps or 0) > 120, "three hosts' requests")
            await holds(lambda: (view := view_of(store)) and view.features[0].upper95_ms == 50.0, "the promises")
            fleet_view = store.fleet(monotonic_s())
            assert (fleet_view.hosts, fleet_view.answering, fleet_view.instances) == (3, 3, 3)
            assert fleet_view.data_age_s is not None
            assert fleet_view.data_age_s < 3


async def test_a_slow_host_holds_nobody_up(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        served.slow_s["host-3"] = 30.0
        async with polling(served, timeout_s=0.5) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: (view := view_of(store)) and (view.rps or 0) > 80, "the other two")
            await holds(lambda: store.hosts["host-3"].failed == "no answer in 0.5 s", "the reason")
            view = view_of(store)
            assert view is not None
            assert [host.host for host in view.silent] == ["host-3"]
            await holds(lambda: served.asked.count(("host-1", "/stats", 200)) >= 4, "host-1 is asked each second")
            assert served.asked.count(("host-3", "/stats", 200)) == 0


async def test_hosts_off_screen_are_asked_rarely_and_at_once_when_they_come_on_screen(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        async with polling(served) as (store, poller):
            await holds(lambda: (view := view_of(store)) and view.known, "a first reading of each")
            await holds(
                lambda: all(served.asked.count((host, "/stats", 200)) >= 4 for host in fleet.hosts),
                "each asked a few times at first",
            )
            served.asked.clear()
            poller.look_at(["host-2"])
            begun_s = time.monotonic()
            await holds(lambda: ("host-2", "/stats", 200) in served.asked, "it hurries")
            assert time.monotonic() - begun_s < 2
            await holds(lambda: served.asked.count(("host-2", "/stats", 200)) >= 3, "each second")
            assert sum(host != "host-2" and path == "/stats" for host, path, _ in served.asked) <= 4


async def test_an_unchanged_answer_is_not_sent_again_and_means_no_requests(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        store = Store()
        poller = Poller(store, f"http://{served.address('host-1')}")
        poller.look_at(fleet.hosts)
        task = asyncio.create_task(poller.run())  # and time stands still: nothing is counted
        await holds(lambda: ("host-1", "/stats", 304) in served.asked, "304")
        await holds(lambda: served.asked.count(("host-1", "/stats", 304)) >= 2, "and again")
        assert (store.hosts["host-1"].age_s(monotonic_s()) or 0) < 2, "it is as fresh as the last 304"
        await holds(lambda: (view := view_of(store)) and view.rps == 0.0, "a rate of none")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_host_that_stops_answering_and_comes_back(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: (view := view_of(store)) and (view.rps or 0) > 120, "all three")
            port = int(served.address("host-2").rpartition(":")[2])
            served.stop("host-2")
            await holds(lambda: store.hosts["host-2"].failed, "the failure")
            await holds(lambda: (view := view_of(store)) and view.silent, "silence, said")
            served.start("host-2", port)
            await holds(lambda: (view := view_of(store)) and not view.silent, "it is back")


async def test_a_broker_that_is_down_is_told_in_the_agent_s_words(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        served.down.add("host-3")
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: "host-3" in store.hosts and store.hosts["host-3"].failed, "a failure")
            assert store.hosts["host-3"].failed == "the broker does not answer"


async def test_another_agent_is_asked_when_the_context_s_is_out_of_reach(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        home = f"http://{served.address('host-1')}"
        async with polling(served, home) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: store.fleet(monotonic_s()).answering == 3, "all three")
            served.stop("host-1")
            await holds(lambda: store.fleet(monotonic_s()).detour, "the detour")
            fleet_view = store.fleet(monotonic_s())
            assert fleet_view.detour.startswith(home)
            assert fleet_view.agent in {served.address("host-2"), served.address("host-3")}
            fleet.hosts.remove("host-1")
            await holds(lambda: len(store.hosts) == 2, "news arrive by the detour")


async def test_nobody_there_is_a_sentence_and_no_traceback() -> None:
    store = Store()
    task = asyncio.create_task(Poller(store, "unix:/nowhere/agent.sock").run())
    await holds(lambda: store.fleet(monotonic_s()).trouble, "the trouble")
    assert store.fleet(monotonic_s()).trouble == "no such socket"
    assert not task.done()
    task.cancel()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "its counters can't be read: they are no HostStats"),
        (b"\xff" * 100_000, "its counters can't be read: they are no HostStats"),
        (HostStats(host="host-9").SerializeToString(), "its address is answered by host-9"),
        (b"", "its address is answered by nobody who has a name"),
        (HostStats(host="host-2").SerializeToString(), "its broker tells nothing"),
        (HostStats(host="host-2", broker_problem="it has left").SerializeToString(), "it has left"),
    ],
)
async def test_what_is_no_agent_is_said_to_be_none(fleet: FakeFleet, body: bytes, why: str) -> None:
    with FleetServer(fleet) as served:
        served.raw["host-2", "/stats"] = body
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: "host-2" in store.hosts and store.hosts["host-2"].failed, "a failure")
            assert store.hosts["host-2"].failed == why


async def test_an_agent_that_speaks_no_protobuf_is_told_to_be_old(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        served.kinds["host-2", "/stats"] = "application/json"
        served.raw["host-2", "/stats"] = b'{"instances": []}'
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: "host-2" in store.hosts and store.hosts["host-2"].failed, "a failure")
            assert "older than this console" in store.hosts["host-2"].failed


async def test_the_picture_is_asked_for_again_only_when_it_has_changed(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("h2o_console.feed.poller._PICTURE_S", 0.2)
    monkeypatch.setattr("h2o_console.feed.poller._HOSTS_S", 0.1)
    with FleetServer(fleet) as served:
        async with polling(served) as (store, poller):
            poller.look_at(fleet.hosts)
            await holds(lambda: store.fleet(monotonic_s()).answering == 3, "all three")
            await holds(lambda: served.asked.count(("host-1", "/instances?fleet=1", 200)) >= 2, "since it is known")
            await asyncio.sleep(0.3)
            served.asked.clear()
            await holds(lambda: served.asked.count(("host-1", "/hosts", 200)) >= 6, "hosts are asked for all the while")
            assert ("host-1", "/instances?fleet=1", 200) not in served.asked
            fleet.picture_version += 1
            await holds(lambda: ("host-1", "/instances?fleet=1", 200) in served.asked, "another version")


async def test_the_feed_in_its_thread_fills_the_store_and_stops(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        store = Store()
        feed = FeedThread(Poller(store, f"http://{served.address('host-1')}"))
        feed.start()
        feed.look_at(fleet.hosts)
        ticking = asyncio.create_task(_let_time_pass(served))
        await holds(lambda: (view := view_of(store)) and (view.rps or 0) > 120, "three hosts' requests")
        ticking.cancel()
        feed.stop()
        feed.stop()
        assert feed.error is None
        assert NAME not in {thread.name for thread in threading.enumerate()}


async def test_what_breaks_the_feed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_poller: Poller) -> None:
        msg = "broken"
        raise RuntimeError(msg)

    monkeypatch.setattr(Poller, "_turn", broken)
    feed = FeedThread(Poller(Store(), "unix:/nowhere"))
    feed.start()
    await holds(lambda: isinstance(feed.error, RuntimeError), "the error")
    feed.stop()


async def test_a_feed_that_is_stopped_at_once_stops() -> None:
    feed = FeedThread(Poller(Store(), "unix:/nowhere"))
    feed.start()
    feed.stop()
    assert feed.error is None


async def test_stale_rows_come_out_of_the_real_thing(fleet: FakeFleet) -> None:
    with FleetServer(fleet) as served:
        async with polling(served) as (store, poller):
            board = package_board(store, lambda: NOBODY, set)
            store.look_at((PACKAGE,))
            poller.look_at(fleet.hosts)
            await holds(lambda: board.update(monotonic_s()) and (board.rows[PACKAGE].rps or 0) > 120, "a full row")
            for host in fleet.hosts:
                served.stop(host)

            def stale() -> bool:
                board.update(monotonic_s(), (PACKAGE,))
                return board.rows[PACKAGE].glyph is Glyph.UNKNOWN and board.rows[PACKAGE].rps is None

            await holds(stale, "a stale row")
            row = board.rows[PACKAGE]
            assert (row.p95_ms, row.requests) == (None, 0)
            assert row.reasons[0].glyph is Glyph.UNKNOWN
            assert "connection refused" in row.reasons[0].text
