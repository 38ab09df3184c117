"""What one reader of `/logs` is given: the chosen sources merged by time, in batches, each with a cursor after it.

Nothing is kept for a reader that is slow: the files are the queue. It may hold 64 KiB of each source, and only
while it is being asked; what is cut off a file before it was read is counted and told.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.cursor import Position, encode
from h2o_agent.logs.track import Track

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_agent.logs.query import Query
    from h2o_agent.logs.shelf import Choice, LogSource, Shelf

BATCH_BYTES: Final = 64 << 10
_TAIL_BYTES: Final = 8 << 20
"""The last N lines are held together until they are sorted: no more than this of them."""


@dataclass(frozen=True, slots=True)
class Order:
    """How much of it, and from where. `tail`: the last so many; `limit`: no more than so many."""

    query: Query
    tail: int | None = None
    limit: int | None = None
    cursor: Mapping[str, Position] | None = None
    tell_gap: bool = field(default=False)
    """A cursor was given that nobody can read."""


class Feed:
    """Iterate `steps` for what there is now; again later for what came since. Close it at the end."""

    def __init__(self, shelf: Shelf, order: Order, clock: Callable[[], float]) -> None:
        """*clock*: Unix seconds."""
        self._shelf = shelf
        self._order = order
        self._clock = clock
        self._tracks: dict[str, Track] = {}
        self._left = order.limit
        self._told = ""
        self._notices: list[dict[str, object]] = [{"gap": True}] if order.tell_gap else []
        self._begun = False

    @property
    def done(self) -> bool:
        """As many lines as were asked for have been given."""
        return self._left == 0

    def close(self) -> None:
        """Let go of the files. Idempotent."""
        for track in self._tracks.values():
            self._shelf.trails.discard(track.trail)
            track.close()
        self._tracks.clear()

    def steps(self, sources: Mapping[str, LogSource], choice: Choice) -> Iterator[bytes]:
        """All that there is now, as lines to send; an empty one now and then, so that others can have their turn."""
        fresh = [key for key in choice.ids if key not in self._tracks]
        tail = self._order.tail if not self._begun else None
        resumes = self._order.cursor is not None or self._begun
        self._begun = True
        for key in fresh:
            track = Track(self._shelf, sources[key], replace(self._order.query, ids=choice.ids[key]))
            self._tracks[key] = track
            self._shelf.trails.add(track.trail)
            yield from self._place(track, tail, resumes=resumes)
        if tail is not None and fresh:
            yield from self._last(tail)
        yield from self._merged()

    def control(self, **what: object) -> bytes:
        """One control line."""
        return json.dumps(what, separators=(",", ":")).encode() + b"\n"

    def cursor_line(self) -> bytes:
        """Where the reader stands, if that has changed since it was told; else nothing."""
        positions = {key: track.position for key, track in self._tracks.items() if track.position is not None}
        cursor = encode(positions)
        if cursor == self._told:
            return b""
        self._told = cursor
        return self.control(cursor=cursor)

    # ------------------------------------------------------------------ inside

    def _place(self, track: Track, tail: int | None, *, resumes: bool) -> Iterator[bytes]:
        """Where its cursor says; one that came into being since then begins at its beginning."""
        position = (self._order.cursor or {}).get(track.key)
        if position is not None:
            if not track.resume(position):
                self._notices.append({"gap": True, "source": track.key})
        elif resumes:
            track.trail.oldest()
        else:
            for _ in track.begin(tail):
                yield b""

    def _last(self, tail: int) -> Iterator[bytes]:
        """The last *tail* lines of all sources together."""
        kept: deque[bytes] = deque(maxlen=tail) if tail else deque(maxlen=0)
        size = 0
        for text in self._entries():
            if text and tail:
                size += len(text) - (len(kept[0]) if len(kept) == tail else 0)
                kept.append(text)
                while size > _TAIL_BYTES:
                    size -= len(kept.popleft())
            yield b""
        for text in kept:
            if self._left == 0:
                break
            self._count()
            yield text + b"\n"
        yield self.cursor_line()

    def _merged(self) -> Iterator[bytes]:
        batch: list[bytes] = []
        size = 0
        for text in self._entries() if not self.done else ():
            if text:
                batch.append(text)
                size += len(text)
                self._count()
            if size >= BATCH_BYTES or (not text and batch) or self.done:
                yield self._notes() + b"\n".join([*batch, self.cursor_line()])
                batch.clear()
                size = 0
            elif not text:
                yield b""
            if self.done:
                return
        if batch:
            yield self._notes() + b"\n".join([*batch, self.cursor_line()])
        elif self._lost():
            yield self._notes() + self.cursor_line()

    def _count(self) -> None:
        if self._left is not None:
            self._left -= 1

    def _entries(self) -> Iterator[bytes]:
        """In order of time, as far as sources have it; empty ones while much is read and nothing wanted."""
        tracks = list(self._tracks.values())
        heap: list[tuple[float, int]] = []
        for at, track in enumerate(tracks):
            yield from self._filled(track)
            if track.waiting:
                heap.append((track.waiting[0].order_s, at))
        heapify(heap)
        while heap:
            at = heap[0][1]
            track = tracks[at]
            yield track.take()
            if not track.waiting:
                yield from self._filled(track)
            if track.waiting:
                heapreplace(heap, (track.waiting[0].order_s, at))
            else:
                heappop(heap)

    def _filled(self, track: Track) -> Iterator[bytes]:
        """Until something waits or there is no more; a piece of nothing for each piece that had nothing."""
        while track.fill(self._clock()) and not track.waiting:
            yield b""

    def _lost(self) -> bool:
        return bool(self._notices) or any(track.trail.gaps or track.trail.dropped for track in self._tracks.values())

    def _notes(self) -> bytes:
        """What was lost, told once."""
        for track in self._tracks.values():
            if track.trail.gaps:
                self._notices.append({"gap": True, "source": track.key})
                track.trail.gaps = 0
            if track.trail.dropped:
                self._notices.append({"dropped": track.trail.dropped, "source": track.key})
                track.trail.dropped = 0
        notes = b"".join(self.control(**notice) for notice in self._notices)
        self._notices.clear()
        return notes
