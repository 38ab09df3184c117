"""The files of one child's log: opened, recognized, and where their data begins. No state of its own.

`KEY.log` is being written; `KEY.log.1` is what was before it. Their heads may have been punched out: offsets stay
valid, the first block stays too, so that other programs that know a file by its first lines go on knowing it.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from h2o_agent.logs.cursor import MARK_BYTES, Mark, Position, mark_of

CERTAIN_BYTES: Final = 40
"""A file that is known by this much of its beginning, or more, may have another inode: it was copied."""
LOG_SUFFIX: Final = ".log"
OLD_SUFFIX: Final = ".log.1"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file at one moment. Whoever has it closes `fd`."""

    fd: int
    mark: Mark
    size: int

    def grown(self) -> Opened | None:
        """The same file now; None when it is another one by now: truncated, or written anew."""
        status = os.fstat(self.fd)
        if status.st_size < self.size:
            return None
        if status.st_size == self.size:
            return self
        head = os.pread(self.fd, MARK_BYTES, 0)
        if not self.mark.begins(head):
            return None
        mark = self.mark if self.mark.length == MARK_BYTES else mark_of(self.mark.inode, head)
        return Opened(self.fd, mark, status.st_size)


def names(directory: Path, key: str) -> tuple[Path, Path]:
    """The old one, then the one being written."""
    return directory / f"{key}{OLD_SUFFIX}", directory / f"{key}{LOG_SUFFIX}"


def open_file(path: Path) -> Opened | None:
    """None: there is no such file, or it is not ours to read. Raises OSError for anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.EACCES, errno.ENXIO}:
            return None
        raise
    head = os.pread(fd, MARK_BYTES, 0)
    status = os.fstat(fd)
    return Opened(fd, mark_of(status.st_ino, head), status.st_size)


def open_all(directory: Path, key: str) -> list[Opened]:
    """What there is, oldest first; the caller closes them."""
    found = [open_file(path) for path in names(directory, key)]
    return [each for each in found if each is not None]


def find(files: list[Opened], position: Position) -> int | None:
    """Which of *files* the position is in: by its beginning, and by its inode unless the beginning is long enough."""
    fitting = [
        at
        for at, file in enumerate(files)
        if file.size >= position.offset and position.mark.begins(os.pread(file.fd, MARK_BYTES, 0))
    ]
    for at in fitting:
        if files[at].mark.inode == position.mark.inode:
            return at
    return fitting[0] if fitting and position.mark.length >= CERTAIN_BYTES else None


def first_data(fd: int, size: int) -> int:
    """Where lines that are all there begin: after the hole, if the head has been punched out, else 0."""
    hole = next_hole(fd, 0, size)
    return next_data(fd, hole, size) if hole < size else 0


def next_hole(fd: int, at: int, size: int) -> int:
    """The first offset from *at* on that has been punched out; *size* when there is none, or nobody can tell."""
    if at >= size:
        return size
    try:
        return min(os.lseek(fd, at, os.SEEK_HOLE), size)
    except (OSError, AttributeError):  # no such call here
        return size


def next_data(fd: int, at: int, size: int) -> int:
    """The first offset from *at* on that has not."""
    try:
        return min(os.lseek(fd, at, os.SEEK_DATA), size)
    except (OSError, AttributeError):  # a hole up to the end
        return size
