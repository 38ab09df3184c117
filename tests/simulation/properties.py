"""What holds in every broker after every step, and what is left when all has come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_broker.members import Health
from tests.simulation.witness import require

if TYPE_CHECKING:
    from h2o_broker.members import LocalVersion
    from tests.simulation.broker import Broker


class Properties:
    """Looked at whenever a broker has said all that it had to say."""

    def sent(self, broker: Broker, port: int, frame: bytes) -> None:
        """A request leaves a broker: for an instance of its own, or for another broker."""

    def hold(self, broker: Broker) -> None:
        """Slots and queues of *broker*."""
        switch = broker.switch
        for instance in switch.instances.values():
            if not 0 <= instance.pending <= instance.slots:
                require(False, f"{broker.host}: {instance.pending} of {instance.slots} slots are taken")
        for pool in switch.pools.values():
            for version in pool.local.values():
                if version.queue.size:
                    _queue(broker, version)

    def at_rest(self, broker: Broker, *, heals: bool) -> None:
        """Nobody asks any more: nothing is left of any request; *heals*: and the fleet is whole."""
        switch, host = broker.switch, broker.host
        require(not switch.requests, f"{host}: {len(switch.requests)} requests are left")
        for table in (switch.sources, switch.inbound):
            left = sum(len(source.requests) for source in table.values())
            require(not left, f"{host}: {left} requests are left at their sources")
        for instance in switch.instances.values():
            require(not instance.pending, f"{host}: {instance.pending} slots of {instance.id} are taken for ever")
        for pool in switch.pools.values():
            for version in pool.local.values():
                waiting = version.queue.size
                require(not waiting, f"{host}: {waiting} wait for {version.spec.package} for ever")
            for remotes in pool.remote.values():
                for remote in remotes:
                    require(not remote.pending, f"{host}: {remote.pending} are pending at {remote.peer.host}")
        for peer in broker.links.peers.values():
            require(not peer.in_flight, f"{host}: {peer.in_flight} are in flight to {peer.host}")
            require(not heals or peer.health is Health.READY, f"{host}: {peer.host} is {peer.health.name} for ever")


def _queue(broker: Broker, version: LocalVersion) -> None:
    """It is bounded, and there is none beside a free slot."""
    waiting, capacity = version.queue.size, version.capacity()
    what = f"{broker.host}: {waiting} wait for {version.spec.package}"
    require(waiting <= capacity, f"{what}, and room is for {capacity}")
    require(version.free_instance() is None, f"{what} beside a free slot")
