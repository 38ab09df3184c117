"""Keeps a host's children running: performs what the lifecycle orders, tells it what happens."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_agent.hung import QUESTIONS, Patience
from h2o_agent.last_words import in_short, size_bytes
from h2o_agent.ledger import Entry, LedgerUnreadable
from h2o_agent.lifecycle import Act, Event, State, exit_text
from h2o_agent.logs.last_lines import last_lines
from h2o_agent.memory import MemoryWatch
from h2o_agent.order import BROKER, HostOrder, Phase
from h2o_agent.processes import Identity, Processes, SpawnFailed, find, identify, is_traced
from h2o_agent.snapshot import ChildStatus
from h2o_agent.usage import NO_USE
from h2o_core.hostfile import DEFAULT_LOG_BYTES
from h2o_core.io.clock import monotonic_ns, unix_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_agent.launch import Launch
    from h2o_agent.ledger import Ledger
    from h2o_agent.lifecycle import Child, Instruction, Policy
    from h2o_agent.usage import Use
    from h2o_core.pb.stats_pb2 import BrokerReport

log = logging.getLogger(__name__)

REFUSED_EXIT: Final = 3
"""How a broker ends that finds another one in its place."""
_LONGEST_SLEEP_S: Final = 1.0
STARTING_S: Final = 30.0
"""A broker that is younger may be busy with its start."""


@dataclass(frozen=True, slots=True)
class _End:
    """How a child's last process ended: when (Unix time, 0: while nobody looked) and what it wrote last."""

    at_s: float
    lines: tuple[str, ...]
    why: str = ""
    """What the agent ended it for; empty: it ended by itself, or left."""


