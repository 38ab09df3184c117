"""Faults of agents: killed with requests in flight, a host that reboots or leaves without ZooKeeper, a crash loop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import psutil

from bench.faults.stage import BOOK, LOOK, broker_endpoint, processes
from h2o_agent.launch import LAUNCH_VARIABLE
from h2o_console.asking.agent import fetch
from h2o_core.hostfile import InstanceSpec
from tests.counting.account import served_again_s
from tests.counting.client import Load

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet
    from h2o_core.io.zookeeper import ZooKeeperChild

_ALONE_S: Final = 2.0
_KILLS: Final = 4
_LOOPING_S: Final = 10.0
_MOST_STARTS: Final = 8
"""In ten seconds: two at once, then after 0.5, 1, 2, 4 s; and one in reserve."""
_CRASHING: Final = "/service/crashing"
_H2O: Final = (sys.executable, "-c", "import sys; from h2o_console.cli.main import main; sys.exit(main())")
_SLOW: Final = (
    Load(LOOK, idempotent=True, rate_per_s=80),
    Load(BOOK, idempotent=False, rate_per_s=80),
    Load(BOOK, idempotent=False, in_flight=8, delay_s=0.5, deadline_s=5.0),
)
"""With eight that take half a second: something is always in flight on either host."""
_PATIENT: Final = (Load(LOOK, idempotent=True, in_flight=4, deadline_s=8.0),)


def killed_mid_flight(stage: Stage) -> Result:
    """SIGKILL to an agent, again and again, once hardly started: adopted when its children are all ready again.

    Nobody's request fails, no process is doubled and none restarted.
    """
    fleet = stage.fleet(2, more={"host-2": [stage.counting(count=2)]})
    clients = [stage.load(fleet, host, _SLOW) for host in fleet.hosts]
    before = _launched(fleet, "host-2")
    fleet.kill_agent("host-2")
    stage.pass_s(_ALONE_S, clients)
    broken: list[str] = []
    for at in range(_KILLS):
        fleet.start_host("host-2")
        time.sleep(0.3 + 0.2 * at)
        fleet.kill_agent("host-2")
        broken += [] if _launched(fleet, "host-2") == before else [f"after kill {at + 2} other processes run"]
    started_s = time.monotonic()
    fleet.start_host("host-2")
    adopted_s = stage.wait(lambda: len(_ready(fleet, "host-2")) == 3, "all are ready, says the agent")
    stage.pass_s(1, clients)
    broken += [] if _launched(fleet, "host-2") == before else ["in the end other processes run"]
    broken += [f"{one['launch']} was restarted" for one in processes(fleet, "host-2") if one["restarts"]]
    return stage.settle(adopted_s - started_s, clients, broken=broken, extra={"kills": _KILLS + 1})


def reloaded(stage: Stage) -> Result:
    """The host file loses one of a host's instances and gets another: mended when one has left and the other serves.

    The one that leaves has requests in it. Nobody's request fails, and the rest is not touched.
    """
    fleet = stage.fleet(2, more={"host-2": [stage.counting(LEAVER="1")]})
    clients = [stage.load(fleet, host, _SLOW) for host in fleet.hosts]
    before = {one["launch"]: one["pid"] for one in processes(fleet, "host-2")}
    path = Path(fleet.layout.host_file("host-2"))
    text = path.read_text(encoding="utf-8")
    struck_s = time.monotonic()
    path.write_text(text.replace("LEAVER", "JOINER"), encoding="utf-8")
    fleet.kill_agent("host-2", signal.SIGHUP)

    def exchanged() -> bool:
        now = {one["launch"] for one in processes(fleet, "host-2")}
        return len(now) == 2 == len(_ready(fleet, "host-2")) and now != set(before)

    mended_s = stage.wait(exchanged, "one has left and another is ready")
    stage.pass_s(1, clients)
    after = {one["launch"]: one["pid"] for one in processes(fleet, "host-2")}
    same = [key for key in before if after.get(key) == before[key]]
    broken = [] if len(same) == 1 else [f"of {before} there is {after}"]
    return stage.settle(mended_s - struck_s, clients, broken=broken)


def crash_loop(stage: Stage) -> Result:
    """A command that dies at once: started a few times only, and called a crash loop by all who are asked."""
    command = ("sh", "-c", "echo x >> starts; echo no such store >&2; exit 7")
    crashing = InstanceSpec(_CRASHING, command, cwd=str(stage.directory))
    fleet = stage.fleet(1, more={"host-1": [crashing]}, wait=False)
    stage.wait(lambda: len(_ready(fleet, "host-1")) == 1, "the other one is ready", within_s=30)
    client = stage.load(fleet, "host-1")
    began = _starts(stage)
    stage.pass_s(_LOOPING_S, [client])
    starts = _starts(stage) - began
    broken = [] if 0 < starts <= _MOST_STARTS else [f"{starts} starts in {_LOOPING_S:g} s"]
    health = fetch(fleet.agent_address("host-1"), f"/health{_CRASHING}", 5.0)
    listed = subprocess.run(
        [*_H2O, "list", _CRASHING],
        env=fleet.environment("host-1"),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    ).stdout
    for who, said in (("/health", str(health.document)), ("h2o list", listed)):
        for words in ("crash loop", "exit code 7", "no such store"):
            broken += [] if words in said else [f"{who} does not say {words!r}: {said}"]
    broken += [] if health.status == 503 else [f"/health of it is {health.status}"]
    return stage.settle(None, [client], broken=broken, extra={"starts": starts, "within_s": _LOOPING_S})


def rebooted_without_zookeeper(stage: Stage) -> Result:
    """A host dies whole and its run directory with it, ZooKeeper is down: it comes back from its disk.

    Mended with the first OK of a local request, from the agent's start. A stranger has the old pids: it is left alone.
    """
    fleet = stage.fleet(2)
    before = stage.load(fleet, "host-1", _SLOW[:2])
    before.pause()
    stage.wait(lambda: before.idle, "nothing is in flight")
    fleet.zookeeper.kill()
    old = _launched(fleet, "host-1")
    for pid in (fleet.agents["host-1"].pid, *old):
        os.kill(pid, signal.SIGKILL)
    stage.wait(lambda: fleet.agents["host-1"].ended() is not None and not _launched(fleet, "host-1"), "all are gone")
    shutil.rmtree(fleet.layout.run_dir("host-1"))
    stranger = stage.enter(_Stranger(Path(fleet.layout.state("host-1")) / "children.json"))
    started_s = time.monotonic()
    fleet.start_host("host-1")
    stage.wait(lambda: Path(broker_endpoint(fleet, "host-1").removeprefix("unix:")).exists(), "its broker is back")
    client = stage.load(fleet, "host-1", _PATIENT)
    stage.wait(lambda: bool(_ready(fleet, "host-1")), "the agent knows its instance")
    stage.pass_s(1, [client])
    broken = [] if stranger.lives else ["a stranger was killed that had an old pid"]
    broken += [] if len(_launched(fleet, "host-1")) == len(old) else ["other processes run than before"]
    health = fetch(fleet.agent_address("host-1"), "/health", 5.0).document["status"]
    broken += [] if health == "warn" else [f"its health is {health}: without ZooKeeper that is a warning"]
    return stage.settle(served_again_s(client.requests(), started_s), [before, client], broken=broken)


class _Stranger:
    """A process that has nothing to do with us, and whose pid the ledger names as that of each of our children."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(["sleep", "600"])
        document = json.loads(self._ledger.read_text())
        for child in document["children"]:
            child["pid"] = self._process.pid
        self._ledger.write_text(json.dumps(document))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def lives(self) -> bool:
        """Nobody has taken it for one of ours."""
        return self._process.poll() is None


