"""The latency strip: rows that hold what was timed, shades that mean shares, one scale for all versions."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.change_marks import Change, Marked
from h2o_console.rows.graphs import Window
from h2o_console.rows.latency_strip import Scale, Timed, scale_of, strip, strip_cells, strip_lines
from h2o_console.rows.past import Series, Slot
from h2o_console.text import width as cells_of
from h2o_core.histogram import Histogram

WINDOW = Window(last=359)


def timed(**counts: int) -> Histogram:
    """``timed(ms20=3)``: three of 20 ms."""
    made = Histogram()
    for name, many in counts.items():
        for _ in range(many):
            made.record(int(float(name.removeprefix("ms").replace("_", ".")) * 1e6))
    return made


def series(*columns: Histogram | None, cells: int = 360) -> Timed:
    """A slot each, the last one the newest."""
    first = WINDOW.last - len(columns) + 1
    slots = {first + at: Slot(sketch=one) for at, one in enumerate(columns) if one is not None}
    return Timed.of(Series(slots), WINDOW, cells)


def test_a_scale_is_round_and_as_fine_as_it_has_rows() -> None:
    near, wide = timed(ms21=50, ms44=50), timed(ms2=50, ms900=50)
    assert Scale.over(near, 6).edges_ms == (30.0,)
    assert Scale.over(wide, 6).edges_ms == (3.0, 10.0, 30.0, 100.0, 300.0)
    assert Scale.over(wide, 3).edges_ms == (10.0, 100.0)
    assert Scale.over(timed(ms21=50, ms390=50), 4).edges_ms == (50.0, 100.0, 200.0), "fast ones share a row"
    assert Scale.over(timed(ms40=9), 6).edges_ms == (30.0,), "there are always two rows"


def test_rows_are_named_by_what_they_hold() -> None:
    scale = Scale((50.0, 100.0, 200.0))
    assert [scale.label(row) for row in range(scale.rows)] == ["<50", "50-100", "100-200", ">200"]
    assert [scale.row_of(ms) for ms in (0.0, 49.0, 50.0, 199.0, 5e9)] == [0, 0, 1, 2, 3]


def test_a_shade_is_a_share_of_its_column() -> None:
    scale = Scale((100.0,))
    columns = (timed(ms20=999, ms300=1), timed(ms20=97, ms300=3), timed(ms20=7, ms300=3), timed(ms20=4, ms300=6))
    drawn = strip(series(*columns).columns, scale)
    assert [row[-4:] for row in drawn] == ["░▒▓█", "███▓"]
    assert [row[-4:] for row in strip(series(*columns).columns, scale, ascii_only=True)] == [".:+#", "###+"]


def test_a_tenth_of_the_traffic_looks_the_same() -> None:
    scale = Scale((100.0,))
    much, little = timed(ms20=900, ms300=100), timed(ms20=9, ms300=1)
    assert strip(series(much).columns, scale) == strip(series(little).columns, scale)


def test_unknown_is_a_dot_and_an_idle_time_is_empty() -> None:
    slow, fast = strip(series(timed(ms20=1), Histogram(), None, timed(ms20=1)).columns, Scale((100.0,)))
    assert fast[-4:] == "█ ·█"
    assert slow.strip() == ""


def test_a_scale_is_kept_while_it_fits() -> None:
    known = {"1": series(timed(ms20=50, ms300=50))}
    first = scale_of(known.values(), 379, None)
    assert first is not None
    assert scale_of(known.values(), 100, first) == first
    assert scale_of([series(timed(ms2000=9))], 100, first) != first
    assert scale_of([series()], 100, first) is None


def test_versions_are_on_one_scale_and_say_their_percentiles() -> None:
    known = {"2": series(timed(ms20=50, ms300=50)), "1": series(timed(ms20=100)), "0": series()}
    scale = scale_of(known.values(), 379, None)
    assert scale is not None
    marked = (Marked(3, "1", (Change(WINDOW.until_s - 5, "ada", "x", "c"),)),)
    lines = [
        "".join(cell.text for cell in line.cells).rstrip() for line in strip_lines(known, WINDOW, 379, scale, marked)
    ]
    assert lines[1].startswith("LATENCY, ms: █ half and more")
    heads = [line for line in lines if "in this time" in line]
    assert heads == ["  2  p50 20, p95 302 in this time", "  1  p50 20, p95 20 in this time"], (
        "what has none is left out"
    )
    assert [line[:6].strip() for line in lines if "█" in line[10:] and "half" not in line] == ["p95", "p50", "p50/95"]
    assert lines[-2].endswith(" 1"), "its sign is where it is in time"


@given(
    st.lists(st.none() | st.dictionaries(st.integers(-512, 2047), st.integers(1, 1 << 52), max_size=5), max_size=8),
    st.integers(1, 200),
    st.integers(30, 200),
    st.booleans(),
)
def test_anything_fits(sketches: list[dict[int, int] | None], cells: int, width: int, ascii_only: bool) -> None:
    made: list[Histogram | None] = []
    for one in sketches:
        histogram = Histogram()
        histogram.buckets = one or {}
        made.append(None if one is None else histogram)
    known = {"1": series(*made, cells=strip_cells(width))}
    scale = scale_of(known.values(), width, None)
    if scale is None:
        return
    assert 2 <= scale.rows <= 6
    assert {len(row) for row in strip(series(*made, cells=cells).columns, scale)} == {cells}
    for line in strip_lines(known, WINDOW, width, scale, ascii_only=ascii_only):
        assert sum(cells_of(cell.text) for cell in line.cells) <= width


@pytest.mark.parametrize("rows", range(2, 7))
def test_what_spans_twenty_powers_of_ten_has_no_more_rows(rows: int) -> None:
    wide = Histogram()
    wide.buckets = {-512: 50, 2047: 50}
    assert Scale.over(wide, rows).rows == rows
