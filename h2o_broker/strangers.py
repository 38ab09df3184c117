"""Who came to our port for brokers with another key: counted for ever, said for a minute. Pure."""

from __future__ import annotations

from typing import Final

SAID_FOR_NS: Final = 60_000_000_000


class Strangers:
    """Those whom the gatekeeper turned away, and those who took us for somebody with another key."""

    def __init__(self) -> None:
        self.refused = 0
        """Links that came with a foreign key, or none."""
        self.foreign = 0
        """Connections that spoke another protocol, or knew another key for us."""
        self._address = ""
        self._last_ns: int | None = None

    def turned_away(self, address: str, now: int) -> None:
        """The gatekeeper refused a key that came from *address* (an IP address)."""
        self.refused += 1
        self._address, self._last_ns = address, now

    def misled(self, now: int) -> None:
        """A handshake that our key can't open; nobody says from where."""
        self.foreign += 1
        self._address, self._last_ns = "", now

    def sentence(self, now: int) -> str:
        """What to make of it; "" when nobody came in the last minute."""
        if self._last_ns is None or now - self._last_ns > SAID_FOR_NS:
            return ""
        whence = f", the last from {self._address}" if self._address else ""
        return (
            f"links came to this broker with another key ({self.refused + self.foreign} since it started{whence}): "
            f"from a broker with another fleet secret or another fleet, or from no broker at all; "
            f"find it, and compare its secret_file with this host's"
        )
