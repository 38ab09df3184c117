"""Keeps the logs within their bounds, once a second: heads punched out, what left long ago removed.

A file that is being written is never moved and never rewritten: whoever reads it, here or elsewhere, keeps its place.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.files import LOG_SUFFIX, OLD_SUFFIX, first_data, names
from h2o_agent.logs.punching import BLOCK_BYTES, allocated, punch
from h2o_core.hostfile import DEFAULT_LOG_BYTES
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from h2o_agent.logs.shelf import Shelf

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
_LEFT_BEHIND: Final = 4
"""Children that are not wanted any more may keep so many times what one may, together."""
_TAIL_BYTES: Final = 64 << 10
"""Never cut: what a reader may be in the middle of."""
_DROPPED: Final = re.compile(rb'"log\.dropped":(\d{1,12})')
_SCAN_BYTES: Final = 8 << 20
_MOST_NOTES: Final = 1000
_CAN_NOT: Final = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@dataclass(slots=True)
class _Looked:
    inode: int
    size: int


class Keeper:
    """Call `tick` once a second, or await `run`."""

    def __init__(
        self, shelf: Shelf, most_bytes: int = DEFAULT_LOG_BYTES, hole: Callable[[int, int, int], None] = punch
    ) -> None:
        """*most_bytes* of one child; *hole*(fd, start, end) makes one, or raises OSError."""
        self._shelf = shelf
        self._most_bytes = most_bytes
        self._hole = hole
        self._copies = False
        """The file system can't punch: a full file is copied and truncated."""
        self._looked: dict[str, _Looked] = {}

    async def run(self, wanted: Callable[[], Iterable[str]]) -> None:
        """Until cancelled; *wanted*: keys of the children that the host is to run."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tick(set(wanted()))
            except OSError as error:
                log.error("the logs can't be kept in bounds: %s", error)  # noqa: TRY400 - the sentence says it all

    def tick(self, wanted: set[str]) -> None:
        """Look at every file once; raises OSError."""
        directory = self._shelf.directory
        left: list[tuple[float, int, Path]] = []
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            key = path.name.removesuffix(OLD_SUFFIX).removesuffix(LOG_SUFFIX)
            if key == path.name:
                continue
            with suppress(FileNotFoundError):
                if key not in wanted:
                    status = path.stat()
                    left.append((status.st_mtime, allocated(status), path))
                elif path.name.endswith(LOG_SUFFIX):
                    self._look(key, path)
                    self._bound(key)
        self._remove(left)

    # ------------------------------------------------------------------ bounds

    def _bound(self, key: str) -> None:
        old, current = names(self._shelf.directory, key)
        old_bytes, bytes_now = _allocated(old), _allocated(current)
        if self._copies:
            if bytes_now > self._most_bytes // 2:
                self._copy(old, current)
            return
        if old_bytes + bytes_now <= self._most_bytes:
            return
        excess = old_bytes + bytes_now - self._most_bytes * 3 // 4
        if old_bytes:
            if old_bytes <= excess + 2 * BLOCK_BYTES:
                old.unlink()  # who is reading it has it open, and reads it to its end
            else:
                self._cut(old, excess)
            excess -= old_bytes
        if excess > 0:
            self._cut(current, excess)

    def _cut(self, path: Path, excess: int) -> None:
        """Punch out the oldest *excess* bytes, but for the first block: others know the file by its first lines."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            status = os.fstat(fd)
            begins = max(first_data(fd, status.st_size), BLOCK_BYTES)
            cut = (begins + excess) // BLOCK_BYTES * BLOCK_BYTES
            cut = min(cut, (status.st_size - _TAIL_BYTES) // BLOCK_BYTES * BLOCK_BYTES)
            if cut <= begins:
                return
            first_line = _line_after(fd, cut)
            for trail in self._shelf.trails:
                trail.make_way(status.st_ino, first_line)
            self._hole(fd, BLOCK_BYTES, cut)
        except OSError as error:
            if error.errno not in _CAN_NOT:
                raise
            self._copies = True
            log.warning("%s: this file system can't punch holes; full logs are copied and truncated instead", path)
        finally:
            os.close(fd)

    def _copy(self, old: Path, current: Path) -> None:
        """All of it to the old one, then truncate; what is written between the last look and that is lost."""
        draft = old.with_suffix(".new")
        with current.open("rb+") as source, draft.open("wb") as copy:
            while chunk := source.read(1 << 20):
                copy.write(chunk)
            copy.flush()
            draft.replace(old)
            while chunk := source.read(1 << 20):
                copy.write(chunk)
            copy.flush()
            os.ftruncate(source.fileno(), 0)

    def _remove(self, left: list[tuple[float, int, Path]]) -> None:
        """The oldest of what children left that are not wanted any more."""
        total = sum(size for _, size, _ in left)
        for _, size, path in sorted(left):
            if total <= self._most_bytes * _LEFT_BEHIND:
                return
            path.unlink(missing_ok=True)
            total -= size

    # ------------------------------------------------------------------ what has come

    def _look(self, key: str, path: Path) -> None:
        """Note how long it is by now, and what the process says that it could not write."""
        status = path.stat()
        looked = self._looked.get(key)
        if looked is None or looked.inode != status.st_ino or status.st_size < looked.size:
            # what stands there when the agent starts was counted by the one before
            before = status.st_size if looked is None else 0
            if looked is not None:
                self._shelf.growth.pop(looked.inode, None)
            self._shelf.growth[status.st_ino] = [(before, status.st_mtime)]
            looked = self._looked[key] = _Looked(status.st_ino, before)
        if status.st_size == looked.size:
            return
        start = max(looked.size, status.st_size - _SCAN_BYTES)
        with path.open("rb") as file:
            file.seek(start)
            grown = file.read(status.st_size - start)
        noted = self._shelf.growth.setdefault(status.st_ino, [])
        noted.append((status.st_size, unix_s()))
        if len(noted) > _MOST_NOTES:
            del noted[1::2]  # half as exactly, of twice the time
        looked.size = start + grown.rfind(b"\n") + 1
        self._shelf.dropped_lines += sum(int(each) for each in _DROPPED.findall(grown[: looked.size - start]))


def _allocated(path: Path) -> int:
    try:
        return allocated(path.stat())
    except FileNotFoundError:
        return 0


def _line_after(fd: int, cut: int) -> int:
    """Where the first line begins that *cut* leaves whole."""
    at = cut - 1
    while chunk := os.pread(fd, _TAIL_BYTES, at):
        end = chunk.find(b"\n")
        if end >= 0:
            return at + end + 1
        at += len(chunk)
    return at
