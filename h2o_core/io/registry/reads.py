"""Reads and watches on one connection: at most 200 at once, answered on the loop, silent after its end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kazoo.exceptions import ConnectionClosedError, ConnectionLoss, NoAuthError, NoNodeError, SessionExpiredError
from kazoo.protocol.states import EventType

from h2o_core.io.registry.mirror import Missing
from h2o_core.register import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kazoo.client import KazooClient
    from kazoo.interfaces import IAsyncResult
    from kazoo.protocol.states import WatchedEvent, ZnodeStat

    from h2o_core.io.registry.handover import Handover

_LOG: Final = logging.getLogger(__name__)
# Each request is a byte in the socket pair that wakes kazoo's thread; at 278 of them the loop would block.
_READS_IN_FLIGHT: Final = 200
_RETRY_S: Final = 1.0
CUT_OFF: Final = (ConnectionLoss, SessionExpiredError, ConnectionClosedError)


def node_of(value: tuple[bytes, ZnodeStat]) -> Node:
    """What kazoo answers → Node."""
    data, stat = value
    return Node(data, stat.version, stat.czxid, stat.mzxid, stat.ephemeralOwner, stat.mtime, stat.ctime)


class ConnectionReads:
    """What a mirror reads through (h2o_core.io.registry.mirror.Reads); a reconnection makes a new one."""

    def __init__(self, client: KazooClient, handover: Handover) -> None:
        self._client = client
        self._handover = handover
        self._alive = True
        self._in_flight = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def end(self) -> None:
        """The connection is gone: nobody is answered or told any more."""
        self._alive = False
        self._waiting.clear()

    def data(self, path: str, done: Callable[[Node | Missing], None], changed: Callable[[], None]) -> None:
        """Read a node; see `Reads`."""
        self._read(
            lambda: self._client.get_async(path, self._watcher(changed)), lambda value: done(node_of(value)), done
        )

    def children(self, path: str, done: Callable[[Iterable[str] | Missing], None], changed: Callable[[], None]) -> None:
        """List a node's children; see `Reads`."""
        self._read(lambda: self._client.get_children_async(path, self._watcher(changed)), done, done)

    def appears(self, path: str, done: Callable[[bool], None], changed: Callable[[], None]) -> None:
        """Is the node there? See `Reads`."""
        self._read(
            lambda: self._client.exists_async(path, self._watcher(changed)),
            lambda stat: done(stat is not None),
            lambda _: done(False),  # noqa: FBT003 - the answer to a question
        )

    def _watcher(self, changed: Callable[[], None]) -> Callable[[WatchedEvent], None]:
        def tell() -> None:
            if self._alive:
                changed()

        def watch(event: WatchedEvent) -> None:  # on kazoo's thread
            if event.type != EventType.NONE:
                self._handover(tell)

        return watch

    def _read(
        self, start: Callable[[], IAsyncResult[Any]], found: Callable[[Any], None], missing: Callable[[Missing], None]
    ) -> None:
        if not self._alive:
            return
        if self._in_flight >= _READS_IN_FLIGHT:
            self._waiting.append(partial(self._read, start, found, missing))
            return
        self._in_flight += 1
        # The first callback is on kazoo's thread, the second on the loop.
        start().rawlink(
            lambda result: self._handover(
                partial(self._answered, result, found, missing, partial(self._read, start, found, missing))
            )
        )

    def _answered(
        self,
        result: IAsyncResult[Any],
        found: Callable[[Any], None],
        missing: Callable[[Missing], None],
        again: Callable[[], None],
    ) -> None:
        if not self._alive:
            return
        self._in_flight -= 1
        if self._waiting:
            self._waiting.popleft()()
        error = result.exception
        if error is None:
            found(result.value)
        elif isinstance(error, NoNodeError):
            missing(Missing.ABSENT)
        elif isinstance(error, NoAuthError):
            missing(Missing.UNREADABLE)
        elif not isinstance(error, CUT_OFF):  # of a connection's end we are told; the next one reads again
            _LOG.error("reading from ZooKeeper: %s %s; once more in %g s", type(error).__name__, error, _RETRY_S)
            asyncio.get_running_loop().call_later(_RETRY_S, again)
