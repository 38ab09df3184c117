"""The directory of a fleet's recording: one console at a time writes there, and only its owner can read it."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from h2o_console.recording.retention import Kept, superfluous

SUFFIX: Final = ".h2orec"
_NAME: Final = re.compile(r"(\d{13,15})" + re.escape(SUFFIX))
_OWN_FILE: Final = 0o600
_OWN_DIRECTORY: Final = 0o700


class Shelf:
    """*directory* with its segments. All methods raise OSError."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = -1
        self._file = -1

    def claim(self) -> bool:
        """Be the one who writes; False while another console is. Ends with `close`, or with the process."""
        if self._lock < 0:
            self.directory.mkdir(parents=True, exist_ok=True, mode=_OWN_DIRECTORY)
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWN_FILE)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            except OSError:
                os.close(lock)
                raise
            self._lock = lock
        return True

    def begin(self, began_s: float) -> None:
        """Another segment, from now on."""
        self._end()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        at_ms = int(began_s * 1000)
        while True:
            try:
                self._file = os.open(self.directory / f"{at_ms:013d}{SUFFIX}", flags, _OWN_FILE)
            except FileExistsError:  # the clock was set back
                at_ms += 1
            else:
                return

    def write(self, data: bytes) -> None:
        """To the end of the segment; what was written outlives this process."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def segments(self) -> list[Kept]:
        """All of them, the oldest first."""
        found: list[Kept] = []
        for path in self.directory.iterdir():
            if (named := _NAME.fullmatch(path.name)) is not None:
                with suppress(FileNotFoundError):
                    found.append(Kept(int(named.group(1)) / 1000, path.stat().st_size, path.name))
        return sorted(found)

    def thin(self, now_s: float, keep_s: float, most_bytes: int) -> None:
        """Remove what is too old or too much."""
        for one in superfluous(self.segments(), now_s, keep_s, most_bytes):
            (self.directory / one.name).unlink(missing_ok=True)

    def _end(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def close(self) -> None:
        """Write no more. Idempotent."""
        self._end()
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            os.close(lock)
