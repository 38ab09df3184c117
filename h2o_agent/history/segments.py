"""History's files: appended to, a new one each day or when one is large, the oldest dropped. One thread at a time.

A record is in the kernel's hands when `append` returns, so it outlives a killed agent. It is not fsynced: what a
power failure takes is what the kernel had not written yet, half a minute or so, and a history that is short of its last
point is not worth a flush of the disk each minute. What it leaves torn is refused by its checksum.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_agent.history.records import Decoded, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK_BYTES: Final = 96 << 20
"""Seven days of 20 package versions at 1,000 requests/s each are 81 MiB; at 10/s 33, idle 2."""
SPAN_S: Final = 7 * 86_400.0
_DAY_S: Final = 86_400.0
_NAME: Final = re.compile(r"minutes-(\d{9,12})\.h2o")


@dataclass(frozen=True, slots=True)
class _Segment:
    path: Path
    start_s: float
    size_bytes: int


class Segments:
    """The files of one directory, of *most_bytes* together at most."""

    def __init__(self, directory: Path, most_bytes: int = DISK_BYTES) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._segment_bytes = most_bytes // 16
        self._file = -1
        self._start_s = 0.0
        self._size_bytes = 0

    def append(self, record: bytes, now_s: float) -> None:
        """Write it as a whole, or not at all; raises OSError."""
        if self._file < 0 or self._is_full(now_s, len(record)):
            self._open(now_s, len(record))
        try:
            _write(self._file, record)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._size_bytes)
            self.close()
            raise
        self._size_bytes += len(record)

    def read(self, since_s: float) -> Iterator[Decoded]:
        """Each file that may have something of *since_s* or later, the newest first; what can't be read is left out."""
        for segment in reversed(self._list()):
            if segment.start_s + 2 * _DAY_S < since_s:  # it covers a day, of a clock that may have been set meanwhile
                continue
            with suppress(OSError):
                yield decode(_read(segment.path, self._segment_bytes * 2))

    def close(self) -> None:
        """Let go of the file; the next `append` opens one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _is_full(self, now_s: float, more_bytes: int) -> bool:
        age_s = now_s - self._start_s
        return not 0 <= age_s < _DAY_S or self._size_bytes + more_bytes > self._segment_bytes

    def _open(self, now_s: float, more_bytes: int) -> None:
        """The file to write to: the newest if it has room, else a new one, for which old ones go."""
        self.close()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        segments = self._list()
        newest = segments[-1] if segments else None
        path = self._directory / f"minutes-{int(now_s):010d}.h2o"
        self._start_s, self._size_bytes = float(int(now_s)), 0
        if newest is not None:
            self._start_s, self._size_bytes = newest.start_s, newest.size_bytes
            if self._is_full(now_s, more_bytes):
                self._start_s, self._size_bytes = float(int(now_s)), 0
            else:
                path = newest.path
        self._drop_old(segments, now_s, keep=path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(path, flags, 0o600)
        self._size_bytes = os.fstat(self._file).st_size

    def _drop_old(self, segments: list[_Segment], now_s: float, keep: Path) -> None:
        """What is older than the span, or from a future that a wrong clock has seen, or too much."""
        left_bytes = self._most_bytes - self._segment_bytes
        for segment in reversed(segments):
            left_bytes -= segment.size_bytes
            over = now_s - segment.start_s > SPAN_S + _DAY_S or segment.start_s > now_s + _DAY_S
            if segment.path != keep and (over or left_bytes < 0):
                with suppress(OSError):
                    segment.path.unlink()

    def _list(self) -> list[_Segment]:
        """The oldest first; what has another name, or is no plain file, is not ours."""
        found: list[_Segment] = []
        with suppress(OSError):
            for entry in os.scandir(self._directory):
                named = _NAME.fullmatch(entry.name)
                if named is not None and entry.is_file(follow_symlinks=False):
                    size_bytes = entry.stat(follow_symlinks=False).st_size
                    found.append(_Segment(Path(entry.path), float(named.group(1)), size_bytes))
        return sorted(found, key=lambda segment: segment.start_s)


def _write(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _read(path: Path, most_bytes: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(file, "rb") as opened:
        return opened.read(most_bytes)
