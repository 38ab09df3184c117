"""The broker's sockets on its loop: take a batch, let the switch decide, send what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.local_port import LocalPort
from h2o_broker.requests import INBOUND, LOCAL, OUTBOUND
from h2o_broker.roster import PING_EVERY_NS
from h2o_broker.strangers import Strangers
from h2o_core.handshakes import LinkNews
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.wire import Gatekeeper, Router, Sent, curve_keys

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from h2o_broker.events import Event
    from h2o_broker.links import Links
    from h2o_broker.roster import Roster
    from h2o_broker.switch import Switch
    from h2o_core.io.wire import Monitor

_PING_EVERY_S: Final = PING_EVERY_NS / 1e9
_NEVER: Final = 1 << 63
_NO_ROOM: Final[list[bytes]] = []
_EARLIER_NS: Final = 1_000_000
"""A deadline that comes so much earlier than the timer sets it anew."""


class Ports:
    """This host's streams, and two ROUTERs: brokers that connect to us, brokers that we connect to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        switch: Switch,
        roster: Roster,
        links: Links,
        on_event: Callable[[Event], None],
    ) -> None:
        self._loop = loop
        self._switch = switch
        self._roster = roster
        self._links = links
        self._on_event = on_event
        self._local = LocalPort(loop, self._on_local, self._local_gone)
        self._routers = {INBOUND: Router(), OUTBOUND: Router()}
        self._gatekeeper: Gatekeeper | None = None
        self._monitors: dict[int, Monitor] = {}
        self._peer_key = b""
        self.strangers = Strangers()
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._wakes_ns = _NEVER
        """When that fires (monotonic)."""
        self._ping_timer: asyncio.TimerHandle | None = None
        self._touched: set[int] = set()
        self._readers = {INBOUND: self._read_inbound, OUTBOUND: self._read_outbound}
        self._closed = False
        switch.rare = self._rare

    def open(self, local: str, peers: str, secret: bytes, fleet: str) -> str:
        """Bind both sides and start; returns the real address for peers (``tcp://host:port``).

        Raises EndpointTaken.
        """
        self._peer_key, server_secret = curve_keys(secret, fleet, "broker")
        client_public, client_secret = curve_keys(secret, fleet, "link")
        self._gatekeeper = Gatekeeper(client_public, self._turned_away)
        self._routers[INBOUND].secure_as_server(server_secret)
        self._routers[OUTBOUND].secure_as_client(client_public, client_secret)
        self._monitors = {port: router.monitor() for port, router in self._routers.items()}
        address = self._routers[INBOUND].bind(peers)
        self._local.open(local)
        for port, router in self._routers.items():
            self._loop.add_reader(router.fileno, self._readers[port])
        self._loop.add_reader(self._monitors[INBOUND].fileno, self._hear_inbound)
        self._loop.add_reader(self._monitors[OUTBOUND].fileno, self._hear_outbound)
        self._loop.add_reader(self._gatekeeper.fileno, self._gatekeeper.serve)
        self._ping()
        return address

    @property
    def peer_key(self) -> str:
        """The fleet's public key for links between brokers, z85."""
        return self._peer_key.decode()

    @property
    def counts(self) -> dict[str, int]:
        """What was turned away: links with a foreign key or none, messages of several parts, streams closed at once."""
        return {
            "refused_keys": self.strangers.refused,
            "multipart_discarded": sum(router.discarded for router in self._routers.values()),
            "foreign_handshakes": self.strangers.foreign,
            **self._local.counts,
        }

    def pid_of(self, rid: bytes) -> int:
        """The process at the other end of a local stream; 0: unknown."""
        return self._local.pid_of(rid)

    def link(self, address: str, rid: bytes) -> None:
        """Open a link to another broker."""
        self._routers[OUTBOUND].connect(f"tcp://{address}", rid, self._peer_key)

    def unlink(self, address: str) -> None:
        """Close it."""
        self._routers[OUTBOUND].disconnect(f"tcp://{address}")

    def close(self) -> None:
        """Take everything off the loop and close."""
        self._closed = True
        for timer in (self._deadline_timer, self._ping_timer):
            if timer is not None:
                timer.cancel()
        self._local.close()
        for router in self._routers.values():
            self._loop.remove_reader(router.fileno)
            router.close()
        for listener in (self._gatekeeper, *self._monitors.values()):
            if listener is not None:
                self._loop.remove_reader(listener.fileno)
                listener.close()

    # ------------------------------------------------------------------ in

    def _on_local(self, rid: bytes, frames: list[bytes]) -> None:
        now = monotonic_ns()
        on_local = self._switch.on_local
        for frame in frames:
            on_local(rid, frame, now)
        self.flush()

    def _local_gone(self, rid: bytes, unsent: list[bytes]) -> None:
        now = monotonic_ns()
        for frame in unsent:
            self._switch.unsent(rid, frame, now)
        self._roster.unreachable(rid, now)
        self.flush()

    def _read_inbound(self) -> None:
        if self._closed:
            return
        now = monotonic_ns()
        on_inbound = self._switch.on_inbound
        for rid, frame in self._routers[INBOUND].drain():
            on_inbound(rid, frame, now)
        self._touched.add(INBOUND)
        self.flush()

    def _read_outbound(self) -> None:
        if self._closed:
            return
        now = monotonic_ns()
        on_outbound = self._switch.on_outbound
        for rid, frame in self._routers[OUTBOUND].drain():
            on_outbound(rid, frame, now)
        self._touched.add(OUTBOUND)
        self.flush()

    def _rare(self, port: int, rid: bytes, frame: bytes, now: int) -> None:
        if port == LOCAL:
            self._roster.on_frame(rid, frame, now)
        elif port == INBOUND:
            self._links.inbound.on_frame(rid, frame, now)
        else:
            self._links.on_outbound(rid, frame, now)

    def _turned_away(self, address: str) -> None:
        self.strangers.turned_away(address, monotonic_ns())

    def _hear_inbound(self) -> None:
        for news, _ in self._monitors[INBOUND].drain():
            if news is LinkNews.FOREIGN:
                self.strangers.misled(monotonic_ns())

    def _hear_outbound(self) -> None:
        now = monotonic_ns()
        for news, endpoint in self._monitors[OUTBOUND].drain():
            self._links.on_news(endpoint.removeprefix("tcp://"), news, now)
        self.flush()

    # ------------------------------------------------------------------ out

    def flush(self) -> None:
        """Send all that the switch has said, tell its events, and come again for what has arrived meanwhile.

        The descriptors are edge-triggered, reading and sending both take the edge, and a batch is capped.
        """
        switch, local = self._switch, self._local
        while switch.out or switch.events:
            self._hand_out(switch.take())
            for rid, frame in local.flush():
                switch.unsent(rid, frame, monotonic_ns())
            if switch.events:
                events, switch.events = switch.events, []
                for event in events:
                    self._on_event(event)
        for port in self._touched:
            if self._routers[port].has_input():
                self._loop.call_soon(self._readers[port])
        self._touched.clear()
        due = switch.next_wakeup()
        if due is not None and due < self._wakes_ns - _EARLIER_NS:
            self._wake_at(due)

    def _hand_out(self, batch: list[tuple[int, bytes, bytes]]) -> None:
        """Most of a batch is for one stream: what follows for the same one goes the same way."""
        local = self._local
        last: bytes | None = None
        room = _NO_ROOM
        for port, rid, frame in batch:
            if rid is last:
                room.append(frame)
            elif port != LOCAL:
                self._send(port, rid, frame)
            elif (found := local.room(rid)) is not None:
                last, room = rid, found
                room.append(frame)
            elif not local.take(rid, frame):
                self._switch.unsent(rid, frame, monotonic_ns())

    def _send(self, port: int, rid: bytes, frame: bytes) -> None:
        self._touched.add(port)
        sent = self._routers[port].send(rid, frame)
        if sent:
            now = monotonic_ns()
            self._switch.unsent(rid, frame, now)
            if sent is Sent.UNREACHABLE and port == INBOUND:
                self._links.inbound.unreachable(rid, now)

    # ------------------------------------------------------------------ time

    def _wake_at(self, due_ns: int) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._wakes_ns = due_ns
        self._deadline_timer = self._loop.call_later(max(0, due_ns - monotonic_ns()) / 1e9, self._expire)

    def _expire(self) -> None:
        self._deadline_timer = None
        self._wakes_ns = _NEVER
        self._switch.expire(monotonic_ns())
        self.flush()

    def _ping(self) -> None:
        now = monotonic_ns()
        self._roster.ping_round(now)
        self._switch.judge.tick(now)
        self._links.ping_round(now)
        self._ping_timer = self._loop.call_later(_PING_EVERY_S, self._ping)
        self.flush()
