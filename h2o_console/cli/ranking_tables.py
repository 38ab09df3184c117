"""The tables of `h2o top`: which columns show what of an object, and how many of them fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Column, bytes_, count, milliseconds, percent, rate
from h2o_console.cli.states import STATES
from h2o_console.measured import LAST_1S, LAST_60S, last
from h2o_console.text import safe, width

if TYPE_CHECKING:
    from h2o_console.cli.rankings import Entry


@dataclass(frozen=True, slots=True)
class Shown:
    """A column and how it is filled. `counted`: from two readings, over the time between them."""

    column: Column
    key: str
    show: Callable[[Any], str]
    counted: bool = False


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _number(head: str, key: str, show: Callable[[Any], str], over: str = "") -> Shown:
    return Shown(Column(head, right=True, over=over), key, show)


def _rate(head: str, key: str, show: Callable[[Any], str]) -> Shown:
    return Shown(Column(head, right=True), key, show, counted=True)


def _word(head: str, key: str, *, coloured: bool = False) -> Shown:
    return Shown(Column(head, colours=STATES if coloured else {}), key, _text)


def _skew(value: float | None) -> str:
    return "-" if value is None or abs(value) >= 1e9 else f"{value:+.3f}"


_COUNTED: Final = (
    _rate("RPS", "requests_per_s", rate),
    _rate("ERR", "error_pct", percent),
    _rate("APP", "application_error_pct", percent),
    _rate("P50 MS", "p50_ms", milliseconds),
    _rate("P95 MS", "p95_ms", milliseconds),
)
_HELD: Final = (
    _number("IN-FLIGHT", "in_flight", count),
    _number("QUEUED", "queued", count),
    _number("CPU", "cpu_pct", percent, LAST_1S),
    _number("MEMORY", "memory_bytes", bytes_),
)
TABLES: Final[dict[str, tuple[Shown, ...]]] = {
    "packages": (
        _word("PACKAGE", "package"),
        _number("INST", "instances", count),
        _number("READY", "ready", count),
        *_COUNTED,
        *_HELD,
    ),
    "instances": (
        _word("PACKAGE", "package"),
        Shown(Column("ID"), "id", lambda value: _text(value)[:8]),
        _word("HOST", "host"),
        *_COUNTED,
        _word("STATE", "state", coloured=True),
        _word("VERSION", "version"),
        *_HELD,
    ),
    "hosts": (
        _word("HOST", "host"),
        _word("ZONE", "zone"),
        _word("LINK", "link", coloured=True),
        _number("INST", "instances", count),
        *_COUNTED,
        _number("CPU", "cpu_pct", percent, LAST_1S),
        _number("STEAL", "steal_pct", percent, LAST_1S),
        _number("LOAD", "load1", milliseconds, LAST_60S),
        _number("MEM", "memory_pct", percent),
        _number("DISK", "disk_pct", percent),
        _number("CLOCK S", "clock_skew_s", _skew),
    ),
}


def cells(of: str, found: Iterable[Entry]) -> list[tuple[str, ...]]:
    """The table's lines."""
    return [tuple(each.show(entry.get(each.key)) for each in TABLES[of]) for entry in found]


def columns(of: str, every_s: float) -> tuple[Column, ...]:
    """The table's columns, of two readings so far apart."""
    over = last(every_s)
    return tuple(replace(each.column, over=over) if each.counted else each.column for each in TABLES[of])


def fitting(
    of: str, rows: Sequence[tuple[str, ...]], every_s: float, cells_wide: int
) -> tuple[tuple[Column, ...], list[tuple[str, ...]]]:
    """As many columns, from the left, as fit into a terminal; the first one always."""
    all_columns = columns(of, every_s)
    left = cells_wide
    kept = 0
    for at, column in enumerate(all_columns):
        left -= max([width(column.head), *(width(safe(row[at])) for row in rows)]) + (2 if at else 0)
        if left < 0 and at:
            break
        kept = at + 1
    return all_columns[:kept], [row[:kept] for row in rows]
