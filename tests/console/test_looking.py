"""The console's looks: its store as a picture, what is found in it, how often, and never wrong for having read late."""

from __future__ import annotations

from dataclasses import dataclass, field

from h2o_console.feed.agents import parse_document
from h2o_console.feed.control import parse_control
from h2o_console.feed.looking import OFTEN_S, SELDOM_S
from h2o_console.rows.places import Kind as PlaceKind, Place
from h2o_console.rows.told import Told
from h2o_console.store.assembled import Parts, picture_of
from h2o_console.store.epochs import Epochs
from h2o_console.store.past import Past
from h2o_core.histogram import Histogram
from h2o_core.insights.counts import Counts, together
from h2o_core.insights.finding import Kind
from h2o_core.insights.picture import Picture
from h2o_core.insights.sums import Sums
from h2o_core.pb.host_pb2 import ChildReport
from tests.console.looks import Looks
from tests.console.test_store import PACKAGE, Fed

UNIX_S = 1_770_000_000.0


@dataclass
class Looking:
    """A fed store that is looked at by hand."""

    fed: Fed
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        self.looks = Looks(self.fed.store, lambda: self.fed.now_s, lambda: UNIX_S + self.fed.now_s)

    def look(self) -> list[tuple[Kind, str]]:
        """Causes and symptoms, with whom they are about."""
        self.looks.look()
        insight = self.fed.store.insight
        assert insight is not None
        return [(one.kind, str(one.subject)) for group in insight.news.groups for one in (group.cause, *group.symptoms)]

    def run(self, seconds: int, every_s: int = 2) -> list[tuple[Kind, str]]:
        """What is found after so long, looked for all the time."""
        found: list[tuple[Kind, str]] = []
        for _ in range(0, seconds, every_s):
            self.fed.run(every_s)
            found = self.look()
        return found


def looking(hosts: int = 3) -> Looking:
    fed = Fed(hosts)
    for host in fed.fleet.hosts:
        fed.fleet.run(PACKAGE, "1.0.0", host, features=("retrieve",), per_s=40.0)
    fed.fleet.advance(500)
    fed.picture()
    fed.read()
    return Looking(fed)


def test_all_is_well() -> None:
    scene = looking()
    assert scene.run(20) == []
    insight = scene.fed.store.insight
    assert insight is not None
    assert (insight.hosts, insight.looked_s, insight.at_s) == (3, scene.fed.now_s, UNIX_S + scene.fed.now_s)


def test_a_version_that_fails_is_the_cause_and_told_to_package_and_nobody_else() -> None:
    scene = looking()
    scene.fed.fleet.run(PACKAGE, "1.1.0", "host-1", features=("retrieve",), per_s=40.0, fails=0.2)
    scene.fed.picture()
    found = scene.run(14)
    assert found[0] == (Kind.VERSION, f"{PACKAGE} 1.1.0")
    told = Told(scene.fed.store.insight)
    causes = [one for one in told.of(Place(PlaceKind.PACKAGE, PACKAGE)) if one.is_cause]
    assert [one.finding.kind for one in causes] == [Kind.VERSION]
    assert causes[0].finding.action is not None
    assert causes[0].finding.action.intent is not None
    assert causes[0].standing is not None
    assert told.of(Place(PlaceKind.HOST, "host-2")) == ()


def test_what_an_instance_failed_still_counts_after_it_is_gone() -> None:
    scene = looking()
    broken = scene.fed.fleet.run(PACKAGE, "1.1.0", "host-1", features=("retrieve",), per_s=40.0, fails=0.2)
    scene.fed.picture()
    scene.run(14)
    scene.fed.fleet.stop(broken)
    scene.fed.picture()
    assert (Kind.VERSION, f"{PACKAGE} 1.1.0") in scene.run(10)
    assert scene.run(90) == []


def test_a_host_that_does_not_answer_is_silent_and_one_that_was_not_asked_is_not() -> None:
    scene = looking()
    scene.run(6)
    scene.fed.store.expect("host-3", 5.0)
    scene.fed.run(12, "host-1", "host-2")
    assert scene.look() == [], "nobody has asked host-3, so nothing is known against it"
    scene.fed.store.put_failure("host-3", "no answer in 2 s")
    assert scene.look() == [(Kind.SILENT, "host-3")]


def test_a_version_is_added_up_of_who_speaks() -> None:
    scene = looking()
    scene.run(20)
    assert _told(scene) == ({"host-1", "host-2", "host-3"}, True), "all speak: the fleet's own sum is that"
    scene.fed.run(14, "host-1", "host-2")
    scene.fed.store.put_failure("host-3", "no answer in 2 s")
    assert _told(scene) == ({"host-1", "host-2"}, False)


def _told(scene: Looking) -> tuple[set[str], bool]:
    """Whose rows there are, and whether the version was added up already; it is the sum of the hosts that speak."""
    picture = _picture(scene)
    key = f"/{PACKAGE}", "1.0.0"
    whole, spoken = Sums(picture).versions[key], together(one.now for one in picture.served if one.host)
    assert (whole.outcomes, whole.times.lists()) == (spoken.outcomes, spoken.times.lists())
    assert whole.requests > 0
    return {one.host for one in picture.served}, key in picture.sums


