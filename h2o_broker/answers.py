"""What other hosts' brokers say came of this host's requests: who served, and what that tells of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.members import RemoteInstance
from h2o_broker.requests import FirstAttempt
from h2o_core.envelope import ANSWER_ROUTE_BYTES, HEADER_BYTES, MalformedFrame, decode_answer_route
from h2o_core.errors import HIGHEST_CODE, Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.attempts import Attempts
    from h2o_broker.members import Peer
    from h2o_broker.requests import Ledger
    from h2o_broker.telemetry import Oddities

_VERDICT_AT: Final = ANSWER_ROUTE_BYTES - 1


class Answers:
    """Takes the answers; a failure or a refusal goes on to `Attempts`."""

    def __init__(self, ledger: Ledger, attempts: Attempts, oddities: Oddities, incarnation: int) -> None:
        """*incarnation*: this broker's; what is meant for another is dropped."""
        self.stamped: Callable[[Peer, RemoteInstance, int, int], None] = _unread
        """The judge's: (host's broker, instance that served, the verdict that its answer carries, now)."""
        self._ledger = ledger
        self._attempts = attempts
        self._oddities = oddities
        self._incarnation = incarnation

    def answered(  # noqa: PLR0913 - the path of a request takes scalars (DESIGN §6)
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
        *,
        refused: bool,
    ) -> None:
        """What another host's broker says came of a request, also too late; *refused*: not executed there."""
        request = self._ledger.requests.get(correlation)
        target = request.target if request is not None else None
        if request is None or not isinstance(target, RemoteInstance) or target.peer.rid != rid:
            self._oddities.count("late_answers")
            return
        route = frame[HEADER_BYTES:tail_at]
        if int.from_bytes(route[:8], "big") != self._incarnation:
            self._oddities.count("frames_for_another_incarnation")
            return
        self._ledger.leave_peer(request, target)
        if refused:
            why = Code.OVERLOADED if code > HIGHEST_CODE else Code(code)
            target.load.learn(now - request.routed_ns, why, now)
            self._attempts.refused(request, target.peer.host, why, now)
            return
        if code > HIGHEST_CODE:
            self._oddities.count("unknown_codes")
            code = Code.INTERNAL.value
        server = target.peer.servers.get(route[ANSWER_ROUTE_BYTES:]) or self._server(target.peer, route) or target
        server.load.learn(now - request.routed_ns, code, now)
        verdict = route[_VERDICT_AT] if len(route) > _VERDICT_AT else 0
        if verdict != server.verdict:
            self.stamped(target.peer, server, verdict, now)
        tail = frame[tail_at:]
        if code:
            answer = flags, code, route, tail, name_len, fields_len
            self._attempts.failed(request, FirstAttempt(answer, target.peer.host, target.version, server.id), now)
        else:
            self._ledger.respond(request, flags, code, route, tail, name_len, fields_len, now)

    def _server(self, peer: Peer, route: bytes) -> RemoteInstance | None:
        """Who served an answer: not always whom it was sent to. None: nobody did, or it is not known any more."""
        try:
            told = decode_answer_route(route)
        except MalformedFrame:
            self._oddities.count("malformed_frames")
            return None
        _, server = peer.instances.get(told.instance, (None, None))
        if server is not None and (told.version, told.host) == (server.version, peer.host):
            peer.servers[route[ANSWER_ROUTE_BYTES:]] = server
        return server


def _unread(_peer: Peer, _server: RemoteInstance, _verdict: int, _now: int) -> None:
    return None
