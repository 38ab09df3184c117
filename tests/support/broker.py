"""A real broker process for tests, and raw links to it that speak frames and nothing more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from h2o_core import envelope as wire
from h2o_core.envelope import Frame
from h2o_core.errors import Code
from h2o_core.io.stream import Stream, StreamClosed, connect
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.registration_pb2 import Hello, Register, Registered
from h2o_core.pb.stats_pb2 import Ask, BrokerReport, Picture

if TYPE_CHECKING:
    from collections.abc import Callable

BOUND_S = 10.0
NOBODY = "127.0.0.1:1"
"""A ZooKeeper address where nobody listens: the broker serves its own host."""

STRING = "google.protobuf.StringValue"
TYPES = wire.types_hash(STRING, STRING)
SAY = "/service/echo/say"


@dataclass
class BrokerProcess:
    """`python -m h2o_broker` in a directory of its own; `start` and `kill` as often as a test likes."""

    directory: Path
    host: str = "host-1"
    fleet: str = "test"
    zookeeper: str = NOBODY
    zone: str = "a"
    secret_file: str = ""
    extra: str = ""
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def run_dir(self) -> Path:
        return self.directory / "run"

    @property
    def endpoint(self) -> str:
        return f"unix:{self.run_dir}/broker.sock"

    @property
    def log(self) -> str:
        return (self.directory / "broker.log").read_text()

    def write_host_file(self) -> Path:
        path = self.directory / "host.toml"
        path.write_text(
            f'host = "{self.host}"\nfleet = "{self.fleet}"\nzone = "{self.zone}"\ndev = true\n'
            f'zookeeper = "{self.zookeeper}"\nrun_dir = "{self.run_dir}"\nstate_dir = "{self.directory / "state"}"\n'
            f'secret_file = "{self.secret_file}"\n{self.extra}\n'
        )
        return path

    def launch(self) -> subprocess.Popen[bytes]:
        with (self.directory / "broker.log").open("ab") as log:
            command = [sys.executable, "-m", "h2o_broker", "--host-file", str(self.write_host_file()), "--verbose"]
            return subprocess.Popen(
                [*command, *self.options],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> Self:
        """Launch, and wait until it answers HELLO."""
        self.process = self.launch()
        with RawLink(self.endpoint) as link:
            until = time.monotonic() + BOUND_S
            while time.monotonic() < until:
                assert self.process.poll() is None, f"the broker ended: {self.log}"
                link.send(wire.HELLO, correlation=1, payload=Hello(wire=1).SerializeToString())
                if link.wait(wire.WELCOME, within_s=0.1) is not None:
                    return self
        raise AssertionError(f"no WELCOME within {BOUND_S} s: {self.log}")

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(BOUND_S)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(BOUND_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class RawLink:
    """A stream that sends and waits for single frames; PINGs are answered unless it is `mute`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._stream: Stream | None = None
        self._waiting: list[Frame] = []
        self._correlation = 100
        self.mute = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None

    def raw(self, frame: bytes) -> None:
        """Send bytes as they are, once somebody is there."""
        until = time.monotonic() + BOUND_S
        while not self._sent(frame):
            assert time.monotonic() < until, "nobody to send to"
            time.sleep(0.002)

    def _sent(self, frame: bytes) -> bool:
        try:
            stream = self._stream = self._stream or connect(self._endpoint)
            stream.pending.append(frame)
            if not stream.flush():
                while not stream.resume():
                    time.sleep(0.001)
        except StreamClosed:
            self.close()
            return False
        except OSError:
            return False
        return True

    def send(
        self,
        kind: int,
        *,
        correlation: int = 0,
        payload: bytes = b"",
        name: str = "",
        remaining_ms: int = 0,
        types: int = TYPES,
        flags: int = 0,
        code: int = 0,
        route: bytes = b"",
    ) -> None:
        self.raw(
            wire.encode(
                kind,
                correlation=correlation,
                payload=payload,
                name=name.encode(),
                remaining_ms=remaining_ms,
                types=types,
                flags=flags,
                code=code,
                route=route,
            )
        )

    def poll(self) -> None:
        """Take in what has come."""
        if self._stream is None:
            return
        try:
            frames = self._stream.read()
        except StreamClosed:
            self.close()
            return
        for raw in frames:
            frame = wire.decode(raw)
            if frame.type == wire.PING:
                if not self.mute:
                    self.raw(wire.encode(wire.PONG, payload=frame.payload))
            else:
                self._waiting.append(frame)

    def wait(self, kind: int, *, within_s: float = BOUND_S, correlation: int | None = None) -> Frame | None:
        """The first frame of *kind* (for *correlation*); None when none came in time."""
        until = time.monotonic() + within_s
        while True:
            self.poll()
            for at, frame in enumerate(self._waiting):
                if frame.type == kind and correlation in {None, frame.correlation}:
                    return self._waiting.pop(at)
            if time.monotonic() > until:
                return None
            time.sleep(0.002)

    def expect(self, kind: int, *, correlation: int | None = None, within_s: float = BOUND_S) -> Frame:
        frame = self.wait(kind, correlation=correlation, within_s=within_s)
        assert frame is not None, f"no {wire.TYPE_NAMES[kind]} within {within_s} s; got {self._waiting}"
        return frame

    def register(
        self,
        package: str = "/service/echo",
        version: str = "1.0.0",
        *,
        slots: int = 4,
        features: tuple[str, ...] = ("say",),
        request_type: str = STRING,
        idempotent: bool = False,
    ) -> Frame:
        """REGISTER; the frame that answers it."""
        manifest = Manifest(
            package=package,
            version=version,
            features=[
                Feature(name=f"{package}/{name}", request_type=request_type, reply_type=STRING, idempotent=idempotent)
                for name in features
            ],
        )
        register = Register(manifest=manifest, slots=slots, pid=os.getpid())
        self.send(wire.REGISTER, correlation=7, payload=register.SerializeToString())
        until = time.monotonic() + BOUND_S
        while time.monotonic() < until:
            for kind in (wire.REGISTERED, wire.ANSWER):
                frame = self.wait(kind, within_s=0.01, correlation=7)
                if frame is not None:
                    return frame
        raise AssertionError("no answer to REGISTER")

    def registered(self, **what: object) -> str:
        """REGISTER and be admitted; the instance's id."""
        frame = self.register(**what)  # pyright: ignore[reportArgumentType] - handed on
        assert frame.type == wire.REGISTERED, frame
        return Registered.FromString(frame.payload).instance

    def ask(
        self,
        name: str = SAY,
        *,
        remaining_ms: int = 5000,
        payload: bytes = b"",
        types: int = TYPES,
        route: bytes = b"",
    ) -> int:
        """Send a REQUEST; its correlation."""
        self._correlation += 1
        self.send(
            wire.REQUEST,
            correlation=self._correlation,
            name=name,
            remaining_ms=remaining_ms,
            payload=payload,
            types=types,
            route=route,
        )
        return self._correlation

    def refusal(self, name: str = SAY) -> Frame:
        """The answer to a request that nobody takes, once the broker has started for long enough to be sure."""
        until = time.monotonic() + BOUND_S
        while True:
            answer = self.expect(wire.ANSWER, correlation=self.ask(name))
            if answer.code != Code.UNAVAILABLE or time.monotonic() > until:
                return answer
            time.sleep(0.02)

    def answer_one(self, *, code: int = 0, payload: bytes = b"") -> Frame:
        """Wait for a REQUEST and answer it; the request."""
        request = self.expect(wire.REQUEST)
        self.send(wire.ANSWER, correlation=request.correlation, flags=2, code=code, payload=payload)
        return request

    def report(self) -> BrokerReport:
        """The broker's counters, now."""
        self.send(wire.ASK, correlation=9, payload=Ask(what=Ask.REPORT).SerializeToString())
        return BrokerReport.FromString(self.expect(wire.TOLD, correlation=9).payload)

    def picture(self) -> Picture:
        """The fleet as this broker sees it, now."""
        self.send(wire.ASK, correlation=9, payload=Ask(what=Ask.PICTURE).SerializeToString())
        return Picture.FromString(self.expect(wire.TOLD, correlation=9).payload)


def eventually(condition: Callable[[], bool], what: str, within_s: float = BOUND_S) -> float:
    """Wait until *condition* holds; the seconds it took. Fails with *what*."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, f"not within {within_s} s: {what}"
        time.sleep(0.005)
    return time.monotonic() - started


async def eventually_async(condition: Callable[[], bool], what: str, within_s: float = BOUND_S) -> float:
    """As `eventually`, inside a loop."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.005)
    return time.monotonic() - started
