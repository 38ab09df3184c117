"""Many registered instances in one process: each a raw link that registers, heartbeats and answers PING.

``python -m bench.registrants COUNT`` with ``H2O_BROKER``; answers ``{"registered": n}`` to each line on
standard input, once all are in, and leaves when it closes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Final

from google.protobuf import descriptor_pb2

from bench.messages_pb2 import DESCRIPTOR, Customer, CustomerId
from h2o_core.envelope import ANSWER, HEARTBEAT, PING, PING_BODY, PONG, REGISTER, REGISTERED, decode, encode
from h2o_core.io.context import find_broker
from h2o_core.io.stream import connect
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.registration_pb2 import Heartbeat, Register

INSTANCES_A_PACKAGE: Final = 10
_SLOTS: Final = 64
_WITHIN_S: Final = 30.0
_HEARTBEAT_S: Final = 1.0


class Instance:
    """One link."""

    def __init__(self, endpoint: str, package: str) -> None:
        """Connect; `register` comes next."""
        self.package = package
        self.registered = asyncio.Event()
        self.refused = ""
        self._stream = connect(endpoint)
        asyncio.get_running_loop().add_reader(self._stream.fileno, self._read)

    async def register(self) -> None:
        """Return once the broker has minted an id; raises RuntimeError when it refuses."""
        frame = encode(REGISTER, correlation=1, payload=_register(self.package).SerializeToString())
        self._send(frame)
        await self.registered.wait()
        if self.refused:
            msg = f"the broker refused {self.package}: {self.refused}"
            raise RuntimeError(msg)

    def heartbeat(self) -> None:
        """Say that it lives."""
        self._send(encode(HEARTBEAT, payload=Heartbeat().SerializeToString()))

    def _send(self, frame: bytes) -> None:
        self._stream.pending.append(frame)
        self._stream.flush()

    def _read(self) -> None:
        for bytes_ in self._stream.read():
            frame = decode(bytes_)
            if frame.type == PING:
                _, clock_ns = PING_BODY.unpack(frame.payload)
                self._send(encode(PONG, correlation=frame.correlation, payload=PING_BODY.pack(0, clock_ns)))
            elif frame.type in {REGISTERED, ANSWER}:
                if frame.type == ANSWER:
                    self.refused = Failure.FromString(frame.payload).message or "without a word"
                self.registered.set()


def _register(package: str) -> Register:
    feature = Feature(
        name=f"{package}/retrieve",
        request_type=CustomerId.DESCRIPTOR.full_name,
        reply_type=Customer.DESCRIPTOR.full_name,
        idempotent=True,
        mean_ms=5,
        upper95_ms=20,
    )
    file = descriptor_pb2.FileDescriptorProto()
    DESCRIPTOR.CopyToProto(file)
    descriptors = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    manifest = Manifest(package=package, version="1.0.0", features=[feature], descriptors=descriptors)
    return Register(manifest=manifest, slots=_SLOTS, pid=os.getpid())


async def main(count: int) -> None:
    """Keep *count* instances registered until standard input closes."""
    endpoint = find_broker()
    instances = [Instance(endpoint, f"/service/bench{at // INSTANCES_A_PACKAGE:02d}") for at in range(count)]
    beats = asyncio.create_task(_beat(instances))
    while await asyncio.to_thread(sys.stdin.readline):
        try:
            async with asyncio.timeout(_WITHIN_S):
                await asyncio.gather(*(one.register() for one in instances if not one.registered.is_set()))
            answer = {"registered": sum(one.registered.is_set() for one in instances)}
        except (TimeoutError, RuntimeError) as error:
            done = sum(one.registered.is_set() for one in instances)
            answer = {"error": f"{done} of {count} instances are registered: {error or 'no answer in time'}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    beats.cancel()


async def _beat(instances: list[Instance]) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT_S)
        for one in instances:
            if one.registered.is_set():
                one.heartbeat()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
