"""Keys that a person presses in a list, and what on the screen says that each has been answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.console.screen import Screen
    from bench.console.terminal import Terminal

_ANSWER_S: Final = 5.0
_PAUSE_S: Final = (0.04, 0.2)
_BELOW: Final = 6
"""Lines that are never the list's: findings and status."""
_ROUND: Final = 50
_WORDS: Final = ("geo", "pay", "cust", "trip")
ESCAPE: Final = "\x1b"


class Typist:
    """Walks about in a list of *rows* rows and filters it; `waits_ms` has what each key took to be answered."""

    def __init__(self, terminal: Terminal, rows: int, dice: Random) -> None:
        self.waits_ms: list[float] = []
        self._terminal = terminal
        self._rows = rows
        self._dice = dice
        self._at = 0

    def type(self, keys: int) -> None:
        """At least so many keys, spread in time. Raises BenchError when one is not answered."""
        while len(self.waits_ms) < keys:
            for key in self._moves():
                self._press(key, self._moved, "the cursor's line to change")
            self._filter(self._dice.choice(_WORDS))

    def _moves(self) -> Iterator[str]:
        """Down and up, to the end and back; never a key that would change nothing."""
        yield from self._edge("g", 0)
        for _ in range(_ROUND - 10):
            down = self._at == 0 or (self._dice.random() < 0.7 and self._at < self._rows - 1)
            self._at += 1 if down else -1
            yield "j" if down else "k"
        yield from self._edge("G", self._rows - 1)
        yield from self._edge("g", 0)

    def _edge(self, key: str, to: int) -> Iterator[str]:
        if self._at != to:
            self._at = to
            yield key

    def _moved(self) -> Callable[[Screen], bool]:
        before = self._terminal.look(_cursor)
        return lambda screen: _cursor(screen) not in {before, None}

    def _filter(self, word: str) -> None:
        """Each letter stands in the breadcrumbs when the list has been narrowed; esc takes all of it back."""
        self._press("/", lambda: _filtering, "the filter's line")
        for end in range(1, len(word) + 1):
            typed = f"/{word[:end]}"
            self._press(word[end - 1], partial(_names, f"{typed} "), f"{typed} in the header")
        self._press(ESCAPE, lambda: lambda screen: f"/{word}" not in screen.line(0), "no filter in the header")
        self._terminal.until(lambda screen: _cursor(screen) is not None, "the cursor's line", _ANSWER_S)
        # The cursor has moved to the first match: go to a known place without counting it.
        self._terminal.press("G")
        time.sleep(_PAUSE_S[1])
        self._at = self._rows - 1

    def _press(self, key: str, answer: Callable[[], Callable[[Screen], bool]], what: str) -> None:
        """*answer* looks at the screen as it is when the key is pressed: what moved before that is no answer to it."""
        time.sleep(self._dice.uniform(*_PAUSE_S))
        answered = answer()
        pressed_ns = time.perf_counter_ns()
        self._terminal.press(key)
        answered_ns = self._terminal.until(answered, f"{what} after {key!r}", _ANSWER_S)
        self.waits_ms.append(max(answered_ns - pressed_ns, 0) / 1e6)


def _names(word: str) -> Callable[[Screen], bool]:
    return lambda screen: word in screen.line(0)


def _filtering(screen: Screen) -> bool:
    return screen.line(screen.height - 1).lstrip().startswith("/")


def _cursor(screen: Screen) -> tuple[int, str] | None:
    """Which line is selected, and the name on it (its numbers change by themselves); None while it is being painted."""
    y = screen.odd_line(1, screen.height - _BELOW)
    return None if y < 0 else (y, next((word for word in screen.line(y).split() if "/" in word), ""))
