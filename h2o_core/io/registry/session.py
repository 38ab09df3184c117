"""A session with ZooKeeper that outlives its connections, its expiry and kazoo's own end.

What was measured of kazoo 2.11 and is answered here (DESIGN §4): it says nothing while it tries to reconnect,
so the time of silence is kept here; it tries ever more seldom, so its delay is capped; its loop can die for
good, and a wiped ensemble never takes an old client back, so the client is replaced.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState, KeeperState

from h2o_core.io.clock import monotonic_ns
from h2o_core.io.off_loop import off_loop
from h2o_core.io.registry.poll_handler import PollHandler
from h2o_core.io.registry.reads import ConnectionReads
from h2o_core.io.zookeeper import four_letter_word
from h2o_core.register import RegisterError, RegisterRefused, RegisterUnavailable, RegistryState, StateKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from h2o_core.io.registry.handover import Handover

_LOG: Final = logging.getLogger(__name__)
# kazoo reports each of its attempts; what matters of them is said by `_LOG` once.
_KAZOO_LOG: Final = logging.getLogger(f"{__name__}.kazoo")
_KAZOO_LOG.setLevel(logging.CRITICAL)
_WATCH_S: Final = 1.0
_PATIENCE_S: Final = 3.0  # kazoo tries once in at most 1.4 s
_RESYNC_JITTER_S: Final = 0.3
_CLOSE_S: Final = 3.0
_AWAY: Final = {StateKind.CONNECTING, StateKind.SILENT, StateKind.EXPIRED}


class Session:
    """Always trying to be connected, from `start` to `stop`.

    *admit* is asked on each connection why it can't be used ("": it can). *on_connection(reads, forget)* is
    called after the state has become CONNECTED; *forget*: it may be another ensemble than before.
    """

    def __init__(
        self,
        zookeeper: str,
        timeout_s: float,
        *,
        auth: list[tuple[str, str]],
        handover: Handover,
        admit: Callable[[], Awaitable[str]],
        on_connection: Callable[[ConnectionReads, bool], None],
        on_state: Callable[[RegistryState], None] | None,
    ) -> None:
        self.zookeeper = zookeeper
        self.timeout_s = timeout_s
        self.client: KazooClient | None = None
        self.reads: ConnectionReads | None = None
        self.state = RegistryState(StateKind.CONNECTING, 0, monotonic_ns())
        self._auth = auth
        self._handover = handover
        self._admit = admit
        self._on_connection = on_connection
        self._on_state = on_state
        self._decided = asyncio.Event()
        self._replaced = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, wait_s: float) -> None:
        """Connect; raises RegisterUnavailable after *wait_s*, or RegisterRefused, and goes on trying until `stop`."""
        self._handover.attach(asyncio.get_running_loop())
        self._open()
        self._spawn(self._watch())
        try:
            async with asyncio.timeout(wait_s):
                await self._decided.wait()
        except TimeoutError:
            pass
        if self.state.kind is not StateKind.CONNECTED:
            raise self.unavailable()

    async def stop(self) -> None:
        """End it: its ephemeral nodes go at once, when ZooKeeper is there. Never waits for more than 3 s."""
        self._set_state(StateKind.STOPPED)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.reads is not None:
            self.reads.end()
        client, self.client = self.client, None
        if client is not None:
            await self._close(client)

    def unavailable(self, *, outcome_unknown: bool = False) -> RegisterError:
        """The error that says how it stands."""
        if self.state.kind is StateKind.REFUSED:
            return RegisterRefused(self.state.error)
        if self.state.kind is StateKind.STOPPED:
            return RegisterUnavailable("the session with ZooKeeper has been ended", outcome_unknown=outcome_unknown)
        host, _, port = _addresses(self.zookeeper)[0].rpartition(":")
        sentence = (
            f"ZooKeeper at {self.zookeeper} does not answer (for {self.state.silent_s(monotonic_ns()):.1f} s); "
            f"is it up? echo srvr | nc {host} {port}"
        )
        return RegisterUnavailable(sentence, outcome_unknown=outcome_unknown)

    def _open(self) -> None:
        try:
            client = KazooClient(
                self.zookeeper,
                self.timeout_s,
                auth_data=self._auth,
                connection_retry={"max_tries": -1, "max_delay": 1},
                handler=PollHandler(),
                logger=_KAZOO_LOG,
            )
        except ValueError:
            msg = f"{self.zookeeper!r} is not where a ZooKeeper is; write host:port, or host:port,host:port,…"
            raise RegisterError(msg) from None
        self.client = client
        client.add_listener(partial(self._listen, client))
        client.start_async()

    def _listen(self, client: KazooClient, state: str) -> None:
        """On kazoo's thread: what it says, and what holds at this moment, goes to the loop."""
        identity = client.client_id
        session_id = identity[0] if identity else 0
        keeper = client.client_state
        self._handover(lambda: self._on_kazoo(client, state, keeper, session_id))

    def _on_kazoo(self, client: KazooClient, state: str, keeper: str, session_id: int) -> None:
        if client is not self.client:
            return
        if self.reads is not None:
            self.reads.end()
            self.reads = None
        if state == KazooState.CONNECTED:
            self.reads = ConnectionReads(client, self._handover)
            self._spawn(self._enter(self.reads, session_id))
        elif keeper in {KeeperState.CLOSED, KeeperState.AUTH_FAILED}:
            _LOG.error("the connection to ZooKeeper ended for good (%s); making a new one", keeper)
            self._set_state(StateKind.EXPIRED)
            asyncio.get_running_loop().call_later(_WATCH_S, self._replace, client)
        else:
            self._set_state(StateKind.EXPIRED if keeper == KeeperState.EXPIRED_SESSION else StateKind.SILENT)

    async def _enter(self, reads: ConnectionReads, session_id: int) -> None:
        """Connected: see whether it can be used, tell, then have it read, not on all hosts at the same moment."""
        while True:
            try:
                refusal = await self._admit()
                break
            except RegisterUnavailable:
                if self.reads is not reads:
                    return
            except RegisterError as error:
                refusal = str(error)
                break
        if self.reads is not reads:
            return
        if refusal:
            self._set_state(StateKind.REFUSED, session_id, refusal)
            return
        again = self.state.session_id != 0
        self._set_state(StateKind.CONNECTED, session_id)
        if again:
            await asyncio.sleep(random.uniform(0, _RESYNC_JITTER_S))
        if self.reads is reads:
            forget, self._replaced = self._replaced, False
            self._on_connection(reads, forget)

    async def _watch(self) -> None:
        """While it is away: a server that serves, and does not let us in for a session's time, never will."""
        serving_since_ns = 0
        while True:
            await asyncio.sleep(_WATCH_S)
            client = self.client
            serves = self.state.kind in _AWAY and await off_loop(partial(_somebody_serves, self.zookeeper), "srvr")
            serving_since_ns = (serving_since_ns or monotonic_ns()) if serves else 0
            served_s = (monotonic_ns() - serving_since_ns) / 1e9 if serving_since_ns else 0.0
            if served_s >= max(self.timeout_s, _PATIENCE_S) and self.state.kind in _AWAY:
                _LOG.error("ZooKeeper serves, but does not take our session back; making a new one")
                self._replace(client)
                serving_since_ns = 0

    def _replace(self, client: KazooClient | None) -> None:
        if client is not None and client is self.client:
            self._replaced = True
            self._open()
            self._spawn(self._close(client))

    async def _close(self, client: KazooClient) -> None:
        """Closing waits for kazoo's threads: on a thread of its own, which nobody has to wait for."""
        closed = asyncio.Event()

        def close() -> None:
            try:
                client.stop()
                client.close()
            except Exception:  # noqa: BLE001 - kazoo raises what its sockets raise; there is nothing left to save
                _LOG.debug("closing the connection to ZooKeeper", exc_info=True)
            self._handover(closed.set)

        threading.Thread(target=close, name="close-zookeeper", daemon=True).start()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await closed.wait()
        except TimeoutError:
            _LOG.warning("ZooKeeper did not confirm the session's end; its ephemeral nodes stay until it expires")

    def _set_state(self, kind: StateKind, session_id: int | None = None, error: str = "") -> None:
        old = self.state
        since_ns = monotonic_ns() if old.kind is StateKind.CONNECTED else old.since_ns
        self.state = RegistryState(kind, old.session_id if session_id is None else session_id, since_ns, error)
        if kind in {StateKind.CONNECTED, StateKind.REFUSED}:
            self._decided.set()
        if self.state != old and self._on_state is not None:
            self._handover(partial(self._on_state, self.state))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _somebody_serves(zookeeper: str) -> bool:
    """Blocking: does any of "host:port,host:port" serve? (`ruok` is answered without a quorum, so `srvr`.)"""
    return any("Mode:" in four_letter_word(address, "srvr") for address in _addresses(zookeeper))


def _addresses(zookeeper: str) -> list[str]:
    """Host:port each; "a:2182,b/path" → ["a:2182", "b:2181"]."""
    parts = [part.strip() for part in zookeeper.partition("/")[0].split(",")]
    return [part if part.rpartition(":")[2].isdigit() else f"{part}:2181" for part in parts]
