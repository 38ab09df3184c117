"""Requests of this host's own clients: to which version and instance they go, and what comes next when one refuses.

Pure. What happens at an instance is `destination`'s; where a request began and ended is the ledger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.members import RemoteInstance
from h2o_broker.pools import host_of, unknown_feature, version_of, wished
from h2o_broker.ration import Ration
from h2o_broker.requests import (
    LOCAL,
    MAYBE_EXECUTED,
    NOT_EXECUTED,
    OUTBOUND,
    FirstAttempt,
    executed_in_all,
    onward,
)
from h2o_broker.retrying import Retrying
from h2o_broker.versions import Versions
from h2o_core.choice import Candidates, choose
from h2o_core.control import TierRule
from h2o_core.envelope import (
    ANSWER_ROUTE_BYTES,
    HEADER_BYTES,
    REQUEST_ASSIGNED,
    REQUEST_EXACT,
    MalformedFrame,
    decode_answer_route,
    decode_wish,
)
from h2o_core.errors import HIGHEST_CODE, Code, Executed
from h2o_core.names import tier_breach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_broker.members import LocalInstance, LocalVersion, Peer, Pool, Source
    from h2o_broker.requests import Ledger, Request
    from h2o_broker.telemetry import Oddities
    from h2o_core.control import HostControl
    from h2o_core.envelope import RouteWish

IN_FLIGHT_PER_SOURCE: Final = 16_384
ORIGIN_GRACE_NS: Final = 25_000_000
"""The origin waits this much longer than the destination, which knows more (DESIGN §8)."""
SETTLING_NS: Final = 1_000_000_000
"""Instances are back within half a second of their broker's restart, links to other hosts too."""
SHOWN_A_SECOND: Final = 10
_VERDICT_AT: Final = ANSWER_ROUTE_BYTES - 1
_MS: Final = 1_000_000
_TOO_LATE: Final = "its deadline passed before it was started"


