"""What holds in every broker after every step, and what is left when all has come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_broker.members import Health, LocalInstance
from h2o_broker.pools import host_of
from h2o_broker.requests import LOCAL, OUTBOUND
from h2o_core.baggage import assigned_version, assignment_key
from h2o_core.control.hosts import HostState
from h2o_core.control.traffic import WHOLE
from h2o_core.ejection import State
from h2o_core.envelope import (
    TAG_ASSIGNMENT,
    TAG_STICKY_KEY,
    Frame,
    decode,
    decode_fields,
    decode_request_route,
)
from h2o_core.health import Verdict
from tests.simulation.agenda import MS
from tests.simulation.frames import payload_of
from tests.simulation.operators import NEW, PACKAGE, STABLE, version_of
from tests.simulation.witness import require

if TYPE_CHECKING:
    from h2o_broker.members import LocalVersion, Pool, RemoteInstance
    from tests.simulation.broker import Broker
    from tests.simulation.witness import Witness


LATE_NS = 20 * MS
"""The end of a grace is a deadline: seen at the end of its bucket, and as late as a broker's timers are."""


class Properties:
    """Looked at whenever a broker has said all that it had to say."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def sent(self, broker: Broker, port: int, rid: bytes, frame: bytes) -> None:
        """A request leaves a broker: for an instance of its own, or for another broker."""
        host = broker.host if port == LOCAL else rid.decode().split("#")[0]
        control = broker.switch.hosts.get(host)
        if control is not None and control.state is HostState.DRAIN:
            self._witness.complain(self._witness.of(payload_of(frame)), f"{broker.host} sends it to {host}, drained")
        request = broker.switch.requests.get(int.from_bytes(frame[4:8], "big"))
        # what another broker has sent here was its decision, by what it had applied
        own = port == OUTBOUND or (request is not None and request.source.port == LOCAL)
        if own and PACKAGE in broker.switch.traffic:
            self._weight(broker, decode(frame))
        if port == OUTBOUND:
            self._version(broker, decode(frame))
        if frame[3] and own:
            self._again(broker, decode(frame))
        if not frame[3]:
            self._health(broker, decode(frame))

    def _weight(self, broker: Broker, frame: Frame) -> None:
        """Not at a version that its origin knows to have no weight, while one that has is there.

        The stable one is excused: a request whose version was chosen before the change may end where it began.
        """
        weights = broker.switch.traffic[PACKAGE].document.weights
        version, present = decode_request_route(frame.route).version, broker.switch.pools[PACKAGE].by_version
        asked = self._witness.of(frame.payload)
        if not asked.task.feature.startswith(f"{PACKAGE}/") or dict(weights).get(version) or version == STABLE:
            return
        if any(parts and name in present for name, parts in weights):
            self._witness.complain(asked, f"{broker.host} gives it version {version}, which has no weight")

    def _version(self, broker: Broker, frame: Frame) -> None:
        """At its first attempt, which leaves at once, a request has the version that the document in force says."""
        compiled = broker.switch.traffic.get(PACKAGE)
        asked = self._witness.of(frame.payload)
        fields = decode_fields(frame.fields)
        key = fields.get(TAG_STICKY_KEY, b"").decode()
        if compiled is None or frame.code or not asked.task.feature.startswith(f"{PACKAGE}/"):
            return
        parts = compiled.document.weight(NEW)
        present = broker.switch.pools[PACKAGE].by_version
        carried = assigned_version(fields.get(TAG_ASSIGNMENT, b""), assignment_key(PACKAGE))
        version = decode_request_route(frame.route).version
        if carried in present and (carried == STABLE or parts):
            wanted = {carried}
        elif key:
            wanted = {version_of(key, parts)}
        else:
            wanted = {STABLE, NEW} if 0 < parts < WHOLE else {NEW if parts else STABLE}
        wanted = {each if each in present else STABLE for each in wanted}
        if version not in wanted:
            what = (
                f"{broker.host} gives it version {version} at {parts} parts, with key {key!r} and {carried!r} carried"
            )
            self._witness.complain(asked, what)

    def _health(self, broker: Broker, frame: Frame) -> None:
        """A first attempt is given to nobody who is out, unless its version is in panic."""
        pool, route = broker.switch.features[frame.name], decode_request_route(frame.route)
        if route.instance not in pool.left_out or route.version in pool.panicking:
            return
        member = next((one for one in pool.crowds.get(route.version, ()) if one.id == route.instance), None)
        if member is not None and member.verdict is Verdict.EJECTED and not _probes(member):
            self._witness.complain(self._witness.of(frame.payload), f"{broker.host} gives it to {member.id}, ejected")

    def _again(self, broker: Broker, frame: Frame) -> None:
        """A second attempt: could an instance of another host than the first one's have it?"""
        asked = self._witness.of(frame.payload)
        pool = broker.switch.features[frame.name]
        version = decode_request_route(frame.route).version
        members = pool.by_version.get(version, pool.candidates)
        hosts = {host_of(member, broker.host) for member in members}
        asked.elsewhere = bool(asked.started) and bool(hosts - {asked.started[0][1].rsplit(" ", 1)[-1]})

    def hold(self, broker: Broker) -> None:
        """Slots and queues of *broker*."""
        switch = broker.switch
        for instance in switch.instances.values():
            if not 0 <= instance.pending <= instance.slots:
                require(False, f"{broker.host}: {instance.pending} of {instance.slots} slots are taken")
        if switch.draining.drain is not None:
            _drained(broker)
        for pool in switch.pools.values():
            if pool.left_out:
                _ejected(broker, pool)
            for version in pool.local.values():
                if version.queue.size:
                    _queue(broker, version)

    def at_rest(self, broker: Broker, *, epoch: int, heals: bool) -> None:
        """Nobody asks any more: nothing is left of any request, *epoch* is applied; *heals*: and the fleet is whole."""
        switch, host = broker.switch, broker.host
        applied = broker.known.decisions.applied
        require(applied == epoch, f"{host} applies epoch {applied}, and {epoch} stands")
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


