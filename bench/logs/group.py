"""Group logs: real agents, processes that log through the SDK, all of it followed as `h2o logs -f` does.

One agent is killed (SIGKILL) and started again in the middle; `log_bytes` is small, so heads are cut all the time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.children import BenchError, Children, wait_until
from bench.cpu import cores, cpu_s, machine_busy_s
from bench.figures import Figure, Goal, Sense
from bench.logs.account import Account
from bench.logs.writer import LAST, PID_FILE
from bench.statistics import quantile
from h2o_console.logs.question import Question, Target
from h2o_console.logs.reading import follow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.children import Child
    from h2o_console.logs.entries import Batch

GROUP: Final = "logs"
_BROKER_S: Final = 30.0
_END_S: Final = 30.0
_IN_TIME_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it. `rate`: lines a second of each writer; `calm_s`: measured; `after_s`: after the restart."""

    hosts: int = 3
    writers: int = 10
    rate: int = 667
    calm_s: float = 20.0
    dead_s: float = 5.0
    """From the kill of the agent until it is started again."""
    after_s: float = 10.0
    log_bytes: int = 6 << 20
    slow_after: bool = False
    """From the kill on a tenth of the lines: for a test, where an agent may take long to start."""


QUICK: Final = Plan(calm_s=8.0, dead_s=2.0, after_s=5.0, log_bytes=4 << 20)


@dataclass(slots=True)
class Measured:
    """What was seen. Delays and `cpu` in the calm part alone, which took `calm_s`."""

    account: Account
    cpu: Cpu
    calm_s: float
    delays_s: list[float]
    notices: list[str]
    away_s: float
    """From the agent's start until the client follows it again; `caught_up_s`: until its lines come in time again."""
    log_bytes: int
    """What the largest log took on the disk at the end, with the old one; `log_size`: how long it was then."""
    log_size: int = 0
    caught_up_s: float = 0.0


