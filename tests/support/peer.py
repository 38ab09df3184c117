"""A broker's end of the local link for tests of the SDK: real streams that do what the test says."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Self

from h2o_broker.local_port import LocalPort
from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed
from h2o_core.pb.registration_pb2 import Registered, Welcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from h2o_core.envelope import Frame

Message = tuple[bytes, "Frame"]


class Peer:
    """Binds, answers HELLO, PING and REGISTER by itself, and hands REQUESTs to *serve* (silent without)."""

    def __init__(self, run_dir: Path, incarnation: int = 1) -> None:
        self.endpoint = f"unix:{run_dir}/broker.sock"
        self.incarnation = incarnation
        self.serve: Callable[[Peer, bytes, Frame], None] = lambda _peer, _who, _frame: None
        self.seen: Counter[str] = Counter()
        self.frames: list[Message] = []
        self.instances: list[bytes] = []
        self.refusal = b""
        """A Failure's bytes: what REGISTER is answered with instead of REGISTERED."""
        self.mute = False
        self._arrived = asyncio.Event()

    def __enter__(self) -> Self:
        self._port = LocalPort(asyncio.get_running_loop(), self._read, lambda _who, _unsent: None)
        self._port.open(self.endpoint)
        return self

    def __exit__(self, *_: object) -> None:
        self._port.close()

    def send(self, who: bytes, frame: bytes) -> None:
        self._port.take(who, frame)
        self._port.flush()

    def _read(self, who: bytes, frames: list[bytes]) -> None:
        for data in frames:
            frame = wire.decode(data)
            self.seen[wire.TYPE_NAMES[frame.type]] += 1
            self.frames.append((who, frame))
            if not self.mute:
                self._answer(who, frame)
        self._arrived.set()

    def _answer(self, who: bytes, frame: Frame) -> None:
        if frame.type == wire.HELLO:
            hello = Welcome(wire=1, host="host-1", zone="z1", incarnation=self.incarnation, fleet="test")
            self.reply(who, frame, wire.WELCOME, hello.SerializeToString())
        elif frame.type == wire.PING:
            _, clock_ns = wire.PING_BODY.unpack(frame.payload)
            self.send(who, wire.encode(wire.PONG, payload=wire.PING_BODY.pack(self.incarnation, clock_ns)))
        elif frame.type == wire.REGISTER and self.refusal:
            self.reply(who, frame, wire.ANSWER, self.refusal, code=Code.BAD_REQUEST, executed=Executed.NO)
        elif frame.type == wire.REGISTER:
            self.instances.append(who)
            registered = Registered(instance=f"{len(self.instances):032x}", host="host-1", incarnation=self.incarnation)
            self.reply(who, frame, wire.REGISTERED, registered.SerializeToString())
        elif frame.type == wire.LEAVE:
            self.reply(who, frame, wire.LEFT)
        elif frame.type == wire.REQUEST:
            self.serve(self, who, frame)

    def reply(
        self, who: bytes, to: Frame, kind: int, payload: bytes = b"", *, code: int = 0, executed: int = 2
    ) -> None:
        self.send(who, wire.encode(kind, flags=executed, code=code, correlation=to.correlation, payload=payload))

    async def until(self, count: int, kind: str) -> list[Message]:
        """Wait until *count* frames of *kind* have arrived; all of that kind."""
        async with asyncio.timeout(10):
            while self.seen[kind] < count:
                self._arrived.clear()
                await self._arrived.wait()
        return [message for message in self.frames if wire.TYPE_NAMES[message[1].type] == kind]


def echo(peer: Peer, who: bytes, frame: Frame) -> None:
    """Serve each request with its own payload."""
    peer.reply(who, frame, wire.ANSWER, frame.payload)
