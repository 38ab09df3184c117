"""Faults of hosts: one gone with all that ran there, one frozen, two with one name."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from bench.faults.stage import BOOK, LOOK, Stage, picture, processes, seen
from bench.faults.watch import Watch
from h2o_agent.supervisor import REFUSED_EXIT
from tests.counting.account import failing_until_s
from tests.counting.client import Load
from tests.support.broker import BrokerProcess

if TYPE_CHECKING:
    from bench.faults.result import Result
    from h2o_console.dev.fleet import Fleet

SESSION_S: Final = 2.0
_SESSION: Final = (f"session_timeout_s = {SESSION_S}",)
_PATIENT: Final = (
    Load(LOOK, idempotent=True, rate_per_s=120, deadline_s=20),
    Load(BOOK, idempotent=False, rate_per_s=80, deadline_s=20),
)
"""Deadlines beyond the session time-out: what a dead host had is answered by its end, not by the clock."""


def gone(stage: Stage) -> Result:
    """Agent, broker and instances of a host are killed together.

    Unrouted when the last request was sent that failed; then out of the register with its session.
    """
    fleet = stage.fleet(2, host_file_extra=_SESSION)
    client = stage.load(fleet, "host-1", _PATIENT)
    victims = _processes(fleet)
    struck_s = time.monotonic()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    unrouted_s = stage.wait(lambda: not seen(fleet, "host-1", on="host-2"), "host-1 does not route to it")
    out_s = stage.wait(lambda: _host(fleet, "host-1", "host-2") is None, "it is out of the register")
    stage.pass_s(1, [client])
    client.pause()
    failing_s = failing_until_s(client.requests(), struck_s) or 0.0
    # ZooKeeper counts in ticks of a second; the goal is that of the figure, this is the end of all patience.
    broken = [] if out_s - struck_s < SESSION_S + 2 else [f"it stood in the register for {out_s - struck_s:.1f} s"]
    extra = {"unrouted_s": unrouted_s - struck_s, "out_of_register_s": out_s - struck_s}
    return stage.settle(failing_s, [client], broken=broken, extra=extra)


def frozen(stage: Stage) -> Result:
    """Agent, broker and instances of a host stop together, as when its power fails: no connection ends.

    Unrouted when the last request was sent that failed. Later it goes on as if nothing had been.
    """
    fleet = stage.fleet(2, host_file_extra=_SESSION)
    client = stage.load(fleet, "host-1", _PATIENT)
    victims = _processes(fleet)
    struck_s = time.monotonic()
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    out_s = stage.wait(lambda: _host(fleet, "host-1", "host-2") is None, "it is out of the register")
    stage.pass_s(1, [client])
    failing_s = failing_until_s(client.requests(), struck_s) or 0.0
    back_s = time.monotonic()
    for pid in victims:
        os.kill(pid, signal.SIGCONT)
    again_s = stage.wait(lambda: bool(seen(fleet, "host-1", on="host-2")), "it is routed to again")
    stage.pass_s(1, [client])
    extra = {"out_of_register_s": out_s - struck_s, "trusted_again_s": again_s - back_s}
    return stage.settle(failing_s, [client], extra=extra)


def _processes(fleet: Fleet) -> list[int]:
    """All of host-2."""
    pids = [fleet.agents["host-2"].pid, fleet.broker_pid("host-2")]
    return pids + [one["pid"] for one in processes(fleet, "host-2")]


def two_with_one_name(stage: Stage) -> Result:
    """Another machine says it is host-2: it is refused by name, also after host-2's session was another one."""
    fleet = stage.fleet(2, host_file_extra=_SESSION)
    client = stage.load(fleet, "host-1")
    watch = stage.enter(Watch(fleet, "host-1", ("host-1", "host-2")))
    broken = _refused(fleet, stage, "double-1")
    stage.pass_s(1, [client])
    broken += watch.end()

    client.pause()  # what comes now is the fault of who stopped host-2
    fleet.kill_broker("host-2", signal.SIGSTOP)
    stage.wait(lambda: _host(fleet, "host-1", "host-2") is None, "its session has expired")
    fleet.kill_broker("host-2", signal.SIGCONT)
    back_s = time.monotonic()
    stage.wait(lambda: bool(seen(fleet, "host-1", on="host-2")), "it is back, in another session")
    back_s = time.monotonic() - back_s
    later = stage.load(fleet, "host-1")  # the first one would make up for its pause in one burst
    again = stage.enter(Watch(fleet, "host-1", ("host-1", "host-2")))
    broken += _refused(fleet, stage, "double-2")
    stage.pass_s(1, [later])
    broken += again.end()
    return stage.settle(None, [client, later], broken=broken, extra={"session_again_s": back_s})


def _refused(fleet: Fleet, stage: Stage, name: str) -> list[str]:
    double = BrokerProcess(
        stage.directory / name,
        host="host-2",
        fleet=fleet.name,
        zookeeper=fleet.zookeeper.address,
        secret_file=fleet.layout.secret,
        extra=_SESSION[0],
    )
    process = double.launch()
    try:
        status = process.wait(20)
    finally:
        double.process = process
        double.kill()
    wrong = [] if status == REFUSED_EXIT else [f"{name} ended with {status}: {double.log}"]
    return wrong + ([] if "is registered as host-2" in double.log else [f"{name} names nobody: {double.log}"])


def _host(fleet: Fleet, host: str, other: str) -> str | None:
    """How *host*'s broker is linked to *other*; None when it knows none of that name."""
    return next((one.link for one in picture(fleet, host).hosts if one.host == other), None)
