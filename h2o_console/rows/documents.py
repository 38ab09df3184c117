"""A resource as JSON, for reading on screen and for copying: what the store holds of it, unknown as null.

Pure. What is shown went through `safe` line by line; what is copied is ASCII, so that pasting it does nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, cast

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.text import clip, safe
from h2o_core.figures import many

_MOST_LINES: Final = 5000


def plain_value(value: object) -> Any:
    """*value* as what JSON knows, to six digits; NaN and infinities, which it does not, are null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain_value(getattr(value, name)) for name in (field.name for field in fields(value))}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value)
        return {str(key): plain_value(entry) for key, entry in entries.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain_value(entry) for entry in cast("Sequence[Any]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value if isinstance(value, (str, int)) or value is None else str(value)


def json_text(value: object) -> str:
    """Indented, in ASCII."""
    return json.dumps(plain_value(value), indent=2, allow_nan=False)


def json_lines(value: object, width: int) -> tuple[Line, ...]:
    """One line of the screen for each of the text; names stand out, null is grey."""
    lines = json.dumps(plain_value(value), indent=2, allow_nan=False, ensure_ascii=False).split("\n")
    shown = [Line(f"{at}", _coloured(text, width)) for at, text in enumerate(lines[:_MOST_LINES])]
    if len(lines) > _MOST_LINES:
        left = f"  … {many(len(lines) - _MOST_LINES, 'line')} more; c copies all"
        shown.append(Line("more", (Cell(clip(left, width), Tone.DIM),)))
    return tuple(shown)


def _coloured(text: str, width: int) -> tuple[Cell, ...]:
    """``  "name": value``, split at the first colon after a name."""
    name, colon, value = text.partition('": ')
    if not colon or not name.lstrip().startswith('"'):
        return (Cell(clip(safe(text, width), width)),)
    head = safe(f'{name}":', max(width - 1, 1))
    tone = Tone.UNKNOWN if value.rstrip(",") == "null" else Tone.PLAIN
    return Cell(clip(head, width), Tone.KEY), Cell(clip(safe(f" {value}", width), max(width - len(head), 0)), tone)
