"""The instances behind links to other brokers, as the register tells of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_broker.members import Health, Peer, Pool, RemoteInstance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_broker.switch import Switch
    from h2o_core.znodes.live import LiveInstance


class RemoteInstances:
    """In their pools, each under an id that nobody else has."""

    def __init__(self, switch: Switch, peers: Mapping[str, Peer]) -> None:
        """*peers*: the other brokers, by host."""
        self.repeated: dict[tuple[str, str], str] = {}
        """(host, instance id) that is not routed to because the id is another's → the sentence about it."""
        self._switch = switch
        self._peers = peers
        self._owners: dict[str, Peer] = {}
        """Instance id → the host that brought it first."""

    def up(self, host: str, live: LiveInstance, pool: Pool, now: int) -> None:
        """An instance of another host is in the register."""
        peer = self._peers.get(host)
        if peer is None or live.id in peer.instances:
            return
        owner = self._owner(live.id)
        if owner:
            self._repeat(peer, live.id, owner)
            return
        self._owners[live.id] = peer
        instance = RemoteInstance(peer, live, pool.load_of_new(now), now)
        peer.instances[live.id] = pool, instance
        pool.remote.setdefault(live.version, []).append(instance)
        self._changed(peer, pool, now)

    def _owner(self, instance_id: str) -> str:
        """The host that has an instance of this id already; "" when none has."""
        if any(one.id == instance_id for one in self._switch.instances.values()):
            return self._switch.host
        owner = self._owners.get(instance_id)
        return owner.host if owner is not None else ""

    def _repeat(self, peer: Peer, instance_id: str, owner: str) -> None:
        """Ids are minted by brokers and never used twice, so one of the two is not what it says it is."""
        why = (
            f"{peer.host} lists instance {instance_id[:8]}, which is {owner}'s; it gets no requests there: "
            f"restart that instance on {peer.host}, and it gets an id of its own"
        )
        self.repeated[peer.host, instance_id] = why
        self._switch.oddities.count("repeated_instance_ids")

    def down(self, host: str, instance_id: str, now: int) -> None:
        """It is out of the register; what was sent there is still the destination's to answer."""
        self.repeated.pop((host, instance_id), None)
        peer = self._peers.get(host)
        if peer is not None:
            self._forget(peer, instance_id, now)

    def host_down(self, peer: Peer, now: int) -> None:
        """All of a host that is gone."""
        for instance_id in list(peer.instances):
            self._forget(peer, instance_id, now)
        for repeated in [key for key in self.repeated if key[0] == peer.host]:
            del self.repeated[repeated]

    def _forget(self, peer: Peer, instance_id: str, now: int) -> None:
        known = peer.instances.pop(instance_id, None)
        if known is None:
            return
        del self._owners[instance_id]
        pool, instance = known
        peer.servers.clear()
        members = pool.remote[instance.version]
        members.remove(instance)
        if not members:
            del pool.remote[instance.version]
        self._changed(peer, pool, now)

    def _changed(self, peer: Peer, pool: Pool, now: int) -> None:
        """Until its link is up nobody of a host is a candidate: a joining broker reads 20,000 such instances."""
        if peer.health is Health.CONNECTING:
            self._switch.picture_version += 1
        else:
            self._switch.changed(pool, now)