class Origin:
    """Chooses for every request of this host, and again for one that was not executed where it went."""

    def __init__(
        self,
        ledger: Ledger,
        pools: dict[str, Pool],
        features: dict[bytes, Pool],
        oddities: Oddities,
        incarnation: int,
        dice: Callable[[], float],
        hosts: Mapping[str, HostControl],
    ) -> None:
        """*dice* returns a float in [0, 1); *pools* by package, *features* by the name on the wire.

        *hosts*: those that operators want out of the way.
        """
        self.host = ledger.host
        self.place: Callable[[Request, LocalVersion, LocalInstance | None, int], bool] = _nowhere
        """The destination's: (request, version, preferred instance, now) → there was room here."""
        self.tiers = TierRule.ENFORCE
        self.on_routed: Callable[[Request, LocalInstance | RemoteInstance, int], None] = _unseen
        """Gets (request, chosen instance, now) of some requests, before they are given to it."""
        self._of_packages = Ration(SHOWN_A_SECOND)
        self._of_operators = Ration(SHOWN_A_SECOND)
        self.stamped: Callable[[Peer, RemoteInstance, int, int], None] = _unread
        """The judge's: (host's broker, instance that served, the verdict that its answer carries, now)."""
        self._ledger = ledger
        self._pools = pools
        self._features = features
        self._oddities = oddities
        self._incarnation = incarnation
        self._dice = dice
        self._hosts = hosts
        self._versions = Versions(oddities, dice)
        self._settles_at_ns = 0
        self.retrying = Retrying(ledger, features, dice)

    # ------------------------------------------------------------------ coming in

    def enter(  # noqa: PLR0913 - the path of a request takes scalars (DESIGN §6)
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
        """A client of this host sends a request."""
        if correlation in source.requests:
            self._oddities.count("repeated_correlations")
            return
        name = frame[tail_at : tail_at + name_len]
        request = self._ledger.open(source, correlation, frame, tail_at, name, types, now, now + remaining * _MS)
        pool = self._features.get(name)
        if pool is None:
            self._unknown_feature(request, now)
            return
        request.known = True
        if pool.tier & source.caller.forbidden and not self._lets_pass(request, pool, now):
            return
        if not remaining:
            self._ledger.end(request, Code.TIMEOUT, NOT_EXECUTED, "no time was left when it reached its broker", now)
        elif len(source.requests) > IN_FLIGHT_PER_SOURCE:
            message = f"this client has {IN_FLIGHT_PER_SOURCE} requests in flight already"
            self._ledger.end(request, Code.OVERLOADED, NOT_EXECUTED, message, now)
        elif tail_at == HEADER_BYTES or self._wishes(request, frame[HEADER_BYTES:tail_at], now):
            self.route(request, pool, now)

    def _lets_pass(self, request: Request, pool: Pool, now: int) -> bool:
        """It is against the tier rules, and counted; False: it has been refused for it."""
        caller = request.source.caller
        caller.breaches[request.name] = caller.breaches.get(request.name, 0) + 1
        if self.tiers is TierRule.WARN:
            return True
        message = tier_breach(caller.package, pool.package)
        self._ledger.end(request, Code.FORBIDDEN, NOT_EXECUTED, message, now)
        return False

    def _wishes(self, request: Request, block: bytes, now: int) -> bool:
        """Take a client's wish where to go; False: it may not have one, and has been told so."""
        try:
            wish = decode_wish(block)
        except MalformedFrame:
            message = "its route block is no wish: host, version and instance"
            self._ledger.end(request, Code.BAD_REQUEST, NOT_EXECUTED, message, now)
            return False
        if request.source.instance is not None:
            message = "a package may not choose host, version or instance: operators' weights and drains do"
            self._ledger.end(request, Code.FORBIDDEN, NOT_EXECUTED, message, now)
            return False
        request.wish = wish
        request.flags = REQUEST_EXACT if wish.instance else 0
        return True

    # ------------------------------------------------------------------ choosing

    def route(self, request: Request, pool: Pool, now: int) -> None:
        """Give it to the instance that is chosen for it."""
        candidates = pool.candidates
        if request.attempt or pool.traffic is not None or request.wish is not None:
            candidates = self._candidates(request, pool, request.refused_by, request.first)
        if not candidates.members:
            self._nobody(request, pool, now)
            return
        target = (self._probe(request, pool) if pool.probes else None) or choose(candidates, now, self._dice)
        request.routed_ns = now
        if now >= (self._of_packages if request.source.instance is not None else self._of_operators).next_ns:
            self._show(request, target, now)
        if isinstance(target, RemoteInstance):
            self._forward(request, target, now)
        elif not self.place(request, target.version, target, now):
            target.load.learn(0, Code.OVERLOADED, now)
            self.refused(request, self.host, Code.OVERLOADED, now)

    def _show(self, request: Request, target: LocalInstance | RemoteInstance, now: int) -> None:
        """Packages and operators each have their ration: an operator asks about its own, whatever the load."""
        (self._of_packages if request.source.instance is not None else self._of_operators).take(now)
        self.on_routed(request, target, now)

    def _probe(self, request: Request, pool: Pool) -> LocalInstance | RemoteInstance | None:
        """One that is out, and waits for a single request to show that it is well again."""
        if request.attempt or request.wish is not None:
            return None
        for one in pool.probes:
            if request.version in {"", version_of(one)}:
                pool.probes.remove(one)
                return one
        return None

    def _candidates(
        self, request: Request, pool: Pool, without: str, first: FirstAttempt | None = None
    ) -> Candidates[LocalInstance | RemoteInstance]:
        """Whom it may be given to, but for the instances of one host, and for the one where it failed at first.

        What was executed is executed again only where it is declared idempotent.
        """
        if request.wish is not None:
            allowed = Candidates(wished(pool, request.wish, self._hosts, self.host))
        elif pool.traffic is not None:
            allowed = self._versions.members(request, pool, pool.traffic)
        else:
            allowed = pool.candidates
            request.version = ""  # of a document that is gone meanwhile: nobody has decided any more
            request.flags &= ~REQUEST_ASSIGNED
        if not without and first is None:
            return allowed
        others = [
            one
            for one in allowed
            if host_of(one, self.host) != without and (first is None or _may_repeat(one, request, pool, first))
        ]
        if first is not None:
            # A destination may give it to any instance of the version, so on that host to the one where it failed.
            others = [one for one in others if host_of(one, self.host) != first.host] or others
        return Candidates(others)

    def _forward(self, request: Request, target: RemoteInstance, now: int) -> None:
        peer = target.peer
        target.pending += 1
        peer.in_flight += 1
        request.target = target
        self._ledger.watch(request, request.deadline_ns + ORIGIN_GRACE_NS)
        self._ledger.out.append((OUTBOUND, peer.rid, onward(request, target.route_from(request.source.caller), now)))

    # ------------------------------------------------------------------ what comes back

    def answered(  # noqa: PLR0913 - as `enter`
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
            self.refused(request, target.peer.host, why, now)
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
            self.failed(request, FirstAttempt(answer, target.peer.host, target.version, server.id), now)
        else:
            self._ledger.respond(request, flags, code, route, tail, name_len, fields_len, now)

    def failed(self, request: Request, attempt: FirstAttempt, now: int) -> None:
        """An attempt of this host's own request has failed: another one is made, or its caller is told."""
        if not self.retrying.wanted(request, attempt, self._others, now):
            flags, code, route, tail, name_len, fields_len = attempt.answer
            flags = executed_in_all(request, flags)
            self._ledger.respond(request, flags, code, route, tail, name_len, fields_len, now)

    def _others(self, request: Request, first: FirstAttempt) -> bool:
        """Is there anybody else who could take it? One that was shed finds the host's whole queue full."""
        pool = self._features[request.name]
        without = first.host if first.answer[1] == Code.OVERLOADED else ""
        return bool(self._candidates(request, pool, without, first).members)

    def lost(self, request: Request, why: str, now: int) -> None:
        """It was sent to an instance or another host that is gone: the outcome is unknown."""
        target = request.target
        assert target is not None
        answer = self._ledger.own_answer(request, Code.OUTCOME_UNKNOWN, MAYBE_EXECUTED, why, now)
        request.target = None
        if request.source.port == LOCAL:
            self.failed(request, FirstAttempt(answer, host_of(target, self.host), version_of(target), target.id), now)
        else:
            self._ledger.respond(request, *answer, now)

    def try_again(self, now: int) -> None:
        """Make the second attempts that are due."""
        for request in self.retrying.due(now):
            if request.deadline_ns - now < _MS:
                self._not_executed(request, Code.TIMEOUT, _TOO_LATE, now)
            else:
                self.route(request, self._features[request.name], now)

    def _not_executed(self, request: Request, code: Code, message: str, now: int) -> None:
        """Nobody took it; of one that had been taken before, what came of that is the answer."""
        if request.first is not None:
            self._ledger.respond(request, *request.first.answer, now)
        else:
            self._ledger.end(request, code, NOT_EXECUTED, message, now)

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

    def refused(self, request: Request, host: str, code: Code, now: int) -> None:
        """Not executed at *host*: one re-route is free, then the caller is told. Another host's is told as it is."""
        pool = self._features[request.name]
        if request.source.port != LOCAL:
            self._ledger.refuse(request, code)
        elif request.deadline_ns - now < _MS:
            self._not_executed(request, Code.TIMEOUT, _TOO_LATE, now)
        elif request.attempt == 0 and self._candidates(request, pool, without=host):
            request.attempt = 1
            request.refused_by = host
            self.route(request, pool, now)
        elif request.attempt == 0 and code is Code.UNAVAILABLE:
            request.attempt = 1  # nobody else has it: it may wait there
            self.route(request, pool, now)
        elif code is Code.OVERLOADED:
            whose = f"instance {request.wish.instance}" if request.wish and request.wish.instance else pool.package[1:]
            message = f"every slot of {whose} is taken and its queues are full"
            self._not_executed(request, Code.OVERLOADED, message, now)
        else:
            message = f"{host} had no instance that could take it"
            self._not_executed(request, Code.UNAVAILABLE if code is Code.OK else code, message, now)

    def unsent(self, request: Request, target: LocalInstance, now: int) -> None:
        """Its instance here was gone before the frame left: any other may have it, one of this host included."""
        version = target.version
        if request.deadline_ns - now < _MS:
            self._not_executed(request, Code.TIMEOUT, _TOO_LATE, now)
        elif request.source.port == LOCAL and request.attempt == 0:
            request.attempt = 1
            self.route(request, version.pool, now)
        elif not version.ready or not self.place(request, version, None, now):
            self.refused(request, self.host, Code.UNAVAILABLE, now)

    # ------------------------------------------------------------------ nobody has it

    def started(self, now: int) -> None:
        """This broker serves from now on: its host's instances have yet to come (back), links to stand."""
        self._settles_at_ns = now + SETTLING_NS
        self.retrying.started(now)

    def _settling(self, request: Request, now: int) -> bool:
        """Nobody can take it *yet*: say that, and not that there is nobody."""
        if now >= self._settles_at_ns:
            return False
        message = "its broker has only just started, and does not know all instances yet"
        self._not_executed(request, Code.UNAVAILABLE, message, now)
        return True

    def _unknown_feature(self, request: Request, now: int) -> None:
        if self._settling(request, now):
            return
        code, message = unknown_feature(request.name.decode(errors="replace"), self._pools)
        self._ledger.end(request, code, NOT_EXECUTED, message, now)

    def _nobody(self, request: Request, pool: Pool, now: int) -> None:
        if self._settling(request, now):
            return
        message = f"no instance of {pool.package[1:]} can take it"
        if request.wish is not None:
            message = f"{message} where it is wanted: {_shown(request.wish)}"
        elif request.version:
            message = f"{message}: its traffic goes to version {request.version}, which has none"
        self._not_executed(request, Code.NO_ROUTE, message, now)


def _unseen(_request: Request, _target: LocalInstance | RemoteInstance, _now: int) -> None:
    pass


def _unread(_peer: Peer, _server: RemoteInstance, _verdict: int, _now: int) -> None:
    return None


def _nowhere(_request: Request, _version: LocalVersion, _preferred: LocalInstance | None, _now: int) -> bool:
    return False


def _may_repeat(one: LocalInstance | RemoteInstance, request: Request, pool: Pool, first: FirstAttempt) -> bool:
    harmless = first.executed is Executed.NO or (version_of(one), request.name) in pool.idempotent
    return harmless and one.id != first.instance


def _shown(wish: RouteWish) -> str:
    parts = (("host", wish.host), ("version", wish.version), ("instance", wish.instance))
    return " ".join(f"{what} {name}" for what, name in parts if name) or "anywhere"
