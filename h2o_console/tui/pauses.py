"""What Python itself puts between a key and its answer, kept short: the collector of cycles, and turns of threads.

A large fleet is hundreds of thousands of objects that stay. Looking through all of them for cycles takes some tenths of
a second in which nothing else runs, and would be done several times a minute. The store makes no cycles, painted lines
make a few (60 kB a second): so it is done now and then, while nobody types.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

_TURN_S: Final = 0.0005
"""So long the thread that asks may go on while the screen waits for its turn; Python's own 5 ms add up in a key."""
_SELDOM_S: Final = 120.0
_AT_LAST_S: Final = 900.0
_IDLE_S: Final = 5.0


class Pauses:
    """`begin` and `end` it once each; `tick` now and then between them."""

    def __init__(self) -> None:
        self._collected_s: float | None = None
        self._turn_s = 0.0

    def begin(self, now_s: float) -> None:
        """Python makes no pauses of its own any more."""
        self._collected_s = now_s
        self._turn_s = sys.getswitchinterval()
        gc.disable()
        sys.setswitchinterval(_TURN_S)

    def tick(self, now_s: float, idle_s: float) -> bool:
        """Collect everything when it is time and nobody has typed for a while; True when it was done."""
        if self._collected_s is None:
            return False
        since_s = now_s - self._collected_s
        if since_s < _SELDOM_S or (idle_s < _IDLE_S and since_s < _AT_LAST_S):
            return False
        self._collected_s = now_s
        gc.collect()
        return True

    def end(self) -> None:
        """As it was."""
        if self._collected_s is not None:
            self._collected_s = None
            gc.enable()
            sys.setswitchinterval(self._turn_s)
