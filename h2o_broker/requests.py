"""A request's life in this broker: opened once, ended once. The ledger is where both happen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_broker.members import LocalInstance, RemoteInstance
from h2o_core.deadlines import Deadlines
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    EXECUTED_MASK,
    HEADER,
    MAX_FRAME_BYTES,
    REFUSED,
    REQUEST,
    WIRE,
    encode,
    encode_answer_route,
    encode_answer_route_tail,
)
from h2o_core.errors import Code, Executed, hint_for
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.retries import both_executed

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.callers import Source
    from h2o_broker.members import LocalVersion
    from h2o_broker.telemetry import CallerCounter, FeatureCounter
    from h2o_broker.trial import TrialAccount
    from h2o_core.envelope import RouteWish

LOCAL: Final = 0
INBOUND: Final = 1
OUTBOUND: Final = 2
"""The three ports: local clients and instances, brokers that came to us, brokers that we went to."""

NOT_EXECUTED: Final = int(Executed.NO)
MAYBE_EXECUTED: Final = int(Executed.UNKNOWN)
Answer: TypeAlias = tuple[int, int, bytes, bytes, int, int]
"""What `Ledger.respond` takes: flags, code, route, what follows it in the frame, lengths of name and fields in that."""
_CORRELATION_MASK: Final = 0xFFFF_FFFF
_PACK: Final = HEADER.pack
_MS: Final = 1_000_000


class Request:
    """From the frame that brought it until its slot is free again.

    `ended` is set by its one terminal answer; it stays known after that only while an instance still
    holds a slot for it.
    """

    __slots__ = (
        "account",
        "attempt",
        "bucket",
        "caller",
        "counter",
        "deadline_ns",
        "ended",
        "fields_len",
        "first",
        "flags",
        "frame",
        "id",
        "name",
        "queued_at",
        "refused_by",
        "routed_ns",
        "sent_ns",
        "source",
        "source_correlation",
        "started_ns",
        "tail_at",
        "target",
        "types",
        "version",
        "wish",
    )

    def __init__(
        self,
        request_id: int,
        source: Source,
        source_correlation: int,
        frame: bytes,
        tail_at: int,
        name: bytes,
        fields_len: int,
        types: int,
        now_ns: int,
        deadline_ns: int,
    ) -> None:
        self.id = request_id
        self.source = source
        self.caller = source.caller
        """Who calls: at the destination it is read from the route block."""
        self.source_correlation = source_correlation
        self.frame = frame
        self.tail_at = tail_at
        self.name = name
        self.fields_len = fields_len
        self.types = types
        self.started_ns = now_ns
        self.deadline_ns = deadline_ns
        self.sent_ns = 0
        """When it was handed to an instance of this host."""
        self.routed_ns = now_ns
        """When an instance was chosen for it, here or anywhere; its load is measured from there."""
        self.attempt = 0
        self.ended = False
        self.account: CallerCounter | TrialAccount | None = None
        """What its end is counted in: of this host's own, if its feature is one, or strangers could fill the memory."""
        self.target: LocalInstance | RemoteInstance | None = None
        self.queued_at: LocalVersion | None = None
        self.counter: FeatureCounter | None = None
        self.bucket: set[int] | None = None
        """Where somebody looks after its deadline; None: nobody does."""
        self.refused_by = ""
        self.wish: RouteWish | None = None
        """Where alone an operator wants it executed."""
        self.flags = 0
        """REQUEST_EXACT, REQUEST_ASSIGNED: go along with it."""
        self.version = ""
        """Chosen by its package's traffic document; empty: there was none."""
        self.first: FirstAttempt | None = None
        """At its origin, once it has failed and is tried again."""

    def fields(self) -> bytes:
        """The optional fields as they came, unparsed; cut out when they are asked for, since hardly any request is."""
        at = self.tail_at + len(self.name)
        return self.frame[at : at + self.fields_len]


class FirstAttempt:
    """An attempt that failed, and where. It is kept while a second one is made: the answer if that reaches nobody."""

    __slots__ = ("answer", "executed", "host", "instance", "version", "waits")

    def __init__(self, answer: Answer, host: str, version: str, instance: str = "") -> None:
        """*instance*: its id; empty when it has reached none."""
        self.answer = answer
        self.executed = Executed(min(answer[0] & EXECUTED_MASK, 2))
        self.host = host
        self.version = version
        self.instance = instance
        self.waits = True
        """The second attempt has not been made yet."""


