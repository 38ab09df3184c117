"""`script/demo [--tour | --incident]`: starts the fleet and its traffic, shows it, and leaves nothing behind."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from examples.demo.command_line import CommandLine, Unmet
from examples.demo.incident import Incident
from examples.demo.layout import hosts
from examples.demo.tour import Tour
from examples.demo.traffic import TrafficProcess
from h2o_console.dev.fleet import Fleet, FleetFailed
from h2o_core.io.zookeeper import ZooKeeperFailed, ZooKeeperMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

CONSOLE: Final = str(Path(sys.executable).with_name("h2o-console"))
ENVIRONMENT: Final = "environment"
"""In the demo's directory: what leads `h2o` to its fleet, for script/h2o."""
_TRAFFIC_HOST: Final = "host-1"
_LEAVE_S: Final = 5.0


class Way(Enum):
    """What the demo is for, this time."""

    CONSOLE = auto()
    TOUR = auto()
    INCIDENT = auto()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything held and nothing is left behind; 1 otherwise; 3 an incident not mended; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--tour", action="store_true", help="no terminal needed: list, call, break, mend, exit 0 or 1")
    ways.add_argument("--incident", action="store_true", help="a release breaks a package: find out why, and mend it")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: %(default)s)")
    told = parser.parse_args(arguments)
    way = Way.TOUR if told.tour else Way.INCIDENT if told.incident else Way.CONSOLE
    if way is Way.CONSOLE and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("script/demo: the console needs a terminal; without one: script/demo --tour", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="h2o-demo-"))
    code = _demonstrate(Fleet(directory, hosts(directory), name="demo"), way, told.rate)
    if code == 1:
        print(f"script/demo: logs and files are in {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return code


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _demonstrate(fleet: Fleet, way: Way, rate: float) -> int:
    """Start, show, stop; whatever happens, nothing is left running."""
    began = time.monotonic()
    code = 0
    try:
        with fleet:
            _wait(fleet, began)
            traffic = TrafficProcess(fleet, _TRAFFIC_HOST, rate)
            try:
                if way is Way.TOUR:
                    _tour(fleet, traffic)
                elif way is Way.INCIDENT:
                    code = 0 if Incident(fleet, traffic, CONSOLE).run() else 3
                else:
                    code = subprocess.run([CONSOLE], env=fleet.environment(), check=False).returncode
            finally:
                traffic.kill()
    except KeyboardInterrupt:
        code = 130
    except (Unmet, FleetFailed, ZooKeeperFailed, ZooKeeperMissing) as error:
        print(f"\nscript/demo: FAILED: {error}", file=sys.stderr)
        code = 1
    return _leave(fleet, code, way)


def _wait(fleet: Fleet, began: float) -> None:
    print("script/demo: starting ZooKeeper, three hosts and their instances…", flush=True)
    fleet.wait_ready()
    own = sorted(fleet.environment().items())
    lines = [f"{key}={shlex.quote(value)}\n" for key, value in own if key.startswith("H2O_")]
    (fleet.directory / ENVIRONMENT).write_text("".join(lines))
    print(f"script/demo: ready after {time.monotonic() - began:.1f} s in {fleet.directory}", flush=True)


def _tour(fleet: Fleet, traffic: TrafficProcess) -> None:
    run_dirs = {host: Path(fleet.broker_dir(host)) for host in fleet.hosts}
    held = Tour(CommandLine(fleet.environment()), run_dirs, traffic).run()
    print(f"\nscript/demo: {held} steps held", flush=True)


def _leave(fleet: Fleet, code: int, way: Way) -> int:
    left = fleet.left_behind(_LEAVE_S)
    if left:
        print(f"script/demo: FAILED: processes are left behind: {', '.join(map(str, left))}", file=sys.stderr)
        return 1
    if way is not Way.CONSOLE:
        print("script/demo: everything has stopped; no process is left behind", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
