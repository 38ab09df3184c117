"""How old what the broker knows of the fleet may be. Pure."""

from __future__ import annotations

from typing import Final

UNKNOWN_S: Final = -1.0


class Freshness:
    """It is true while every part has been read on the connection that stands; from then on it ages."""

    def __init__(self, parts: frozenset[str]) -> None:
        self._parts = parts
        self._read: set[str] = set()
        self._true_ns: int | None = None
        self.from_file = False
        """Nothing newer than the last-known file has been read."""

    @property
    def current(self) -> bool:
        """What the register holds is what is known."""
        return self._parts <= self._read

    def remembered(self, age_s: float, now: int) -> None:
        """The last-known file was true *age_s* ago; below 0: nobody knows when."""
        self.from_file = True
        self._true_ns = now - int(age_s * 1e9) if age_s >= 0 else None

    def read(self, part: str) -> None:
        """This part has been read whole."""
        self._read.add(part)
        if self.current:
            self.from_file = False

    def lost(self, since_ns: int) -> None:
        """The connection is gone, since then."""
        if self.current:
            self._true_ns = since_ns
        self._read.clear()

    def age_s(self, now: int) -> float:
        """0 while it is current, `UNKNOWN_S` when there is nothing that could be old."""
        if self.current:
            return 0.0
        return UNKNOWN_S if self._true_ns is None else max(0, now - self._true_ns) / 1e9
