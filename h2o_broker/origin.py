"""Requests of this host's own clients, as they come in: known, allowed, in time, and then on their way. Pure.

`routing` gives each to an instance, `answers` takes what other hosts say of it, `attempts` what comes after one that
did not succeed. What happens at an instance is `destination`'s; where a request begins and ends is the ledger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.answers import Answers
from h2o_broker.attempts import Attempts
from h2o_broker.requests import NOT_EXECUTED
from h2o_broker.retrying import Retrying
from h2o_broker.routing import Routing
from h2o_core.control.settings import TierRule
from h2o_core.envelope import HEADER_BYTES, REQUEST_EXACT, MalformedFrame, decode_wish
from h2o_core.errors import Code
from h2o_core.names import tier_breach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_broker.callers import Source
    from h2o_broker.members import Pool
    from h2o_broker.requests import Ledger, Request
    from h2o_broker.telemetry import Oddities
    from h2o_core.control.hosts import HostControl

IN_FLIGHT_PER_SOURCE: Final = 16_384
_MS: Final = 1_000_000


class Origin:
    """The way in, and the parts that the rest of the way is made of."""

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
        self.tiers = TierRule.ENFORCE
        self.retrying = Retrying(ledger, features, dice)
        self.routing = Routing(ledger, pools, oddities, dice, hosts)
        self.attempts = Attempts(ledger, features, self.routing, self.retrying)
        self.answers = Answers(ledger, self.attempts, oddities, incarnation)
        self._ledger = ledger
        self._features = features
        self._oddities = oddities
        self._route = self.routing.route

    def started(self, now: int) -> None:
        """This broker serves from now on."""
        self.routing.started(now)
        self.retrying.started(now)

    def enter(  # noqa: PLR0913 - the path of a request takes scalars (DESIGN §6)
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
        """A client of this host sends a request."""
        if correlation in source.requests:
            self._oddities.count("repeated_correlations")
            return
        name = frame[tail_at : tail_at + name_len]
        deadline_ns = now + remaining * _MS
        request = self._ledger.open(source, correlation, frame, tail_at, name, fields_len, types, now, deadline_ns)
        pool = self._features.get(name)
        if pool is None:
            self.routing.unknown_feature(request, now)
            return
        caller = source.caller
        request.account = caller.counters.get(name) or caller.counter(name)
        if pool.tier & caller.forbidden and not self._lets_pass(request, pool, now):
            return
        if not remaining:
            self._ledger.end(request, Code.TIMEOUT, NOT_EXECUTED, "no time was left when it reached its broker", now)
        elif len(source.requests) > IN_FLIGHT_PER_SOURCE:
            message = f"this client has {IN_FLIGHT_PER_SOURCE} requests in flight already"
            self._ledger.end(request, Code.OVERLOADED, NOT_EXECUTED, message, now)
        elif tail_at == HEADER_BYTES or self._wishes(request, frame[HEADER_BYTES:tail_at], now):
            self._route(request, pool, now)

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
        if request.source.is_instance:
            message = "a package may not choose host, version or instance: operators' weights and drains do"
            self._ledger.end(request, Code.FORBIDDEN, NOT_EXECUTED, message, now)
            return False
        request.wish = wish
        request.flags = REQUEST_EXACT if wish.instance else 0
        return True
