"""Who may have a connection when there are many: a bound in all, a bound an address, and who goes first. Pure.

A newcomer is let in as long as somebody can go for it: one who has not said yet what it wants, the longest wait
first, then one who keeps an idle connection, the longest idle first. Who is being answered stays. So slow clients
crowd out each other, and a question that is asked at once is answered, also from their own address.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

MOST: Final = 512
MOST_PER_ADDRESS: Final = 128
FEWEST: Final = 16
LOCAL: Final = ""
"""The address of everybody on the Unix socket: counted alone, so that a full TCP port shuts nobody out there."""


class Doing(IntEnum):
    """What a connection is about; the first ones go first."""

    ASKING = 0
    IDLE = 1
    ANSWERED = 2


def most_for(descriptors: int) -> int:
    """Connections on TCP for a process that may have so many *descriptors*: half of them are for its work."""
    return max(FEWEST, min(MOST, descriptors // 2))


def whose(peer: str) -> str:
    """An IPv6 address counts as its network: one machine has 2^64 of them."""
    try:
        network = IPv6Address(peer.partition("%")[0])
    except AddressValueError:
        return peer
    return str(network.ipv4_mapped) if network.ipv4_mapped else network.packed[:8].hex()


@dataclass(slots=True)
class _Crowd:
    """The connections of one address by what they do, each kind in the order in which they began to."""

    doing: dict[Doing, dict[Hashable, int]] = field(default_factory=lambda: {each: {} for each in Doing})

    def __len__(self) -> int:
        return sum(map(len, self.doing.values()))

    def spare(self) -> tuple[Doing, int, Hashable] | None:
        """(what it does, since when, which): who goes first; None when all are being answered."""
        for kind in (Doing.ASKING, Doing.IDLE):
            for connection, since in self.doing[kind].items():
                return kind, since, connection
        return None


class Doors:
    """Keeps count of connections, which can be any hashable things."""

    def __init__(self, most: int = MOST, most_per_address: int = MOST_PER_ADDRESS) -> None:
        self._most = most
        self._most_per_address = min(most, most_per_address)
        self._crowds: defaultdict[str, _Crowd] = defaultdict(_Crowd)
        self._at: dict[Hashable, tuple[str, Doing]] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._at)

    def enter(self, connection: Hashable, address: str) -> tuple[bool, Hashable | None]:
        """(is it let in, who is to go for it): of its own address when that has too many, else of the largest crowd."""
        crowd = self._crowds[address]
        going: Hashable | None = None
        if len(crowd) >= self._most_per_address:
            going = _first([crowd])
        elif address != LOCAL and self._on_tcp() >= self._most:
            others = [each for whose, each in self._crowds.items() if whose != LOCAL and each.spare() is not None]
            most = max(map(len, others), default=0)
            going = _first(each for each in others if len(each) == most)
        else:
            self._put(connection, address, Doing.ASKING)
            return True, None
        if going is None:
            return False, None
        self.leave(going)
        self._put(connection, address, Doing.ASKING)
        return True, going

    def turns(self, connection: Hashable, doing: Doing) -> None:
        """*connection* does something else now; the same again changes nothing."""
        address, before = self._at.get(connection, (LOCAL, doing))
        if before is not doing:
            self.leave(connection)
            self._put(connection, address, doing)

    def leave(self, connection: Hashable) -> None:
        """It is gone, or never was."""
        address, doing = self._at.pop(connection, (None, Doing.ASKING))
        if address is None:
            return
        del self._crowds[address].doing[doing][connection]
        if not self._crowds[address]:
            del self._crowds[address]

    def _put(self, connection: Hashable, address: str, doing: Doing) -> None:
        self._order += 1
        self._at[connection] = (address, doing)
        self._crowds[address].doing[doing][connection] = self._order

    def _on_tcp(self) -> int:
        return len(self._at) - len(self._crowds[LOCAL])


def _first(crowds: Iterable[_Crowd]) -> Hashable | None:
    """Who goes first of all of them."""
    found = [spare for spare in (crowd.spare() for crowd in crowds) if spare is not None]
    return min(found, key=lambda each: each[:2])[2] if found else None
