"""Package views → rows, and rows → the cells of a line: what the Packages screen says, without a terminal.

Pure. A row is a value: two equal rows paint the same line, so an unchanged one need not be painted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.columns import Column, Field, Layout
from h2o_console.rows.figures import UNKNOWN, line, millis, percent, rate, whole_percent
from h2o_console.rows.reasons import Kind, Reason, error_tone, errors, newest_first, reasons
from h2o_console.text import pad, safe

if TYPE_CHECKING:
    from h2o_console.store.views import PackageView

_NAME_CELLS: Final = 80
_VERSION_CELLS: Final = 24


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package as a line of the screen. `key` is its true name, for looking it up; `name` is safe to show.

    `partial`: some of its hosts are silent, so the numbers are those of the others, and are shown grey.
    """

    key: str
    name: str
    glyph: Glyph
    reasons: tuple[Reason, ...]
    instances: str
    versions: str
    traffic: str
    rps: float | None = None
    rps_line: tuple[float | None, ...] = ()
    p50_ms: float | None = None
    p95_ms: float | None = None
    p95_line: tuple[float | None, ...] = ()
    requests: int = 0
    failed: int = 0
    declared: int = 0
    partial: bool = False

    @property
    def hurt(self) -> int:
        """Requests hurt in the last minute, by the worst finding."""
        return max((reason.hurt for reason in self.reasons), default=0)

    @property
    def problem(self) -> bool:
        """Worth a look: broken, warning or unknown."""
        return self.glyph >= Glyph.UNKNOWN


def package_row(view: PackageView) -> PackageRow:
    """What there is to say of a package."""
    why = reasons(view)
    versions, traffic = _versions(view)
    return PackageRow(
        key=view.name,
        name=safe(view.name, _NAME_CELLS) or "(no name)",
        glyph=why[0].glyph if why else Glyph.FINE,
        reasons=why,
        instances=_instances(view),
        versions=versions,
        traffic=traffic,
        rps=view.rps,
        rps_line=view.rps_line,
        p50_ms=view.p50_ms,
        p95_ms=view.p95_ms,
        p95_line=view.p95_line,
        requests=sum(view.outcomes.values()),
        failed=errors(view.outcomes),
        declared=view.outcomes.get("APPLICATION", 0),
        partial=bool(view.silent),
    )


def _instances(view: PackageView) -> str:
    ready = sum(instance.ready for instance in view.instances)
    return str(ready) if ready == len(view.instances) else f"{ready}/{len(view.instances)}"


def _versions(view: PackageView) -> tuple[str, str]:
    """The versions that run, the newest first, and their shares of the measured requests."""
    running: dict[str, int] = {}
    for instance in view.instances:
        running.setdefault(instance.version, 0)
    for feature in view.features:
        if feature.version in running:
            running[feature.version] += sum(feature.outcomes.values())
    ordered = newest_first(running)
    if not ordered:
        return UNKNOWN, UNKNOWN
    more = f" +{len(ordered) - 2}" if len(ordered) > 2 else ""
    names = " ".join(safe(version, _VERSION_CELLS) for version in ordered[:2]) + more
    total = sum(running.values())
    if not total or not view.known:
        return names, UNKNOWN
    return names, "/".join(whole_percent(running[version], total) for version in ordered[:2])


def row_line(row: PackageRow, columns: Layout, *, ascii_only: bool = False) -> Line:
    """The row's cells, each exactly as wide as its column, a blank between."""
    cells: list[Cell] = []
    for column in columns:
        text, tone = _cell(row, column, ascii_only)
        cells.append(Cell(pad(text, column.width, right=column.right) + " ", tone))
    return Line(row.key, tuple(cells))


def head_line(columns: Layout, sorted_by: Field | None = None, *, descending: bool = False) -> Line:
    """The heads; the one that the list is sorted by has an arrow and stands out."""
    cells: list[Cell] = []
    for column in columns:
        mine = column.field is sorted_by
        head = f"{column.head}{'v' if descending else '^'}" if mine and len(column.head) < column.width else column.head
        cells.append(Cell(pad(head, column.width, right=column.right) + " ", Tone.KEY if mine else Tone.HEAD))
    return Line("", tuple(cells), selectable=False)


def _cell(row: PackageRow, column: Column, ascii_only: bool) -> tuple[str, Tone]:  # noqa: FBT001 - passed on
    field = column.field
    if field is Field.GLYPH:
        return row.glyph.sign, row.glyph.tone
    if field is Field.NAME:
        return row.name, Tone.NAME
    if field is Field.WHY:
        return (row.reasons[0].text, row.glyph.tone) if row.reasons else (Glyph.FINE.word, Tone.DIM)
    if field is Field.RPS_LINE:
        return line(row.rps_line, column.width, ascii_only=ascii_only), Tone.GRAPH
    if field is Field.P95_LINE:
        return line(row.p95_line, column.width, ascii_only=ascii_only), Tone.GRAPH
    text, tone = _number(row, field)
    quiet = text == UNKNOWN or (row.partial and tone is Tone.PLAIN and field is not Field.VERSION)
    return text, Tone.UNKNOWN if quiet else tone


def _number(row: PackageRow, field: Field) -> tuple[str, Tone]:
    match field:
        case Field.INSTANCES:
            return row.instances, Tone.WARN if "/" in row.instances else Tone.PLAIN
        case Field.VERSION:
            return row.versions, Tone.PLAIN
        case Field.TRAFFIC:
            return row.traffic, Tone.PLAIN
        case Field.RPS:
            return rate(row.rps), Tone.PLAIN
        case Field.P50:
            return millis(row.p50_ms), Tone.PLAIN
        case Field.P95:
            slow = any(reason.kind is Kind.SLOW for reason in row.reasons)
            return millis(row.p95_ms), Tone.WARN if slow else Tone.PLAIN
        case Field.ERR:
            return percent(row.failed, row.requests), error_tone(row.failed, row.requests)
        case _:
            return percent(row.declared, row.requests), Tone.DIM if not row.declared else Tone.PLAIN
