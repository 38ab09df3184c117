"""What operators decide: documents that every broker applies, each at its own time; and what they have to lead to.

A broker has read them before it serves, and sees the newest that stands there when it looks.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_core.control import WHOLE, HostControl, HostState, Traffic
from tests.simulation.agenda import MS

if TYPE_CHECKING:
    from tests.simulation.agenda import Agenda

PACKAGE = "/service/customer"
STABLE, NEW = "1.0.0", "2.0.0"
"""The one package that has two versions."""


class Broker(Protocol):
    """Who applies documents."""

    def apply_traffic(self, package: str, traffic: Traffic | None) -> None:
        """Choose versions by it from now on."""

    def apply_host_control(self, host: str, control: HostControl | None) -> None:
        """Drain or avoid a host from now on, or neither."""


def traffic(parts: int) -> Traffic:
    """So many parts out of 10,000 for the new version."""
    return Traffic(PACKAGE, STABLE, ((STABLE, WHOLE - parts), (NEW, parts)), experiment="e1", salt="s")


def version_of(key: str, parts: int) -> str:
    """The version of a sticky key, as TRAFFIC.md says it: 64 bits of blake2b of experiment, salt and key below w."""
    drawn = int.from_bytes(blake2b(f"e1|s|{key}".encode(), digest_size=8).digest(), "big")
    return NEW if drawn / (1 << 64) < parts / WHOLE else STABLE


class Operators:
    """The documents that stand, and who is still to see them."""

    def __init__(self, agenda: Agenda, seed: int) -> None:
        self._agenda = agenda
        self._dice = Random(f"{seed}/operators")
        self._traffic: Traffic | None = None
        self._hosts: dict[str, HostControl] = {}
        self._brokers: list[Broker] = []

    def joins(self, broker: Broker) -> None:
        """A broker starts: it reads before it serves."""
        self._brokers.append(broker)
        broker.apply_traffic(PACKAGE, self._traffic)
        for host, control in self._hosts.items():
            broker.apply_host_control(host, control)

    def leaves(self, broker: Broker) -> None:
        """A broker has died."""
        self._brokers.remove(broker)

    def weigh(self, parts: int | None) -> None:
        """Give the new version so many parts; None: take the document away."""
        self._traffic = None if parts is None else traffic(parts)
        for broker in self._brokers:
            self._agenda.after(self._delay(), self._see_traffic, broker)

    def put(self, host: str, state: HostState | None) -> None:
        """Drain or avoid *host*, or let it have everything again."""
        if state is None:
            self._hosts.pop(host, None)
        else:
            self._hosts[host] = HostControl(host, state, owner="op")
        for broker in self._brokers:
            self._agenda.after(self._delay(), self._see_host, broker, host)

    def _delay(self) -> int:
        return self._dice.randrange(MS, self._dice.choice((20, 20, 900)) * MS)

    def _see_traffic(self, broker: Broker) -> None:
        if broker in self._brokers:
            broker.apply_traffic(PACKAGE, self._traffic)

    def _see_host(self, broker: Broker, host: str) -> None:
        if broker in self._brokers:
            broker.apply_host_control(host, self._hosts.get(host))
