"""Faults of instances: killed, stopped, continued late, crashing again and again."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from bench.children import BenchError
from bench.faults.stage import BOOK, BYSTANDER, GLANCE, PACKAGE, processes, report, seen
from h2o_core.io.zookeeper import four_letter_word
from tests.counting.account import failing_until_s
from tests.counting.client import Load

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

_AT_WORK: Final = 16
_STOPPED_S: Final = 3.5
_FORGIVEN_S: Final = 40.0
"""Time-outs weigh on its load, and fade by e in 10 s (decision 0018); it may have been ejected for 30 s, too."""
_LOOPING_S: Final = 8.0
_WRITES_A_CRASH: Final = 2
"""It comes, and it goes."""
_ZXID: Final = re.compile(r"Zxid: 0x([0-9a-f]+)")


def killed_idle(stage: Stage) -> Result:
    """An instance without a request dies beside the load: mended when no broker routes to it any more."""
    fleet = stage.fleet(2, more={"host-2": [stage.counting(BYSTANDER)]})
    client = stage.load(fleet, "host-1")
    (victim,) = seen(fleet, "host-1", BYSTANDER)
    struck_s = time.monotonic()
    fleet.kill_instance(victim.instance)
    unrouted_s = stage.wait(
        lambda: all(victim.instance not in {one.instance for one in seen(fleet, at, BYSTANDER)} for at in fleet.hosts),
        "no host routes to it any more",
    )
    stage.wait(lambda: bool(seen(fleet, "host-1", BYSTANDER)), "its agent has started another")
    client.add(Load(f"{BYSTANDER}/book", idempotent=False, in_flight=4, count=20))
    stage.pass_s(1, [client])
    return stage.settle(unrouted_s - struck_s, [client])


def killed_mid_request(stage: Stage) -> Result:
    """An instance dies with requests in it: mended when all of these have been told that nobody knows."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    client.add(Load(BOOK, idempotent=False, in_flight=_AT_WORK, count=_AT_WORK, delay_s=2.0, deadline_s=8.0))
    (victim,) = seen(fleet, "host-1", on="host-2")
    stage.wait(lambda: _in_flight(fleet, "host-2") >= 2, "the victim has requests of ours")
    struck_s = time.monotonic()
    fleet.kill_instance(victim.instance)
    unrouted_s = stage.wait(
        lambda: victim.instance not in {one.instance for one in seen(fleet, "host-1")}, "it is unrouted"
    )
    stage.wait(lambda: bool(seen(fleet, "host-1", on="host-2")), "its agent has started another")
    stage.pass_s(1, [client])
    requests = [one for one in client.finish() if not one.ok]
    broken = [] if requests else ["no request was in the instance when it died"]
    told_s = max((one.answers[0].at_s - struck_s for one in requests), default=0.0)
    return stage.settle(told_s, [client], broken=broken, extra={"unrouted_s": unrouted_s - struck_s})


def stopped(stage: Stage) -> Result:
    """SIGSTOP, one of two on the callers' host: routed round when the last request is sent that fails."""
    fleet = stage.fleet(2, more={"host-1": [stage.counting()]})
    return _stopped(stage, fleet, "host-1")


def stopped_alone(stage: Stage) -> Result:
    """SIGSTOP, the only instance of another host, whose broker is well: routed round as above."""
    return _stopped(stage, stage.fleet(2), "host-2")


def _stopped(stage: Stage, fleet: Fleet, host: str) -> Result:
    client = stage.load(fleet, "host-1")
    victim = seen(fleet, "host-1", on=host)[0].instance
    struck_s = time.monotonic()
    fleet.kill_instance(victim, signal.SIGSTOP)
    stage.wait(lambda: _state(fleet, host, victim) == "suspect", "its broker suspects it")
    stage.pass_s(max(0.0, struck_s + _STOPPED_S - time.monotonic()), [client])
    fleet.kill_instance(victim, signal.SIGCONT)
    stage.wait(lambda: _state(fleet, host, victim) == "ready", "its broker trusts it again")
    client.pause()
    failing_s = failing_until_s(client.requests(), struck_s)
    return stage.settle(failing_s, [client])


def continued_late(stage: Stage) -> Result:
    """SIGCONT to an instance whose requests have all timed out: mended when it serves again.

    What it says of the old ones is late: dropped, and counted.
    """
    fleet = stage.fleet(2)
    # handlers that wait are cancelled before they begin, in the order in which the frames came
    client = stage.load(fleet, "host-1", [Load(GLANCE, idempotent=True, rate_per_s=200)])
    (victim,) = seen(fleet, "host-1", on="host-1")
    before = _late(fleet)
    pid = fleet.kill_instance(victim.instance, signal.SIGSTOP)
    stage.wait(lambda: _state(fleet, "host-1", victim.instance) == "suspect", "its broker suspects it")
    stage.pass_s(2, [client])
    continued_s = time.monotonic()
    fleet.kill_instance(victim.instance, signal.SIGCONT)
    stage.wait(
        lambda: any(one.pid == pid and one.at_s > continued_s + 0.5 for one in stage.executions()[-50:]),
        "it executes new requests",
        within_s=_FORGIVEN_S,
    )
    late = stage.wait_for(lambda: _late(fleet) - before, "its late answers are counted")
    first_s = min(one.at_s for one in stage.executions() if one.pid == pid and one.at_s > continued_s)
    return stage.settle(first_s - continued_s, [client], extra={"late_answers": late})


def crash_looping(stage: Stage) -> Result:
    """An instance that registers and dies, again and again: others notice nothing, and the register is spared."""
    fleet = stage.fleet(2, more={"host-2": [stage.counting(BYSTANDER, COUNTING_CRASH_S="0.3")]}, wait=False)
    stage.wait(lambda: len(seen(fleet, "host-1")) == 2, "the others are there", within_s=30)
    client = stage.load(fleet, "host-1")
    stage.wait(lambda: _restarts(fleet) >= 1, "it has crashed once")
    before, crashes_before = _zxid(fleet), _restarts(fleet)
    stage.pass_s(_LOOPING_S, [client])
    writes, crashes = _zxid(fleet) - before, _restarts(fleet) - crashes_before
    most = _WRITES_A_CRASH * (crashes + 1) + 1
    broken = [f"{writes} writes to ZooKeeper for {crashes} crashes"] if writes > most else []
    broken += [] if crashes else ["it did not crash"]
    extra = {"zookeeper_writes": writes, "crashes": crashes, "within_s": _LOOPING_S}
    return stage.settle(None, [client], broken=broken, extra=extra)


def _instance(fleet: Fleet, host: str, instance: str) -> Any:
    return next((one for one in report(fleet, host).instances if one.instance == instance), None)


def _state(fleet: Fleet, host: str, instance: str) -> str:
    found = _instance(fleet, host, instance)
    return found.state if found is not None else "gone"


def _in_flight(fleet: Fleet, host: str) -> int:
    return sum(one.in_flight for one in report(fleet, host).instances if one.package == PACKAGE)


def _late(fleet: Fleet) -> int:
    return sum(report(fleet, host).counters.get("late_answers", 0) for host in fleet.hosts)


def _restarts(fleet: Fleet) -> int:
    return sum(int(one["restarts"] or 0) for one in processes(fleet, "host-2", BYSTANDER))


def _zxid(fleet: Fleet) -> int:
    """ZooKeeper's number of the last write, of whomever."""
    found = _ZXID.search(four_letter_word(fleet.zookeeper.address, "srvr"))
    if found is None:
        msg = "ZooKeeper does not tell its zxid"
        raise BenchError(msg)
    return int(found[1], 16)
