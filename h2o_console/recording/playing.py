"""A recording played into a store: the same way in as what a poller hears, on the recording's clock.

Two clocks go with it: `at_s` is the recording's (Unix time) and goes back and forth; `stage_s` is what store and
screens run on, and only ever goes on, so that whatever waits there for a while goes on waiting for that while.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from h2o_console.recording.taking import Taking
from h2o_console.recording.tape import GAP_S
from h2o_console.store.fleet import Store

if TYPE_CHECKING:
    from h2o_console.recording.segments import Taken
    from h2o_console.recording.tape import Tape

WARM_S: Final = 120.0
"""Read before the moment that is gone to: a window of a minute, and findings that wait to be sure."""
PAST_S: Final = 960.0
"""What findings compare with: the quarter of an hour before. Read where that is not too much."""
_MOST_BYTES: Final = 4 << 20
_JUMP_S: Final = 60.0
"""On the stage, between what was seen and what is gone to: longer than anything there holds still."""
_NEAR_S: Final = 30.0
"""So far on one gets sooner by playing than by beginning anew."""
_HOLE_S: Final = 1.0


class Playing:
    """Where in *tape* it is. `jumps` is raised whenever what is shown does not follow from what was shown before."""

    def __init__(self, tape: Tape, store: Store, at_s: float | None = None) -> None:
        self.tape = tape
        self.at_s = tape.began_s
        self.stage_s = 0.0
        self.jumps = 0
        self._store = store
        self._taking = Taking(store, 0.0)
        self._piece = 0
        self._contents: Iterator[Taken] = iter(())
        self._next: Taken | None = None
        self._begin_at(tape.began_s if at_s is None else at_s)

    @property
    def ended(self) -> bool:
        """There is no more of it."""
        return self.at_s >= self.tape.ended_s

    def seek(self, to_s: float) -> None:
        """Go to a moment; where nothing is recorded of it, to where the recording goes on."""
        if 0 <= to_s - self.at_s <= _NEAR_S:
            self.play(to_s - self.at_s)
        else:
            self._begin_at(to_s)

    def _begin_at(self, to_s: float) -> None:
        """What was heard before is taken in first, aside: until all of it is, the store shows what it showed."""
        to_s = min(max(to_s, self.tape.began_s), self.tape.ended_s)
        pieces = self.tape.pieces
        last = self.tape.at(to_s)
        if to_s - pieces[last].ended_s > GAP_S and last + 1 < len(pieces):
            last += 1
            to_s = pieces[last].began_s
        aside, stage_s = Store(), self.stage_s + _JUMP_S
        self._taking = Taking(aside, stage_s - to_s, sure_s=to_s - WARM_S)
        self._begin(self._first(last, to_s), skipping=False)
        self._take_until(to_s)
        aside.prepare(stage_s)
        self._store.become(aside)
        self._taking.take_over(self._store)
        self.at_s, self.stage_s = to_s, stage_s
        self.jumps += 1

    def _first(self, last: int, to_s: float) -> int:
        """Where to begin reading, so that at *to_s*, in piece *last*, it looks as it did then."""
        pieces, first, size = self.tape.pieces, last, 0
        while first and not pieces[first].after_gap and pieces[first].began_s > to_s - PAST_S:
            size += pieces[first - 1].part.end - pieces[first - 1].part.start
            if pieces[first].began_s <= to_s - WARM_S and size > _MOST_BYTES:
                break
            first -= 1
        return first

    def play(self, seconds: float) -> None:
        """Go on by so much of the recording's time; over a hole in one step."""
        to_s = min(self.at_s + seconds, self.tape.ended_s)
        following = self._after_hole()
        if following is not None and to_s - self.tape.pieces[self._piece].ended_s > _HOLE_S:
            self._begin_at(following)
            return
        self._take_until(to_s)
        self.stage_s += to_s - self.at_s
        self.at_s = to_s
        self._store.prepare(self.stage_s)

    def _after_hole(self) -> float | None:
        """Where it goes on, when nothing more comes before a hole."""
        following = self._piece + 1
        if self._next is not None or following >= len(self.tape.pieces):
            return None
        piece = self.tape.pieces[following]
        return piece.began_s if piece.after_gap else None

    def _begin(self, piece: int, *, skipping: bool) -> None:
        """From the beginning of a piece on; *skipping* what stands there for those who begin with it."""
        self._piece = piece
        contents = self.tape.pieces[piece].contents()
        self._contents = (taken for taken in contents if not (skipping and taken.earlier))
        self._next = next(self._contents, None)

    def _take_until(self, to_s: float) -> None:
        """Take in what was heard until then."""
        while True:
            while self._next is not None and self._next.at_s <= to_s:
                self._taking.take(self._next.heard, self._next.at_s)
                self._next = next(self._contents, None)
            following = self._piece + 1
            if self._next is not None or following >= len(self.tape.pieces):
                break
            if self.tape.pieces[following].after_gap or self.tape.pieces[following].began_s > to_s:
                break
            self._begin(following, skipping=True)
        self._taking.look_until(to_s)
