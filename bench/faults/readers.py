"""Faults of those who read the agent's HTTP: crowds that ask slowly, and a process out of descriptors.

`/health` is asked meanwhile, over a new TCP connection and over a new Unix connection each time.
"""

from __future__ import annotations

import resource
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import psutil

from h2o_console.asking.agent import AgentUnreachable, fetch

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

_CROWD: Final = 400
_ADDRESSES: Final = 8
"""Of this machine (all of 127.0.0.0/8 is): from one alone the agent keeps 128."""
_LARGE_CROWD: Final = 1000
_WATCH_S: Final = 8.0
"""Longer than the agent waits for a head."""
_ASK_EVERY_S: Final = 0.04
_SPARE: Final = 12
"""Descriptors that a starved process is left."""


@dataclass
class SlowCrowd:
    """Sockets that send the head of a request byte by byte; what the agent closes is opened again."""

    address: tuple[str, int]
    count: int
    sources: int = 1
    open: list[socket.socket] = field(default_factory=list[socket.socket])
    cut_off: int = 0
    held: list[int] = field(default_factory=list[int])
    """How many the agent had left open, each time they were looked at."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _all: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """All are open when it returns."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self._all.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(10)
        for each in self.open:
            each.close()

    def _work(self) -> None:
        turn = 0
        while not self._ended.is_set():
            self.open = [each for each in self.open if self._send(each)]
            if self._all.is_set():
                self.held.append(len(self.open))
            while len(self.open) < self.count and not self._ended.is_set():
                turn += 1
                self._join(f"127.0.0.{2 + turn % self.sources}")
            self._all.set()
            self._ended.wait(0.25)

    def _join(self, source: str) -> None:
        newcomer = socket.socket()
        newcomer.settimeout(5)
        try:
            newcomer.bind((source, 0))
            newcomer.connect(self.address)
            newcomer.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        except OSError:
            newcomer.close()
            self._ended.wait(0.01)
            return
        newcomer.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.open.append(newcomer)

    def _send(self, each: socket.socket) -> bool:
        """One byte more; False when the agent has closed it."""
        try:
            each.send(b"x")
            each.recv(1 << 12)  # an answer is the end, too
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.cut_off += 1
        each.close()
        return False


def slow_heads(stage: Stage) -> Result:
    """400 sockets of eight addresses stay open and send a byte of a request's head now and then."""
    return _under(stage, _CROWD, _ADDRESSES, must_hold=_CROWD)


def slow_crowd(stage: Stage) -> Result:
    """1,000 such sockets of one address, which come back four times a second when the agent closes them."""
    return _under(stage, _LARGE_CROWD, 1, must_hold=0)


def _under(stage: Stage, count: int, sources: int, must_hold: int) -> Result:
    fleet = stage.fleet(1)
    client = stage.load(fleet, "host-1")
    with SlowCrowd(_tcp(fleet), count, sources) as crowd:
        tcp_ms, unix_ms, failures = _ask_for_health(fleet)
    broken = failures[:3]
    held = int(median(crowd.held))
    if held < must_hold:
        broken.append(f"only {held} slow sockets were open at most times: nothing was tried")
    if not crowd.cut_off:
        broken.append(f"no slow socket was closed within {_WATCH_S:g} s")
    notes = [f"{len(tcp_ms)} times over TCP, {len(unix_ms)} over the Unix socket; mostly {held} slow ones open"]
    extra = {
        "health_ms": max(tcp_ms, default=float("inf")),
        "health_unix_ms": max(unix_ms, default=float("inf")),
        "cut_off": crowd.cut_off,
    }
    return stage.settle(None, [client], broken=broken, notes=notes, extra=extra)


def _ask_for_health(fleet: Fleet) -> tuple[list[float], list[float], list[str]]:
    """(milliseconds over TCP, over the Unix socket, what went wrong)."""
    took: dict[str, list[float]] = {f"http://127.0.0.1:{_tcp(fleet)[1]}": [], fleet.agent_address("host-1"): []}
    failures: list[str] = []
    until_s = time.monotonic() + _WATCH_S
    while time.monotonic() < until_s:
        for address, times_ms in took.items():
            began_s = time.monotonic()
            try:
                reply = fetch(address, "/health", 5)
            except AgentUnreachable as error:
                failures.append(str(error))
                continue
            times_ms.append((time.monotonic() - began_s) * 1000)
            if reply.status != 200:
                failures.append(f"/health is {reply.status}: {reply.document.get('output')}")
        time.sleep(_ASK_EVERY_S)
    tcp_ms, unix_ms = took.values()
    return tcp_ms, unix_ms, failures


def no_descriptors(stage: Stage) -> Result:
    """The agent may open next to no file any more, and 400 connect: it lives, and answers when they have gone."""
    fleet = stage.fleet(1)
    client = stage.load(fleet, "host-1")
    pid, address = fleet.agents["host-1"].pid, _tcp(fleet)
    with ExitStack() as crowd:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        starved = psutil.Process(pid).num_fds() + _SPARE
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (starved, hard))
        for _ in range(_CROWD):
            one = crowd.enter_context(socket.socket())
            one.setblocking(False)  # noqa: FBT003 - the socket's own signature
            one.connect_ex(address)  # the queue at the door fills up as well
        stage.pass_s(2, [client])
        full = psutil.Process(pid).num_fds()
        gone_s = time.monotonic()
    answers_s = stage.wait(lambda: _answers(fleet), "/livez answers again")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    broken = [] if full >= starved - 1 else [f"it had {starved - full} descriptors left: nothing was tried"]
    if not psutil.pid_exists(pid):
        broken.append("the agent has ended")
    return stage.settle(answers_s - gone_s, [client], broken=broken)


def _answers(fleet: Fleet) -> bool:
    try:
        return fetch(fleet.agent_address("host-1"), "/health", 5).status == 200
    except AgentUnreachable:
        return False


def _tcp(fleet: Fleet) -> tuple[str, int]:
    """Where the agent of host-1 serves TCP."""
    host, _, port = str(fleet.ask("host-1", "/hosts")["hosts"][0]["agent"]).rpartition(":")
    return host, int(port)