def _drained(broker: Broker) -> None:
    """Nothing waits at a drained host, and when its grace is over nobody waits for anything that runs there."""
    switch, drain = broker.switch, broker.switch.draining.drain
    waiting = sum(version.queue.size for pool in switch.pools.values() for version in pool.local.values())
    require(not waiting, f"{broker.host} is drained, and {waiting} wait there")
    late = drain is not None and broker.agenda.now > drain.ends_ns + LATE_NS
    running = sum(not one.ended and isinstance(one.target, LocalInstance) for one in switch.requests.values())
    require(not (late and running), f"{broker.host}: the grace is over, and {running} run as before")


def _probes(member: LocalInstance | RemoteInstance) -> bool:
    """Its broker has just sent it the one request that decides."""
    return isinstance(member, LocalInstance) and member.standing.state is State.PROBING


def _ejected(broker: Broker, pool: Pool) -> None:
    """At most a third of a version's instances, or one; never the last; and somebody is chosen from all the same."""
    for version, members in pool.crowds.items():
        out = sum(one.id in pool.left_out for one in members)
        most = min(max(1, 33 * len(members) // 100), len(members) - 1)
        require(out <= most, f"{broker.host} leaves out {out} of {len(members)} of {pool.package} {version}")
    require(bool(pool.candidates) or not pool.crowds, f"{broker.host} has nobody left of {pool.package}")


def _queue(broker: Broker, version: LocalVersion) -> None:
    """It is bounded, and there is none beside a free slot."""
    waiting, capacity = version.queue.size, version.capacity()
    what = f"{broker.host}: {waiting} wait for {version.spec.package}"
    require(waiting <= capacity, f"{what}, and room is for {capacity}")
    require(version.free_instance() is None, f"{what} beside a free slot")
