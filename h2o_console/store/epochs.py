"""Which epochs of control were seen, and when first: how long a host that was read then was behind. Pure.

Hosts are read one after another, so one that was read before a change came is not behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_MOST: Final = 64


@dataclass(slots=True)
class Epochs:
    """`seen`: (epoch, when somebody first said it), ascending in both."""

    seen: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])

    def saw(self, epoch: int, now_s: float) -> None:
        """Somebody knows this one."""
        if not self.seen or epoch > self.seen[-1][0]:
            self.seen = [*self.seen[1 - _MOST :], (epoch, now_s)]

    def behind_s(self, epoch: int, read_s: float | None) -> float | None:
        """How long a broker that applied *epoch* when it was read had been behind by then; None: it was not."""
        newer_s = next((at_s for newer, at_s in self.seen if newer > epoch), None)
        if newer_s is None or read_s is None or read_s <= newer_s:
            return None
        return read_s - newer_s
