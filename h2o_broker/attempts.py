"""What comes after an attempt that did not succeed: another one on another instance, or what its caller is told. Pure.

It was refused (not executed: one re-route is free), it failed, or the one that had it was lost. Which failures are
worth a second attempt, and when it is due, is `retrying`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.pools import host_of, version_of
from h2o_broker.requests import LOCAL, MAYBE_EXECUTED, FirstAttempt, executed_in_all
from h2o_core.errors import Code

if TYPE_CHECKING:
    from h2o_broker.members import LocalInstance, Pool
    from h2o_broker.requests import Ledger, Request
    from h2o_broker.retrying import Retrying
    from h2o_broker.routing import Routing

_MS: Final = 1_000_000
_TOO_LATE: Final = "its deadline passed before it was started"


class Attempts:
    """Of requests whose first attempt is over, and of other hosts' that were not executed here."""

    def __init__(self, ledger: Ledger, features: dict[bytes, Pool], routing: Routing, retrying: Retrying) -> None:
        """*features*: the pools, by the name on the wire."""
        self._ledger = ledger
        self._features = features
        self._routing = routing
        self._retrying = retrying
        routing.refused = self.refused

    # ------------------------------------------------------------------ not executed

    def refused(self, request: Request, host: str, code: Code, now: int) -> None:
        """Not executed at *host*: one re-route is free, then the caller is told. Another host's is told as it is."""
        pool = self._features[request.name]
        if request.source.port != LOCAL:
            self._ledger.refuse(request, code)
        elif request.deadline_ns - now < _MS:
            self._ledger.end_attempt(request, Code.TIMEOUT, _TOO_LATE, now)
        elif request.attempt == 0 and self._routing.eligible.of(request, pool, without=host):
            request.attempt = 1
            request.refused_by = host
            self._routing.route(request, pool, now)
        elif request.attempt == 0 and code is Code.UNAVAILABLE:
            request.attempt = 1  # nobody else has it: it may wait there
            self._routing.route(request, pool, now)
        elif code is Code.OVERLOADED:
            whose = f"instance {request.wish.instance}" if request.wish and request.wish.instance else pool.package[1:]
            message = f"every slot of {whose} is taken and its queues are full"
            self._ledger.end_attempt(request, Code.OVERLOADED, message, now)
        else:
            message = f"{host} had no instance that could take it"
            self._ledger.end_attempt(request, Code.UNAVAILABLE if code is Code.OK else code, message, now)

    def unsent(self, request: Request, target: LocalInstance, now: int) -> None:
        """Its instance here was gone before the frame left: any other may have it, one of this host included."""
        version = target.version
        if request.deadline_ns - now < _MS:
            self._ledger.end_attempt(request, Code.TIMEOUT, _TOO_LATE, now)
        elif request.source.port == LOCAL and request.attempt == 0:
            request.attempt = 1
            self._routing.route(request, version.pool, now)
        elif not version.ready or not self._routing.place(request, version, None, now):
            self.refused(request, self._ledger.host, Code.UNAVAILABLE, now)

    # ------------------------------------------------------------------ executed, or perhaps

    def failed(self, request: Request, attempt: FirstAttempt, now: int) -> None:
        """An attempt of this host's own request has failed: another one is made, or its caller is told."""
        if not self._retrying.wanted(request, attempt, self._others, now):
            flags, code, route, tail, name_len, fields_len = attempt.answer
            flags = executed_in_all(request, flags)
            self._ledger.respond(request, flags, code, route, tail, name_len, fields_len, now)

    def _others(self, request: Request, first: FirstAttempt) -> bool:
        """Is there anybody else who could take it? One that was shed finds the host's whole queue full."""
        pool = self._features[request.name]
        without = first.host if first.answer[1] == Code.OVERLOADED else ""
        return bool(self._routing.eligible.of(request, pool, without, first).members)

    def lost(self, request: Request, why: str, now: int) -> None:
        """It was sent to an instance or another host that is gone: the outcome is unknown."""
        target = request.target
        assert target is not None
        answer = self._ledger.own_answer(request, Code.OUTCOME_UNKNOWN, MAYBE_EXECUTED, why, now)
        request.target = None
        if request.source.port == LOCAL:
            host = host_of(target, self._ledger.host)
            self.failed(request, FirstAttempt(answer, host, version_of(target), target.id), now)
        else:
            self._ledger.respond(request, *answer, now)

    def try_again(self, now: int) -> None:
        """Make the second attempts that are due."""
        for request in self._retrying.due(now):
            if request.deadline_ns - now < _MS:
                self._ledger.end_attempt(request, Code.TIMEOUT, _TOO_LATE, now)
            else:
                self._routing.route(request, self._features[request.name], now)
