"""Which columns fit into a width, and how wide each is.

Pure. Sparklines go under 120 columns, p50 under 90, all but glyph, name, ERR% and WHY under 60; between those
marks whatever would leave WHY too little goes too, in a fixed order: the sentence is what is acted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Field(Enum):
    """A column of the Packages view, by its head; heads name their window where it is not 60 s."""

    GLYPH = ""
    NAME = "PACKAGE"
    INSTANCES = "INST"
    VERSION = "VERSION"
    TRAFFIC = "TRAF%"
    RPS = "RPS/10s"
    RPS_LINE = "RPS last 60s"
    P50 = "p50"
    P95 = "p95 ms"
    P95_LINE = "p95 last 60s"
    ERR = "ERR%"
    APP = "APP%"
    WHY = "WHY"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `head` is already short enough."""

    field: Field
    head: str
    width: int
    right: bool = False


Layout = tuple[Column, ...]

_NARROW: Final = 60
_NO_P50: Final = 90
_NO_LINES: Final = 120
_WIDE: Final = 150
_ORDER: Final = tuple(Field)
_WIDTHS: Final = {
    Field.GLYPH: 1,
    Field.INSTANCES: 5,
    Field.TRAFFIC: 6,
    Field.RPS: 7,
    Field.P50: 5,
    Field.P95: 6,
    Field.ERR: 5,
    Field.APP: 5,
}
_RIGHT: Final = frozenset({Field.INSTANCES, Field.TRAFFIC, Field.RPS, Field.P50, Field.P95, Field.ERR, Field.APP})
_FIRST_TO_GO: Final = (
    Field.APP,
    Field.TRAFFIC,
    Field.RPS_LINE,
    Field.VERSION,
    Field.P95_LINE,
    Field.P50,
    Field.INSTANCES,
    Field.RPS,
    Field.P95,
)


def layout(width: int, longest_name: int, longest_version: int) -> Layout:
    """The columns for *width* cells; names and versions get what their longest needs, within reason."""
    fields = [field for field in _ORDER if _allowed(field, width)]
    for field in _FIRST_TO_GO:
        if _why(_columns(fields, width, longest_name, longest_version), width) >= _least_why(width):
            break
        if field in fields:
            fields.remove(field)
    columns = _columns(fields, width, longest_name, longest_version)
    why = max(_why(columns, width), 0)
    return (*columns, Column(Field.WHY, Field.WHY.value, why)) if why else columns


def _allowed(field: Field, width: int) -> bool:
    if field is Field.WHY:
        return False  # it gets the rest
    if width < _NARROW:
        return field in {Field.GLYPH, Field.NAME, Field.ERR}
    if field in {Field.RPS_LINE, Field.P95_LINE}:
        return width >= _NO_LINES
    return field is not Field.P50 or width >= _NO_P50


def _least_why(width: int) -> int:
    return max(14, min(width // 5, 40))


def _columns(fields: list[Field], width: int, longest_name: int, longest_version: int) -> Layout:
    line = 10 if width >= _WIDE else 5
    widths = {
        **_WIDTHS,
        Field.NAME: max(7, min(longest_name, width * 3 // 10 if width >= _NARROW else width * 2 // 5)),
        Field.VERSION: max(7, min(longest_version, 16 if width >= _NO_LINES else 12)),
        Field.RPS_LINE: line,
        Field.P95_LINE: line,
    }
    return tuple(Column(field, _head(field, widths[field]), widths[field], field in _RIGHT) for field in fields)


def _head(field: Field, width: int) -> str:
    if field in {Field.RPS_LINE, Field.P95_LINE}:
        return "last 60s" if width >= 8 else "60s"
    return field.value


def _why(columns: Layout, width: int) -> int:
    """What is left for WHY: every column is followed by one blank."""
    return width - sum(column.width + 1 for column in columns)
