"""The switch: every request that enters this broker, until its one terminal answer.

Here a request is routed, as its origin, and ended; what happens at this host's own instances is `destination`'s.
Pure. Frames come in with the time, `(port, routing id, frame)` tuples go out through `out`, rare things
through `events`. The path of a request is written for speed: scalars, slots, one header struct.
"""

from __future__ import annotations

from struct import error as struct_error
from typing import TYPE_CHECKING, Final

from h2o_broker.destination import HIGHEST_CODE, Destination
from h2o_broker.members import (
    OPERATOR,
    Caller,
    Health,
    LocalInstance,
    LocalVersion,
    Pool,
    RemoteInstance,
    Source,
    host_of,
)
from h2o_broker.requests import INBOUND, LOCAL, MAYBE_EXECUTED, NOT_EXECUTED, OUTBOUND, Ledger, Request, onward
from h2o_broker.telemetry import Oddities
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HEADER,
    HEADER_BYTES,
    PONG,
    REFUSED,
    RELEASED,
    REQUEST,
    REQUEST_EXACT,
    WIRE,
    MalformedFrame,
    decode_wish,
    encode,
)
from h2o_core.errors import Code
from h2o_core.names import package_of
from h2o_core.routing import choose
from h2o_core.znodes import NewVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_broker.events import Event
    from h2o_core.envelope import RouteWish

IN_FLIGHT_PER_SOURCE: Final = 16_384
ORIGIN_GRACE_NS: Final = 25_000_000
"""The origin waits this much longer than the destination, which knows more (DESIGN §8)."""
SETTLING_NS: Final = 1_000_000_000
"""Instances are back within half a second of their broker's restart, links to other hosts too."""
_TO_DESTINATION: Final = frozenset((REQUEST, CANCEL))
_TO_ORIGIN: Final = frozenset((ANSWER, REFUSED))
_MS: Final = 1_000_000
_UNPACK: Final = HEADER.unpack_from


