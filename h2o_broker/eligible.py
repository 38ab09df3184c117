"""Who may be given a request of this host: by its wish or its version, and of a second attempt without whom. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_broker.pools import host_of, version_of, wished
from h2o_broker.versions import Versions
from h2o_core.choice import Candidates
from h2o_core.envelope import REQUEST_ASSIGNED
from h2o_core.errors import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_broker.members import LocalInstance, Pool, RemoteInstance
    from h2o_broker.requests import FirstAttempt, Request
    from h2o_broker.telemetry import Oddities
    from h2o_core.control.hosts import HostControl


class Eligible:
    """Asked for requests that are not simply anybody's: with a traffic document, a wish, or an attempt behind them."""

    def __init__(
        self, host: str, hosts: Mapping[str, HostControl], oddities: Oddities, dice: Callable[[], float]
    ) -> None:
        """*host*: this one. *hosts*: those that operators want out of the way. *dice* returns a float in [0, 1)."""
        self._host = host
        self._hosts = hosts
        self._versions = Versions(oddities, dice)

    def of(
        self, request: Request, pool: Pool, without: str, first: FirstAttempt | None = None
    ) -> Candidates[LocalInstance | RemoteInstance]:
        """Whom it may be given to, but for the instances of one host, and for the one where it failed at first.

        What was executed is executed again only where it is declared idempotent.
        """
        allowed = self._allowed(request, pool)
        if not without and first is None:
            return allowed
        others = [
            one
            for one in allowed
            if host_of(one, self._host) != without and (first is None or _may_repeat(one, request, pool, first))
        ]
        if first is not None:
            # A destination may give it to any instance of the version, so on that host to the one where it failed.
            others = [one for one in others if host_of(one, self._host) != first.host] or others
        return Candidates(others)

    def _allowed(self, request: Request, pool: Pool) -> Candidates[LocalInstance | RemoteInstance]:
        if request.wish is not None:
            return Candidates(wished(pool, request.wish, self._hosts, self._host))
        if pool.traffic is not None:
            return self._versions.members(request, pool, pool.traffic)
        request.version = ""  # of a document that is gone meanwhile: nobody has decided any more
        request.flags &= ~REQUEST_ASSIGNED
        return pool.candidates


def probe(request: Request, pool: Pool) -> LocalInstance | RemoteInstance | None:
    """One that is out, and waits for a single request to show that it is well again."""
    if request.attempt or request.wish is not None:
        return None
    for one in pool.probes:
        if request.version in {"", version_of(one)}:
            pool.probes.remove(one)
            return one
    return None


def _may_repeat(one: LocalInstance | RemoteInstance, request: Request, pool: Pool, first: FirstAttempt) -> bool:
    harmless = first.executed is Executed.NO or (version_of(one), request.name) in pool.idempotent
    return harmless and one.id != first.instance
