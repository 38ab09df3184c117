"""When is a broker that does not answer hung, so that killing it is the smaller harm? Pure.

Each question waits a second for its answer. One that was refused at once, or that this process itself was too slow to
time, proves nothing about the other side; fifteen in a row that were waited for in full do.
"""

from __future__ import annotations

from typing import Final

WAIT_S: Final = 1.0
_LEAST_S: Final = 0.9 * WAIT_S
_MOST_S: Final = 1.5 * WAIT_S
"""Longer, and we have been stopped or starved ourselves: so may have been the broker, and it is not hung."""
QUESTIONS: Final = 15


class Patience:
    """With one broker process."""

    def __init__(self) -> None:
        self._unanswered = 0

    def answered(self) -> None:
        """It lives."""
        self._unanswered = 0

    def silent(self, waited_s: float) -> bool:
        """Another question without an answer; True when that is enough."""
        if waited_s > _MOST_S:
            self._unanswered = 0
        elif waited_s >= _LEAST_S:
            self._unanswered += 1
        return self._unanswered >= QUESTIONS
