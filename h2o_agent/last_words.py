"""What a child wrote last before it died: the line that says why, mostly."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MOST_CHARACTERS: Final = 200
_TAIL_BYTES: Final = 4096


def size_bytes(path: str) -> int:
    """How long the log is before a child writes to it; 0 when there is none."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def last_line(path: str, since_bytes: int) -> str:
    """The last line that is not empty, of what was written after *since_bytes*; cut to 200 printable characters."""
    try:
        with Path(path).open("rb") as log:
            end = log.seek(0, 2)
            start = since_bytes if since_bytes <= end else 0  # moved aside meanwhile
            log.seek(max(start, end - _TAIL_BYTES))
            tail = log.read(_TAIL_BYTES)
    except OSError:
        return ""
    lines = [line.strip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return ""
    said = "".join(letter if letter.isprintable() else "?" for letter in lines[-1])
    return said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 1] + "…"
