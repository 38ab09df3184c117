"""The past of a package or a host as graphs: version under version on one scale, control changes marked on them.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.change_marks import Changes, Marked, axis_lines, legend, on_axis, placed, with_lines
from h2o_console.rows.graphs import MILLIS, PERCENT, REQUESTS, Unit, Window, ceiling, columns, graph, mean, spark
from h2o_console.rows.latency_strip import Scale, Timed, scale_of, strip_cells, strip_lines
from h2o_console.rows.past import Past, Series
from h2o_console.rows.sections import plain, title
from h2o_console.text import clip, pad, safe
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from collections.abc import Iterable

_TITLE: Final = "HISTORY"
_ROWS: Final = 4
_LABEL: Final = 6
_PANEL: Final = 30
"""Cells that a graph should have; where they are fewer, graphs stand below one another."""
_SPARKS: Final = 40
"""Under so many columns graphs are one row of blocks."""
_MOST: Final = 3
"""Versions that have graphs; more than that don't run side by side for long."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One graph: what of a series is drawn, and how neighbours become one where a column has several."""

    name: str
    unit: Unit
    of: Callable[[Series], Mapping[int, float]]
    fold: Callable[[Sequence[float]], float]
    tone: Tone = Tone.GRAPH


OF_PACKAGES: Final = (
    Measure("req/s", REQUESTS, lambda series: series.rps, mean),
    Measure("p95 ms", MILLIS, lambda series: series.p95_ms, max),
    Measure("ERR %", PERCENT, lambda series: series.err_pct, max, Tone.WARN),
)
OF_HOSTS: Final = (*OF_PACKAGES, Measure("CPU %", PERCENT, lambda series: series.cpu_pct, mean))


@dataclass(slots=True)
class Scales:
    """What was drawn the last time: the tops of measures by name, and the rows of latencies."""

    tops: dict[str, float] = field(default_factory=dict[str, float])
    latency: Scale | None = None


@dataclass(frozen=True)
class Picture:
    """How to draw: for so many cells, up to now (Unix time), with the scales of the last time.

    `changes`: what is marked; None when nobody has told.
    """

    width: int
    now_s: float
    scales: Scales
    ascii_only: bool = False
    changes: Changes | None = None


def graph_lines(
    past: Past, running: Iterable[str], picture: Picture, measures: Sequence[Measure] = OF_PACKAGES
) -> Iterator[Line]:
    """All lines of the section; `picture.scales` keeps the scales for the next time."""
    window = Window.until(picture.now_s, past.newest, past.span.slots, past.span.slot_s)
    without = f", without {_hosts(past.missing)}" if past.missing else ""
    yield from title(clip(f"{_TITLE}: {window.name}{without}", picture.width), picture.width)
    known = _known(past, running)
    narrow, beside = picture.width < _SPARKS, _beside(len(measures), picture.width)
    cells, each = (_spark_cells(picture), 1) if narrow else (_panel_cells(beside, picture), 2)
    marked = () if picture.changes is None else placed(picture.changes, window, cells, each)
    if not past.versions:
        yield plain("none:past", f"  {_nothing(past)}", Tone.UNKNOWN, picture.width)
    elif narrow:
        yield from _sparks(measures, known, window, picture, marked)
    else:
        for at in range(0, len(measures), beside):
            yield from _panels(measures[at : at + beside], beside, known, window, picture, marked)
    if past.versions or picture.changes is not None:
        yield from legend(picture.changes, marked, window, picture.width, picture.now_s)
    if past.package and not narrow:
        yield from _strips(known, window, picture, marked)


def asking(width: int) -> Iterator[Line]:
    """What stands there until the first answers have come."""
    yield from title(_TITLE, width)
    yield plain("none:past", "  asking its hosts…", Tone.UNKNOWN, width)


def _known(past: Past, running: Iterable[str]) -> Mapping[str, Series]:
    """By version, the newest first; a host is one series, without a name."""
    if not past.package:
        return {"": past.versions.get("", Series())}
    shown = [version for version in newest_first(dict.fromkeys((*running, *past.versions), 0)) if version][:_MOST]
    return {version: past.versions.get(version, Series()) for version in shown}


def _nothing(past: Past) -> str:
    if past.missing:
        return f"no host tells its history: {safe(next(iter(past.missing.values())), 80)}"
    return "nothing has been counted yet" if past.answered else "asking its hosts…"