def _picture(scene: Looking) -> Picture:
    store, now_s = scene.fed.store, scene.fed.now_s
    hosts = [part for name in store.host_names() if (part := store.host_part(name, now_s)) is not None]
    packages = [part for name in store.names() if (part := store.package_part(name, now_s)) is not None]
    return picture_of(Parts(hosts, packages, store.call_parts(now_s), None), Past(), UNIX_S, now_s)


def test_calls_are_told_by_host_where_they_fail_and_the_rest_is_what_is_left_of_all() -> None:
    scene = looking()
    scene.fed.store.thrifty = True
    for _ in range(8):
        for host, failed in (("host-1", 0), ("host-2", 3), ("host-3", 0)):
            scene.fed.fleet.called(host, "/api/web", f"/{PACKAGE}/retrieve", "OK", 10)
            scene.fed.fleet.called(host, "/api/web", f"/{PACKAGE}/retrieve", "INTERNAL", failed)
        scene.fed.run(1)
    picture = _picture(scene)
    counted = {one.host: dict(one.now.outcomes) for one in picture.calls}
    assert counted == {"host-2": {"OK": 80, "INTERNAL": 24}, "": {"OK": 160}}
    assert picture.sums[picture.calls[0].key].outcomes == {"OK": 240, "INTERNAL": 24}


def test_an_instance_that_comes_or_goes_is_no_drift() -> None:
    scene = looking()
    scene.run(10)
    gone = next(one for one in scene.fed.fleet.instances.values() if one.host == "host-2")
    scene.fed.fleet.stop(gone)
    assert scene.run(10) == [], "it is still listed"
    scene.fed.fleet.run(PACKAGE, "1.0.0", "host-2", features=("retrieve",), per_s=40.0)
    scene.fed.picture()
    assert scene.run(10) == []


def test_an_instance_that_its_host_never_names_is_drift() -> None:
    scene = looking()
    scene.run(10)
    scene.fed.fleet.run(PACKAGE, "1.0.0", "host-2", features=("retrieve",), per_s=40.0)
    scene.fed.picture()
    scene.fed.fleet.stop(list(scene.fed.fleet.instances.values())[-1])
    assert [kind for kind, _ in scene.run(10)] == [Kind.DRIFT]


def test_a_process_that_crashes_again_and_again() -> None:
    scene = looking()
    scene.fed.fleet.children["host-1"] = [
        ChildReport(key="service.customer-1", package=f"/{PACKAGE}", state="backoff", failures=7, crash_loops=True)
    ]
    assert scene.run(4) == [(Kind.CRASHES, f"{PACKAGE} on host-1")]


def test_looks_are_as_rare_as_they_are_dear() -> None:
    scene = looking()
    scene.look()
    assert scene.looks.looker.every_s == OFTEN_S
    scene.looks.looker._cost_s = 0.1
    assert scene.looks.looker.every_s == 5.0
    scene.looks.looker._cost_s = 3.0
    assert scene.looks.looker.every_s == SELDOM_S


# what was before


def counts(ok: int, failed: int = 0) -> Counts:
    times = Histogram()
    for _ in range(ok + failed):
        times.record(5_000_000)
    return Counts({"OK": ok, "INTERNAL": failed}, times, 60.0)


def test_the_past_is_what_was_counted_three_to_fifteen_minutes_ago() -> None:
    past, version = Past(), ("/service/a", "1.0")
    for minute in range(31):
        past.sample([(version, counts(100 + minute))], {"/service/a": 3}, minute * 60.0)
    before = past.before(30 * 60.0)[version]
    assert before.span_s == 11 * 60.0
    assert before.requests == sum(100 + minute for minute in range(17, 28)), "minute n is what was read at its end"


def test_of_a_past_that_nobody_has_seen_nothing_is_said() -> None:
    past = Past()
    past.sample([(("/service/a", "1.0"), counts(5))], {"/service/a": 3}, 1000.0)
    assert past.before(1000.0) == {}
    assert past.peaks() == {"/service/a": 3}


def test_peaks_are_forgotten_after_a_quarter_of_an_hour() -> None:
    past = Past()
    for minute in range(31):
        past.sample([], {"/service/a": 5 if minute < 10 else 2}, minute * 60.0)
    assert past.peaks() == {"/service/a": 2}


# who is behind


def test_a_host_that_was_read_before_a_change_is_not_behind_it() -> None:
    epochs = Epochs()
    epochs.saw(40, 100.0)
    epochs.saw(41, 200.0)
    assert epochs.behind_s(41, 210.0) is None
    assert epochs.behind_s(40, 199.0) is None
    assert epochs.behind_s(40, 204.0) == 4.0
    epochs.saw(42, 202.0)
    assert epochs.behind_s(40, 204.0) == 4.0, "since the first change that it lacks"
    assert epochs.behind_s(41, 204.0) == 2.0


# what is decided


def test_control_as_an_agent_tells_it() -> None:
    document = (
        b'{"epoch": 41, "documents": {"control/hosts/host-9": "no json", "control/fleet": "\\ud800", "x": 7},'
        b' "unreadable": ["one", 2], "entries": [7, {"path": "audit/2026-11-28/41"}], "age_s": 1e999}'
    )
    seen = parse_control(parse_document(document), 5.0)
    assert seen is not None
    assert (seen.epoch, seen.traffic, seen.hosts, seen.entries, seen.read_s) == (41, {}, {}, (), 5.0)
    assert len(seen.unreadable) == 4
    assert parse_control({"epoch": "x"}, 5.0) is None
