"""Text from outside made fit for a terminal: no control bytes, no hidden direction changes, a known width.

Names, errors, znodes and log lines are hostile until they went through `safe`. Pure: the command line
and the console both use it, so nothing here imports rich or textual.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, combining, east_asian_width

ELLIPSIS: Final = "…"
DEFAULT_LIMIT_CELLS: Final = 200

_CSI: Final = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
"""Colour and cursor sequences go whole, so that a coloured log line stays legible."""
_BREAKS: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_DROPPED: Final = frozenset({"Cc", "Cf"})
"""Controls (C0, C1, DEL) and formats (bidi marks, embeddings and isolates, zero-width joiners, tags)."""
_REPLACED: Final = frozenset({"Cs", "Co", "Cn"})
"""Lone surrogates can't be written to a terminal; private and unassigned ones have no known width."""
_REPLACEMENT: Final = "\ufffd"
_DISPUTED: Final = re.compile(
    "[\u1160-\u11ff\ud7b0-\ud7ff\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff"
    "\U0001d300-\U0001d37f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]"
)
"""Conjoining jamo, old trigrams, flag letters, skin tones: no two terminals agree on their width."""
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_MARKS_STACKED: Final = 2
"""More combining marks than this on one character are a way to paint over the lines above."""
_FILLERS: Final = frozenset("\u115f\u3164\uffa0\u17b4\u17b5\u180b\u180c\u180d\u180f\u034f\u2800")
"""Characters that look like nothing at all; a name made of them would be an empty cell."""


def safe(text: str, limit: int = DEFAULT_LIMIT_CELLS) -> str:
    """*text* on one line, without controls or direction changes, at most *limit* cells wide (cut with …)."""
    if text.isascii() and text.isprintable():
        return clip(text, limit)
    # Marks and controls take no cells: a bound on the input keeps a megabyte of them cheap.
    bounded = text[: limit * 8 + 256]
    kept = _drop(_DISPUTED.sub(_REPLACEMENT, _BREAKS.sub(" ", _CSI.sub("", bounded))))
    return clip(kept if len(bounded) == len(text) else kept + ELLIPSIS, limit)


def _drop(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        kind = category(char)
        if kind in _DROPPED:
            continue
        if kind in _MARKS or char in _FILLERS or _is_variation(char):
            marks += 1
            if char not in _FILLERS and not _is_variation(char) and kept and marks <= _MARKS_STACKED:
                kept.append(char)
            continue
        marks = 0
        kept.append(_REPLACEMENT if kind in _REPLACED else " " if kind == "Zs" else char)
    return "".join(kept)


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def width(text: str) -> int:
    """Cells that *text* takes in a terminal: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(char_width, text))


def char_width(char: str) -> int:
    """Cells of one character, 0 to 2."""
    if char < "\x7f":
        return 1
    if combining(char) or category(char) in {"Mn", "Me", "Mc", "Cf", "Cc"}:
        return 0
    return 2 if east_asian_width(char) in {"W", "F"} else 1


def clip(text: str, cells: int) -> str:
    """*text* cut to at most *cells*, the last one … when anything was cut; never half a wide character."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    used = 0
    for at, char in enumerate(text):
        used += char_width(char)
        if used > cells - 1:
            return text[:at] + ELLIPSIS
    return text


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """*text* clipped and filled to exactly *cells*; *right* puts the blanks in front."""
    cut = clip(text, cells)
    blanks = " " * (cells - width(cut))
    return blanks + cut if right else cut + blanks
