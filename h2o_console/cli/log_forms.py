"""Log lines in every form that ``-o`` takes. Pure: lines in, text out; everything is made safe for a terminal here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Format, to_json, to_names, to_yaml
from h2o_console.logs.shown import body, clock, severity, whose
from h2o_console.sections import Colour
from h2o_console.text import safe, width
from h2o_core.logs import INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Severity
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from h2o_console.logs.entries import Line

_COLOURS: Final = {Severity.WARN: Colour.WARN, Severity.ERROR: Colour.BAD, Severity.FATAL: Colour.BAD}
_HEADS: Final = ("TIME", "HOST", "WHO", "LEVEL", "TEXT")
_WIDE_HEADS: Final = ("TIME", "HOST", "PACKAGE", "VERSION", "WHO", "TRACE", "LEVEL", "TEXT")
_CELLS: Final = 80


class Forms:
    """One run's lines as *output* wants them; a table's columns grow as lines come, and its heads come first."""

    def __init__(self, output: Format, *, heads: bool, colour: bool) -> None:
        self._output = output
        self._colour = colour
        self._heads = (_WIDE_HEADS if output is Format.WIDE else _HEADS) if heads else ()
        self._widths = [width(head) for head in self._heads[:-1]]
        self._named: set[str] = set()

    def text(self, lines: Sequence[Line]) -> str:
        """What came together, to be printed as it is."""
        match self._output:
            case Format.JSON:
                return "".join(_written(line, lambda document: to_json(document, one_line=True)) for line in lines)
            case Format.YAML:
                return "".join(f"---\n{_written(line, to_yaml)}" for line in lines)
            case Format.NAME:
                return to_names(self._new(f"{line.host}/{line.source}" for line in lines))
            case Format.TABLE | Format.WIDE:
                return self._table(lines)

    def _new(self, names: Iterable[str]) -> list[str]:
        fresh = [name for name in dict.fromkeys(names) if name not in self._named]
        self._named.update(fresh)
        return fresh

    def _table(self, lines: Sequence[Line]) -> str:
        rows = [self._cells(line) for line in lines]
        for row in rows:
            row_widths = [width(cell) for cell in row]
            known = self._widths or [0] * len(row)
            self._widths = [max(pair) for pair in zip(known, row_widths, strict=True)]
        heads = f"{self._line(self._heads[:-1])}{self._heads[-1]}\n" if self._heads and lines else ""
        self._heads = self._heads if not lines else ()
        return heads + "".join(self._entry(row, line) for row, line in zip(rows, lines, strict=True))

    def _cells(self, line: Line) -> tuple[str, ...]:
        """All but the text."""
        if self._output is Format.TABLE:
            return clock(line.entry.timestamp_s), safe(line.host, _CELLS), whose(line), severity(line)
        resource = line.entry.resource
        package = resource.get(SERVICE_NAME, "").removeprefix("/")
        who = resource.get(INSTANCE_ID, "") or line.source
        some = (line.host, package, resource.get(SERVICE_VERSION, ""), who, line.entry.trace_id)
        shown = (safe(text, _CELLS) or "-" for text in some)
        return rfc3339(line.entry.timestamp_s), *shown, severity(line)

    def _line(self, cells: Sequence[str]) -> str:
        """Cells as wide as their columns, a blank after each."""
        return "".join(f"{cell:<{at - width(cell) + len(cell)}} " for cell, at in zip(cells, self._widths, strict=True))

    def _entry(self, row: Sequence[str], line: Line) -> str:
        first, *more = body(line)
        when, level = row[0], row[-1]
        between = self._line(row)[len(when) : -len(level) - 1]
        inked = self._inked(level, _COLOURS.get(line.entry.severity))
        said = f"{self._inked(when, Colour.FAINT)}{between}{inked} {first}"
        return "".join(f"{each}\n" for each in (said, *(f"    {one}" for one in more)))

    def _inked(self, text: str, colour: Colour | None) -> str:
        return f"\x1b[{colour.value}m{text}\x1b[0m" if self._colour and colour is not None and colour.value else text


def _written(line: Line, how: Callable[[Any], str]) -> str:
    """The whole line as its agent sent it; of one that is nested too deeply to be written, its text."""
    try:
        return how(json.loads(line.text))
    except RecursionError:
        left_out = "the rest of this line is nested too deeply"
        return how({"host": line.host, "source": line.source, "body": line.entry.body, "left_out": left_out})