class Supervisor:
    """Start with `start`, feed with `heard` and `unheard`, end with `stop` and wait for `gone`."""

    def __init__(
        self,
        plan: Sequence[Launch],
        ledger: Ledger,
        policy: Policy | None = None,
        log_bytes: int = DEFAULT_LOG_BYTES,
        run_dir: str = "",
    ) -> None:
        self._launches = {launch.key: launch for launch in plan}
        self._ledger = ledger
        self._entries: dict[str, Entry] = {}
        self._log_bytes: dict[str, int] = {}
        self._ends: dict[str, _End] = {}
        self._unkept: dict[str, tuple[str, ...]] = {}
        self._memory = MemoryWatch()
        self._patience = Patience()
        self._order = HostOrder((launch.key for launch in plan if launch.key != BROKER), policy)
        self._processes = Processes(self._on_exit, run_dir, log_bytes=log_bytes)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.ticked_ns = monotonic_ns()
        """When it last looked after its children; it does at least once a second."""
        self.gone = asyncio.Event()

    # ------------------------------------------------------------------ the host

    def start(self) -> None:
        """Adopt what an earlier agent left running, then start what is missing, the broker first."""
        try:
            left = self._ledger.load()
        except LedgerUnreadable as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            left = []
        for entry in left:
            self._adopt(entry)
        listed = {entry.token for entry in left}
        for key, (identity, token) in self._processes.left().items():
            # a full disk, or a damaged one: nothing may run twice for that. One that is listed has been judged already:
            # another process with its token is what it had started, and has outlived it.
            if key not in self._entries and token not in listed:
                launch = self._launches.get(key)
                log.warning("%s (pid %d) runs, though the list of children does not have it", key, identity.pid)
                package = launch.package if launch is not None else ""
                self._adopt(Entry(key, package, token, identity.pid, identity.started_s))
        self._perform(self._order.start(_now_s()))

    def stop(self, grace_s: float | None = None) -> None:
        """Leave in order; again with a shorter grace: hurry."""
        self._perform(self._order.stop(_now_s(), grace_s))

    def reload(self, plan: Sequence[Launch]) -> None:
        """The host file says something else: what is new starts, what is gone leaves, the rest is not touched."""
        before, self._launches = self._launches, {launch.key: launch for launch in plan}
        wanted = [key for key in self._launches if key != BROKER]
        new, gone = self._launches.keys() - before.keys(), before.keys() - self._launches.keys()
        log.info("new in the host file: %s; gone: %s", _list(new), _list(gone))
        self._perform(self._order.want(wanted, _now_s()))

    def watch_memory(self, uses: Mapping[int, Use]) -> None:
        """Start again, in order, who has had more memory than it may for a while."""
        limited: dict[int, tuple[int, int]] = {}
        keys: dict[int, str] = {}
        for key, child in self._order.children.items():
            launch = self._launches.get(key)
            if launch is not None and launch.limits.memory_mib and child.pid in uses:
                limited[child.pid] = (uses[child.pid].rss_bytes, launch.limits.memory_mib << 20)
                keys[child.pid] = key
        for pid in self._memory.look(limited, _now_s()):
            rss_bytes, most_bytes = limited[pid]
            why = f"it had {rss_bytes >> 20} MiB of memory, and may have {most_bytes >> 20}"
            self._recycle(keys[pid], why)

    def _recycle(self, key: str, why: str, grace_s: float | None = None) -> None:
        if self._order.children[key].state in {State.STARTING, State.RUNNING}:
            log.warning("%s is started again: %s", key, why)
            self._feed(key, Event.RECYCLE, why=why, grace_s=grace_s)

    def close(self) -> None:
        """Let go of the children without stopping them."""
        if self._timer is not None:
            self._timer.cancel()
        self._processes.close()

    @property
    def phase(self) -> Phase:
        """Where the host stands."""
        return self._order.phase

    def pids(self) -> list[int]:
        """The processes that run."""
        return [child.pid for child in self._order.children.values() if child.pid]

    def statuses(self, uses: Mapping[int, Use]) -> tuple[ChildStatus, ...]:
        """Every child that has not left, the broker first; *uses*: what each pid uses, where that is known."""
        now_s = _now_s()
        return tuple(self._status(child, now_s, uses) for child in self._order.children.values() if not child.over)

    def _status(self, child: Child, now_s: float, uses: Mapping[int, Use]) -> ChildStatus:
        entry = self._entries.get(child.key)
        launch = self._launches.get(child.key)
        end = self._ends.get(child.key)
        return ChildStatus(
            key=child.key,
            package=launch.package if launch else entry.package if entry else "",
            state=child.state,
            token=entry.token if entry else "",
            pid=child.pid,
            started_s=entry.started_s if entry and child.pid else 0.0,
            age_s=max(0.0, now_s - child.since_s),
            due_in_s=None if child.due_s is None else max(0.0, child.due_s - now_s),
            failures=child.failures,
            restarts=child.restarts,
            exited=end is not None,
            last_exit=child.last_exit,
            last_exit_s=end.at_s if end is not None else 0.0,
            last_lines=end.lines if end is not None else (),
            last_why=end.why if end is not None else "",
            launch=launch,
            unkept=self._unkept.get(child.key, ()) if child.pid else (),
            why=child.why,
            crash_loops=child.crash_loops,
            use=uses.get(child.pid, NO_USE),
        )

    # ------------------------------------------------------------------ what the broker says

    def heard(self, report: BrokerReport) -> None:
        """A fresh report: the broker answers, and says who is registered."""
        self._patience.answered()
        broker = self._order.children[BROKER]
        if not broker.pid and broker.last_exit == REFUSED_EXIT and broker.state is State.BACKOFF:
            self._adopt_found_broker(report.pid)
        if broker.pid and broker.pid == report.pid:
            self._feed(BROKER, Event.READY)
        registered = {instance.launch for instance in report.instances}
        for key, child in list(self._order.children.items()):
            if key != BROKER and child.state in {State.STARTING, State.RUNNING} and child.pid:
                entry = self._entries.get(key)
                known = entry is not None and entry.token in registered
                self._feed(key, Event.READY if known else Event.UNREADY)

    def unheard(self, waited_s: float) -> None:
        """The broker has not answered a question within *waited_s*. One that has hung is killed and started again."""
        broker = self._order.children[BROKER]
        if broker.state is State.RUNNING:
            self._feed(BROKER, Event.UNREADY)
        hung = self._patience.silent(waited_s) and _now_s() - broker.spawned_s >= STARTING_S
        if hung and broker.pid and not is_traced(broker.pid):
            self._patience = Patience()
            self._recycle(BROKER, f"it has hung: {QUESTIONS} questions in a row without an answer", 0.0)

    def _adopt_found_broker(self, pid: int) -> None:
        """Ours refused to start because another one serves this run directory: then that one is the host's."""
        identity = identify(pid)
        if identity is None:
            return
        entry = Entry(BROKER, "", secrets.token_hex(8), identity.pid, identity.started_s)
        if self._processes.adopt(BROKER, identity, entry.token):
            self._note(entry)
            log.warning("the broker with pid %d serves this host already; adopted it", pid)
            age_s = max(0.0, unix_s() - identity.started_s)
            self._feed(BROKER, Event.ADOPTED, pid=identity.pid, age_s=age_s)

    # ------------------------------------------------------------------ processes

    def _adopt(self, entry: Entry) -> None:
        """What the ledger says is running, if it is; what the host file has no place for leaves."""
        identity = Identity(entry.pid, entry.started_s) if entry.pid else find(entry.token)
        if identity is None or not self._processes.adopt(entry.key, identity, entry.token):
            if entry.pid:
                self._ends[entry.key] = _End(0.0, ())
            self._forget(entry.key)
            return
        wanted = entry.key in self._launches
        if not wanted:
            self._order.add(entry.key)
        self._note(Entry(entry.key, entry.package, entry.token, identity.pid, identity.started_s))
        age_s = max(0.0, unix_s() - identity.started_s)
        self._feed(entry.key, Event.ADOPTED, pid=identity.pid, age_s=age_s)
        log.info("adopted %s (pid %d)%s", entry.key, identity.pid, "" if wanted else ", which is not wanted any more")
        if not wanted:
            self._feed(entry.key, Event.STOP)

    def _on_exit(self, key: str, exit_code: int | None) -> None:
        child = self._order.children[key]
        launch = self._launches.get(key)
        leaves = child.state in {State.DRAINING, State.STOPPING, State.RECYCLING}
        log.log(
            logging.INFO if leaves else logging.WARNING,
            "%s (pid %d) ended with %s%s",
            *(key, child.pid, exit_text(exit_code), "" if leaves or launch is None else f"; its log: {launch.log}"),
        )
        self._forget(key)
        lines = last_lines(launch.log, self._log_bytes.get(key, 0)) if launch is not None else ()
        end = _End(unix_s(), lines, child.why if child.state is State.RECYCLING else "")
        self._ends[key] = end
        self._feed(key, Event.EXITED, exit_code=exit_code, why="" if leaves else in_short(end.lines))

    def _feed(
        self,
        key: str,
        event: Event,
        *,
        pid: int = 0,
        age_s: float = 0.0,
        exit_code: int | None = None,
        why: str = "",
        grace_s: float | None = None,
    ) -> None:
        orders = self._order.handle(
            key, event, _now_s(), pid=pid, age_s=age_s, exit_code=exit_code, why=why, grace_s=grace_s
        )
        self._perform(orders)

    def _perform(self, orders: list[Instruction]) -> None:
        work = deque(orders)
        while work:
            act, key = work.popleft()
            match act:
                case Act.SPAWN:
                    work.extend(self._spawn(key))
                case Act.TERMINATE:
                    self._processes.terminate(key)
                case Act.KILL:
                    log.warning("%s did not leave in time; killed", key)
                    self._processes.kill(key)
        self._set_timer()
        if self._order.phase is Phase.GONE:
            self.gone.set()

    def _spawn(self, key: str) -> list[Instruction]:
        launch = self._launches[key]
        entry = Entry(key, launch.package, secrets.token_hex(8))
        self._note(entry)
        self._log_bytes[key] = size_bytes(launch.log)
        try:
            identity = self._processes.spawn(launch, entry.token)
        except SpawnFailed as error:
            log.error("%s can't be started: %s", key, error)  # noqa: TRY400 - the sentence says it all
            self._forget(key)
            return self._order.handle(key, Event.SPAWN_FAILED, _now_s(), why=str(error))
        self._note(Entry(key, launch.package, entry.token, identity.pid, identity.started_s))
        log.info("started %s (pid %d)", key, identity.pid)
        self._unkept[key] = self._processes.limit(key, launch.limits)
        for sentence in self._unkept[key]:
            log.warning("%s runs without a limit: %s", key, sentence)
        return self._order.handle(key, Event.SPAWNED, _now_s(), pid=identity.pid)

    # ------------------------------------------------------------------ books and clock

    def _note(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        try:
            self._ledger.put(entry)
        except OSError as error:
            # a full disk must not end a host's services; what is lost is adoption after our own death
            log.error("%s is not noted, a restarted agent will not know it: %s", entry.key, error)  # noqa: TRY400

    def _forget(self, key: str) -> None:
        self._entries.pop(key, None)
        try:
            self._ledger.drop(key)
        except OSError as error:
            log.error("%s stays in the list of children, though it is gone: %s", key, error)  # noqa: TRY400

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wakeup_s = self._order.next_wakeup()
        pause_s = _LONGEST_SLEEP_S if wakeup_s is None else min(_LONGEST_SLEEP_S, max(0.0, wakeup_s - _now_s()))
        self._timer = self._loop.call_later(pause_s, self._on_timer)

    def _on_timer(self) -> None:
        self.ticked_ns = monotonic_ns()
        self._perform(self._order.tick(_now_s()))


def _list(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys)) or "nothing"


def _now_s() -> float:
    return monotonic_ns() / 1e9
