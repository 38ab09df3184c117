"""What agents remember, as events of a timeline, and as a table to paste."""

from __future__ import annotations

from h2o_console.cli.past import Stretch, events_page, to_markdown
from h2o_console.commands.happened import Event, Kind, events_of
from h2o_core.errors import Code
from h2o_core.pb.host_pb2 import History, Point, Series
from h2o_core.pb.stats_pb2 import OutcomeCount

ECHO = "/service/echo"


def point(t_s: float, instances: int = 1, **outcomes: int) -> Point:
    counts = [OutcomeCount(code=Code[code], count=many) for code, many in outcomes.items()]
    return Point(t_s=t_s, covered_s=10, instances=instances, outcomes=counts)


def history(*points: Point, kind: str = "package") -> History:
    series = Series(kind=kind, package=ECHO if kind == "package" else "", version="1.0.0", points=points)
    return History(resolution_s=10, as_of_s=100, series=[series])


def told(*histories: History, since_s: float = 0, until_s: float = 1000) -> list[tuple[float, Kind, str, str]]:
    by_host = {f"host-{at}": one for at, one in enumerate(histories, 1)}
    return [(one.at_s, one.kind, one.subject, one.what) for one in events_of(by_host, since_s, until_s)]


def test_instances_that_came_and_went():
    found = told(history(point(0, 2), point(10, 2), point(20, 1), point(30, 3)))
    assert found == [
        (20, Kind.INSTANCES, "service/echo 1.0.0", "2 → 1 ready on host-1"),
        (30, Kind.INSTANCES, "service/echo 1.0.0", "1 → 3 ready on host-1"),
    ]


def test_what_lies_outside_is_not_told():
    assert told(history(point(0, 2), point(10, 1), point(20, 1)), since_s=10) == []
    assert told(history(point(0, 2), point(10, 1)), until_s=5) == []


def test_errors_of_all_hosts_are_one_peak():
    well, bad = point(0, OK=100), point(10, OK=30, TIMEOUT=15, INTERNAL=5)
    found = events_of({"a": history(well, bad), "b": history(point(10, OK=50), point(20, OK=10, INTERNAL=30))}, 0, 99)
    (peak,) = [one for one in found if one.kind is Kind.ERRORS]
    assert (peak.at_s, peak.until_s, peak.subject) == (10, 30, "service/echo 1.0.0")
    assert peak.what == "50 of 140 requests failed, up to 75% in 10 s"


def test_peaks_with_quiet_between_are_two():
    bad = [point(t_s, INTERNAL=100) for t_s in (0, 10, 30, 100)]
    found = [at_s for at_s, kind, _, _ in told(history(*bad)) if kind is Kind.ERRORS]
    assert found == [0, 100]


def test_few_requests_and_declared_errors_are_no_peak():
    assert told(history(point(0, INTERNAL=19), point(10, APPLICATION=100), point(20, OK=96, TIMEOUT=4))) == []


def test_a_host_that_counted_nothing_for_a_while():
    points = [Point(t_s=t_s, covered_s=10) for t_s in (0, 10, 60, 70)]
    assert told(history(*points, kind="host")) == [(20, Kind.GAP, "host-1", "nothing was counted for 40 s")]


def test_the_page_and_its_markdown():
    events = [
        Event(10, Kind.CHANGE, "3f8a91c2", "weights | of `x` <b>[a](b)</b>\x1b[31m", "ada@desk"),
        Event(20, Kind.ERRORS, "service/echo 1.0.0", "50 of 140 failed", until_s=40),
    ]
    page = events_page("demo", events, Stretch(0, 60), {"host-2": "away"})
    assert page.document["events"][1]["until"] == "1970-01-01T00:00:40.000Z"
    assert page.exit_code == 5
    text = to_markdown("demo", [tuple(row) for row in page.rows])
    assert text.splitlines()[:4] == [
        "Timeline of demo",
        "",
        "| TIME UTC | LASTED | KIND | SUBJECT | BY | WHAT |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    assert r"weights \| of \`x\` \<b\>\[a\](b)\</b\>" in text
    assert "| 00:00:20 | 20 s | errors | service/echo 1.0.0 |  | 50 of 140 failed |" in text
    assert "\x1b" not in text
