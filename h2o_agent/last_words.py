"""What a process wrote last before it died: the line that says why, mostly, and the lines around it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MOST_CHARACTERS: Final = 200


def size_bytes(path: str) -> int:
    """How long the log is before a child writes to it; 0 when there is none."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def in_short(lines: tuple[str, ...]) -> str:
    """The last of them in 200 printable characters, for a sentence; empty when there is none."""
    said = "".join(letter if letter.isprintable() else "?" for letter in lines[-1].strip()) if lines else ""
    return said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 1] + "…"
