"""What a process wrote last before it died: the line that says why, mostly, and the lines around it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MOST_CHARACTERS: Final = 200
MOST_LINES: Final = 20
_LINE_CHARACTERS: Final = 2000
_TAIL_BYTES: Final = 16 << 10


def size_bytes(path: str) -> int:
    """How long the log is before a child writes to it; 0 when there is none."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def last_lines(path: str, since_bytes: int) -> tuple[str, ...]:
    """The last 20 lines that are not empty, of what was written after *since_bytes*; as they came, but cut."""
    try:
        with Path(path).open("rb") as log:
            end = log.seek(0, 2)
            start = since_bytes if since_bytes <= end else 0  # moved aside meanwhile
            log.seek(max(start, end - _TAIL_BYTES))
            tail = log.read(_TAIL_BYTES)
    except OSError:
        return ()
    lines = [line.rstrip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
    return tuple(_cut(line, _LINE_CHARACTERS) for line in lines[-MOST_LINES:])


def in_short(lines: tuple[str, ...]) -> str:
    """The last of them in 200 printable characters, for a sentence; empty when there is none."""
    said = "".join(letter if letter.isprintable() else "?" for letter in lines[-1].strip()) if lines else ""
    return _cut(said, MOST_CHARACTERS)


def _cut(said: str, most: int) -> str:
    return said if len(said) <= most else said[: most - 1] + "…"
