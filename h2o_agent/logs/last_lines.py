"""What a child wrote last: for whoever asks why it died."""

from __future__ import annotations

import os
from typing import Final

from h2o_agent.logs.backward import backwards
from h2o_core.logs import LAUNCH, parse

MOST_LINES: Final = 20
MOST_CHARACTERS: Final = 2000
"""Of one line."""


def last_lines(path: str, since_bytes: int, most: int = MOST_LINES) -> tuple[str, ...]:
    """The last lines that were written after *since_bytes* (how long the file was when the process started).

    As people read them: a line of ours is its severity, its text and the traceback. Texts are as they came, but cut.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ()
    try:
        end = os.fstat(fd).st_size
        start = since_bytes if since_bytes <= end else 0  # moved aside meanwhile
        return tuple(_last(fd, start, end, most))
    except OSError:
        return ()
    finally:
        os.close(fd)


def _last(fd: int, start: int, end: int, most: int) -> list[str]:
    lines: list[str] = []
    for block in backwards(fd, start, end):
        for _, raw in block:
            lines = [*_readable(raw.strip(b"\r\0")), *lines]
            if len(lines) >= most:
                return lines[-most:]
    return lines


def _readable(raw: bytes) -> list[str]:
    entry = parse(raw, 0.0, {})
    if LAUNCH in entry.attributes:  # the agent wrote it, not the process
        return []
    text = f"{entry.severity.name} {entry.body}" if entry.severity else entry.body
    trace = entry.attributes.get("exception.stacktrace", "")
    texts = [*text.splitlines(), *(trace.splitlines() if isinstance(trace, str) else [])]
    return [_cut(each) for each in texts if each.strip()]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
