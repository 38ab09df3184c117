"""Second attempts at the origin: who gets one, when it is due, and what the first one came to meanwhile. Pure.

A failed request waits here until its jitter is over; `Origin` then chooses for it again. One that was refused before
it reached an instance has had its free re-route, which is its second attempt: two is the most, whatever the reasons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.deadlines import Deadlines
from h2o_core.errors import Code
from h2o_core.retries import RetryBudget, jitter_ns, may_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.callers import Caller
    from h2o_broker.members import Pool
    from h2o_broker.requests import FirstAttempt, Ledger, Request

_LEAST_NS: Final = 1_000_000
"""What a second attempt must have left when it is made."""


class Retrying:
    """The requests whose second attempt is due at some time, and the budgets that allow it."""

    def __init__(self, ledger: Ledger, features: dict[bytes, Pool], dice: Callable[[], float]) -> None:
        self._ledger = ledger
        self._features = features
        self._dice = dice
        self._due = Deadlines()
        self._began_ns = 0

    def started(self, now: int) -> None:
        """Callers' requests are counted from now on."""
        self._began_ns = now

    def wanted(
        self, request: Request, failed: FirstAttempt, others: Callable[[Request, FirstAttempt], bool], now: int
    ) -> bool:
        """True if *request*, of this host, is to be tried once more after *failed*, and waits for that now.

        *others*: could anybody else take it? Nothing is taken out of the budget for a retry that can't be made.
        """
        if request.attempt:
            return False
        pool = self._features[request.name]
        code = Code(failed.answer[1])
        if not may_retry(code, failed.executed, idempotent=(failed.version, request.name) in pool.idempotent):
            return False
        delay = jitter_ns(self._dice)
        if request.deadline_ns - now - delay < _LEAST_NS or not others(request, failed):
            return False
        caller = request.source.caller
        budget = caller.budgets.get(pool.package)
        if budget is None:
            budget = caller.budgets[pool.package] = RetryBudget(self._began_ns)
        if not budget.grant(self._asked(caller, pool), now):
            return False
        request.attempt = 1
        request.first = failed
        request.refused_by = failed.host if code is Code.OVERLOADED else ""
        request.counter = None
        self._ledger.watch(request, request.deadline_ns)
        self._due.add(request.id, now + delay)
        return True

    def due(self, now: int) -> list[Request]:
        """Those whose time has come; what has ended meanwhile is not among them."""
        requests: list[Request] = []
        for request_id in self._due.expired(now):
            request = self._ledger.requests.get(request_id)
            if request is not None and request.first is not None and request.first.waits:
                request.first.waits = False
                requests.append(request)
        return requests

    def next_ns(self) -> int | None:
        """When `due` has something to say next."""
        return self._due.next_ns()

    def _asked(self, caller: Caller, pool: Pool) -> int:
        """The requests of *caller* to *pool* that have ended, each once."""
        features = self._features
        return sum(sum(one.outcomes) for name, one in caller.counters.items() if features.get(name) is pool)
