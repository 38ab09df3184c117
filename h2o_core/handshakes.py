"""What becomes of a TCP link before anybody speaks over it; what libzmq tells of that, in our words. Pure."""

from __future__ import annotations

from enum import IntEnum


class LinkNews(IntEnum):
    """One piece of news about a connection."""

    TRYING = 0
    """It will be opened again."""
    GREETED = 1
    """The keys fit."""
    ENDED = 2
    """The other end hung up in the handshake: what a CURVE server does that can't open the greeting."""
    SILENT = 3
    """The other end took the connection and said nothing."""
    REFUSED = 4
    """One end's gatekeeper did not admit the other's key. libzmq does not try again."""
    FOREIGN = 5
    """What came was no greeting of this protocol, or one for another key. libzmq does not try again."""
    LOST = 6
    """The connection ended. Without a TRYING behind it, libzmq has given the link up."""
