"""Giving a request of this host to one instance, here or on another host; or saying that nobody has it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.eligible import Eligible, probe
from h2o_broker.members import RemoteInstance
from h2o_broker.pools import unknown_feature
from h2o_broker.ration import Ration
from h2o_broker.requests import NOT_EXECUTED, OUTBOUND, onward
from h2o_core.choice import choose
from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_broker.members import LocalInstance, LocalVersion, Pool
    from h2o_broker.requests import Ledger, Request
    from h2o_broker.telemetry import Oddities
    from h2o_core.control.hosts import HostControl
    from h2o_core.envelope import RouteWish

ORIGIN_GRACE_NS: Final = 25_000_000
"""The origin waits this much longer than the destination, which knows more (DESIGN §8)."""
SETTLING_NS: Final = 1_000_000_000
"""Instances are back within half a second of their broker's restart, links to other hosts too."""
SHOWN_A_SECOND: Final = 10


class Routing:
    """Chooses once for each attempt."""

    def __init__(
        self,
        ledger: Ledger,
        pools: Mapping[str, Pool],
        oddities: Oddities,
        dice: Callable[[], float],
        hosts: Mapping[str, HostControl],
    ) -> None:
        """*dice* returns a float in [0, 1); *pools* by package. *hosts*: those that operators want out of the way."""
        self.place: Callable[[Request, LocalVersion, LocalInstance | None, int], bool] = _nowhere
        """The destination's: (request, version, preferred instance, now) → there was room here."""
        self.refused: Callable[[Request, str, Code, int], None] = _unheard
        """Gets (request, host, code, now) of what was not executed there."""
        self.on_routed: Callable[[Request, LocalInstance | RemoteInstance, int], None] = _unseen
        """Gets (request, chosen instance, now) of some requests, before they are given to it."""
        self.eligible = Eligible(ledger.host, hosts, oddities, dice)
        self._of_packages = Ration(SHOWN_A_SECOND)
        self._of_operators = Ration(SHOWN_A_SECOND)
        self._ledger = ledger
        self._pools = pools
        self._dice = dice
        self._settles_at_ns = 0

    def route(self, request: Request, pool: Pool, now: int) -> None:
        """Give it to the instance that is chosen for it."""
        candidates = pool.candidates
        if request.attempt or pool.traffic is not None or request.wish is not None:
            candidates = self.eligible.of(request, pool, request.refused_by, request.first)
        if not candidates.members:
            self._nobody(request, pool, now)
            return
        target = (probe(request, pool) if pool.probes else None) or choose(candidates, now, self._dice)
        request.routed_ns = now
        if now >= (self._of_packages if request.source.is_instance else self._of_operators).next_ns:
            self._show(request, target, now)
        if isinstance(target, RemoteInstance):
            self._forward(request, target, now)
        elif not self.place(request, target.version, target, now):
            target.load.learn(0, Code.OVERLOADED, now)
            self.refused(request, self._ledger.host, Code.OVERLOADED, now)

    def _show(self, request: Request, target: LocalInstance | RemoteInstance, now: int) -> None:
        """Packages and operators each have their ration: an operator asks about its own, whatever the load."""
        (self._of_packages if request.source.is_instance else self._of_operators).take(now)
        self.on_routed(request, target, now)

    def _forward(self, request: Request, target: RemoteInstance, now: int) -> None:
        peer = target.peer
        target.pending += 1
        peer.in_flight += 1
        request.target = target
        self._ledger.watch(request, request.deadline_ns + ORIGIN_GRACE_NS)
        self._ledger.out.append((OUTBOUND, peer.rid, onward(request, target.route_from(request.source.caller), now)))

    # ------------------------------------------------------------------ nobody has it

    def started(self, now: int) -> None:
        """This broker serves from now on: its host's instances have yet to come (back), links to stand."""
        self._settles_at_ns = now + SETTLING_NS

    def unknown_feature(self, request: Request, now: int) -> None:
        """No package is known to have it."""
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
        self._ledger.end_attempt(request, Code.NO_ROUTE, message, now)

    def _settling(self, request: Request, now: int) -> bool:
        """Nobody can take it *yet*: say that, and not that there is nobody."""
        if now >= self._settles_at_ns:
            return False
        message = "its broker has only just started, and does not know all instances yet"
        self._ledger.end_attempt(request, Code.UNAVAILABLE, message, now)
        return True


def _unseen(_request: Request, _target: LocalInstance | RemoteInstance, _now: int) -> None:
    pass


def _unheard(_request: Request, _host: str, _code: Code, _now: int) -> None:
    pass


def _nowhere(_request: Request, _version: LocalVersion, _preferred: LocalInstance | None, _now: int) -> bool:
    return False


def _shown(wish: RouteWish) -> str:
    parts = (("host", wish.host), ("version", wish.version), ("instance", wish.instance))
    return " ".join(f"{what} {name}" for what, name in parts if name) or "anywhere"
