"""How the demo's callers fare, by their own count: how many of their last requests failed."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from examples.demo.command_line import Unmet

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S: Final = 5.0
WELL_SHARE: Final = 0.02
_SAMPLE_S: Final = 0.5
_WELL: Final = {"OK", "APPLICATION"}


@dataclass(frozen=True, slots=True)
class Sample:
    """How requests had ended by then: outcome → how many. `at_s` is monotonic."""

    at_s: float
    outcomes: Counter[str]


@dataclass(frozen=True, slots=True)
class Lately:
    """What was between two samples: outcome → how many."""

    outcomes: Counter[str]

    @property
    def ended(self) -> int:
        """Requests that have ended, however."""
        return self.outcomes.total()

    @property
    def failures(self) -> Counter[str]:
        """Without answers, and outcomes that a package's author declared."""
        return Counter({name: count for name, count in self.outcomes.items() if name.split()[0] not in _WELL})

    @property
    def failed(self) -> int:
        """Requests that have failed."""
        return self.failures.total()

    @property
    def well(self) -> bool:
        """Requests have ended, and hardly any of them has failed: service/payment fails now and then, on purpose."""
        return self.ended > 0 and self.failed < WELL_SHARE * self.ended

    def sentence(self) -> str:
        """For people."""
        if not self.ended:
            return f"callers: no request has ended in the last {WINDOW_S:g} s"
        if not self.failed:
            return f"callers: none of {self.ended} requests in the last {WINDOW_S:g} s failed"
        named = ", ".join(f"{count} {name}" for name, count in self.failures.most_common())
        share = f"{self.failed / self.ended:.1%} of {self.ended} requests"
        return f"callers: {share} in the last {WINDOW_S:g} s failed ({named})"


def lately(samples: deque[Sample]) -> Lately:
    """Of the last WINDOW_S of *samples*, the oldest first; nothing while they don't reach so far back. Pure."""
    if not samples or samples[-1].at_s - samples[0].at_s < WINDOW_S:
        return Lately(Counter())
    last = samples[-1]
    first = next(one for one in reversed(samples) if last.at_s - one.at_s >= WINDOW_S)
    return Lately(last.outcomes - first.outcomes)


class Callers:
    """Samples them for as long as the `with` block lasts."""

    def __init__(self, so_far: Callable[[], Counter[str]]) -> None:
        """*so_far* says how requests have ended, by outcome; it raises Unmet when nobody calls any more."""
        self._so_far = so_far
        self._samples: deque[Sample] = deque(maxlen=int(4 * WINDOW_S / _SAMPLE_S))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="callers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def lately(self) -> Lately:
        """Of the last WINDOW_S."""
        return lately(self._samples.copy())

    def failed(self) -> int:
        """Requests that have failed since the start."""
        return Lately(self._samples[-1].outcomes).failed if self._samples else 0

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
                self._samples.append(Sample(time.monotonic(), ended))