class Switch:
    """Requests, slots and queues of one broker. `rare` gets the frames that are no request's."""

    def __init__(self, host: str, incarnation: int, dice: Callable[[], float]) -> None:
        """*dice* returns a float in [0, 1); *incarnation* is this broker process's, never used twice."""
        self.host = host
        self.incarnation = incarnation
        self.new_versions = NewVersions.HOLD
        self.ledger = Ledger(host)
        self.out = self.ledger.out
        self.events: list[Event] = []
        self.oddities = Oddities()
        self.pools: dict[str, Pool] = {}
        self.features: dict[bytes, Pool] = {}
        self.sources: dict[bytes, Source] = {}
        self.inbound: dict[bytes, Source] = {}
        self.callers: dict[tuple[str, str], Caller] = {}
        self.requests = self.ledger.requests
        self.picture_version = 1
        """Raised whenever a host, a link or an instance is other than before."""
        self.rare: Callable[[int, bytes, bytes, int], None] | None = None
        """Gets (port, routing id, frame, now) of every frame that is not on a request's path."""
        self._dice = dice
        self._settles_at_ns = 0
        self._operator = self.caller(OPERATOR, "")
        self.destination = Destination(self.ledger, self.features, self.oddities, incarnation, self._refused)
        self.instances = self.destination.instances
        self._place = self.destination.place
        self._answered = self.destination.answered

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
        head = self._parse(frame)
        if head is None:
            return
        kind, flags, code, correlation, remaining, types, tail_at, name_len, fields_len = head
        if kind == REQUEST:
            source = self.sources.get(rid) or self.meet(rid)
            self._enter(source, correlation, remaining, types, frame, tail_at, name_len, now)
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
        kind, flags, attempt, correlation, remaining, types, tail_at, name_len, _ = head
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
            self.destination.arrive(source, correlation, remaining, types, frame, tail_at, name, flags, attempt, now)

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
        request = self.requests.get(correlation)
        target = request.target if request is not None else None
        if request is None or not isinstance(target, RemoteInstance) or target.peer.rid != rid:
            self.oddities.count("late_answers")
            return
        route = frame[HEADER_BYTES:tail_at]
        if int.from_bytes(route[:8], "big") != self.incarnation:
            self.oddities.count("frames_for_another_incarnation")
            return
        self.ledger.leave_peer(request, target)
        if kind == REFUSED:
            self._refused(request, target.peer.host, Code.OVERLOADED if code > HIGHEST_CODE else Code(code), now)
            return
        if code > HIGHEST_CODE:
            self.oddities.count("unknown_codes")
            code = Code.INTERNAL.value
        self.ledger.respond(request, flags, code, route, frame[tail_at:], name_len, fields_len, now)

    # ------------------------------------------------------------------ requests at the origin

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
        return caller

    def _enter(
        self,
        source: Source,
        correlation: int,
        remaining: int,
        types: int,
        frame: bytes,
        tail_at: int,
        name_len: int,
        now: int,
    ) -> None:
        if correlation in source.requests:
            self.oddities.count("repeated_correlations")
            return
        name = frame[tail_at : tail_at + name_len]
        request = self.ledger.open(source, correlation, frame, tail_at, name, types, now, now + remaining * _MS)
        pool = self.features.get(name)
        if pool is None:
            self._unknown_feature(request, now)
            return
        request.known = True
        if not remaining:
            self.ledger.end(request, Code.TIMEOUT, NOT_EXECUTED, "no time was left when it reached its broker", now)
        elif len(source.requests) > IN_FLIGHT_PER_SOURCE:
            message = f"this client has {IN_FLIGHT_PER_SOURCE} requests in flight already"
            self.ledger.end(request, Code.OVERLOADED, NOT_EXECUTED, message, now)
        elif tail_at == HEADER_BYTES or self._wishes(request, frame[HEADER_BYTES:tail_at], now):
            self._route(request, pool, now)

    def _wishes(self, request: Request, block: bytes, now: int) -> bool:
        """Take a client's wish where to go; False: it may not have one, and has been told so."""
        try:
            wish = decode_wish(block)
        except MalformedFrame:
            message = "its route block is no wish: host, version and instance"
            self.ledger.end(request, Code.BAD_REQUEST, NOT_EXECUTED, message, now)
            return False
        if request.source.instance is not None:
            message = "a package may not choose host, version or instance: operators' weights and drains do"
            self.ledger.end(request, Code.FORBIDDEN, NOT_EXECUTED, message, now)
            return False
        request.wish = wish
        request.flags = REQUEST_EXACT if wish.instance else 0
        return True

    def _candidates(self, request: Request, pool: Pool, without: str) -> list[LocalInstance | RemoteInstance]:
        """Whom it may be given to, but for the instances of one host."""
        candidates = pool.candidates if request.wish is None else pool.wished(request.wish, self.host)
        return [one for one in candidates if host_of(one, self.host) != without] if without else candidates

    def _route(self, request: Request, pool: Pool, now: int) -> None:
        candidates = pool.candidates
        if request.refused_by or request.wish is not None:
            candidates = self._candidates(request, pool, request.refused_by)
        if not candidates:
            self._nobody(request, pool, now)
            return
        target = choose(candidates, self._dice)
        if isinstance(target, RemoteInstance):
            self._forward(request, target, now)
        elif not self._place(request, target.version, target, now):
            self._refused(request, self.host, Code.OVERLOADED, now)

    def _forward(self, request: Request, target: RemoteInstance, now: int) -> None:
        peer = target.peer
        target.pending += 1
        peer.in_flight += 1
        request.target = target
        self.ledger.watch(request, request.deadline_ns + ORIGIN_GRACE_NS)
        self.out.append((OUTBOUND, peer.rid, onward(request, target.route_from(request.source.caller), now)))

    def _refused(self, request: Request, host: str, code: Code, now: int) -> None:
        """Not executed at *host*: one re-route is free, then the caller is told."""
        pool = self.features[request.name]
        if request.source.port != LOCAL:
            self.ledger.refuse(request, code)
        elif request.attempt == 0 and self._candidates(request, pool, without=host):
            request.attempt = 1
            request.refused_by = host
            self._route(request, pool, now)
        elif request.attempt == 0 and code is Code.UNAVAILABLE:
            request.attempt = 1  # nobody else has it: it may wait there
            self._route(request, pool, now)
        elif code is Code.OVERLOADED:
            whose = f"instance {request.wish.instance}" if request.wish and request.wish.instance else pool.package[1:]
            message = f"every slot of {whose} is taken and its queues are full"
            self.ledger.end(request, Code.OVERLOADED, NOT_EXECUTED, message, now)
        else:
            message = f"{host} had no instance that could take it"
            self.ledger.end(request, Code.UNAVAILABLE if code is Code.OK else code, NOT_EXECUTED, message, now)

    # ------------------------------------------------------------------ endings

    def _cancelled(self, source: Source | None, correlation: int, now: int) -> None:
        request_id = source.requests.get(correlation) if source is not None else None
        if request_id is None:
            return
        request = self.requests[request_id]
        self.ledger.cancel_downstream(request)
        started = NOT_EXECUTED if request.target is None else MAYBE_EXECUTED
        self.ledger.end(request, Code.CANCELLED, started, "the caller cancelled it", now)

    def expire(self, now: int) -> None:
        """End what has run out of time."""
        for request_id in self.ledger.deadlines.expired(now):
            request = self.requests.get(request_id)
            if request is None or request.ended:
                continue
            self.ledger.cancel_downstream(request)
            if request.queued_at is not None:
                self.ledger.end(
                    request, Code.TIMEOUT, NOT_EXECUTED, "it waited for a free slot until its deadline", now
                )
            else:
                self.ledger.end(request, Code.TIMEOUT, MAYBE_EXECUTED, "no answer before the deadline", now)

    def started(self, now: int) -> None:
        """This broker serves from now on: its host's instances have yet to come (back), links to stand."""
        self._settles_at_ns = now + SETTLING_NS

    def _settling(self, request: Request, now: int) -> bool:
        """Nobody can take it *yet*: say that, and not that there is nobody."""
        if now >= self._settles_at_ns:
            return False
        message = "its broker has only just started, and does not know all instances yet"
        self.ledger.end(request, Code.UNAVAILABLE, NOT_EXECUTED, message, now)
        return True

    def _unknown_feature(self, request: Request, now: int) -> None:
        if self._settling(request, now):
            return
        name = request.name.decode(errors="replace")
        package = package_of(name)
        if package in self.pools:
            self.ledger.end(request, Code.NOT_FOUND, NOT_EXECUTED, f"{package[1:]} has no feature of that name", now)
        else:
            self.ledger.end(request, Code.NO_ROUTE, NOT_EXECUTED, "no package of that name was ever registered", now)

    def _nobody(self, request: Request, pool: Pool, now: int) -> None:
        if self._settling(request, now):
            return
        message = f"no instance of {pool.package[1:]} can take it"
        if request.wish is not None:
            message = f"{message} where it is wanted: {_shown(request.wish)}"
        self.ledger.end(request, Code.NO_ROUTE, NOT_EXECUTED, message, now)

    # ------------------------------------------------------------------ losses

    def lose_requests_of(self, lost: Iterable[LocalInstance | RemoteInstance], why: str, now: int) -> None:
        """Sent and unanswered, and now nobody will: the outcome is unknown, and the caller is told so."""
        gone = {id(member) for member in lost}
        for request in [one for one in self.requests.values() if one.target is not None and id(one.target) in gone]:
            if request.ended:
                del self.requests[request.id]
                continue
            target = request.target
            self.ledger.end(request, Code.OUTCOME_UNKNOWN, MAYBE_EXECUTED, why, now)
            if isinstance(target, LocalInstance):
                self.requests.pop(request.id, None)

    def lose_source(self, source: Source, now: int) -> None:
        """A client or a peer's link is gone: nobody waits for its requests any more."""
        for request_id in list(source.requests.values()):
            request = self.requests[request_id]
            self.ledger.cancel_downstream(request)
            self.ledger.end(request, Code.CANCELLED, MAYBE_EXECUTED, "its client is gone", now)
        table = self.sources if source.port == LOCAL else self.inbound
        table.pop(source.rid, None)

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
            self._refused(request, target.peer.host, Code.UNAVAILABLE, now)
            return
        target.pending -= 1
        target.health = Health.GONE
        request.target = None
        request.counter = None
        self.rebuild(target.version.pool)
        self._again(request, target.version, now)

    def _again(self, request: Request, version: LocalVersion, now: int) -> None:
        """Its instance was gone before the frame left: any other may have it, one of this host included."""
        if request.source.port == LOCAL and request.attempt == 0:
            request.attempt = 1
            self._route(request, version.pool, now)
        elif not version.ready or not self._place(request, version, None, now):
            self._refused(request, self.host, Code.UNAVAILABLE, now)

    def rebuild(self, pool: Pool) -> None:
        """Members or their health changed."""
        self.picture_version += 1
        for version in pool.local.values():
            version.ready = [one for one in version.instances if one.health is Health.READY]
        pool.rebuild(self.new_versions)

    def pong(self, port: int, rid: bytes, clock: bytes, flags: int = 0) -> None:
        """Answer a PING: our incarnation and the asker's own clock."""
        body = self.incarnation.to_bytes(8, "big") + clock
        self.out.append((port, rid, encode(PONG, flags=flags, payload=body)))


def _shown(wish: RouteWish) -> str:
    parts = (("host", wish.host), ("version", wish.version), ("instance", wish.instance))
    return " ".join(f"{what} {name}" for what, name in parts if name) or "anywhere"
