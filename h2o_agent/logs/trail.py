"""One child's log, read forward: from file to file as they are moved aside, truncated, punched, written anew."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.cursor import Position
from h2o_agent.logs.files import find, first_data, names, next_data, next_hole, open_all
from h2o_agent.logs.splitting import Splitter

if TYPE_CHECKING:
    from pathlib import Path

    from h2o_agent.logs.files import Opened
    from h2o_agent.logs.splitting import RawLine

READ_BYTES: Final = 64 << 10
HALF_LINE_S: Final = 1.0
"""A line without an end counts as one when its file has not grown for so long."""


class Trail:
    """Place it with one of `oldest`, `resume`, `place`; then `read` again and again; `close` at last."""

    def __init__(self, directory: Path, key: str) -> None:
        self._directory = directory
        self._key = key
        self._file: Opened | None = None
        self._splitter = Splitter(0)
        self.gaps = 0
        """How often lines were lost of which nobody knows how many; whoever tells it sets it back."""
        self.dropped = 0
        """Lines that were cut off the file before they were read; as `gaps`."""

    # ------------------------------------------------------------------ placing

    def oldest(self) -> None:
        """Begin with the oldest line there is."""
        files = self._opened()
        if files:
            self._take(files, 0)

    def resume(self, position: Position) -> bool:
        """Go on there; False (and at the oldest line) when that file is gone."""
        files = self._opened()
        at = find(files, position)
        if at is None:
            if files:
                self._take(files, 0)
            return False
        self._take(files, at, position.offset, skipping=position.skipping)
        return True

    def place(self, files: list[Opened], at: int, offset: int, *, skipping: bool) -> None:
        """In file *at* of *files*, which it takes over."""
        self._take(files, at, offset, skipping=skipping)

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._file is not None:
            os.close(self._file.fd)
            self._file = None

    # ------------------------------------------------------------------ reading

    @property
    def position(self) -> Position | None:
        """After everything that `read` has given; None while there is no file."""
        if self._file is None:
            return None
        return Position(self._file.mark, self._splitter.offset, self._splitter.skipping)

    def modified_s(self) -> float:
        """When the file was last written to, Unix time; 0 without one."""
        return os.fstat(self._file.fd).st_mtime if self._file is not None else 0.0

    def read(self, now_s: float) -> tuple[list[RawLine], bool]:
        """Lines of one file, the one that `position` names then; and whether there may be more at once."""
        if self._file is None:
            self.oldest()
        file = self._file
        if file is None:
            return [], False
        grown = file.grown()
        if grown is None:
            self._lost_file()
            return [], True
        self._file = grown
        if self._splitter.read_at < grown.size:
            return self._read_on(grown), True
        return self._at_end(grown, now_s)

    def _read_on(self, file: Opened) -> list[RawLine]:
        at = self._splitter.read_at
        hole = next_hole(file.fd, at, file.size)
        if hole == at:
            self.gaps += 1
            self._splitter = Splitter(next_data(file.fd, at, file.size), skipping=True)
            return []
        return self._splitter.feed(os.pread(file.fd, min(READ_BYTES, hole - at), at))

    def _at_end(self, file: Opened, now_s: float) -> tuple[list[RawLine], bool]:
        if self._is_current(file):
            if self._splitter.unfinished and now_s - os.fstat(file.fd).st_mtime >= HALF_LINE_S:
                return self._splitter.finish(), False
            return [], False
        if os.fstat(file.fd).st_size > file.size:  # written to between the two looks
            return [], True
        rest = self._splitter.finish()
        if rest:
            return rest, True
        return [], self._next_file(file)

    def _is_current(self, file: Opened) -> bool:
        try:
            return os.stat(names(self._directory, self._key)[1]).st_ino == file.mark.inode  # noqa: PTH116 - half the price
        except OSError:
            return True  # moved away, and nothing in its place yet

    def _next_file(self, file: Opened) -> bool:
        """The one after this one; False when there is none (yet)."""
        files = self._opened()
        position = Position(file.mark, self._splitter.offset)
        at = find(files, position)
        following = 0 if at is None else at + 1
        if following >= len(files):
            _close(files)
            return False
        self._take(files, following, 0)
        return True

    def _lost_file(self) -> None:
        """It was truncated, or another one has its place: what follows may be in a copy; else it begins anew."""
        position = self.position
        files = self._opened()
        at = None if position is None else find(files, position)
        if at is not None and position is not None:
            self._take(files, at, position.offset, skipping=position.skipping)
            return
        self.gaps += 1
        if files:
            self._take(files, len(files) - 1, 0)
        else:
            self.close()

    # ------------------------------------------------------------------ the keeper's cut

    def make_way(self, inode: int, first_line: int) -> None:
        """Everything before *first_line* is about to be punched out: count what will not have been read of it."""
        file = self._file
        if file is None or file.mark.inode != inode or self._splitter.read_at >= first_line:
            return
        lines = -1 if self._splitter.skipping else 0  # the rest of a line that has been told
        at = self._splitter.read_at
        while at < first_line and (chunk := os.pread(file.fd, min(READ_BYTES, first_line - at), at)):
            lines += chunk.count(b"\n")
            at += len(chunk)
        self.dropped += max(lines, 0)
        self._splitter = Splitter(first_line)

    def _opened(self) -> list[Opened]:
        return open_all(self._directory, self._key)

    def _take(self, files: list[Opened], at: int, offset: int = 0, *, skipping: bool = False) -> None:
        self.close()
        chosen = files[at]
        _close([each for each in files if each is not chosen])
        begins = first_data(chosen.fd, chosen.size) if offset == 0 else 0
        self._file = chosen
        self._splitter = Splitter(begins, skipping=True) if begins else Splitter(offset, skipping=skipping)


def _close(files: list[Opened]) -> None:
    for file in files:
        with suppress(OSError):
            os.close(file.fd)
