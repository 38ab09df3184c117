"""The one zmq user: links between brokers, sockets that move whole frames in batches, and the keys for them.

Sockets are read through pyzmq's raw backend and never through ``zmq.asyncio`` (DESIGN §6). With pyzmq 27 a
message of two parts costs 0.28 µs, asking for RCVMORE 0.77 more and a Frame's `more` 0.51, which we take.
A socket's descriptor is edge-triggered: after a drain *and after a send* ask `has_input()`, and come again
when it says so.
"""

from __future__ import annotations

import errno
import hmac
import sys
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast

import zmq
from zmq.backend import Socket as RawSocket
from zmq.utils import z85

from h2o_core.envelope import MAX_FRAME_BYTES
from h2o_core.handshakes import LinkNews
from h2o_core.io.stream import EndpointTaken

if TYPE_CHECKING:
    from collections.abc import Callable

_NOBLOCK: Final = int(zmq.NOBLOCK)
_SNDMORE: Final = int(zmq.SNDMORE)
_NOBLOCK_MORE: Final = _NOBLOCK | _SNDMORE
_EVENTS: Final = int(zmq.EVENTS)
_POLLIN: Final = int(zmq.POLLIN)

_ZAP_ADDRESS: Final = 5

BATCH: Final = 128
_FEW: Final = 2
"""To find a socket empty costs 3.6 µs as an exception and 1.35 as a question: after small batches we ask."""
_HANDSHAKE_MS: Final = 3000
_HEARTBEAT_MS: Final = 1500
_HEARTBEAT_TIMEOUT_MS: Final = 5000
_NEWS: Final = {
    zmq.EVENT_CONNECT_RETRIED: LinkNews.TRYING,
    zmq.EVENT_HANDSHAKE_SUCCEEDED: LinkNews.GREETED,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: LinkNews.ENDED,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: LinkNews.REFUSED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: LinkNews.FOREIGN,
    zmq.EVENT_DISCONNECTED: LinkNews.LOST,
}
_HIGH_WATER: Final = 65_536
"""Slots and caps bound what is in flight; the high-water mark is only the wall behind them."""


class Sent(IntEnum):
    """What became of a frame handed to a ROUTER."""

    OK = 0
    UNREACHABLE = 1
    FULL = 2


def _context() -> zmq.Context[zmq.Socket[bytes]]:
    context = cast("zmq.Context[zmq.Socket[bytes]]", zmq.Context.instance())
    context.set(zmq.MAX_SOCKETS, 4096)
    return context


