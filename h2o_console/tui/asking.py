"""Asks hosts for their history: all of a span when its screen is opened, then what has come since.

Answers are read and added up in the feed's thread: an hour of forty hosts takes it half a second, and a key waits for
none of that.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.histories import NoHistory
from h2o_console.rows.past import HOUR, Past, Span

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from concurrent.futures import Future

    from h2o_console.tui.session import Session

MOST_HOSTS: Final = 40
_AGAIN_S: Final = 10.0
"""After a failure."""
_READY_S: Final = 2.0
"""So long after a slot has ended its agent has heard of it."""
_PATIENCE_S: Final = 1.2
"""A sum over half of the hosts looks like the whole: so long the first picture waits for all of them."""


class PastReader:
    """Keeps a `Past` up to date; to be looked at four times a second, asks each host once a slot.

    *package* "": all that the hosts do.
    """

    def __init__(self, session: Session, package: str, span: Span = HOUR) -> None:
        self.span = span
        self._past = Past(package, span)
        self._lock = Lock()
        self._session = session
        self._asked: dict[str, Future[None]] = {}
        self._due_s: dict[str, float] = {}
        self._began_s: float | None = None

    @contextmanager
    def read(self) -> Generator[Past]:
        """The past, which stands still meanwhile; whoever draws is done in some milliseconds."""
        with self._lock:
            yield self._past

    @property
    def changed(self) -> int:
        """Raised by every answer."""
        return self._past.changed

    @property
    def waits(self) -> bool:
        """The first answers are on their way, and not for long."""
        began_s, hosts = self._began_s, self._asked
        if began_s is None or not hosts or self._session.clock() - began_s > _PATIENCE_S:
            return False
        return any(host not in self._past.answered and host not in self._past.missing for host in hosts)

    def update(self, hosts: Iterable[str], now_s: float) -> None:
        """Ask whom it is time to ask."""
        for host in [host for host, future in self._asked.items() if future.done()]:
            self._settle(host, self._asked.pop(host), now_s)
        if not self.waits:
            for host in self._asked.keys() - self._past.answered - self._past.missing.keys():
                self._fail(host, "it has not answered yet")
        every = sorted(hosts)
        for host in every[MOST_HOSTS:]:
            if host not in self._past.missing:
                self._fail(host, f"no more than {MOST_HOSTS} hosts are asked")
        for host in every[:MOST_HOSTS]:
            if host not in self._asked and now_s >= self._due_s.get(host, 0.0):
                self._ask(host, now_s)

    def _ask(self, host: str, now_s: float) -> None:
        self._due_s[host] = now_s + self._until_next_s()
        future = self._session.read(host, self._path(host), lambda body: self._put(host, body))
        if future is not None:
            self._began_s = now_s if self._began_s is None else self._began_s
            self._asked[host] = future

    def _until_next_s(self) -> float:
        """Until the next slot is over, and told of."""
        slot_s = self.span.slot_s
        over_s = self._session.wall() % slot_s
        return (_READY_S if over_s < _READY_S else slot_s + _READY_S) - over_s

    def _put(self, host: str, body: bytes) -> None:
        with self._lock:
            self._past.put(host, body)

    def _fail(self, host: str, why: str) -> None:
        with self._lock:
            self._past.fail(host, why)

    def _settle(self, host: str, future: Future[None], now_s: float) -> None:
        if future.cancelled() or (error := future.exception()) is None:
            return
        self._due_s[host] = now_s + _AGAIN_S
        if isinstance(error, OutOfReach):
            self._fail(host, error.why)
        elif isinstance(error, NoHistory):
            self._fail(host, str(error))
        else:
            self._fail(host, f"the console stumbled over its answer: {error!r}")

    def _path(self, host: str) -> str:
        span = self.span
        since_s = self._past.since_s(host) or max(self._session.wall() - span.slots * span.slot_s, 0.0)
        query = {"resolution": f"{span.slot_s}s", "since": f"{since_s:.0f}"}
        if package := self._past.package:
            query = {**query, "kind": "package", "package": package}
        return f"/history?{urlencode(query, safe='/')}"
