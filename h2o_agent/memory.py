"""Who has had more memory than it may for too long. Pure: time is an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_S: Final = 5.0
"""A peak is no leak."""


class MemoryWatch:
    """Show it what each limited process has, once a second or so."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}

    def look(self, has: Mapping[int, tuple[int, int]], now_s: float) -> list[int]:
        """*has*: pid → (bytes, most bytes). Those that have been over it for five seconds, each once."""
        self._since_s = {
            pid: self._since_s.get(pid, now_s) for pid, (rss_bytes, most_bytes) in has.items() if rss_bytes > most_bytes
        }
        found = [pid for pid, since_s in self._since_s.items() if now_s - since_s >= PATIENCE_S]
        for pid in found:
            self._since_s[pid] = now_s
        return found