def _raw(kind: int) -> Any:
    raw = RawSocket(_context(), kind)
    raw.set(zmq.LINGER, 0)
    raw.set(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    raw.set(zmq.SNDHWM, _HIGH_WATER)
    raw.set(zmq.RCVHWM, _HIGH_WATER)
    raw.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    return raw


class Router:
    """A broker's socket: many peers, each behind a routing id that the socket itself hands out."""

    def __init__(self) -> None:
        """A ROUTER that says when a peer is gone instead of dropping what is meant for it."""
        raw = _raw(zmq.ROUTER)
        raw.set(zmq.ROUTER_MANDATORY, 1)
        self._raw = raw
        self._recv = raw.recv
        self._get = raw.get
        self._send = raw.send
        self.fileno: int = raw.get(zmq.FD)
        self._few = True
        self.discarded = 0

    def bind(self, endpoint: str) -> str:
        """Bind and return the real address (a port of 0 becomes one); raises EndpointTaken."""
        try:
            self._raw.bind(endpoint)
        except zmq.ZMQError as error:
            msg = f"{endpoint}: {error.strerror}"
            raise EndpointTaken(error.errno, msg) from None
        return bytes(self._raw.get(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def connect(self, endpoint: str, routing_id: bytes, peer_key: bytes | None = None) -> None:
        """Open a link to another broker under *routing_id*, which must never be used twice in a process."""
        if peer_key is not None:
            self._raw.set(zmq.CURVE_SERVERKEY, peer_key)
        self._raw.set(zmq.CONNECT_ROUTING_ID, routing_id)
        self._raw.connect(endpoint)

    def disconnect(self, endpoint: str) -> None:
        """Close the link to *endpoint*; unknown ones are ignored."""
        try:
            self._raw.disconnect(endpoint)
        except zmq.ZMQError:
            return

    def secure_as_server(self, secret_key: bytes) -> None:
        """Accept only CURVE clients that the ZAP handler admits."""
        self._raw.set(zmq.CURVE_SERVER, 1)
        self._raw.set(zmq.CURVE_SECRETKEY, secret_key)
        self._raw.set(zmq.ZAP_DOMAIN, b"h2o")
        self._keep_alive()

    def secure_as_client(self, public_key: bytes, secret_key: bytes) -> None:
        """Speak CURVE on every link opened after this."""
        self._raw.set(zmq.CURVE_PUBLICKEY, public_key)
        self._raw.set(zmq.CURVE_SECRETKEY, secret_key)
        self._keep_alive()

    def _keep_alive(self) -> None:
        self._raw.set(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
        self._raw.set(zmq.HEARTBEAT_TIMEOUT, _HEARTBEAT_TIMEOUT_MS)
        self._raw.set(zmq.RECONNECT_IVL, 100)
        self._raw.set(zmq.RECONNECT_IVL_MAX, 1000)

    def monitor(self) -> Monitor:
        """Hear what becomes of its connections; once a socket, and before it has any."""
        return Monitor(self._raw)

    def drain(self, limit: int = BATCH) -> list[tuple[bytes, bytes]]:
        """Up to *limit* (routing id, frame); messages of another shape are discarded whole and counted.

        A ROUTER puts the routing id before every message, so the first part always has one behind it.
        """
        recv = self._recv
        messages: list[tuple[bytes, bytes]] = []
        append = messages.append
        try:
            while len(messages) < limit and (not self._few or self._get(_EVENTS) & _POLLIN):
                peer = recv(_NOBLOCK)
                part = recv(_NOBLOCK, copy=False)
                if part.more:
                    self._discard_rest()
                else:
                    append((peer, part.bytes))
        except zmq.Again:
            pass
        self._few = len(messages) <= _FEW
        return messages

    def _discard_rest(self) -> None:
        self.discarded += 1
        while self._recv(_NOBLOCK, copy=False).more:
            pass

    def send(self, peer: bytes, frame: bytes) -> Sent:
        """Hand *frame* to *peer*; anything but OK means that nothing was sent."""
        try:
            self._send(peer, _NOBLOCK_MORE)
            self._send(frame, _NOBLOCK)
        except zmq.Again:
            return Sent.FULL
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return Sent.UNREACHABLE
            raise
        return Sent.OK

    def has_input(self) -> bool:
        """More has arrived than was drained; the descriptor will not say so again."""
        return bool(self._get(_EVENTS) & _POLLIN)

    def close(self) -> None:
        """Close at once; what was not sent is dropped."""
        self._raw.close()


class Monitor:
    """What libzmq tells of a ROUTER's connections and says nowhere else: failed handshakes, links given up."""

    def __init__(self, raw: Any) -> None:
        """Made by `Router.monitor`."""
        endpoint = f"inproc://h2o-monitor-{raw.get(zmq.FD)}"
        raw.monitor(endpoint, sum(_NEWS))
        self._socket = _context().socket(zmq.PAIR)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
        self._socket.connect(endpoint)
        self.fileno = int(self._socket.getsockopt(zmq.FD))
        self.drain()  # a descriptor says nothing until its socket has been asked once

    def drain(self) -> list[tuple[LinkNews, str]]:
        """All news since the last time, each with the endpoint of the ROUTER's own call (``tcp://host:port``)."""
        news: list[tuple[LinkNews, str]] = []
        while int(self._socket.getsockopt(zmq.EVENTS)) & _POLLIN:
            head, endpoint = self._socket.recv_multipart()
            event, value = int.from_bytes(head[:2], sys.byteorder), int.from_bytes(head[2:6], sys.byteorder)
            what = _NEWS[zmq.Event(event)]
            # A handshake that takes too long ends like one that is cut off, but for the number beside it.
            news.append(
                (LinkNews.SILENT if what is LinkNews.ENDED and value == errno.EAGAIN else what, endpoint.decode())
            )
        return news

    def close(self) -> None:
        """Close at once."""
        self._socket.close()


class Gatekeeper:
    """The ZAP handler: admits the fleet's own client key and nobody else (CURVE alone admits any)."""

    def __init__(self, client_public_key: bytes, on_refused: Callable[[str], None]) -> None:
        """Bind the handler's address; one a process. *on_refused* gets the IP address that a bad key came from."""
        self._socket = _context().socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind("inproc://zeromq.zap.01")
        self._admitted = z85.decode(client_public_key)
        self.fileno = int(self._socket.getsockopt(zmq.FD))
        self._on_refused = on_refused

    def serve(self) -> None:
        """Answer every request that waits."""
        while int(self._socket.getsockopt(zmq.EVENTS)) & _POLLIN:
            parts = self._socket.recv_multipart()
            # address, empty, version, request id, domain, peer address, identity, mechanism, credentials…
            known = len(parts) >= 9 and parts[7] == b"CURVE" and hmac.compare_digest(parts[8], self._admitted)
            if not known:
                self._on_refused(parts[_ZAP_ADDRESS].decode(errors="replace") if len(parts) > _ZAP_ADDRESS else "")
            status = (b"200", b"OK") if known else (b"400", b"not a key of this fleet")
            self._socket.send_multipart([*parts[:2], b"1.0", parts[3], *status, b"", b""])

    def close(self) -> None:
        """Close at once."""
        self._socket.close()


def curve_keys(secret: bytes, fleet: str, role: str) -> tuple[bytes, bytes]:
    """(public, secret) CURVE keys of *role* in *fleet*, z85; HKDF-SHA256 (RFC 5869) of the fleet's secret."""
    pseudo_random = hmac.digest(b"h2o/1", secret, sha256)
    key = hmac.digest(pseudo_random, f"h2o/{fleet}/{role}".encode() + b"\x01", sha256)
    secret_key = z85.encode(key)
    return zmq.curve_public(secret_key), secret_key


def peer_key(secret: bytes, fleet: str) -> str:
    """The public key that the fleet's brokers accept links with, z85."""
    return curve_keys(secret, fleet, "broker")[0].decode()
