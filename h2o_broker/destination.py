"""Requests at the instances of this host: slots, queues, hand-over, answers. Pure.

The origin, this broker or another, has chosen version and instance; what is decided here is whether there is room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.callers import Caller
from h2o_broker.contention import Contention
from h2o_broker.members import Health, LocalInstance
from h2o_broker.requests import LOCAL, MAYBE_EXECUTED, NOT_EXECUTED, FirstAttempt, onward
from h2o_core.envelope import (
    HEADER_BYTES,
    REQUEST_ASSIGNED,
    REQUEST_EXACT,
    MalformedFrame,
    RequestRoute,
    decode_request_route,
    encode_answer_route,
)
from h2o_core.errors import HIGHEST_CODE, Code
from h2o_core.health import Verdict
from h2o_core.priorities import priority_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.callers import Source
    from h2o_broker.judge import Judge
    from h2o_broker.members import LocalVersion, Pool
    from h2o_broker.requests import Ledger, Request
    from h2o_broker.telemetry import Oddities

ROUTE_CACHE_SIZE: Final = 4096
_LEAVING: Final = Health.LEAVING
"""Looked up for each answer; as an enum's attribute that costs 80 ns."""
_HANDED_ON: Final = REQUEST_EXACT | REQUEST_ASSIGNED
"""Flags of a request that go along with it."""
_MS: Final = 1_000_000


