"""How the demo's callers fare, by their own count: how many of their last requests failed."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from examples.demo.command_line import Unmet

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

WINDOW_S: Final = 5.0
_SAMPLE_S: Final = 0.5
_WELL: Final = {"OK", "APPLICATION"}
"""What a caller may expect: an answer, or an outcome that the package's author declared."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests that had ended by then, and those of them that had failed. `at_s` is monotonic."""

    at_s: float
    ended: int
    failed: int


@dataclass(frozen=True, slots=True)
class Lately:
    """What was between two samples."""

    ended: int
    failed: int

    @property
    def well(self) -> bool:
        """Requests have ended, and none of them has failed."""
        return self.ended > 0 and not self.failed

    def sentence(self) -> str:
        """For people."""
        if not self.ended:
            return f"callers: no request has ended in the last {WINDOW_S:g} s"
        if not self.failed:
            return f"callers: none of {self.ended} requests in the last {WINDOW_S:g} s failed"
        return f"callers: {self.failed / self.ended:.0%} of {self.ended} requests in the last {WINDOW_S:g} s failed"


def lately(samples: deque[Sample]) -> Lately:
    """Of the last WINDOW_S of *samples*, the oldest first; nothing while they don't reach so far back. Pure."""
    if not samples or samples[-1].at_s - samples[0].at_s < WINDOW_S:
        return Lately(0, 0)
    last = samples[-1]
    first = next(one for one in reversed(samples) if last.at_s - one.at_s >= WINDOW_S)
    return Lately(last.ended - first.ended, last.failed - first.failed)


class Callers:
    """Samples them for as long as the `with` block lasts."""

    def __init__(self, so_far: Callable[[], Counter[str]]) -> None:
        """*so_far* says how requests have ended, by outcome; it raises Unmet when nobody calls any more."""
        self._so_far = so_far
        self._samples: deque[Sample] = deque(maxlen=int(4 * WINDOW_S / _SAMPLE_S))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="callers", daemon=True)
        self.failed = 0
        """Requests that have failed since the start."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def lately(self) -> Lately:
        """Of the last WINDOW_S."""
        return lately(self._samples.copy())

    def until(self, holds: Callable[[Lately], bool], within_s: float) -> bool:
        """Wait until it *holds* of what was lately, *within_s* at most; did it?"""
        deadline_s = time.monotonic() + within_s
        while not holds(self.lately()):
            if time.monotonic() > deadline_s or self._done.wait(_SAMPLE_S):
                return False
        return True

    def _sample(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            try:
                ended = self._so_far()
            except Unmet:
                return
            if ended.total():
                self.failed = sum(count for outcome, count in ended.items() if outcome.split()[0] not in _WELL)
                self._samples.append(Sample(time.monotonic(), ended.total(), self.failed))
