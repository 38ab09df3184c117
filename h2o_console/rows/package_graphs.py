"""A package's last hour as graphs, version under version, all on one scale so that they can be compared. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.graphs import MILLIS, PERCENT, REQUESTS, Unit, Window, ceiling, columns, graph, mean, spark
from h2o_console.rows.past import SLOT_S, SLOTS, Past, Series
from h2o_console.rows.sections import plain, title
from h2o_console.text import clip, pad, safe
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROWS: Final = 4
_LABEL: Final = 6
_MOST: Final = 3
"""Versions that have graphs; more than that don't run side by side for long."""


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    unit: Unit
    of: Callable[[Series], Mapping[int, float]]
    fold: Callable[[Sequence[float]], float]


_MEASURES: Final = (
    _Measure("req/s", REQUESTS, lambda series: series.rps, mean),
    _Measure("p95 ms", MILLIS, lambda series: series.p95_ms, max),
    _Measure("ERR %", PERCENT, lambda series: series.err_pct, max),
)


@dataclass(frozen=True)
class Picture:
    """How to draw: for so many cells, up to now (Unix time), with the scales of the last time."""

    width: int
    now_s: float
    scales: dict[str, float]
    ascii_only: bool = False


def graph_lines(past: Past, running: Iterable[str], picture: Picture) -> Iterator[Line]:
    """All lines of the section; `picture.scales` keeps the scales for the next time."""
    window = Window.until(picture.now_s, past.newest, SLOTS, SLOT_S)
    without = f", without {_hosts(past.missing)}" if past.missing else ""
    yield from title(clip(f"REQUESTS, TIMES, FAILURES: {window.name}{without}", picture.width), picture.width)
    shown = [version for version in newest_first(dict.fromkeys((*running, *past.versions), 0)) if version][:_MOST]
    known = {version: past.versions.get(version, Series()) for version in shown}
    if not past.versions:
        yield plain("none:past", f"  {_nothing(past)}", Tone.UNKNOWN, picture.width)
        return
    if picture.width < 40:
        yield from _sparks(known, window, picture)
    elif picture.width < 90:
        for measure in _MEASURES:
            yield from _panels((measure,), known, window, picture)
    else:
        yield from _panels(_MEASURES, known, window, picture)


def _nothing(past: Past) -> str:
    if past.missing:
        return f"no host tells its history: {safe(next(iter(past.missing.values())), 80)}"
    return "its hosts have counted nothing yet" if past.answered else "asking its hosts…"


def _hosts(missing: Mapping[str, str]) -> str:
    first = safe(next(iter(missing)), 40)
    return first if len(missing) == 1 else f"{first} and {len(missing) - 1} more"


def _panels(
    measures: Sequence[_Measure], known: Mapping[str, Series], window: Window, picture: Picture
) -> Iterator[Line]:
    room = picture.width // len(measures)
    cells = max(room - _LABEL - 3, 4)
    drawn = {measure.name: _drawn(measure, known, window, cells, picture) for measure in measures}
    for version in known:
        heads = [pad(f"  {safe(version, 20)}  {measure.name}", room) for measure in measures]
        named = "+".join(measure.name for measure in measures)
        yield Line(f"graph:{version}:{named}", tuple(Cell(head, Tone.NAME) for head in heads), selectable=False)
        for row in range(_ROWS):
            line = [cell for measure in measures for cell in drawn[measure.name][version][row]]
            yield Line(f"graph:{version}:{named}:{row}", tuple(line), selectable=False)
    axis = f"{'-' + window.length:<{cells - 3}}now" if cells >= 10 else "now".rjust(cells)
    foot = "".join(pad(" " * (_LABEL + 2) + axis, room) for _ in measures)
    yield plain(f"axis:{measures[0].name}:{len(measures)}", foot, Tone.DIM, picture.width)


def _drawn(
    measure: _Measure, known: Mapping[str, Series], window: Window, cells: int, picture: Picture
) -> dict[str, list[tuple[Cell, Cell]]]:
    lines = {version: columns(measure.of(one), window, 2 * cells, measure.fold) for version, one in known.items()}
    top = ceiling((value for line in lines.values() for value in line), picture.scales.get(measure.name, 0.0))
    picture.scales[measure.name] = top
    labels = [measure.unit.write(top), *[""] * (_ROWS - 2), "0"]
    tone = Tone.WARN if measure.unit is PERCENT else Tone.GRAPH
    return {
        version: [
            (Cell(f"{pad(label, _LABEL, right=True)}  ", Tone.DIM), Cell(f"{text} ", tone))
            for label, text in zip(labels, graph(line, _ROWS, top, ascii_only=picture.ascii_only), strict=True)
        ]
        for version, line in lines.items()
    }


def _sparks(known: Mapping[str, Series], window: Window, picture: Picture) -> Iterator[Line]:
    """One row of blocks each: where there is no room for more."""
    cells = max(picture.width - 16, 4)
    for measure in _MEASURES:
        lines = {version: columns(measure.of(one), window, cells, measure.fold) for version, one in known.items()}
        top = ceiling((value for line in lines.values() for value in line), picture.scales.get(measure.name, 0.0))
        picture.scales[measure.name] = top
        for version, line in lines.items():
            drawn = spark(line, top, ascii_only=picture.ascii_only)
            cell = Cell(f" {pad(safe(version, 20), 7)} {pad(measure.name, 6)} ", Tone.DIM)
            yield Line(f"spark:{version}:{measure.name}", (cell, Cell(drawn, Tone.GRAPH)), selectable=False)
