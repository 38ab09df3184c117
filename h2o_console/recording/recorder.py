"""Keeps the last hours of what the console heard, in a thread of its own: nothing that is shown ever waits for it.

Whatever goes wrong with the disk, the console goes on; `trouble` says what it is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.feed.thread import name_thread
from h2o_console.recording.choosing import SEGMENT_S, Choice, Cost, pace_s
from h2o_console.recording.segments import SegmentWriter
from h2o_console.recording.shelf import Shelf
from h2o_core.io.clock import monotonic_ns, thread_ns, unix_s

if TYPE_CHECKING:
    from h2o_console.feed.heard import Heard

NAME: Final = "h2o-recorder"
KEEP_S: Final = 6 * 3600.0
MOST_BYTES: Final = 128 << 20
_WRITE_S: Final = 1.0
_AGAIN_S: Final = 10.0
"""After a trouble, or while another console records."""
_MOST_WAITING: Final = 2_000
_PARTS: Final = 8
"""No segment takes more than one of so many parts of what may be kept."""
_GONE_S: Final = 600.0
_STOP_S: Final = 3.0
OTHERS: Final = "another console records this fleet"


@dataclass(frozen=True, slots=True)
class Shelved:
    """Where recordings are kept, for how long, and how many bytes of them."""

    directory: Path
    keep_s: float = KEEP_S
    most_bytes: int = MOST_BYTES


class Recorder:
    """`start` it once, let a poller's tap `hear`, `stop` it. *wall* gives Unix time."""

    def __init__(
        self, where: Shelved, fleet: str, context: str, wall: Callable[[], float] = unix_s, write_s: float = _WRITE_S
    ) -> None:
        self.trouble = ""
        self.where = where
        self._shelf = Shelf(where.directory)
        self._writer = SegmentWriter(fleet, context)
        self._choice = Choice()
        self._cost = Cost()
        self._wall = wall
        self._write_s = write_s
        self._waiting: deque[tuple[Heard, float]] = deque(maxlen=_MOST_WAITING)
        self._epoch_s = 0.0
        """Unix time when the monotonic clock was 0, as seen when the segment began."""
        self._began_s: float | None = None
        self._since_beginning = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def hear(self, heard: Heard, now_s: float) -> None:
        """A poller's tap; *now_s* is monotonic. What the thread can't keep up with goes, the oldest first."""
        self._waiting.append((heard, now_s))

    def start(self) -> None:
        """Record from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        name_thread(NAME)
        while True:
            stopping = self._stopping.wait(self._write_s if not self.trouble else _AGAIN_S)
            try:
                self._record()
                self.trouble = ""
            except _Occupied:
                self._give_up(OTHERS)
            except OSError as error:
                self._give_up(error.strerror or str(error))
            except Exception as error:  # noqa: BLE001 - told; the console lives on
                self._give_up(f"the recorder stumbled: {error!r}")
            if stopping:
                self._shelf.close()
                return

    def _give_up(self, why: str) -> None:
        self.trouble = why
        self._waiting.clear()
        self._shelf.close()
        self._began_s = None

    def _record(self) -> None:
        """Write what was heard since the last time."""
        if not self._shelf.claim():
            raise _Occupied
        now_s = monotonic_ns() / 1e9
        if self._began_s is None or now_s - self._began_s >= SEGMENT_S:
            self._begin(now_s)
        written: list[bytes] = []
        while self._waiting:
            heard, heard_s = self._waiting.popleft()
            frames = [self._frame(kept, heard_s) for kept in self._choice.hear(heard, heard_s)]
            written += frames
            self._since_beginning += sum(map(len, frames))
            if self._since_beginning >= self._room:
                self._shelf.write(b"".join(written))
                written.clear()
                self._begin(now_s)
        if written:
            self._shelf.write(b"".join(written))
        self._choice.pace_s = pace_s(self._choice.hosts, self._cost, self.where.most_bytes)

    @property
    def _room(self) -> int:
        """Bytes that a segment may have besides its beginning."""
        part = self.where.most_bytes // _PARTS
        return max(part - int(self._cost.begin_bytes), part // _PARTS)

    def _frame(self, heard: Heard, heard_s: float) -> bytes:
        before_ns = thread_ns()
        frame = self._writer.add(heard, self._unix_us(heard_s))
        if heard.body:
            self._cost.add(len(frame), (thread_ns() - before_ns) / 1e9)
        return frame

    def _unix_us(self, heard_s: float) -> int:
        return max(int((self._epoch_s + heard_s) * 1e6), 0)

    def _begin(self, now_s: float) -> None:
        """Another segment, on the wall clock as it is now; the oldest make room for it before it is written."""
        wall_s = self._wall()
        self._epoch_s, self._began_s = wall_s - now_s, now_s
        beginning = self._writer.begin(int(wall_s * 1e6))
        left = max(self.where.most_bytes * (_PARTS - 1) // _PARTS - len(beginning), 0)
        self._shelf.thin(wall_s, self.where.keep_s, left)
        self._shelf.begin(wall_s)
        self._shelf.write(beginning)
        self._since_beginning = 0
        self._cost.begin_bytes = len(beginning)
        self._choice.forget(now_s - _GONE_S)


class _Occupied(Exception):
    """Another console writes there."""
