"""The past of packages and hosts: each host counted once, what is missing is unknown or named; and the lines drawn."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.histories import NoHistory
from h2o_console.rows.change_marks import Change, Changes
from h2o_console.rows.past import HOUR, SPANS, Past
from h2o_console.rows.past_graphs import OF_HOSTS, Picture, Scales, graph_lines
from h2o_console.tui.asking import MOST_HOSTS, PastReader
from h2o_core.errors import Code
from h2o_core.pb.host_pb2 import History, Point, Series, Vitals
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch
from tests.console.traffic_fleet import NOW_S, history

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.tui.session import Session

T = TypeVar("T")
GEO = "service/geo"


def series(*points: Point, version: str = "1.0", package: str = GEO, kind: str = "package") -> Series:
    return Series(kind=kind, package=f"/{package}", version=version, points=points)


def answer(host: str, *listed: Series, resolution_s: int = 10) -> bytes:
    return History(host=host, resolution_s=resolution_s, series=listed).SerializeToString()


def point(at: int, count: int = 100, failed: int = 0, covered_s: float = 10.0, slot_s: int = 10) -> Point:
    counts = {Code.OK: count - failed, Code.INTERNAL: failed}
    return Point(
        t_s=at * slot_s,
        covered_s=covered_s,
        outcomes=[OutcomeCount(code=code, count=many) for code, many in counts.items()],
        processing=Sketch(index=[800], count=[count]),
    )


def test_hosts_are_added_up_slot_by_slot() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(10), point(11, failed=50))))
    past.put("b", answer("b", series(point(11))))
    known = past.versions["1.0"]
    assert known.rps == {10: 10.0, 11: 20.0}
    assert known.err_pct == {10: 0.0, 11: 25.0}
    assert known.p95_ms[10] == pytest.approx(2 ** (800.5 / 32) / 1e6)


def test_what_comes_again_is_counted_once() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(10), point(11))))
    past.put("a", answer("a", series(point(11), point(12))))
    assert past.versions["1.0"].rps == {10: 10.0, 11: 10.0, 12: 10.0}
    assert past.since_s("a") == 130.0
    assert past.since_s("b") == 0.0


def test_a_rate_is_by_the_time_that_is_covered() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(10, covered_s=4.0), point(11, covered_s=0.0))))
    assert past.versions["1.0"].rps == {10: 25.0, 11: 10.0}


def test_other_packages_and_kinds_are_no_part_of_it() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(10), package="service/payment"), series(point(10), kind="host")))
    assert past.versions == {}
    assert past.answered == {"a"}


def test_a_host_is_all_that_runs_there_and_its_processor() -> None:
    past = Past()
    vitals = Series(kind="host", points=[Point(t_s=100, vitals=Vitals(cpu_pct=42.0)), Point(t_s=110)])
    past.put("a", answer("a", series(point(10)), series(point(10), package="service/payment"), vitals))
    assert past.versions[""].rps == {10: 20.0}
    assert past.versions[""].cpu_pct[10] == 42.0


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\xff", "no history"),
        (answer("b", series(point(10))), "answered by b"),
        (answer("", series(point(10))), "nobody who has a name"),
        (answer("a", series(point(10)), resolution_s=60), "points of 60 s, not of 10 s"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, why: str) -> None:
    past = Past(GEO)
    with pytest.raises(NoHistory, match=why):
        past.put("a", body)
    assert past.versions == {}
    assert past.answered == set()


def test_who_does_not_answer_is_named_until_it_does() -> None:
    past = Past(GEO)
    past.fail("a", "refused")
    assert past.missing == {"a": "refused"}
    past.put("a", answer("a", series(point(10))))
    assert past.missing == {}


def test_only_the_span_is_kept() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(10), version="old")))
    past.put("a", answer("a", series(point(1000))))
    assert list(past.versions) == ["1.0"]


def test_the_window_ends_where_all_hosts_have_told_but_for_those_that_are_late() -> None:
    past = Past(GEO)
    past.put("a", answer("a", series(point(100))))
    past.put("b", answer("b", series(point(99))))
    assert past.newest == 99, "a sum over some of the hosts looks like a drop"
    past.put("a", answer("a", series(point(110))))
    assert past.newest == 110


def drawn(past: Past, width: int, **more: Any) -> list[str]:
    lines = graph_lines(past, ("2.4.0",), Picture(width, NOW_S, Scales(), **more))
    return ["".join(cell.text for cell in line.cells) for line in lines]


def customer() -> Past:
    past = Past("api/customer")
    past.put("a", history("a"))
    return past


@pytest.mark.parametrize("width", [160, 100, 89, 60, 40, 39, 30, 12])
def test_graphs_fit_their_width(width: int) -> None:
    changes = Changes((Change(NOW_S - 600, "ada", "2.3.9 100% → 90%", "c1"),))
    for ascii_only in (False, True):
        lines = drawn(customer(), width, ascii_only=ascii_only, changes=changes)
        assert max(map(len, lines)) <= max(width, 20)
        assert "".join(lines).replace("…", "").replace("→", "").isascii() or not ascii_only


def test_graphs_of_a_host_stand_two_by_two_where_four_have_no_room() -> None:
    past = Past()
    past.put("a", history("a"))
    for width, heads in ((160, [4]), (100, [2, 2]), (50, [1, 1, 1, 1])):
        lines = graph_lines(past, (), Picture(width, NOW_S, Scales()), OF_HOSTS)
        shown = [line for line in lines if line.key.startswith("graph:") and line.key.count(":") == 2]
        assert [len(line.cells) for line in shown] == heads


def test_all_versions_are_on_one_scale_that_is_kept() -> None:
    scales = Scales({"req/s": 1000.0})
    lines = list(graph_lines(customer(), (), Picture(160, NOW_S, scales)))
    assert scales.tops["req/s"] == 70.0
    labels = [line.cells[0].text.strip() for line in lines if line.key.startswith("graph:") and line.key.endswith(":0")]
    assert labels == ["70", "70"]


def test_nothing_yet_is_a_sentence() -> None:
    past = Past("api/customer")
    assert drawn(past, 100)[-1].strip() == "asking its hosts…"
    past.fail("a", "connection refused")
    assert drawn(past, 100)[-1].strip() == "no host tells its history: connection refused"
    decided = Changes((Change(NOW_S - 60, "ada", "drains host-1", "c"),))
    assert drawn(past, 100, changes=decided)[-1].strip() == "1 02:39:00 ada: drains host-1", "what was decided is known"
    past.put("a", answer("a"))
    assert drawn(past, 100)[-1].strip() == "nothing has been counted yet"


@dataclass
class Asks:
    """As much of a session as the reader needs; answers come when they are given."""

    now_s: float = 1000.0
    waiting: dict[str, tuple[str, Callable[[bytes], Any], Future[Any]]] = field(
        default_factory=dict[str, "tuple[str, Callable[[bytes], Any], Future[Any]]"]
    )
    asked: list[str] = field(default_factory=list[str])

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        future: Future[T] = Future()
        self.asked.append(host)
        self.waiting[host] = path, take, future
        return future

    def clock(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return NOW_S + self.now_s - 1000.0

    def give(self, host: str, body: bytes) -> None:
        _, take, future = self.waiting.pop(host)
        try:
            future.set_result(take(body))
        except NoHistory as error:
            future.set_exception(error)

    def refuse(self, host: str) -> None:
        self.waiting.pop(host)[2].set_exception(OutOfReach("connection refused"))


def reader_of(asks: Asks) -> PastReader:
    return PastReader(cast("Session", asks), "api/customer")


def test_hosts_beyond_those_that_are_asked_are_named() -> None:
    asks = Asks()
    reader = reader_of(asks)
    hosts = [f"host-{at:03}" for at in range(MOST_HOSTS + 3)]
    reader.update(hosts, asks.now_s)
    assert asks.asked == hosts[:MOST_HOSTS]
    with reader.read() as past:
        assert set(past.missing) == set(hosts[MOST_HOSTS:])
    changed = reader.changed
    reader.update(hosts, asks.now_s + 0.25)
    assert reader.changed == changed, "said once"


def test_the_first_picture_waits_for_all_hosts_and_not_for_long() -> None:
    asks = Asks()
    reader = reader_of(asks)
    reader.update(("a", "b"), asks.now_s)
    assert reader.waits
    asks.give("a", history("a"))
    reader.update(("a", "b"), asks.now_s)
    assert reader.waits, "half of the hosts look like the whole"
    asks.now_s += 1.3
    assert not reader.waits
    reader.update(("a", "b"), asks.now_s)
    with reader.read() as past:
        assert past.missing == {"b": "it has not answered yet"}
    asks.give("b", history("b"))
    reader.update(("a", "b"), asks.now_s)
    assert not reader.waits
    with reader.read() as past:
        assert past.answered == {"a", "b"}
        assert past.missing == {}


def test_an_answer_that_is_none_is_told_and_asked_for_again() -> None:
    asks = Asks()
    reader = reader_of(asks)
    reader.update(("a", "b"), asks.now_s)
    asks.give("a", b"\xff")
    asks.refuse("b")
    reader.update(("a", "b"), asks.now_s)
    assert not reader.waits
    with reader.read() as past:
        assert past.missing["a"].startswith("what it answers is no history")
        assert past.missing["b"] == "connection refused"
    asks.now_s += 10.0
    reader.update(("a", "b"), asks.now_s)
    assert asks.asked == ["a", "b", "a", "b"]


def test_each_slot_is_asked_for_when_it_is_over() -> None:
    asks = Asks()
    reader = reader_of(asks)
    for _ in range(120):
        reader.update(("a",), asks.now_s)
        if "a" in asks.waiting:
            asks.give("a", history("a", now_s=asks.wall()))
        asks.now_s += 0.25
    assert len(asks.asked) == 4, "at once, and 2 s after the ends of three slots"


def test_spans_ask_for_what_agents_keep() -> None:
    assert SPANS["1h"] is HOUR
    for span in SPANS.values():
        assert span.slots * span.slot_s == {"1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800}[span.name]
        assert span.slot_s == 10 or span.slot_s % 60 == 0
