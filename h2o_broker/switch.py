"""The switch: every request that enters this broker, until its one terminal answer.

Here frames are told apart, and requests ended that nobody answers. Where a request of this host goes is `origin`'s,
what happens at this host's own instances is `destination`'s.
Pure. Frames come in with the time, `(port, routing id, frame)` tuples go out through `out`, rare things
through `events`. The path of a request is written for speed: scalars, slots, one header struct.
"""

from __future__ import annotations

from struct import error as struct_error
from typing import TYPE_CHECKING, Final

from h2o_broker import pools
from h2o_broker.callers import Caller, Source
from h2o_broker.destination import Destination
from h2o_broker.draining import Draining
from h2o_broker.judge import Judge
from h2o_broker.members import Health, LocalInstance, RemoteInstance
from h2o_broker.origin import Origin
from h2o_broker.requests import INBOUND, LOCAL, MAYBE_EXECUTED, NOT_EXECUTED, OUTBOUND, Ledger
from h2o_broker.telemetry import Oddities
from h2o_broker.trial import continued
from h2o_core.assignment import CompiledTraffic
from h2o_core.control.settings import NewVersions
from h2o_core.ejection import DEFAULT, Policy
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HEADER,
    HEADER_BYTES,
    PONG,
    REFUSED,
    RELEASED,
    REQUEST,
    WIRE,
    encode,
)
from h2o_core.errors import Code
from h2o_core.experiment.arms import stage_of
from h2o_core.names import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_broker.events import Event
    from h2o_broker.members import Pool
    from h2o_broker.trial import Trial
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic

_TO_DESTINATION: Final = frozenset((REQUEST, CANCEL))
_TO_ORIGIN: Final = frozenset((ANSWER, REFUSED))
_UNPACK: Final = HEADER.unpack_from


