"""Where in a child's files reading begins: for a time, for the last N lines; and what is known there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.backward import backwards
from h2o_agent.logs.files import first_data
from h2o_agent.logs.splitting import Splitter
from h2o_core.logs import Entry, own_document
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from h2o_agent.logs.files import Opened
    from h2o_agent.logs.shaping import Context

_NEAR_BYTES: Final = 64 << 10
_LOOK_BYTES: Final = 128 << 10
SLACK_S: Final = 10.0
"""Lines of one file are in order of time but for this much."""


def at_time(files: list[Opened], since_s: float) -> tuple[int, int, bool]:
    """(file, offset, in the middle of a line?) before every line of *since_s* or later; *files* are oldest first."""
    wanted_s = since_s - SLACK_S
    for at in range(len(files) - 1, -1, -1):
        file = files[at]
        begins = first_data(file.fd, file.size)
        first_s = _time_after(file, begins, mid=begins > 0)
        if first_s is not None and first_s < wanted_s:
            offset = _bisect(file, begins, wanted_s)
            return at, offset, offset > 0
    begins = first_data(files[0].fd, files[0].size)
    return 0, begins, begins > 0


def at_last(
    files: list[Opened], count: int, wanted: Callable[[bytes], bool], floor: tuple[int, int]
) -> Iterator[tuple[int, int, bool] | None]:
    """As `at_time`, for the last *count* lines that are *wanted*, not before *floor* (file, offset).

    A generator, so that other work can go on meanwhile: None after each block, the place at last.
    """
    left = count
    for at in range(len(files) - 1, floor[0] - 1, -1):
        file = files[at]
        begins = floor[1] if at == floor[0] else first_data(file.fd, file.size)
        for block in backwards(file.fd, begins, file.size) if left else ():
            for offset, line in block:
                if wanted(line):
                    left -= 1
                    if not left:
                        yield at, offset, False
                        return
            yield None
        if not left:
            yield at, file.size, False
            return
    begins = floor[1]
    yield floor[0], begins, begins > 0


def prime(context: Context, file: Opened, offset: int) -> None:
    """What the last line of ours before *offset* says of itself is true of foreign lines after it."""
    start = max(first_data(file.fd, file.size), offset - _NEAR_BYTES)
    for block in backwards(file.fd, start, offset):
        for _, line in block:
            document = own_document(line)
            said_s = None if document is None else unix_s(str(document.get("timestamp")))
            if document is None or said_s is None:
                continue
            context.last_s = said_s
            context.resource = dict(Entry.of(document, said_s, context.resource).resource)
            return


def _bisect(file: Opened, low: int, wanted_s: float) -> int:
    high = file.size
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        said_s = _time_after(file, middle, mid=True)
        if said_s is not None and said_s < wanted_s:
            low = middle
        else:
            high = middle
    return low


def _time_after(file: Opened, offset: int, *, mid: bool) -> float | None:
    """Of the first line from there on that says its time; *mid*: what comes first is the rest of a line."""
    for raw in Splitter(offset, skipping=mid).feed(os.pread(file.fd, _LOOK_BYTES, offset)):
        document = own_document(raw.line)
        said_s = None if document is None else unix_s(str(document.get("timestamp")))
        if said_s is not None:
            return said_s
    return None