def left_without_zookeeper(stage: Stage) -> Result:
    """SIGTERM to an agent while ZooKeeper hangs, to another while it is gone; nobody's request fails.

    Mended when all of the host has left, the slower of the two.
    """
    fleet = stage.fleet(3)
    zookeeper: ZooKeeperChild = fleet.zookeeper  # pyright: ignore[reportAssignmentType] - one of its own
    client = stage.load(fleet, "host-1", _SLOW)
    zookeeper.signal(signal.SIGSTOP)
    stage.pass_s(1, [client])
    hung_s, broken = _leave(fleet, "host-2")
    stage.pass_s(1, [client])
    zookeeper.kill()
    stage.pass_s(1, [client])
    gone_s, more = _leave(fleet, "host-3")
    stage.pass_s(1, [client])
    extra = {"zookeeper_hung_s": hung_s, "zookeeper_gone_s": gone_s}
    return stage.settle(max(hung_s, gone_s), [client], broken=[*broken, *more], extra=extra)


def _leave(fleet: Fleet, host: str) -> tuple[float, list[str]]:
    """How long it took, and what was wrong."""
    told_s = time.monotonic()
    fleet.kill_agent(host, signal.SIGTERM)
    agent = fleet.agents.pop(host)
    gone = agent.wait(15)
    left_s = time.monotonic() - told_s
    broken = [] if gone and agent.ended() == 0 else [f"the agent of {host} did not end well"]
    return left_s, broken + [f"pid {pid} of {host} still runs" for pid in _launched(fleet, host)]


def _launched(fleet: Fleet, host: str) -> set[int]:
    """Pids of all that an agent of *host* has ever started and that still runs: broker and instances."""
    found: set[int] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environ = process.environ()
            ours = environ.get("H2O_BROKER") == fleet.broker_dir(host) or (
                fleet.layout.host_file(host) in process.cmdline()
            )
            if ours and LAUNCH_VARIABLE in environ and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def _ready(fleet: Fleet, host: str) -> list[dict[str, Any]]:
    return [one for one in processes(fleet, host) if one["state"] == "ready"]


def _starts(stage: Stage) -> int:
    """How often the crashing command has been started."""
    with suppress(FileNotFoundError):
        return len((stage.directory / "starts").read_text().split())
    return 0
