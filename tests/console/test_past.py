"""A package's last hour: each host counted once, what is missing is unknown or named; and the lines drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from h2o_console.rows.package_graphs import Picture, graph_lines
from h2o_console.rows.past import SLOT_S, Past
from h2o_console.tui.asking import MOST_HOSTS, PastReader
from h2o_core.times import rfc3339
from tests.console.traffic_fleet import NOW_S, history

if TYPE_CHECKING:
    from h2o_console.tui.session import Session

NEWEST = int(NOW_S // SLOT_S) - 1


def document(*points: dict[str, Any], version: str = "1.0", package: str = "service/geo") -> dict[str, Any]:
    return {"series": [{"kind": "package", "package": package, "version": version, "points": list(points)}]}


def point(at: int, count: int = 100, failed: int = 0, covered_s: float = 10.0) -> dict[str, Any]:
    return {
        "t": rfc3339(at * SLOT_S),
        "covered_s": covered_s,
        "outcomes": {"OK": count - failed, "INTERNAL": failed},
        "sketch": {"index": [800], "count": [count], "zero": 0, "sum": 0},
    }


def test_hosts_are_added_up_slot_by_slot() -> None:
    past = Past("service/geo")
    past.put("a", document(point(10), point(11, failed=50)))
    past.put("b", document(point(11)))
    series = past.versions["1.0"]
    assert series.rps == {10: 10.0, 11: 20.0}
    assert series.err_pct == {10: 0.0, 11: 25.0}
    assert series.p95_ms[10] == pytest.approx(2 ** (800.5 / 32) / 1e6)


def test_what_comes_again_is_counted_once() -> None:
    past = Past("service/geo")
    past.put("a", document(point(10), point(11)))
    past.put("a", document(point(11), point(12)))
    assert past.versions["1.0"].rps == {10: 10.0, 11: 10.0, 12: 10.0}
    assert past.since_s("a") == 130.0
    assert past.since_s("b") == 0.0


def test_a_rate_is_by_the_time_that_is_covered() -> None:
    past = Past("service/geo")
    past.put("a", document(point(10, covered_s=4.0), point(11, covered_s=0.0)))
    assert past.versions["1.0"].rps == {10: 25.0, 11: 10.0}


def test_other_packages_and_kinds_are_no_part_of_it() -> None:
    past = Past("service/geo")
    past.put("a", document(point(10), package="service/payment"))
    past.put("a", {"series": [{"kind": "host", "package": "", "version": "", "points": [point(10)]}]})
    assert past.versions == {}
    assert past.answered == {"a"}


def test_who_does_not_answer_is_named_until_it_does() -> None:
    past = Past("service/geo")
    past.fail("a", "refused")
    assert past.missing == {"a": "refused"}
    past.put("a", document(point(10)))
    assert past.missing == {}


def test_only_an_hour_is_kept() -> None:
    past = Past("service/geo")
    past.put("a", document(point(10), version="old"))
    past.put("a", document(point(1000)))
    assert list(past.versions) == ["1.0"]


def drawn(past: Past, width: int, **more: Any) -> list[str]:
    scales: dict[str, float] = {}
    lines = graph_lines(past, ("2.4.0",), Picture(width, NOW_S, scales, **more))
    return ["".join(cell.text for cell in line.cells) for line in lines]


@pytest.mark.parametrize("width", [160, 100, 89, 60, 40, 39, 30, 12])
def test_graphs_fit_their_width(width: int) -> None:
    past = Past("api/customer")
    past.put("a", history("a"))
    for ascii_only in (False, True):
        lines = drawn(past, width, ascii_only=ascii_only)
        assert max(map(len, lines)) <= max(width, 20)
        assert "".join(lines).replace("…", "").isascii() or not ascii_only


def test_all_versions_are_on_one_scale_that_is_kept() -> None:
    past = Past("api/customer")
    past.put("a", history("a"))
    scales = {"req/s": 1000.0}
    lines = list(graph_lines(past, (), Picture(160, NOW_S, scales)))
    assert scales["req/s"] == 70.0
    labels = [line.cells[0].text.strip() for line in lines if line.key.endswith(":0")]
    assert labels == ["70", "70"]


def test_nothing_yet_is_a_sentence() -> None:
    past = Past("api/customer")
    assert drawn(past, 100)[-1].strip() == "asking its hosts…"
    past.fail("a", "connection refused")
    assert drawn(past, 100)[-1].strip() == "no host tells its history: connection refused"
    past.put("a", {"series": []})
    assert drawn(past, 100)[-1].strip() == "its hosts have counted nothing yet"


def test_hosts_beyond_those_that_are_asked_are_named() -> None:
    asked: list[str] = []

    class Asks:
        """As much of a session as the reader needs."""

        def ask(self, host: str, _path: str) -> None:
            asked.append(host)

        def wall(self) -> float:
            return 1e9

    reader = PastReader(cast("Session", Asks()), "service/customer")
    hosts = [f"host-{at:03}" for at in range(MOST_HOSTS + 3)]
    reader.update(hosts, 0.0)
    assert asked == hosts[:MOST_HOSTS]
    assert set(reader.past.missing) == set(hosts[MOST_HOSTS:])
    changed = reader.past.changed
    reader.update(hosts, 0.25)
    assert reader.past.changed == changed, "said once"
