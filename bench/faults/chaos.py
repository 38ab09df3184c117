"""The chaos round: random SIGKILL, SIGSTOP and SIGCONT on the brokers and instances of the demo's fleet, under load."""

from __future__ import annotations

import secrets
import signal
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import psutil

from bench.children import BenchError
from bench.faults.memory import Generations
from bench.faults.stage import BOOK, LOOK, processes
from bench.faults.strikes import Act, Strike, Target, plan_strikes
from examples.demo.layout import hosts
from h2o_console.dev.fleet import FleetFailed
from tests.counting.account import failing_until_s
from tests.counting.client import Load

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

GROWTH_MIB: Final = 8.0
_COUNTING: Final = 2
"""Instances of service/counting on every host."""
_LOADS: Final = (
    Load(LOOK, idempotent=True, rate_per_s=30),
    Load(BOOK, idempotent=False, rate_per_s=25),
    Load(BOOK, idempotent=False, in_flight=3, delay_s=0.25, deadline_s=2.0),
)
_START_S: Final = 60.0
_MEND_S: Final = 60.0
"""An agent's longest pause before it starts something again is 30 s."""
_STALE_S: Final = 1.5
"""An agent asks its broker once a second: what it says may be older than the last strike."""
_CALM_S: Final = 2.0
_SAMPLE_S: Final = 1.0
_SIGNALS: Final = {Act.KILL: signal.SIGKILL, Act.STOP: signal.SIGSTOP, Act.CONTINUE: signal.SIGCONT}


def chaos(stage: Stage) -> Result:
    """Mended with the sending of the last request that fails after the last strike; then all is there, and calm."""
    seed = secrets.randbelow(1 << 32) if stage.seed is None else stage.seed
    seconds = stage.minutes * 60
    stage.say(
        f"chaos: {seconds:g} s, seed {seed}; "
        f"again: script/bench faults --only chaos --seed {seed} --minutes {stage.minutes:g}"
    )
    plans = [
        replace(plan, instances=(*plan.instances, stage.counting(count=_COUNTING))) for plan in hosts(stage.directory)
    ]
    fleet = stage.fleet(plans=plans, wait=False)
    _wait_ready(fleet, _START_S)
    clients = [stage.load(fleet, host, _LOADS) for host in fleet.hosts]
    targets = [Target(host) for host in fleet.hosts]
    targets += [Target(p.name, spec.package, at) for p in plans for spec in p.instances for at in range(spec.count)]
    storm = _Storm(fleet, plan_strikes(seed, seconds, targets))
    ended_s = storm.rage()
    calm_s = _wait_calm(fleet)
    stage.pass_s(_CALM_S, clients)
    for client in clients:
        client.pause()
    requests = [one for client in clients for one in client.requests()]
    restless = Counter(
        (one.feature, one.answers[0].code) for one in requests if one.sent_s > calm_s and not one.ok and one.answers
    )
    broken = [f"after all was mended {dict(restless)} failed"] if restless else []
    memory = storm.memory
    if memory.growth_mib > GROWTH_MIB:
        broken.append(f"a broker has grown by {memory.growth_mib:.1f} MiB, {GROWTH_MIB:g} are allowed")
    notes = [f"seed {seed}", f"{dict(storm.sent)}, {storm.missed} met no process"]
    notes.append(f"{memory.processes} broker processes, {memory.judged} of them long enough to judge their memory")
    extra = {"strikes": sum(storm.sent.values()), "broker_rss_growth_mib": memory.growth_mib}
    extra["broker_rss_mib"] = memory.largest_mib
    return stage.settle(failing_until_s(requests, ended_s), clients, broken=broken, notes=notes, extra=extra)


def _wait_ready(fleet: Fleet, within_s: float) -> None:
    try:
        fleet.wait_ready(within_s)
    except FleetFailed as error:
        raise BenchError(str(error)) from None


def _wait_calm(fleet: Fleet) -> float:
    """Until every host has seen every instance twice, so far apart that it looked anew; the monotonic time."""
    give_up_s = time.monotonic() + _MEND_S
    while True:
        _wait_ready(fleet, max(0.0, give_up_s - time.monotonic()))
        time.sleep(_STALE_S)
        if not fleet.missing():
            return time.monotonic()


class _Storm:
    """Sends the strikes at their times, and looks at the brokers' memory in between."""

    def __init__(self, fleet: Fleet, strikes: tuple[Strike, ...]) -> None:
        self.sent: Counter[str] = Counter()
        self.missed = 0
        """Strikes whose target was not there just then: it was being started again."""
        self.memory = Generations()
        self._fleet = fleet
        self._strikes = strikes
        self._stopped: dict[int, psutil.Process] = {}

    def rage(self) -> float:
        """Returns when the last strike has been sent, with its monotonic time."""
        began_s = time.monotonic()
        for strike in self._strikes:
            while (left_s := began_s + strike.at_s - time.monotonic()) > 0:
                time.sleep(min(left_s, _SAMPLE_S))
                self._sample()
                self._fleet.check()
            self._send(strike)
        return time.monotonic()

    def _send(self, strike: Strike) -> None:
        process = self._stopped.pop(strike.number, None) if strike.act is Act.CONTINUE else self._find(strike.target)
        if process is None:
            self.missed += 1
            return
        try:
            process.send_signal(_SIGNALS[strike.act])
        except psutil.NoSuchProcess:
            self.missed += 1
            return
        self.sent[f"{strike.act} {'instance' if strike.target.package else 'broker'}"] += 1
        if strike.act is Act.STOP:
            self._stopped[strike.number] = process

    def _find(self, target: Target) -> psutil.Process | None:
        try:
            if not target.package:
                return psutil.Process(self._fleet.broker_pid(target.host))
            pids = sorted(one["pid"] for one in processes(self._fleet, target.host, target.package) if one["pid"])
            return psutil.Process(pids[target.at]) if target.at < len(pids) else None
        except (psutil.NoSuchProcess, OSError, ValueError):
            return None

    def _sample(self) -> None:
        now_s = time.monotonic()
        for host in self._fleet.hosts:
            process = self._find(Target(host))
            if process is not None:
                try:
                    self.memory.note(now_s, process.pid, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
