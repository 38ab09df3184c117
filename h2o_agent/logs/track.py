"""One source in a feed: its trail, what has been read of it and not been given out yet, and where that leaves it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from h2o_agent.logs.cursor import Position
from h2o_agent.logs.files import open_all
from h2o_agent.logs.seek import at_last, at_time, prime
from h2o_agent.logs.shaping import Context, Shaper
from h2o_agent.logs.splitting import RawLine
from h2o_agent.logs.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_agent.logs.query import Query
    from h2o_agent.logs.shelf import LogSource, Shelf


class Waiting(NamedTuple):
    """An entry that has been read. `order_s` never goes back within a source."""

    order_s: float
    text: bytes
    after: Position


class Track:
    """Place it, then `fill` until it says that there is no more for now; take from `waiting`."""

    def __init__(self, shelf: Shelf, source: LogSource, query: Query) -> None:
        self.key = source.key
        self.trail = Trail(shelf.directory, source.key)
        self.waiting: deque[Waiting] = deque()
        self.over = False
        """All that was asked for lies behind."""
        self.position: Position | None = None
        """After what has been given out."""
        self._shelf = shelf
        self._source = source
        self._query = query
        self._context = Context(source.key, dict(source.resource))
        self._shaper = Shaper(self._context, query)
        self._last_s = 0.0
        self._live = False
        """What is read has only just been written: it has been at the end before."""

    # ------------------------------------------------------------------ placing

    def resume(self, position: Position) -> bool:
        """Exactly there; False when it is too old."""
        found = self.trail.resume(position)
        self.position = self.trail.position
        return found

    def begin(self, tail: int | None) -> Iterator[None]:
        """At the query's `since_s`, and at the last *tail* lines that are wanted; None: at the first of them."""
        files = open_all(self._shelf.directory, self.key)
        if not files:
            return
        since_s = self._query.since_s
        place = at_time(files, since_s if since_s is not None else 0.0)
        if tail is not None:
            shaper = Shaper(Context(self.key, dict(self._source.resource)), self._query)
            for found in at_last(files, tail, lambda line: self._wanted(shaper, line), place[:2]):
                if found is None:
                    yield
                else:
                    place = found
        at, offset, middle = place
        prime(self._context, files[at], offset)
        self.trail.place(files, at, offset, skipping=middle)
        self.position = self.trail.position

    def _wanted(self, shaper: Shaper, line: bytes) -> bool:
        return self._query.may_match(line) and shaper.shape(RawLine(line, 0), self._query.since_s or 0.0) is not None

    # ------------------------------------------------------------------ reading

    def fill(self, now_s: float) -> bool:
        """Read one piece; is there more at once? When entries wait, nothing is read."""
        if self.waiting:
            return True
        lines, more = self.trail.read(now_s)
        if not lines:
            self._passed()
            self._live = self._live or not more
            return more and not self.over
        position = self.trail.position
        assert position is not None
        for raw in lines:
            foreign = raw.line[:1] != b"{"
            shaped = self._shaper.shape(raw, self._seen_s(position, raw.end, now_s) if foreign else now_s)
            if shaped is None:
                continue
            self._last_s = max(self._last_s, min(shaped.timestamp_s, now_s))
            after = Position(position.mark, raw.end, raw.skipping)
            self.waiting.append(Waiting(self._last_s, shaped.text, after))
        if not self.waiting:
            self._passed()
        self.over = self.over or self._query.over(self._context.last_s)
        return more and not self.over

    def _seen_s(self, position: Position, end: int, now_s: float) -> float:
        """When a line that says no time was written, as well as is known."""
        if self._live:
            return now_s
        seen_s = self._shelf.seen_s(position.mark.inode, end)
        return seen_s or self._context.last_s or min(now_s, self.trail.modified_s())

    def take(self) -> bytes:
        """The next entry: it has been given out."""
        _, text, self.position = self.waiting.popleft()
        if not self.waiting:
            self._passed()
        return text

    def _passed(self) -> None:
        """Nothing waits: what has been read and was not wanted lies behind too."""
        self.position = self.trail.position

    def close(self) -> None:
        """Idempotent."""
        self.trail.close()
