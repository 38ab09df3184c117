"""Local instances: registering, admitting, heartbeats, PINGs, leaving, loss. Pure, beside the switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.callers import Caller
from h2o_broker.events import InstanceAdmitted, InstanceRemoved, RegistrationAsked, ReportAsked
from h2o_broker.members import Admission, Health, LocalInstance, LocalVersion, Pool
from h2o_broker.requests import LOCAL, NOT_EXECUTED
from h2o_core.envelope import (
    ANSWER,
    ASK,
    HEARTBEAT,
    HELLO,
    LEAVE,
    LEFT,
    PING,
    PING_BODY,
    PONG,
    REGISTER,
    REGISTERED,
    TOLD,
    TOLD_MORE,
    WELCOME,
    WIRE,
    Frame,
    decode,
    encode,
)
from h2o_core.errors import Code
from h2o_core.pb.registration_pb2 import Hello, Register, Registered, Welcome
from h2o_core.pb.stats_pb2 import Ask

if TYPE_CHECKING:
    from h2o_broker.switch import Switch
    from h2o_core.znodes.packages import PackageVersion

PING_EVERY_NS: Final = 300_000_000
MISSED_PINGS: Final = 3
TOLD_PART_BYTES: Final = 512 * 1024
MAX_HEARTBEAT_BYTES: Final = 64 * 1024


class Roster:
    """The instances of this host. The switch routes to them; this decides who they are."""

    def __init__(self, switch: Switch, zone: str, fleet: str, *, dev: bool = False) -> None:
        self._switch = switch
        self._zone = zone
        self._fleet = fleet
        self._dev = dev
        switch.destination.on_drained = self._drained

    def on_frame(self, rid: bytes, raw: bytes, now: int) -> None:
        """A frame of a local peer that is no request's; the header was checked by the switch."""
        frame = decode(raw)
        kind = frame.type
        if kind == PONG:
            self._pong(rid, now)
        elif kind == PING:
            self._switch.pong(LOCAL, rid, frame.payload[8:16])
        elif kind == HEARTBEAT:
            self._heartbeat(rid, frame, now)
        elif kind == HELLO:
            self._hello(rid, frame)
        elif kind == REGISTER:
            self._register(rid, frame)
        elif kind == LEAVE:
            self._leave(rid, now)
        elif kind == ASK:
            self._ask(rid, frame)
        else:
            self._switch.oddities.count("unexpected_frames")

    # ------------------------------------------------------------------ joining

    def _hello(self, rid: bytes, frame: Frame) -> None:
        switch = self._switch
        try:
            Hello.FromString(frame.payload)
        except DecodeError:
            switch.oddities.count("malformed_frames")
            return
        if rid not in switch.sources:
            switch.meet(rid)
        welcome = Welcome(
            wire=WIRE,
            host=switch.host,
            zone=self._zone,
            incarnation=switch.incarnation,
            fleet=self._fleet,
            dev=self._dev,
        )
        self._send(rid, encode(WELCOME, correlation=frame.correlation, payload=welcome.SerializeToString()))

    def _register(self, rid: bytes, frame: Frame) -> None:
        try:
            register = Register.FromString(frame.payload)
        except DecodeError:
            self.reject(rid, frame.correlation, Code.BAD_REQUEST, "the registration is not a Register message")
            return
        if rid in self._switch.instances:
            self._switch.oddities.count("repeated_registrations")
            self.reject(rid, frame.correlation, Code.BAD_REQUEST, "this link is registered already; open another")
            return
        self._switch.events.append(RegistrationAsked(rid, frame.correlation, register))

    def reject(self, rid: bytes, correlation: int, code: Code, message: str) -> None:
        """Tell a peer that it is not an instance, and why."""
        payload = self._switch.ledger.failure(code, message, "")
        self._send(rid, encode(ANSWER, flags=NOT_EXECUTED, code=code, correlation=correlation, payload=payload))

    def admit(
        self, rid: bytes, correlation: int, instance_id: str, spec: PackageVersion, admission: Admission, now: int
    ) -> None:
        """The peer behind *rid* is an instance from now on, and routable."""
        switch = self._switch
        pool = self.pool_of(spec)
        version = pool.local.get(spec.version)
        if version is None:
            version = pool.local[spec.version] = LocalVersion(pool, spec)
        elif version.spec.digest != spec.digest:
            version.spec = spec
        standing = switch.judge.standing(now)
        instance = LocalInstance(rid, instance_id, version, switch.host, admission, standing, now)
        instance.pong_ns = now
        version.instances.append(instance)
        switch.instances[rid] = instance
        source = switch.sources.get(rid) or switch.meet(rid)
        source.is_instance = True
        counted = switch.caller(spec.package, spec.version)
        source.caller = Caller(spec.package, spec.version, instance_id)
        source.caller.counters, source.caller.breaches = counted.counters, counted.breaches
        source.caller.budgets = counted.budgets
        source.caller.judge()
        registered = Registered(
            instance=instance_id,
            host=switch.host,
            zone=self._zone,
            incarnation=switch.incarnation,
            fleet=self._fleet,
        )
        self._send(rid, encode(REGISTERED, correlation=correlation, payload=registered.SerializeToString()))
        switch.events.append(InstanceAdmitted(instance_id))
        switch.changed(pool, now)  # last: what waits for it goes behind REGISTERED

    def pool_of(self, spec: PackageVersion) -> Pool:
        """The package's pool, with the version's features known to the switch."""
        switch = self._switch
        pool = self.pool_named(spec.package)
        for feature in spec.features:
            name = feature.name.encode()
            switch.features[name] = pool
            (pool.idempotent.add if feature.idempotent else pool.idempotent.discard)((spec.version, name))
        return pool

    def pool_named(self, package: str) -> Pool:
        """The package's pool; an empty one when nothing of it is known yet."""
        pools = self._switch.pools
        pool = pools.get(package)
        if pool is None:
            pool = pools[package] = Pool(package)
            pool.traffic = self._switch.traffic.get(package)
            pool.trial = self._switch.trials.get(package)
        return pool

    def _ask(self, rid: bytes, frame: Frame) -> None:
        try:
            ask = Ask.FromString(frame.payload)
        except DecodeError:
            self._switch.oddities.count("malformed_frames")
            return
        self._switch.events.append(ReportAsked(rid, frame.correlation, ask))

    def tell(self, rid: bytes, correlation: int, payload: bytes) -> None:
        """Answer an ASK, in as many frames as it takes: a thousand hosts' picture is more than one holds."""
        for at in range(0, max(1, len(payload)), TOLD_PART_BYTES):
            part = payload[at : at + TOLD_PART_BYTES]
            flags = TOLD_MORE if at + len(part) < len(payload) else 0
            self._send(rid, encode(TOLD, flags=flags, correlation=correlation, payload=part))

    # ------------------------------------------------------------------ living

    def _pong(self, rid: bytes, now: int) -> None:
        instance = self._switch.instances.get(rid)
        if instance is None:
            return
        instance.pong_ns = now
        instance.unanswered_pings = 0
        if instance.health is Health.SUSPECT:
            instance.health = Health.READY
            self._switch.changed(instance.version.pool, now)
            self._switch.destination.pull(instance.version, now)

    def _heartbeat(self, rid: bytes, frame: Frame, now: int) -> None:
        instance = self._switch.instances.get(rid)
        if instance is None or len(frame.payload) > MAX_HEARTBEAT_BYTES:
            self._switch.oddities.count("stray_heartbeats")
            return
        instance.heartbeat = frame.payload
        instance.heartbeat_ns = now
        self._switch.judge.checked(instance, frame.payload, now)

    def ping_round(self, now: int) -> None:
        """Ask every instance for a PONG; three unanswered make it suspect."""
        switch = self._switch
        ping = encode(PING, payload=PING_BODY.pack(switch.incarnation, now))
        for instance in switch.instances.values():
            self._send(instance.rid, ping)
            instance.unanswered_pings += 1
            if instance.unanswered_pings > MISSED_PINGS and instance.health is Health.READY:
                instance.health = Health.SUSPECT
                switch.changed(instance.version.pool, now)

    # ------------------------------------------------------------------ leaving

    def _leave(self, rid: bytes, now: int) -> None:
        instance = self._switch.instances.get(rid)
        if instance is None:
            self._send(rid, encode(LEFT))
            return
        if instance.health is Health.LEAVING:
            return
        instance.health = Health.LEAVING
        self._out_of_pool(instance, "it left", now)
        if not instance.pending:
            self._drained(instance)

    def _drained(self, instance: LocalInstance) -> None:
        self._switch.instances.pop(instance.rid, None)
        self._switch.picture_version += 1
        self._send(instance.rid, encode(LEFT))

    def unreachable(self, rid: bytes, now: int) -> None:
        """The stream behind *rid* has ended: its peer is gone."""
        switch = self._switch
        instance = switch.instances.pop(rid, None)
        if instance is not None:
            switch.picture_version += 1
            was_leaving = instance.health is Health.LEAVING
            instance.health = Health.GONE
            if not was_leaving:
                self._out_of_pool(instance, "its process is gone", now)
            where = f"instance {instance.id[:8]} died while it worked on this"
            switch.lose_requests_of((instance,), where, now)
        source = switch.sources.get(rid)
        if source is not None:
            switch.lose_source(source, now)

    def _out_of_pool(self, instance: LocalInstance, why: str, now: int) -> None:
        switch = self._switch
        version = instance.version
        pool = version.pool
        version.instances.remove(instance)
        last = not version.instances
        if last:
            pool.local.pop(version.spec.version, None)
        switch.changed(pool, now)
        if last:
            switch.destination.rehome(version, Code.NO_ROUTE, now)
        else:
            switch.destination.shrink(version, now)
        switch.events.append(InstanceRemoved(instance.id, pool.package, version.spec.version, instance.pid, why))

    def _send(self, rid: bytes, frame: bytes) -> None:
        self._switch.out.append((LOCAL, rid, frame))