def _hosts(missing: Mapping[str, str]) -> str:
    first = safe(next(iter(missing)), 40)
    return first if len(missing) == 1 else f"{first} and {len(missing) - 1} more"


def _beside(count: int, width: int) -> int:
    """How many graphs stand side by side: as many as there is room for, but no row with one left over."""
    fitting = max(min(width // _PANEL, count), 1)
    rows = -(-count // fitting)
    return -(-count // rows)


def _panel_cells(beside: int, picture: Picture) -> int:
    return max(picture.width // beside - _LABEL - 3, 4)


def _panels(
    measures: Sequence[Measure],
    beside: int,
    known: Mapping[str, Series],
    window: Window,
    picture: Picture,
    marked: Sequence[Marked],
) -> Iterator[Line]:
    room, cells = picture.width // beside, _panel_cells(beside, picture)
    drawn = {measure.name: _drawn(measure, known, window, cells, picture) for measure in measures}
    rules = {one.cell: one for one in marked}
    named = "+".join(measure.name for measure in measures)
    for version in known:
        of = f"  {safe(version, 20)}" if version else ""
        heads = [pad(f"{of}  {measure.name}", room) for measure in measures]
        yield Line(f"graph:{version}:{named}", tuple(Cell(head, Tone.NAME) for head in heads), selectable=False)
        for row in range(_ROWS):
            line: list[Cell] = []
            for measure in measures:
                label, text = drawn[measure.name][version][row]
                line.append(Cell(f"{pad(label, _LABEL, right=True)}  ", Tone.DIM))
                line += with_lines(text, rules, measure.tone, ascii_only=picture.ascii_only)
                line.append(Cell(" " * (room - _LABEL - 2 - cells)))
            yield Line(f"graph:{version}:{named}:{row}", tuple(line), selectable=False)
    yield from axis_lines(named, marked, window, cells, " " * (_LABEL + 2), room, len(measures))


def _strips(known: Mapping[str, Series], window: Window, picture: Picture, marked: Sequence[Marked]) -> Iterator[Line]:
    timed = {version: Timed.of(one, window, strip_cells(picture.width)) for version, one in known.items()}
    scale = picture.scales.latency = scale_of(timed.values(), picture.width, picture.scales.latency)
    if scale is not None:
        yield from strip_lines(timed, window, picture.width, scale, marked, ascii_only=picture.ascii_only)


def _drawn(
    measure: Measure, known: Mapping[str, Series], window: Window, cells: int, picture: Picture
) -> dict[str, list[tuple[str, str]]]:
    """By version: the rows, each with the number of the scale that it stands for."""
    lines = {version: columns(measure.of(one), window, 2 * cells, measure.fold) for version, one in known.items()}
    top = _top(measure, lines.values(), picture)
    labels = [measure.unit.write(top), *[""] * (_ROWS - 2), "0"]
    return {
        version: list(zip(labels, graph(line, _ROWS, top, ascii_only=picture.ascii_only), strict=True))
        for version, line in lines.items()
    }


def _top(measure: Measure, lines: Iterable[Sequence[float | None]], picture: Picture) -> float:
    """Of the scale that all versions share; it is kept for the next time."""
    top = ceiling((value for line in lines for value in line), picture.scales.tops.get(measure.name, 0.0))
    picture.scales.tops[measure.name] = top
    return top


def _spark_cells(picture: Picture) -> int:
    return max(picture.width - 16, 4)


def _sparks(
    measures: Sequence[Measure],
    known: Mapping[str, Series],
    window: Window,
    picture: Picture,
    marked: Sequence[Marked],
) -> Iterator[Line]:
    """One row of blocks each: where there is no room for more."""
    cells = _spark_cells(picture)
    for measure in measures:
        lines = {version: columns(measure.of(one), window, cells, measure.fold) for version, one in known.items()}
        top = _top(measure, lines.values(), picture)
        for version, line in lines.items():
            drawn = spark(line, top, ascii_only=picture.ascii_only)
            cell = Cell(f" {pad(safe(version, 20), 7)} {pad(measure.name, 6)} ", Tone.DIM)
            yield Line(f"spark:{version}:{measure.name}", (cell, Cell(drawn, Tone.GRAPH)), selectable=False)
    if marked:
        signs = " " * 16 + on_axis(marked, cells)
        yield Line("marks:sparks", (Cell(signs, Tone.KEY),), selectable=False)
