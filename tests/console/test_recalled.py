"""A console that is opened in the middle of an incident finds what one that has watched all the time has found."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from h2o_agent.history.rings import Frame
from h2o_agent.history.tally import Tally
from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.clocks import monotonic_s
from h2o_console.feed.heard import Heard, Kind as HeardKind
from h2o_console.feed.histories import Remembered
from h2o_console.feed.intake import Intake
from h2o_console.feed.recalling import Recall
from h2o_console.recording.playing import Playing
from h2o_console.recording.tape import load
from h2o_console.store.fleet import Store
from h2o_console.store.past import BEFORE_S, MINUTE_S, PAST_S, Past
from h2o_console.store.recalled import SLOT_S
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.finding import Kind
from h2o_core.insights.picture import Instance
from tests.console.fake_fleet import FakeFleet, FleetServer, example
from tests.console.looks import Looks
from tests.console.remembering import Memories, answer
from tests.console.test_recording import Film
from tests.console.test_store import PACKAGE, Fed, holds, polling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from h2o_core.insights.counts import Counts

MINUTES = 20
NOW_S = 30 * SLOT_S
"""On the store's clock; slots end on the hosts' clocks, which are some minutes off."""
GEO = "/service/geo"


def instances(*hosts: str, package: str = GEO) -> list[Instance]:
    return [Instance(f"{host}-1", package, "1.0", host, "ready") for host in hosts]


def plain(before: Mapping[tuple[str, str], Counts]) -> dict[tuple[str, str], tuple[object, ...]]:
    return {
        version: (counts.outcomes, counts.times.lists(), counts.times.zero, counts.times.sum_ns, counts.span_s)
        for version, counts in before.items()
    }


# what was told is what was watched

COUNTS = st.tuples(st.integers(0, 50), st.integers(0, 9), st.lists(st.integers(0, 1 << 34), max_size=4))
"""OK, failed, times of one version on one host in a minute."""
VERSIONS = (("/service/geo", "1.0"), ("/service/geo", "1.1"), ("/service/mail", "3.0"))


@given(
    st.lists(st.tuples(*[COUNTS] * 6), min_size=MINUTES, max_size=MINUTES),
    st.integers(0, 3),
    st.integers(0, 600),
    st.lists(st.floats(0, 0.9), min_size=2, max_size=2),
)
def test_what_two_hosts_remember_is_what_was_watched_of_them(
    minutes: list[tuple[tuple[int, int, list[int]], ...]], phase: int, later_s: int, delays_s: list[float]
) -> None:
    """*phase*: how many minutes after a slot's end the console is opened; *later_s*: when it is asked, after that."""
    opened_s = NOW_S + phase * MINUTE_S
    began = int(opened_s // MINUTE_S) - MINUTES
    frames: dict[str, list[Frame]] = {"a": [], "b": []}
    watched = Past()
    now_s = opened_s + later_s
    first, last = int((now_s - PAST_S) // MINUTE_S) + 1, int((now_s - BEFORE_S) // MINUTE_S) - 1
    for at, counted in enumerate(minutes):
        minute = began + at
        points: dict[str, dict[tuple[str, str, str], bytes]] = {"a": {}, "b": {}}
        slot = minute // 4
        whole = slot * 4 >= opened_s // MINUTE_S - 15 and slot * 4 + 4 <= opened_s // MINUTE_S
        for number, (ok, failed, took) in enumerate(counted):
            host, version = "ab"[number % 2], VERSIONS[number // 2]
            times = Histogram()
            for took_ns in took:
                times.record(took_ns)
            outcomes = {code: n for code, n in ((Code.OK, ok), (Code.INTERNAL, failed)) if n}
            tally = Tally(60.0, {code.value: n for code, n in outcomes.items()}, times, instances=1)
            points[host]["package", *version] = tally.point(minute * MINUTE_S).SerializeToString()
            if whole and first <= slot * 4 and slot * 4 + 3 <= last:
                watched.add(minute, version, {code.name: n for code, n in outcomes.items()}, times)
        for host, of in points.items():
            frames[host].append(Frame(minute * MINUTE_S, of))
    store = Store()
    for host, delay_s in zip("ab", delays_s, strict=True):
        body = answer(host, frames[host], opened_s + delay_s, opened_s - PAST_S)
        Intake(store).history(host, body, opened_s + delay_s)
    assert plain(store.past.before(now_s)) == plain(watched.before(now_s))


def test_hosts_whose_clocks_differ_tell_of_the_same_time() -> None:
    past = Past()
    for host, away_s in (("a", 0.0), ("b", 0.9), ("c", -30.0)):
        past.recall(host, [remembered(ago_s=300.0 - away_s, ready=2)], 5000.0)
    assert past.peaks() == {GEO: 6}
    assert past.reaches(5000.0)
    (counts,) = past.before(5000.0, instances("a", "b", "c")).values()
    assert counts.outcomes == {"OK": 300}


def remembered(ago_s: float, ready: int = 1, package: str = GEO) -> Remembered:
    times = Histogram()
    times.record(5_000_000)
    return Remembered(ago_s, package, "1.0", {"OK": 100}, times, ready)


def requests(before: Mapping[tuple[str, str], Counts]) -> int:
    return sum(counts.requests for counts in before.values())


def test_of_a_package_of_which_too_few_have_told_nothing_is_known() -> None:
    past, homes = Past(), instances("a", "b", "c", "d")
    for number, host in enumerate("abcd"):
        assert past.before(5000.0, homes) == {} if number < 3 else requests(past.before(5000.0, homes)) == 300
        past.recall(host, [remembered(300.0)], 5000.0)
    assert requests(past.before(5000.0, homes)) == 400
    elsewhere = instances("a", "b", "c", "d", "e", "f")
    past.recall("x", [], 5000.0)
    assert past.before(5000.0, elsewhere) == {}, "it has spread to hosts that told nothing"


def test_a_host_that_tells_again_is_not_counted_again() -> None:
    past = Past()
    for _ in range(3):
        past.recall("a", [remembered(300.0)], 5000.0)
    assert requests(past.before(5000.0, instances("a"))) == 100
    assert past.peaks() == {GEO: 1}


def test_what_was_told_grows_old_and_is_forgotten() -> None:
    past = Past()
    past.recall("a", [remembered(ago_s) for ago_s in (10.0, 250.0, 490.0)], 5000.0)
    found = [requests(past.before(now_s, instances("a"))) for now_s in (5000.0, 5300.0, 5600.0, 5900.0)]
    assert found == [200, 200, 100, 0]
    for now_s in (5300.0, 5400.0, 5880.0, 5960.0):
        past.sample([], {}, now_s)
    assert past.peaks() == {}


def test_how_far_it_reaches_is_known() -> None:
    past = Past()
    past.recall("a", [], 5000.0)
    assert not past.reaches(5000.0)
    for now_s in range(5000, 5300, 60):
        past.sample([], {}, float(now_s))
        assert past.reaches(float(now_s)) == (now_s >= 5240), "of a fleet that is idle, too"


# what is found with it


@dataclass
class Opened:
    """A fleet of which one console has seen everything, and another is opened in the middle."""

    fed: Fed
    memories: Memories = field(init=False)
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        self.memories = Memories(self.fed.fleet)
        self.looks = self._looks(self.fed.store)

    def _looks(self, store: Store) -> Looks:
        return Looks(store, lambda: self.fed.now_s, lambda: self.fed.fleet.now_s)

    def watch(self, seconds: int) -> None:
        for _ in range(0, seconds, 5):
            self.fed.fleet.advance(5.0)
            self.fed.now_s += 5.0
            self.fed.read()
            self.memories.hear()
            self.looks.look()

    def open(self, *, told: bool) -> Looks:
        """The other one; *told*: hosts are asked what they remember."""
        fed = Fed(0)
        fed.fleet, fed.now_s = self.fed.fleet, self.fed.now_s
        fed.picture()
        fed.read()
        intake = Intake(fed.store)
        for host in fed.fleet.hosts if told else ():
            intake.history(host, self.memories.answer(host), fed.now_s)
        return self._looks(fed.store)


def found(looks: Looks) -> set[tuple[Kind, str, str]]:
    looks.look()
    insight = looks.looker._store.insight
    assert insight is not None
    every = (one for group in insight.news.groups for one in (group.cause, *group.symptoms))
    return {(one.kind, str(one.subject), one.action.command if one.action else "") for one in every}


def slow(fleet: FakeFleet) -> None:
    for one in fleet.instances.values():
        one.takes_ms *= 4


def replaced(fleet: FakeFleet) -> None:
    before = list(fleet.instances.values())
    for one in before:
        fleet.run(PACKAGE, "2.0.0", one.host, features=("retrieve",), per_s=20.0, takes_ms=40.0, upper95_ms=500.0)
    for one in before:
        fleet.stop(one)


def left(fleet: FakeFleet) -> None:
    for one in list(fleet.instances.values())[1:]:
        fleet.stop(one)


def declining(fleet: FakeFleet) -> None:
    for one in fleet.instances.values():
        one.fails = 0.1


def nothing(fleet: FakeFleet) -> None:
    assert fleet.instances


@pytest.mark.parametrize(
    ("happens", "kinds", "blind"),
    [
        (slow, {Kind.SLOW}, set[Kind]()),
        (replaced, {Kind.SLOW, Kind.VERSION}, set[Kind]()),
        (left, {Kind.LAST_ONE}, set[Kind]()),
        (declining, {Kind.FAILING}, {Kind.FAILING}),
        (nothing, set[Kind](), set[Kind]()),
    ],
)
def test_it_finds_within_seconds_what_one_that_has_watched_has_found(
    happens: Callable[[FakeFleet], None], kinds: set[Kind], blind: set[Kind]
) -> None:
    """*blind*: what is found without a past."""
    fed = Fed(3)
    for host in fed.fleet.hosts:
        fed.fleet.run(PACKAGE, "1.0.0", host, features=("retrieve",), per_s=20.0, takes_ms=10.0, upper95_ms=500.0)
    fed.picture()
    scene = Opened(fed)
    scene.watch(600)
    happens(fed.fleet)
    fed.picture()
    scene.watch(120)
    told, untold = scene.open(told=True), scene.open(told=False)
    assert {kind for kind, *_ in found(told)} <= kinds, "nothing but what is known at once"
    found(untold)
    scene.watch(5)
    for looks in (told, untold):
        for host in fed.fleet.hosts:
            store = looks.looker._store
            Intake(store).stats(host, fed.fleet.stats(host).SerializeToString(), fed.now_s)
    watched = found(scene.looks)
    assert {kind for kind, *_ in watched} == kinds
    assert found(told) == watched
    assert {kind for kind, *_ in found(untold)} == blind


# asked over HTTP, once


async def test_hosts_are_asked_once_and_who_has_nothing_to_tell_holds_up_nobody() -> None:
    fed = Fed(0)
    fed.fleet = FakeFleet(4, now_s=time.time() - 1000)
    for host in fed.fleet.hosts:
        fed.fleet.run(PACKAGE, "1.0.0", host, features=("retrieve",), per_s=20.0)
    memories = Memories(fed.fleet)
    for _ in range(0, 1000, 5):
        fed.fleet.advance(5.0)
        memories.hear()
    with FleetServer(fed.fleet) as served:
        served.histories.update({host: memories.answer(host) for host in fed.fleet.hosts})
        served.histories["host-2"] = memories.answer("host-1")
        async with polling(served) as (store, poller):
            await holds(lambda: store.past.before(monotonic_s(), here(store)), "three of four have told")
            counts = store.past.before(monotonic_s(), here(store))[f"/{PACKAGE}", "1.0.0"]
            assert counts.requests == pytest.approx(3 * 20 * counts.span_s, rel=0.05)
            poller.look_at(fed.fleet.hosts)
            served.asked.clear()
            await holds(lambda: served.asked.count(("host-1", "/stats", 200)) >= 2, "asked for other things")
            assert not [path for _, path, _ in served.asked if path.startswith("/history")]


def here(store: Store) -> list[Instance]:
    """What runs."""
    parts = [store.host_part(host, monotonic_s()) for host in store.host_names()]
    return [one for part in parts if part is not None for one in part.instances]


async def test_no_more_hosts_are_asked_than_it_may_cost() -> None:
    spent = iter(range(1000))
    asked: list[str] = []

    async def ask(host: str, path: str) -> bytes:
        assert path == "/history?resolution=240s&kind=package&since=9100"
        asked.append(host)
        if host == "silent":
            msg = "no answer in 2 s"
            raise OutOfReach(msg)
        return answer(host, [], 10_000.0, 9100.0)

    store = Store()
    recall = Recall(ask, Intake(store), lambda: 1000.0, lambda: 10_000.0, lambda: next(spent) / 8)
    await recall.run(["silent", *(f"host-{number}" for number in range(50))])
    assert len(asked) == 1 + 6, "each takes an eighth of a second"


# recorded


def test_a_recording_has_what_was_told(tmp_path: Path) -> None:
    filmed = Film(example(3, 8))
    memories = Memories(filmed.fleet)
    for _ in range(0, 900, 10):
        filmed.fleet.advance(10.0)
        memories.hear()
    filmed.run(5)
    for host in filmed.fleet.hosts:
        filmed.hear(Heard(HeardKind.HISTORY, host, memories.answer(host)))
    told = filmed.fleet.now_s
    filmed.run(65)
    for first in (0, 2):  # from the beginning, and from a segment that begins later, alone
        store = Store()
        directory = tmp_path / str(first)
        directory.mkdir()
        filmed.segments[:first] = []
        playing = Playing(load(filmed.shelve(directory)), store)
        playing.seek(told + 60)
        live = Store()
        shift_s = playing.stage_s - playing.at_s
        for host in filmed.fleet.hosts:
            Intake(live).history(host, memories.answer(host), told + shift_s)
        assert plain(live.past.before(playing.stage_s)) == plain(store.past.before(playing.stage_s)) != {}