@dataclass(slots=True)
class _Comeback:
    """Of the host whose agent is killed. `in_time`: followed again, and its lines are not late any more."""

    host: str
    followed: asyncio.Event = field(default_factory=asyncio.Event)
    in_time: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds, or cores: CPU seconds a second. `client`: the reader and the account of its lines."""

    agents: tuple[float, ...] = ()
    writers: float = 0.0
    client: float = 0.0
    machine: float | None = None
    """All programs, these and others."""

    def rate_since(self, before: Cpu, took_s: float) -> Cpu:
        """Cores, of two readings."""
        machine = None if self.machine is None or before.machine is None else self.machine - before.machine
        return Cpu(
            tuple((now - was) / took_s for now, was in zip(self.agents, before.agents, strict=True)),
            (self.writers - before.writers) / took_s,
            (self.client - before.client) / took_s,
            None if machine is None else machine / took_s,
        )


def run(directory: Path, quick: bool, say: Callable[[str], None]) -> list[Figure]:  # noqa: FBT001 - as bench.Run
    """Raises BenchError."""
    plan = QUICK if quick else Plan()
    seen = measure(directory, plan, say)
    delays = sorted(seen.delays_s)
    for notice in seen.notices:
        say(f"logs: {notice}")
    return [
        Figure(GROUP, "agent_cpu_pct_most", max(seen.cpu.agents) * 100, "%", Goal(Sense.BELOW, 25)),
        Figure(GROUP, "delay_ms_p99", quantile(delays, 0.99) * 1000, "ms", Goal(Sense.BELOW, 1000)),
        Figure(GROUP, "lost", seen.account.lost, "lines", Goal(Sense.AT_MOST, 0)),
        Figure(GROUP, "doubled", seen.account.doubled, "lines", Goal(Sense.AT_MOST, 0)),
        Figure(
            GROUP,
            "log_mib_most",
            seen.log_bytes / (1 << 20),
            "MiB",
            Goal(Sense.AT_MOST, plan.log_bytes * 1.5 / (1 << 20)),
        ),
        Figure(GROUP, "log_length_mib_most", seen.log_size / (1 << 20), "MiB"),
        Figure(GROUP, "lines", seen.account.lines, "lines"),
        Figure(
            GROUP,
            "lines_per_s",
            len(delays) / seen.calm_s,
            "lines/s",
            Goal(Sense.AT_LEAST, 0.98 * plan.hosts * plan.writers * plan.rate),
        ),
        Figure(GROUP, "delay_ms_p50", quantile(delays, 0.5) * 1000, "ms"),
        Figure(GROUP, "followed_again_s", seen.away_s, "s"),
        Figure(GROUP, "caught_up_s", seen.caught_up_s, "s"),
        *_cpu_figures(seen.cpu),
    ]


def _cpu_figures(cpu: Cpu) -> list[Figure]:
    """In percent of one core; of all of them for the machine."""
    figures = [Figure(GROUP, f"agent_cpu_pct_{at}", each * 100, "%") for at, each in enumerate(cpu.agents, 1)]
    figures.append(Figure(GROUP, "writers_cpu_pct", cpu.writers * 100, "%"))
    figures.append(Figure(GROUP, "client_cpu_pct", cpu.client * 100, "%"))
    if cpu.machine is not None:
        figures.append(Figure(GROUP, "machine_busy_pct", cpu.machine * 100 / cores(), "%"))
    return figures


def measure(directory: Path, plan: Plan, say: Callable[[str], None]) -> Measured:
    """Start the hosts, write, follow, kill an agent, count; raises BenchError."""
    with Children(directory) as children:
        hosts = [_Host(directory, number, plan, children) for number in range(1, plan.hosts + 1)]
        for host in hosts:
            host.start()
        for host in hosts:
            wait_until(lambda host=host: host.writing(plan.writers), f"the writers of {host.name}", children, _BROKER_S)
        seen = asyncio.run(_follow(directory, hosts, plan, say))
        seen.log_bytes, seen.log_size = (max(each) for each in zip(*(host.largest() for host in hosts), strict=True))
    return seen


class _Host:
    def __init__(self, directory: Path, number: int, plan: Plan, children: Children) -> None:
        self.name = f"host-{number}"
        self._children = children
        self._home = directory / self.name
        self._home.mkdir()
        self._file = self._home / "host.toml"
        self._file.write_text(
            f'host = "{self.name}"\nfleet = "bench"\nzookeeper = "127.0.0.1:1"\nrun_dir = "{self._home}/run"\n'
            f'state_dir = "{self._home}/state"\nlog_bytes = {plan.log_bytes}\n[[instance]]\npackage = "service/bench"\n'
            f'command = ["{sys.executable}", "-m", "bench.logs.writer", "{plan.rate}", "{directory}"]\n'
            f"count = {plan.writers}\n"
        )
        self.target = Target(self.name, f"unix:{self._home}/run/agent.sock")
        self._starts = 0
        self.agent: Child | None = None

    def start(self) -> None:
        self._starts += 1
        argv = (sys.executable, "-m", "h2o_agent", "--host-file", str(self._file), "--quiet")
        self.agent = self._children.start(f"agent {self.name} {self._starts}", argv)

    @property
    def pid(self) -> int:
        assert self.agent is not None
        return self.agent.pid

    def writing(self, count: int) -> bool:
        """Have the processes been started? Each log begins with a line of the agent."""
        return len(list((self._home / "state/logs").glob("service.bench-*.log"))) == count

    def largest(self) -> tuple[int, int]:
        """Of the logs: the most bytes on the disk, and the greatest length."""
        logs = [log.stat() for log in (self._home / "state/logs").glob("service.bench-*.log*")]
        return max(each.st_blocks * 512 for each in logs), max(each.st_size for each in logs)


async def _follow(directory: Path, hosts: list[_Host], plan: Plan, say: Callable[[str], None]) -> Measured:
    seen = Measured(Account(), Cpu(), 0.0, [], [], 0.0, 0)
    comeback = _Comeback(hosts[0].name)
    question = Question(packages=("service/bench",), tail=0)
    reading = asyncio.create_task(_read(hosts, question, seen, comeback))
    await asyncio.sleep(1)
    (directory / "go").touch()
    await asyncio.sleep(1)
    say(f"logs: {plan.hosts * plan.writers * plan.rate:,} lines/s for {plan.calm_s:g} s")
    first, before = len(seen.account.delays_s), _cpu(directory, hosts)
    began_s = time.monotonic()
    await asyncio.sleep(plan.calm_s)
    seen.calm_s = time.monotonic() - began_s
    seen.cpu = _cpu(directory, hosts).rate_since(before, seen.calm_s)
    seen.delays_s = seen.account.delays_s[first:]
    say("logs: SIGKILL of one agent, and started again")
    os.kill(hosts[0].pid, signal.SIGKILL)
    if plan.slow_after:
        (directory / "slow").touch()
    await asyncio.sleep(plan.dead_s)
    await _restart(hosts[0], seen, comeback)
    await asyncio.sleep(plan.after_s)
    (directory / "stop").touch()
    give_up_s = time.monotonic() + _END_S
    while seen.account.finished < plan.hosts * plan.writers and not reading.done():
        if time.monotonic() > give_up_s:
            msg = f"{seen.account.finished} of {plan.hosts * plan.writers} last lines came; {seen.notices}"
            raise BenchError(msg)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # whatever would come twice
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return seen


def _cpu(directory: Path, hosts: list[_Host]) -> Cpu:
    writers = [int(path.suffix[1:]) for path in directory.glob(f"{PID_FILE}.*")]
    agents = tuple(cpu_s(host.pid) for host in hosts)
    return Cpu(agents, sum(map(cpu_s, writers)), time.process_time(), machine_busy_s())


async def _restart(host: _Host, seen: Measured, comeback: _Comeback) -> None:
    """Start the agent and wait until all that was written while it was dead has come."""
    host.start()
    began_s = time.monotonic()
    async with asyncio.timeout(_END_S):
        await comeback.followed.wait()
        seen.away_s = time.monotonic() - began_s
        await comeback.in_time.wait()
        seen.caught_up_s = time.monotonic() - began_s


async def _read(hosts: list[_Host], question: Question, seen: Measured, comeback: _Comeback) -> None:
    async with aclosing(follow([host.target for host in hosts], question)) as batches:
        async for batch in batches:
            _note(batch, seen, comeback)


def _note(batch: Batch, seen: Measured, comeback: _Comeback) -> None:
    now_s = time.time()
    for line in batch.lines:
        seen.account.came(line.entry.attributes, now_s, last=line.entry.body == LAST)
    if comeback.followed.is_set():
        last_s = max((line.entry.timestamp_s for line in batch.lines if line.host == comeback.host), default=0.0)
        if now_s - last_s < _IN_TIME_S:
            comeback.in_time.set()
    for notice in batch.notices:
        seen.notices.append(f"{notice.host}: {notice.kind.value} {notice.count or ''} {notice.why}")
        if notice.kind.value == "back":
            comeback.followed.set()
