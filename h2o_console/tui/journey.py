"""Where the person is and was: the trail down to the place on screen, the history of trails, and how each was left.

Pure. ``esc`` goes up the trail, ``[`` and ``]`` through the history, ``-`` to the view before; a list comes back
sorted, filtered and under the cursor as it was left.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from h2o_console.rows.places import Look, Place

_LONGEST: Final = 50
_LOOKS: Final = 200

Trail = tuple[Place, ...]


class Journey:
    """The way of one person through the console. `trail` ends with the place on screen."""

    def __init__(self, home: Place) -> None:
        self.home = home
        self.trail: Trail = (home,)
        self._past: deque[Trail] = deque(maxlen=_LONGEST)
        self._future: deque[Trail] = deque(maxlen=_LONGEST)
        self._other: Trail | None = None
        self._looks: dict[Place, Look] = {}

    @property
    def place(self) -> Place:
        """What is on screen."""
        return self.trail[-1]

    @property
    def look(self) -> Look:
        """How the place on screen was left, or how it begins."""
        return self._looks.get(self.place, Look())

    def keep(self, look: Look, place: Place | None = None) -> None:
        """Remember how *place* (the one on screen) looks; the oldest of many are forgotten, those with marks last."""
        place = place or self.place
        self._looks.pop(place, None)
        self._looks[place] = look
        while len(self._looks) > _LOOKS:
            oldest = next(iter(self._looks))
            del self._looks[next((one for one, kept in self._looks.items() if not kept.marks), oldest)]

    def looks(self) -> dict[Place, Look]:
        """How each place was left, the last one last."""
        return dict(self._looks)

    def open(self, place: Place) -> None:
        """Go down to *place*; the one on screen is where ``esc`` leads back to."""
        if place != self.place:
            self._go((*self.trail, place))

    def view(self, place: Place) -> None:
        """Go to *place* as the beginning of a new trail."""
        if self.trail != (place,):
            self._go((place,))

    def climb(self, place: Place) -> None:
        """Up the trail to *place*, which is on it."""
        self._go(self.trail[: self.trail.index(place) + 1])

    def up(self) -> bool:
        """One place up; at the beginning of a trail, to where one came from. False at the very first."""
        if len(self.trail) == 1:
            return self.back()
        above = self.trail[:-1]
        if self._past and self._past[-1] == above:
            self._past.pop()
        self._future.append(self.trail)
        self._arrive(above)
        return True

    def back(self) -> bool:
        """``[``: to what was on screen before."""
        return self._step(self._past, self._future)

    def forward(self) -> bool:
        """``]``: what ``[`` or ``esc`` left."""
        return self._step(self._future, self._past)

    def last(self) -> bool:
        """``-``: to the view before this one, and with the next ``-`` here again."""
        if self._other is None or self._other == self.trail:
            return False
        self._go(self._other)
        return True

    def _go(self, trail: Trail) -> None:
        self._past.append(self.trail)
        self._future.clear()
        self._arrive(trail)

    def _step(self, of: deque[Trail], onto: deque[Trail]) -> bool:
        if not of:
            return False
        onto.append(self.trail)
        self._arrive(of.pop())
        return True

    def _arrive(self, trail: Trail) -> None:
        if trail != self.trail:
            self._other = self.trail
        self.trail = trail