class Switch:
    """Requests, slots and queues of one broker. `rare` gets the frames that are no request's."""

    def __init__(self, host: str, incarnation: int, dice: Callable[[], float], ejection: Policy = DEFAULT) -> None:
        """*dice* returns a float in [0, 1); *incarnation* is this broker process's, never used twice."""
        self.host = host
        self.incarnation = incarnation
        self.new_versions = NewVersions.HOLD
        self.ledger = Ledger(host)
        self.out = self.ledger.out
        self.events: list[Event] = []
        self.oddities = Oddities()
        self.pools: dict[str, Pool] = {}
        self.traffic: dict[str, CompiledTraffic] = {}
        """What operators decided about packages' versions; of packages that are not known (yet), too."""
        self.trials: dict[str, Trial] = {}
        """Of the packages whose versions are compared."""
        self.hosts: dict[str, HostControl] = {}
        """Hosts that operators want out of the way."""
        self._unsettled: dict[str, Pool] = {}
        """Pools about which something was decided that is not in force yet."""
        self._own_control: tuple[HostControl | None, bool] | None = None
        """The same, of this host; and whether its grace is over."""
        self.features: dict[bytes, Pool] = {}
        self.sources: dict[bytes, Source] = {}
        self.inbound: dict[bytes, Source] = {}
        self.callers: dict[tuple[str, str], Caller] = {}
        self.requests = self.ledger.requests
        self.picture_version = 1
        """Raised whenever a host, a link or an instance is other than before."""
        self.rare: Callable[[int, bytes, bytes, int], None] | None = None
        """Gets (port, routing id, frame, now) of every frame that is not on a request's path."""
        self._operator = self.caller(OPERATOR, "")
        self.instances: dict[bytes, LocalInstance] = {}
        """This host's, by the routing id of their stream."""
        self.judge = Judge(self.instances, self.pools, self.oddities, dice, self.changed, ejection)
        self.origin = Origin(self.ledger, self.pools, self.features, self.oddities, incarnation, dice, self.hosts)
        self.origin.answers.stamped = self.judge.stamped
        self.destination = Destination(
            self.ledger,
            self.features,
            self.oddities,
            incarnation,
            self.origin.attempts.refused,
            self.origin.attempts.failed,
            self.judge,
        )
        self.origin.routing.place = self.destination.place
        self.draining = Draining(self.ledger, host, self._tell)
        self.destination.on_turned_away = self.draining.turned_away
        self.ledger.heed = self.judge.heed
        self._enter = self.origin.enter
        self._answered = self.destination.answered
        self._answered_elsewhere = self.origin.answers.answered

    def take(self) -> list[tuple[int, bytes, bytes]]:
        """What is to be sent, in order; the list starts anew."""
        batch = self.out.copy()
        self.out.clear()
        return batch

    # ------------------------------------------------------------------ frames in

    def _parse(self, frame: bytes) -> tuple[int, int, int, int, int, int, int, int, int] | None:
        """(type, flags, code, correlation, remaining ms, types, where the name begins, its length, the fields').

        None, and counted, when it is no frame of this wire version.
        """
        try:
            wire, kind, flags, code, correlation, remaining, types, route_len, name_len, fields_len, _ = _UNPACK(frame)
        except struct_error:
            self.oddities.count("malformed_frames")
            return None
        tail_at = HEADER_BYTES + route_len
        if wire != WIRE or tail_at + name_len + fields_len > len(frame):
            self.oddities.count("malformed_frames")
            return None
        return kind, flags, code, correlation, remaining, types, tail_at, name_len, fields_len

    def on_local(self, rid: bytes, frame: bytes, now: int) -> None:
        """A frame from a client or an instance of this host; *now* is monotonic ns."""
        try:  # as _parse, which costs a call and a tuple more
            wire, kind, flags, code, correlation, remaining, types, route_len, name_len, fields_len, _ = _UNPACK(frame)
        except struct_error:
            self.oddities.count("malformed_frames")
            return
        tail_at = HEADER_BYTES + route_len
        if wire != WIRE or tail_at + name_len + fields_len > len(frame):
            self.oddities.count("malformed_frames")
        elif kind == REQUEST:
            source = self.sources.get(rid) or self.meet(rid)
            self._enter(source, correlation, remaining, types, frame, tail_at, name_len, fields_len, now)
        elif kind == ANSWER:
            self._answered(rid, flags, code, correlation, frame, tail_at, name_len, fields_len, now)
        elif kind == CANCEL:
            self._cancelled(self.sources.get(rid), correlation, now)
        elif kind == RELEASED:
            self.destination.released(rid, correlation, now)
        elif self.rare is not None:
            self.rare(LOCAL, rid, frame, now)

    def on_inbound(self, rid: bytes, frame: bytes, now: int) -> None:
        """A frame from another broker, over the link that it opened."""
        head = self._parse(frame)
        if head is None:
            return
        kind, flags, attempt, correlation, remaining, types, tail_at, name_len, fields_len = head
        if kind not in _TO_DESTINATION:
            if self.rare is not None:
                self.rare(INBOUND, rid, frame, now)
            return
        source = self.inbound.get(rid)
        if source is None:
            self.oddities.count("frames_before_greeting")
        elif kind == CANCEL:
            self._cancelled(source, correlation, now)
        else:
            name = frame[tail_at : tail_at + name_len]
            self.destination.arrive(
                source, correlation, remaining, types, frame, tail_at, name, fields_len, flags, attempt, now
            )

    def on_outbound(self, rid: bytes, frame: bytes, now: int) -> None:
        """A frame from another broker, over the link that we opened."""
        head = self._parse(frame)
        if head is None:
            return
        kind, flags, code, correlation, _, _, tail_at, name_len, fields_len = head
        if kind not in _TO_ORIGIN:
            if self.rare is not None:
                self.rare(OUTBOUND, rid, frame, now)
            return
        self._answered_elsewhere(
            rid, flags, code, correlation, frame, tail_at, name_len, fields_len, now, refused=kind == REFUSED
        )

    # ------------------------------------------------------------------ who sends

    def meet(self, rid: bytes) -> Source:
        """A local peer that is not registered: the operator, as far as tiers are concerned."""
        source = self.sources[rid] = Source(LOCAL, rid, self._operator, self.incarnation)
        return source

    def caller(self, package: str, version: str) -> Caller:
        """The identity that a package version's calls are counted under."""
        key = (package, version)
        caller = self.callers.get(key)
        if caller is None:
            caller = self.callers[key] = Caller(package, version)
            caller.judge()
        return caller

    # ------------------------------------------------------------------ endings

    def _cancelled(self, source: Source | None, correlation: int, now: int) -> None:
        request_id = source.requests.get(correlation) if source is not None else None
        if request_id is None:
            return
        request = self.requests[request_id]
        self.ledger.cancel_downstream(request)
        started = NOT_EXECUTED if request.target is None else MAYBE_EXECUTED
        self.ledger.end(request, Code.CANCELLED, started, "the caller cancelled it", now)

    def next_wakeup(self) -> int | None:
        """When `expire` has something to do next (monotonic ns)."""
        due, retry = self.ledger.deadlines.next_ns(), self.origin.retrying.next_ns()
        return retry if due is None or (retry is not None and retry < due) else due

    def expire(self, now: int) -> None:
        """End what has run out of time, and make the second attempts that are due."""
        for request_id in self.ledger.deadlines.expired(now):
            request = self.requests.get(request_id)
            if request is None or request.ended:
                continue
            self.ledger.cancel_downstream(request)
            if request.queued_at is not None:
                self.destination.expired(request, request.queued_at, now)
            else:
                started = NOT_EXECUTED if request.target is None else MAYBE_EXECUTED
                self.ledger.end(request, Code.TIMEOUT, started, "no answer before the deadline", now)
        self.origin.attempts.try_again(now)
        self.draining.expire(now)

    # ------------------------------------------------------------------ losses

    def lose_requests_of(self, lost: Iterable[LocalInstance | RemoteInstance], why: str, now: int) -> None:
        """Sent and unanswered, and now nobody will: the outcome is unknown, and the caller is told so."""
        gone = {id(member) for member in lost}
        for request in [one for one in self.requests.values() if one.target is not None and id(one.target) in gone]:
            if request.ended:
                del self.requests[request.id]
                continue
            self.origin.attempts.lost(request, why, now)

    def lose_source(self, source: Source, now: int) -> None:
        """A client or a peer's link is gone: nobody waits for its requests any more."""
        for request_id in list(source.requests.values()):
            request = self.requests[request_id]
            self.ledger.cancel_downstream(request)
            self.ledger.end(request, Code.CANCELLED, MAYBE_EXECUTED, "its client is gone", now)
        table = self.sources if source.port == LOCAL else self.inbound
        table.pop(source.rid, None)
        self.draining.asked.pop(source.rid, None)

    def unsent(self, rid: bytes, frame: bytes, now: int) -> None:
        """The socket could not take *frame*: a request in it was not executed and may go elsewhere."""
        kind = frame[1]
        self.oddities.count("unsent_frames")
        if kind != REQUEST:
            return
        request = self.requests.get(int.from_bytes(frame[4:8], "big"))
        target = request.target if request is not None else None
        if request is None or request.ended or target is None or target.link != rid:
            return
        if isinstance(target, RemoteInstance):
            self.ledger.leave_peer(request, target)
            self.origin.attempts.refused(request, target.peer.host, Code.UNAVAILABLE, now)
            return
        target.pending -= 1
        target.health = Health.GONE
        request.target = None
        request.counter = None
        self.changed(target.version.pool, now)
        self.origin.attempts.unsent(request, target, now)

    def changed(self, pool: Pool, now: int) -> None:
        """Members, their health or a verdict changed: also who gets what waits here."""
        self.rebuild(pool)
        for version in list(pool.local.values()):
            self.destination.resettle(version, now)

    def rebuild(self, pool: Pool) -> None:
        """Whom to choose from is another."""
        self.picture_version += 1
        pools.rebuild(pool, self.new_versions, self.hosts, self.host)

    # ------------------------------------------------------------------ what operators decide

    def put_traffic(self, package: str, traffic: Traffic | None, now: int) -> None:
        """From `settle` on versions are chosen by *traffic*; None: nobody has decided about them (any more)."""
        if traffic is None:
            self.traffic.pop(package, None)
        else:
            self.traffic[package] = CompiledTraffic(traffic)
        trial = continued(self.trials.pop(package, None), traffic and stage_of(traffic), now)
        if trial is not None:
            self.trials[package] = trial
        pool = self.pools.get(package)
        if pool is not None:
            pool.traffic = self.traffic.get(package)
            pool.trial = trial
            self._unsettled[package] = pool

    def put_host_control(self, host: str, control: HostControl | None, *, over: bool = False) -> None:
        """From `settle` on a host, this one or another, is drained or avoided; None: neither.

        *over*: of this host, its grace had passed before this broker began.
        """
        if control is None:
            self.hosts.pop(host, None)
        else:
            self.hosts[host] = control
        self._unsettled |= {name: pool for name, pool in self.pools.items() if pools.is_on(pool, host, self.host)}
        if host == self.host:
            drained = self.destination.drained = pools.is_drained(self.hosts, host)
            self._enter = self._enter_noted if drained else self.origin.enter
            self._own_control = control, over

    def settle(self, now: int) -> None:
        """All that was put is in force together; what waits moves on after that, to where requests may still go.

        What waits for a version that gets nothing any more moves on as well: an abort is not followed by what it found.
        """
        unsettled, self._unsettled = list(self._unsettled.values()), {}
        for pool in unsettled:
            self.rebuild(pool)
        for version in [one for pool in unsettled for one in pool.local.values()]:
            decided = version.pool.traffic
            if self.destination.drained or (decided and version.spec.version not in decided.reached):
                self.destination.rehome(version, Code.UNAVAILABLE, now)
            else:
                self.destination.resettle(version, now)
        own, self._own_control = self._own_control, None
        if own is not None:
            self.draining.decide(own[0], now, over=own[1])

    def _enter_noted(
        self,
        source: Source,
        correlation: int,
        remaining: int,
        types: int,
        frame: bytes,
        tail_at: int,
        name_len: int,
        fields_len: int,
        now: int,
    ) -> None:
        """Who still sends from here would miss this broker."""
        self.draining.asked[source.rid] = now
        self.origin.enter(source, correlation, remaining, types, frame, tail_at, name_len, fields_len, now)

    def _tell(self, event: Event) -> None:
        self.events.append(event)

    def pong(self, port: int, rid: bytes, clock: bytes, flags: int = 0, verdicts: bytes = b"") -> None:
        """Answer a PING: our incarnation, the asker's own clock, and to a broker what it should know of instances."""
        body = self.incarnation.to_bytes(8, "big") + clock + verdicts
        self.out.append((port, rid, encode(PONG, flags=flags, payload=body)))