class Ledger:
    """All requests that are open, or ended with a slot still held. Answers go to `out`."""

    def __init__(self, host: str) -> None:
        self.out: list[tuple[int, bytes, bytes]] = []
        self.requests: dict[int, Request] = {}
        self.deadlines = Deadlines()
        self.host = host
        self._at = f"broker {host}"
        self.heed: Callable[[LocalInstance, int, Request, int], None] = _unheeded
        """The judge's: (instance, code, request, now), of what an instance did not answer itself."""
        self._own_tail = encode_answer_route_tail("", "", host)
        self._last_id = 0

    def open(
        self,
        source: Source,
        correlation: int,
        frame: bytes,
        tail_at: int,
        name: bytes,
        fields_len: int,
        types: int,
        now: int,
        deadline: int,
    ) -> Request:
        """A request has come in; its id is this broker's correlation for it wherever it goes."""
        requests = self.requests
        request_id = self._last_id
        while True:
            request_id = (request_id + 1) & _CORRELATION_MASK
            if request_id not in requests:
                break
        self._last_id = request_id
        request = Request(request_id, source, correlation, frame, tail_at, name, fields_len, types, now, deadline)
        requests[request_id] = request
        source.requests[correlation] = request_id
        return request

    def watch(self, request: Request, deadline_ns: int) -> None:
        """End it with TIMEOUT at *deadline_ns*, unless it ends before."""
        self.unwatch(request)
        request.bucket = self.deadlines.add(request.id, deadline_ns)

    def unwatch(self, request: Request) -> None:
        """Its deadline is somebody else's matter, or nobody's any more."""
        bucket = request.bucket
        if bucket is not None:
            bucket.discard(request.id)
            request.bucket = None

    def respond(
        self,
        request: Request,
        flags: int,
        code: int,
        route: bytes,
        tail: bytes,
        name_len: int,
        fields_len: int,
        now: int,
    ) -> None:
        """The one place where a request gets its terminal answer."""
        source = request.source
        request.ended = True
        bucket = request.bucket
        if bucket is not None:
            bucket.discard(request.id)
        if request.target is None:
            del self.requests[request.id]
        correlation = request.source_correlation
        del source.requests[correlation]
        head = _PACK(WIRE, ANSWER, flags, code, correlation, 0, request.types, len(route), name_len, fields_len, 0)
        frame = head + route + tail
        if len(frame) > MAX_FRAME_BYTES:
            frame = self._oversize(request, len(frame))
            code = Code.INTERNAL.value
        self.out.append((source.port, source.rid, frame))
        account = request.account
        if account is not None:
            account.count(code, now - request.started_ns)

    def _oversize(self, request: Request, size: int) -> bytes:
        message = f"the answer has {size} bytes with its route, a frame holds {MAX_FRAME_BYTES}"
        payload = self.failure(Code.INTERNAL, message, request.name.decode(errors="replace"))
        return encode(ANSWER, code=Code.INTERNAL, correlation=request.source_correlation, payload=payload)

    def end(
        self, request: Request, code: Code, executed: int, message: str, now: int, evidence: Code | None = None
    ) -> None:
        """The broker itself answers; an instance that still works on it keeps its slot until it lets go."""
        self.respond(request, *self.own_answer(request, code, executed, message, now, evidence), now)

    def end_attempt(self, request: Request, code: Code, message: str, now: int) -> None:
        """Nobody took it; of one that had been taken before, what came of that is the answer."""
        if request.first is not None:
            self.respond(request, *request.first.answer, now)
        else:
            self.end(request, code, NOT_EXECUTED, message, now)

    def own_answer(
        self, request: Request, code: Code, executed: int, message: str, now: int, evidence: Code | None = None
    ) -> Answer:
        """What the broker itself has to say; *request* is in no queue and at no other broker after that.

        *evidence*: as what it counts about the instance that worked on it, when that is not *code*.
        """
        told = code if evidence is None else evidence
        if request.queued_at is not None:
            request.queued_at.queue.discard(request.id)
            request.queued_at = None
        target = request.target
        tail, verdict = self._own_tail, 0
        if target is not None and request.source.port == LOCAL:
            target.load.learn(now - request.routed_ns, told, now)
        if isinstance(target, RemoteInstance):
            self.leave_peer(request, target)
        elif target is not None:
            if request.counter is not None:
                request.counter.outcomes[code] += 1
            self.heed(target, told, request, now)
            tail, verdict = target.answer_tail, target.verdict
        payload = self.failure(code, message, request.name.decode(errors="replace"))
        route = encode_answer_route(request.source.incarnation, 0, 0, 0, verdict, tail)
        return executed_in_all(request, executed), code, route, payload, 0, 0

    def refuse(self, request: Request, code: Code) -> None:
        """Tell the origin that nothing was executed here; it may route once more."""
        source = request.source
        request.ended = True
        self.unwatch(request)
        del self.requests[request.id]
        del source.requests[request.source_correlation]
        route = encode_answer_route(source.incarnation, 0, 0, 0, 0, self._own_tail)
        frame = encode(REFUSED, flags=NOT_EXECUTED, code=code, correlation=request.source_correlation, route=route)
        self.out.append((source.port, source.rid, frame))

    def leave_peer(self, request: Request, target: RemoteInstance) -> None:
        """The other broker has nothing to do with it any more."""
        target.pending -= 1
        target.peer.in_flight -= 1
        request.target = None
        self.unwatch(request)

    def cancel_downstream(self, request: Request) -> None:
        """Whoever works on it is told to stop; the slot comes back when the instance says so."""
        target = request.target
        if isinstance(target, LocalInstance):
            self.out.append((LOCAL, target.rid, encode(CANCEL, correlation=request.id)))
        elif target is not None:
            route = target.peer.incarnation.to_bytes(8, "big")
            self.out.append((OUTBOUND, target.peer.rid, encode(CANCEL, correlation=request.id, route=route)))

    def failure(self, code: Code, message: str, feature: str) -> bytes:
        """The payload of an answer that this broker makes itself: what happened, and what to type next."""
        return Failure(message=message, hint=hint_for(code, feature), at=self._at).SerializeToString()


def executed_in_all(request: Request, flags: int) -> int:
    """*flags* of an answer, which speak of its last attempt alone, with what is known of the one before."""
    first = request.first
    return flags if first is None else both_executed(first.executed, Executed(min(flags & EXECUTED_MASK, 2)))


def _unheeded(_instance: LocalInstance, _code: int, _request: Request, _now: int) -> None:
    return None


def onward(request: Request, route: bytes, now: int) -> bytes:
    """The frame that takes *request* further, under its id here, with *route* and the time that is left."""
    left_ns = request.deadline_ns - now
    head = _PACK(
        WIRE,
        REQUEST,
        request.flags,
        request.attempt,
        request.id,
        left_ns // _MS if left_ns > 0 else 0,
        request.types,
        len(route),
        len(request.name),
        request.fields_len,
        0,
    )
    return head + route + request.frame[request.tail_at :]