class Destination:
    """Local instances and what they work on. A slot is free when its instance says so, and not before."""

    def __init__(
        self,
        ledger: Ledger,
        features: dict[bytes, Pool],
        oddities: Oddities,
        incarnation: int,
        refused: Callable[[Request, str, Code, int], None],
        failed: Callable[[Request, FirstAttempt, int], None],
        judge: Judge,
    ) -> None:
        """*refused(request, host, code, now)*: it was not executed at *host*; whose it is decides what comes next.

        *failed(request, attempt, now)*: an attempt of this host's own request has failed here.
        """
        self.on_drained: Callable[[LocalInstance], None] | None = None
        """Called when a leaving instance has nothing in flight any more."""
        self.drained = False
        """Operators want nothing new here."""
        self.on_turned_away: Callable[[str, int], None] = _unheard
        """Gets (host that sent it, now) of each request that is refused for that."""
        self._ledger = ledger
        self._requests = ledger.requests
        self._watch = ledger.deadlines.add
        self._out = ledger.out
        self._features = features
        self._oddities = oddities
        self._incarnation = incarnation
        self._refused = refused
        self._failed = failed
        self._judge = judge
        self._routes: dict[bytes, tuple[RequestRoute, Caller]] = {}

    # ------------------------------------------------------------------ finding room

    def arrive(  # noqa: PLR0913 - the path of a request takes scalars (DESIGN §6)
        self,
        source: Source,
        correlation: int,
        remaining: int,
        types: int,
        frame: bytes,
        tail_at: int,
        name: bytes,
        fields_len: int,
        flags: int,
        attempt: int,
        now: int,
    ) -> None:
        """A request from another broker; *attempt* is 1 when it was refused once already."""
        block = frame[HEADER_BYTES:tail_at]
        known = self._routes.get(block) or self._learn_route(block)
        if known is None:
            return
        route, caller = known
        if route.incarnation != self._incarnation:
            self._oddities.count("frames_for_another_incarnation")
            return
        if correlation in source.requests:
            self._oddities.count("repeated_correlations")
            return
        deadline_ns = now + remaining * _MS
        request = self._ledger.open(source, correlation, frame, tail_at, name, fields_len, types, now, deadline_ns)
        request.attempt = attempt
        request.flags = flags & _HANDED_ON
        request.caller = caller
        pool = self._features.get(name)
        version = pool.local.get(route.version) if pool is not None else None
        if not remaining:
            self._ledger.end(
                request, Code.TIMEOUT, NOT_EXECUTED, "no time was left when it reached its destination", now
            )
        elif version is None:
            self._ledger.refuse(request, Code.NO_ROUTE)
        elif self.drained and not request.flags & REQUEST_EXACT:
            self.on_turned_away(source.caller.package, now)
            self._ledger.refuse(request, Code.UNAVAILABLE)
        elif not version.ready and not attempt:
            # all are suspect, ejected or leaving: another host may serve it now; if there is none, it comes again
            self._ledger.refuse(request, Code.UNAVAILABLE)
        else:
            preferred = next((one for one in version.alive if one.id == route.instance), None)
            if preferred is not None and preferred.verdict and not self._may_take(preferred, request):
                preferred = None
            if preferred is None and request.flags & REQUEST_EXACT:
                self._ledger.refuse(request, Code.UNAVAILABLE)
            elif not self.place(request, version, preferred, now):
                self._ledger.refuse(request, Code.OVERLOADED)

    def _may_take(self, instance: LocalInstance, request: Request) -> bool:
        """One that is not OK: its probe, when health is ignored, by an operator's wish, or nobody else was found."""
        wanted = bool(request.flags & REQUEST_EXACT or request.attempt)
        return wanted or instance.verdict is Verdict.PROBING or instance in instance.version.ready

    def _learn_route(self, block: bytes) -> tuple[RequestRoute, Caller] | None:
        try:
            route = decode_request_route(block)
        except MalformedFrame:
            self._oddities.count("malformed_frames")
            return None
        if len(self._routes) >= ROUTE_CACHE_SIZE:
            self._routes.clear()
        caller = Caller(route.caller, route.caller_version, route.caller_instance)
        self._routes[block] = route, caller
        return route, caller

    def place(self, request: Request, version: LocalVersion, preferred: LocalInstance | None, now: int) -> bool:
        """Give it to *preferred*, else to a free instance, else queue it; False: there is no room, or all is drained.

        One that is for a certain instance does not wait: the queue is the version's, and any of it would take it.
        """
        if self.drained and not request.flags & REQUEST_EXACT:
            return False
        if preferred is None or preferred.pending >= preferred.slots:
            if request.flags & REQUEST_EXACT:
                return False
            preferred = version.free_instance()
        if preferred is not None:
            self._dispatch(request, preferred, now)
            return True
        return self._wait(request, version, now)

    def _wait(self, request: Request, version: LocalVersion, now: int) -> bool:
        """Queue it, if there is room or it deserves a place more than one that has it. Only now are its fields read."""
        contention = version.contention
        if contention is None:
            contention = version.contention = Contention(now)
        caller = request.caller.package
        came = version.queue.offer(
            request.id, caller, priority_of(request.fields()), request.deadline_ns, version.capacity(), now
        )
        for request_id in came.expired:
            self.expired(self._requests[request_id], version, now)
        if came.shed is not None:
            self._shed(self._requests[came.shed], version, now)
        if not came.placed:
            contention.refused(caller, now)
            return False
        contention.wanted(now)
        request.queued_at = version
        self._ledger.watch(request, request.deadline_ns)
        return True

    def expired(self, request: Request, version: LocalVersion, now: int) -> None:
        """Its deadline passed in the queue."""
        if version.contention is not None:
            version.contention.refused(request.caller.package, now)
        self._ledger.end(request, Code.TIMEOUT, NOT_EXECUTED, "it waited for a free slot until its deadline", now)

    def _shed(self, request: Request, version: LocalVersion, now: int) -> None:
        """Another one has its place in the queue."""
        if version.contention is not None:
            version.contention.refused(request.caller.package, now)
        request.queued_at = None
        message = "the queue is full, and another request has its place: of higher priority, or of a caller with less"
        if request.source.port == LOCAL:
            answer = self._ledger.own_answer(request, Code.OVERLOADED, NOT_EXECUTED, message, now)
            self._failed(request, FirstAttempt(answer, self._ledger.host, version.spec.version), now)
        else:
            self._ledger.end(request, Code.OVERLOADED, NOT_EXECUTED, message, now)

    def _dispatch(self, request: Request, instance: LocalInstance, now: int) -> None:
        counter = instance.counters.get(request.name)
        if counter is None:
            message = f"version {instance.version.spec.version} of the package has no such feature"
            self._ledger.end(request, Code.NOT_FOUND, NOT_EXECUTED, message, now)
            return
        if counter.types != request.types:
            counter.outcomes[Code.BAD_REQUEST] += 1
            self._ledger.end(request, Code.BAD_REQUEST, NOT_EXECUTED, self._type_mismatch(request, instance), now)
            return
        contention = instance.version.contention
        if contention is not None:
            self._contend(contention, request, instance.version, now)
        instance.pending += 1
        if instance.verdict:
            self._judge.handed(instance, request.id, now)
        request.target = instance
        request.counter = counter
        request.sent_ns = now
        if request.bucket is None:
            request.bucket = self._watch(request.id, request.deadline_ns)
        caller = request.caller
        route = instance.routes.get(caller) or instance.route_from(caller, self._incarnation)
        self._out.append((LOCAL, instance.rid, onward(request, route, now)))

    def _contend(self, contention: Contention, request: Request, version: LocalVersion, now: int) -> None:
        if contention.is_over(now):
            version.contention = None
        else:
            contention.started(request.caller.package, now)

    def _type_mismatch(self, request: Request, instance: LocalInstance) -> str:
        name = request.name.decode(errors="replace")
        feature = next(one for one in instance.version.spec.features if one.name == name)
        return f"it takes {feature.request_type} and answers {feature.reply_type}; the caller used other types"

    def pull(self, version: LocalVersion, now: int) -> None:
        """Slots may have come free: start what waits, in fair turns; nothing that has less than 1 ms left."""
        queue = version.queue
        while queue.size:
            instance = version.free_instance()
            if instance is None:
                return
            request = self._requests[queue.take()]
            if request.deadline_ns - now < _MS:
                self.expired(request, version, now)
                continue
            request.queued_at = None
            self._dispatch(request, instance, now)

    def shrink(self, version: LocalVersion, now: int) -> None:
        """It has fewer slots than before: what no longer fits in its queue was not executed and goes elsewhere."""
        for request_id in version.queue.shrink(version.capacity(), now):
            request = self._requests[request_id]
            request.queued_at = None
            self._refused(request, self._ledger.host, Code.OVERLOADED, now)

    def resettle(self, version: LocalVersion, now: int) -> None:
        """Who is fit here has changed: what waits goes on, or elsewhere when only unfit ones are left here."""
        if version.queue.size:
            if version.ready or not version.alive:
                self.pull(version, now)
            else:
                self.rehome(version, Code.UNAVAILABLE, now)

    def rehome(self, version: LocalVersion, code: Code, now: int) -> None:
        """Nobody here is to execute it any more (gone, unfit or drained): what waits was not executed, and moves on."""
        for request_id in version.queue.drain():
            request = self._requests[request_id]
            request.queued_at = None
            self._refused(request, self._ledger.host, code, now)

    # ------------------------------------------------------------------ what comes back

    def answered(  # noqa: PLR0913 - as `arrive`
        self,
        rid: bytes,
        flags: int,
        code: int,
        correlation: int,
        frame: bytes,
        tail_at: int,
        name_len: int,
        fields_len: int,
        now: int,
    ) -> None:
        """What an instance says came of a request, also too late."""
        request = self._requests.get(correlation)
        instance = request.target if request is not None else None
        if request is None or not isinstance(instance, LocalInstance) or instance.rid != rid:
            self._oddities.count("late_answers")
            return
        if request.ended:
            self._oddities.count("late_answers")
            self._free_slot(request, instance, now)
            return
        if code > HIGHEST_CODE:
            self._oddities.count("unknown_codes")
            code = Code.INTERNAL.value
        counter = request.counter
        if counter is not None:
            counter.outcomes[code] += 1
            counter.times.record(now - request.sent_ns)
            if code:
                counter.last_error = frame[tail_at + name_len + fields_len :]
                counter.last_error_ns = now
        source = request.source
        version = instance.version
        instance.pending -= 1
        request.target = None
        if code or instance.standing.alert:
            self._judge.heed(instance, code, request, now)
        else:
            instance.standing.well += 1
        if source.port == LOCAL:
            instance.load.learn(now - request.routed_ns, code, now)
            route = instance.route_to_client or instance.route_home(self._incarnation)
        else:
            route = encode_answer_route(
                source.incarnation,
                instance.pending,
                version.queue.size,
                instance.slots,
                instance.verdict,
                instance.answer_tail,
            )
        if code and source.port == LOCAL:
            answer = flags, code, route, frame[tail_at:], name_len, fields_len
            self._failed(request, FirstAttempt(answer, self._ledger.host, version.spec.version, instance.id), now)
        else:
            self._ledger.respond(request, flags, code, route, frame[tail_at:], name_len, fields_len, now)
        if version.queue.size:
            self.pull(version, now)
        if instance.health is _LEAVING and not instance.pending and self.on_drained is not None:
            self.on_drained(instance)

    def _free_slot(self, request: Request, instance: LocalInstance, now: int) -> None:
        del self._requests[request.id]
        instance.pending -= 1
        if instance.version.queue.size:
            self.pull(instance.version, now)
        if instance.health is _LEAVING and not instance.pending and self.on_drained is not None:
            self.on_drained(instance)

    def released(self, rid: bytes, correlation: int, now: int) -> None:
        """An instance works on a request no more, and has no answer to it."""
        request = self._requests.get(correlation)
        instance = request.target if request is not None else None
        if request is None or not isinstance(instance, LocalInstance) or instance.rid != rid:
            self._oddities.count("late_releases")
            return
        if not request.ended:
            self._ledger.end(
                request, Code.CANCELLED, MAYBE_EXECUTED, "the instance gave it back without an answer", now
            )
        self._free_slot(request, instance, now)


def _unheard(_host: str, _now: int) -> None:
    pass
