"""Asks a package's hosts for their history: all of it when its screen is opened, then what has come since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from h2o_console.feed.agents import OutOfReach
from h2o_console.rows.past import SLOT_S, SLOTS, Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future

    from h2o_console.tui.session import Session

MOST_HOSTS: Final = 40
_AT_ONCE: Final = 2
"""Answers that are read in one turn: an hour of a host takes some 20 ms, and a key must not wait."""


class PastReader:
    """Keeps `past` up to date; to be looked at four times a second, asks each host every 10 s."""

    def __init__(self, session: Session, package: str) -> None:
        self.past = Past(package)
        self._session = session
        self._asked: dict[str, Future[Mapping[str, Any]]] = {}
        self._due_s: dict[str, float] = {}

    def update(self, hosts: Iterable[str], now_s: float) -> None:
        """Take what has been answered; ask whom it is time to ask."""
        for host in [host for host, future in self._asked.items() if future.done()][:_AT_ONCE]:
            self._take(host, self._asked.pop(host))
        every = sorted(hosts)
        for host in every[MOST_HOSTS:]:
            if host not in self.past.missing:
                self.past.fail(host, f"no more than {MOST_HOSTS} hosts are asked")
        for host in every[:MOST_HOSTS]:
            if host not in self._asked and now_s >= self._due_s.get(host, 0.0):
                self._due_s[host] = now_s + SLOT_S
                if (future := self._session.ask(host, self._path(host))) is not None:
                    self._asked[host] = future

    def _take(self, host: str, future: Future[Mapping[str, Any]]) -> None:
        try:
            self.past.put(host, future.result())
        except OutOfReach as error:
            self.past.fail(host, error.why)
        except Exception as error:  # noqa: BLE001 - it is told on the screen, which lives on
            self.past.fail(host, f"the console stumbled over its answer: {error!r}")

    def _path(self, host: str) -> str:
        since_s = self.past.since_s(host) or max(self._session.wall() - SLOTS * SLOT_S, 0.0)
        query = {"resolution": "10s", "kind": "package", "package": self.past.package, "since": f"{since_s:.0f}"}
        return f"/history?{urlencode(query, safe='/')}"
