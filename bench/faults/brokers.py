"""Faults of brokers: killed, stopped, started twice, started again before their session is over."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from bench.faults.stage import BOOK, LOOK, ROOT, picture, seen
from h2o_agent.supervisor import REFUSED_EXIT, STARTING_S
from tests.counting.account import failing_until_s, served_again_s
from tests.counting.client import Load

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

_STOPPED_S: Final = 4.0
"""Shorter than the session time-out of 6 s: the host stays in the register."""
_STOPPED_OWN_S: Final = 2.0
_PATIENT: Final = (
    Load(LOOK, idempotent=True, in_flight=4, deadline_s=5.0),
    Load(BOOK, idempotent=False, in_flight=4, deadline_s=5.0),
)


def killed(stage: Stage) -> Result:
    """The callers' own broker dies: mended with the first OK of a request that was sent after its death."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    before = client.oks
    struck_s = time.monotonic()
    pid = fleet.kill_broker("host-1")
    stage.wait(lambda: len(client.brokers) == 2 and client.oks > before + 50, "requests are served again")
    fleet.wait_ready()
    stage.pass_s(1, [client])
    broken = [] if fleet.broker_pid("host-1") != pid else ["the broker has the old pid"]
    return stage.settle(served_again_s(client.requests(), struck_s), [client], broken=broken)


def stopped(stage: Stage) -> Result:
    """SIGSTOP to another host's broker: routed round when the last request is sent that fails."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    struck_s = time.monotonic()
    fleet.kill_broker("host-2", signal.SIGSTOP)
    stage.wait(lambda: _link(fleet, "host-1", "host-2") == "suspect", "host-1 suspects it")
    stage.pass_s(max(0.0, struck_s + _STOPPED_S - time.monotonic()), [client])
    fleet.kill_broker("host-2", signal.SIGCONT)
    back_s = time.monotonic()
    up_s = stage.wait(lambda: _link(fleet, "host-1", "host-2") == "up", "host-1 trusts it again")
    stage.wait(lambda: bool(seen(fleet, "host-1", on="host-2")), "its instance is routable again")
    client.pause()
    failing_s = failing_until_s(client.requests(), struck_s)
    return stage.settle(failing_s, [client], extra={"trusted_again_s": up_s - back_s})


def stopped_long(stage: Stage) -> Result:
    """SIGSTOP to another host's broker for longer than its session: mended when it is routed to after SIGCONT."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    struck_s = time.monotonic()
    fleet.kill_broker("host-2", signal.SIGSTOP)
    gone_s = stage.wait(lambda: _link(fleet, "host-1", "host-2") == "none", "host-2 has left the register")
    stage.pass_s(1, [client])
    continued_s = time.monotonic()
    fleet.kill_broker("host-2", signal.SIGCONT)
    back_s = stage.wait(
        lambda: _link(fleet, "host-1", "host-2") == "up" and bool(seen(fleet, "host-1", on="host-2")),
        "host-1 routes to host-2 again",
    )
    stage.pass_s(1, [client])
    failing_s = failing_until_s(client.requests(), struck_s)
    extra = {"failing_s": failing_s, "unregistered_s": gone_s - struck_s}
    return stage.settle(back_s - continued_s, [client], extra=extra)


def stopped_own(stage: Stage) -> Result:
    """SIGSTOP to the callers' own broker: nothing is served; mended by the first OK after SIGCONT."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    pid = fleet.kill_broker("host-1", signal.SIGSTOP)
    time.sleep(_STOPPED_OWN_S)
    continued_s = time.monotonic()
    fleet.kill_broker("host-1", signal.SIGCONT)
    before = client.oks
    stage.wait(lambda: client.oks > before + 50, "requests are served again")
    client.pause()
    broken = [] if fleet.broker_pid("host-1") == pid else ["its agent has replaced it"]
    return stage.settle(served_again_s(client.requests(), continued_s), [client], broken=broken)


def hung(stage: Stage) -> Result:
    """SIGSTOP to the callers' own broker, for good: its agent kills it, and requests are served again."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    grown_s = time.monotonic() + STARTING_S
    stage.pass_s(max(0.0, grown_s - time.monotonic()), [client])
    client.pause()
    stage.wait(lambda: client.idle, "nothing is in flight")
    patient = stage.load(fleet, "host-1", _PATIENT)
    struck_s = time.monotonic()
    pid = fleet.kill_broker("host-1", signal.SIGSTOP)
    before = patient.oks
    stage.wait(lambda: patient.oks > before + 50, "requests are served again", within_s=40)
    broken = [] if fleet.broker_pid("host-1") != pid else ["it went on by itself"]
    requests = patient.finish()
    return stage.settle(served_again_s(requests, struck_s + 1), [client, patient], broken=broken)


def twice(stage: Stage) -> Result:
    """A second broker on the same path: it refuses to start and says so, and the first serves on."""
    fleet = stage.fleet(1)
    client = stage.load(fleet, "host-1")
    pid = fleet.broker_pid("host-1")
    started_s = time.monotonic()
    argv = [sys.executable, "-m", "h2o_broker", "--host-file", fleet.layout.host_file("host-1")]
    second = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    refused_s = time.monotonic() - started_s
    stage.pass_s(1, [client])
    broken = [] if second.returncode == REFUSED_EXIT else [f"it ended with {second.returncode}: {second.stderr}"]
    broken += [] if str(pid) in second.stderr else [f"it does not name the first: {second.stderr}"]
    broken += [] if fleet.broker_pid("host-1") == pid else ["the lock file names another pid"]
    return stage.settle(refused_s, [client], broken=broken, notes=[second.stderr.strip().splitlines()[-1]])


def restarted_fast(stage: Stage) -> Result:
    """Another host's broker dies and is back before its session is over: mended when it is linked and routed to."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    old = _incarnation(fleet, "host-1", "host-2")
    struck_s = time.monotonic()
    fleet.kill_broker("host-2")
    stage.wait(lambda: _incarnation(fleet, "host-1", "host-2") not in {0, old}, "host-1 knows the new one")
    back_s = stage.wait(
        lambda: _link(fleet, "host-1", "host-2") == "up" and bool(seen(fleet, "host-1", on="host-2")),
        "host-1 routes to host-2 again",
    )
    stage.pass_s(1, [client])
    failing_s = failing_until_s(client.requests(), struck_s)
    return stage.settle(back_s - struck_s, [client], extra={"failing_s": failing_s})


def _link(fleet: Fleet, host: str, other: str) -> str:
    return next((one.link for one in picture(fleet, host).hosts if one.host == other), "none")


def _incarnation(fleet: Fleet, host: str, other: str) -> int:
    return next((one.incarnation for one in picture(fleet, host).hosts if one.host == other), 0)
