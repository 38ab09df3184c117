"""What has come of a log: so many lines and no more, the ones that are shown and the ones that wait.

Pure. While somebody reads what has scrolled by, the lines that are shown stay; new ones wait, as many as are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.logs.entries import Kind as Told
from h2o_console.rows.log_lines import Record, overrun, record_of, told

if TYPE_CHECKING:
    from h2o_console.logs.entries import Line, Notice
    from h2o_console.rows.places import Kind

MOST_LINES: Final = 5000
MOST_BYTES: Final = 24 << 20


class _Kept:
    """Records in the order in which they came, no more than are allowed."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.records: deque[Record] = deque()
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0

    def push(self, records: Iterable[Record]) -> list[Record]:
        """Take them in; what had to go."""
        for record in records:
            self.records.append(record)
            self._bytes += record.size
        gone: list[Record] = []
        while len(self.records) > self._most or (self._bytes > self._most_bytes and len(self.records) > 1):
            gone.append(self.records.popleft())
            self._bytes -= gone[-1].size
        return gone

    def empty(self) -> tuple[Record, ...]:
        """All of them, which go."""
        taken = tuple(self.records)
        self.records.clear()
        self._bytes = 0
        return taken


class LogBuffer:
    """What `take` has given out is shown, the rest waits. `lost`: hosts that don't answer, and why."""

    def __init__(self, of: Kind | None = None, most: int = MOST_LINES, most_bytes: int = MOST_BYTES) -> None:
        self._of = of
        self._shown = _Kept(most, most_bytes)
        self._waiting = _Kept(most - 1, most_bytes)  # one more says what had to go
        self._by_number: dict[int, Record] = {}
        self._number = 0
        self._overrun = 0
        self.lost: dict[str, str] = {}

    def add(self, lines: Iterable[Line], notices: Iterable[Notice], now_s: float) -> None:
        """They have come (now, Unix time)."""
        fresh = [record_of(line, self._next(), self._of) for line in lines]
        for notice in notices:
            if notice.kind is Told.LOST:
                self.lost[notice.host] = notice.why
            elif notice.kind is Told.BACK:
                self.lost.pop(notice.host, None)
            if notice.kind is not Told.NOTHING:
                fresh.append(told(notice, self._next(), now_s))
        self._by_number.update((record.number, record) for record in fresh)
        gone = self._waiting.push(fresh)
        self._overrun += len(gone)
        self._forget(gone)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _forget(self, gone: Iterable[Record]) -> None:
        for record in gone:
            del self._by_number[record.number]

    @property
    def records(self) -> Sequence[Record]:
        """The ones that are shown."""
        return self._shown.records

    @property
    def waiting(self) -> int:
        """How many came and are not shown; those included that had to go meanwhile."""
        return len(self._waiting.records) + self._overrun

    def take(self) -> tuple[Sequence[Record], Sequence[Record]]:
        """Show what waits: (what is new, what had to go for it)."""
        fresh = self._waiting.empty()
        if self._overrun and fresh:
            missed = overrun(self._overrun, fresh[0])
            self._by_number[missed.number] = missed
            fresh = (missed, *fresh)
        self._overrun = 0
        gone = self._shown.push(fresh)
        self._forget(gone)
        return fresh, gone

    def record(self, number: int) -> Record | None:
        """The one with that number, while it is kept."""
        return self._by_number.get(number)
