"""Tables, JSON, YAML and names. Pure: values in, text out; everything is made safe for a terminal here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, cast
from unicodedata import category

from h2o_console.measured import headed, over_heads
from h2o_console.sections import Colour
from h2o_console.text import clip, safe, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_UNCOMMON: Final = re.compile(r"[^\x20-\x7e\n]")
_LONGEST_CELL: Final = 4096
"""Nothing is cut when it is piped; this only bounds what a hostile name can cost."""


_MOST: Final = 1 << 64
"""Numbers from here on are nobody's count, time or size."""


class Format(StrEnum):
    """What ``-o`` takes."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, whether it is for ``-o wide`` only, its words' colours, over which time it was measured."""

    head: str
    right: bool = False
    wide: bool = False
    colours: Mapping[str, Colour] = field(default_factory=dict[str, Colour])
    over: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """How a table is to look. `cells` is the terminal's width; None: no terminal, nothing is cut."""

    wide: bool = False
    heads: bool = True
    colour: bool = False
    cells: int | None = None


def render_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], style: Style) -> str:
    """UPPERCASE heads, two spaces between, no borders; only the last column is cut, and only for a terminal.

    Over which time columns were measured stands in each head; on a terminal, where that would be wide, once over them.
    """
    shown = [at for at, column in enumerate(columns) if style.wide or not column.wide]
    safely = cache(_cell)  # most cells of a long table say what one above them says
    lines = [[safely(row[at]) for at in shown] for row in rows]
    heads = [_head(columns[at], style) if style.heads else "" for at in shown]
    widths = [max(map(width, {head, *(line[at] for line in lines)})) for at, head in enumerate(heads)]
    if style.cells is not None and widths:
        left = style.cells - sum(widths[:-1]) - 2 * (len(widths) - 1)
        widths[-1] = max(min(widths[-1], left), len(columns[shown[-1]].head))
    out = [_line(heads, columns, shown, widths, colour=False)] if style.heads else []
    if style.heads and style.cells is not None:
        over = ((cells, columns[at].over) for at, cells in zip(shown, widths, strict=True))
        out = [line for line in (over_heads(over, gap=2, rule="-"),) if line] + out
    out += [_line(line, columns, shown, widths, colour=style.colour) for line in lines]
    return "".join(f"{line}\n" for line in out)


def _head(column: Column, style: Style) -> str:
    return column.head if style.cells is not None else headed(column.head, column.over)


def _cell(text: str) -> str:
    return safe(text, _LONGEST_CELL) or "-"


def _line(
    cells: Sequence[str], columns: Sequence[Column], shown: Sequence[int], widths: Sequence[int], *, colour: bool
) -> str:
    parts: list[str] = []
    last = len(cells) - 1
    for at, cell in enumerate(cells):
        column = columns[shown[at]]
        cut = clip(cell, widths[at])
        blanks = " " * (widths[at] - width(cut))
        code = column.colours.get(cell) if colour else None
        inked = f"\x1b[{code.value}m{cut}\x1b[0m" if code else cut
        parts.append(blanks + inked if column.right else inked if at == last else inked + blanks)
    return "  ".join(parts).rstrip()


def to_json(document: Any, *, one_line: bool = False) -> str:
    """JSON that people can read: whatever a terminal must not see is escaped. Ends with a line break."""
    how: dict[str, Any] = {"indent": None if one_line else 2, "separators": (",", ":") if one_line else None}
    try:
        dumped = json.dumps(document, ensure_ascii=False, allow_nan=False, **how)
    except ValueError:
        dumped = json.dumps(_without_nan(document), ensure_ascii=False, **how)
    return _UNCOMMON.sub(_escaped, dumped) + "\n"


def _without_nan(value: Any) -> Any:
    """NaN and Infinity are no JSON; what is unknown is null."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in cast("list[Any]", value)]
    return value


def _escaped(found: re.Match[str]) -> str:
    """Letters stay; controls, directions, invisible and unassigned characters become escapes."""
    char = found[0]
    if char.isprintable() and category(char)[0] != "M":  # marks can be stacked over the lines above
        return char
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def to_yaml(document: Any) -> str:
    """YAML in block style; every text is a JSON string, which YAML reads the same."""
    return "".join(f"{line}\n" for line in _yaml_lines(document))


def _yaml_lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return _yaml_table(cast("dict[Any, Any]", value))
    if isinstance(value, (list, tuple)) and value:
        lines: list[str] = []
        for entry in cast("list[Any]", value):
            first, *rest = _yaml_lines(entry)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines
    return [to_json(value, one_line=True).rstrip("\n")]


def _yaml_table(table: dict[Any, Any]) -> list[str]:
    lines: list[str] = []
    for key, entry in table.items():
        quoted = _yaml_key(str(key))
        nested = _yaml_lines(entry)
        if isinstance(entry, (dict, list, tuple)) and entry:
            lines += [f"{quoted}:", *(f"  {line}" for line in nested)]
        else:
            lines.append(f"{quoted}: {nested[0]}")
    return lines


_YAML_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _yaml_key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").isalnum() and not key[0].isdigit() and key.lower() not in _YAML_WORDS
    return key if plain else to_json(key, one_line=True).rstrip("\n")


def to_names(names: Iterable[str]) -> str:
    """One name a line; what has none is left out."""
    return "".join(f"{safe(name, _LONGEST_CELL)}\n" for name in names if name)


def one_line(text: str) -> str:
    """A sentence from anywhere, fit for standard error."""
    return safe(text, _LONGEST_CELL)


def age(seconds: object) -> str:
    """``45s``, ``12m``, ``3h12m``, ``2d4h``; "-" when unknown."""
    known = finite(seconds)
    if known is None:
        return "-"
    whole = max(0, int(known))
    if whole < 120:
        return f"{whole}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 120:
        return f"{minutes}m"
    if hours < 48:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"


def finite(value: object) -> float | None:
    """A number that can be shown; None for anything else: NaN, what no counter reaches, what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _MOST:
        return None
    return float(value)


def count(value: object) -> str:
    """A whole number, "-" when unknown."""
    return str(value) if isinstance(value, int) and finite(value) is not None else "-"


def percent(value: object) -> str:
    """``0.4%``, ``42%``; "-" when unknown."""
    known = finite(value)
    if known is None or not 0 <= known < 1e6:
        return "-"
    return f"{known:.1f}%" if known < 10 else f"{known:.0f}%"


def bytes_(value: object) -> str:
    """``512 B``, ``48.2 MiB``, ``12.0 GiB``; "-" when unknown."""
    size = finite(value)
    if size is None or size < 0:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def rate(per_s: object) -> str:
    """Per second, three figures: ``0``, ``0.25``, ``4.20``, ``42.0``, ``4200``; "-" when unknown."""
    return "0" if per_s == 0 else milliseconds(per_s)


def milliseconds(value: object) -> str:
    """Three figures: ``0.42``, ``4.20``, ``42.0``, ``4200``; "-" when unknown."""
    known = finite(value)
    if known is None:
        return "-"
    digits = 2 if known < 10 else 1 if known < 100 else 0
    return f"{known:.{digits}f}"
