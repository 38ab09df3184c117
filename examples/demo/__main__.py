"""`script/demo [--tour]`: starts the fleet and its traffic, shows it, and leaves nothing behind."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from examples.demo.command_line import CommandLine, Unmet
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


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything held and nothing is left behind; 1 otherwise; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--tour", action="store_true", help="no terminal needed: list, call, break, mend, exit 0 or 1")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: %(default)s)")
    told = parser.parse_args(arguments)
    if not told.tour and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("script/demo: the console needs a terminal; without one: script/demo --tour", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="h2o-demo-"))
    code = _demonstrate(Fleet(directory, hosts(directory), name="demo"), tour=told.tour, rate=told.rate)
    if code == 1:
        print(f"script/demo: logs and files are in {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return code


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _demonstrate(fleet: Fleet, *, tour: bool, rate: float) -> int:
    """Start, show, stop; whatever happens, nothing is left running."""
    began = time.monotonic()
    code = 0
    try:
        with fleet:
            _wait(fleet, began)
            traffic = TrafficProcess(fleet, _TRAFFIC_HOST, rate)
            try:
                if tour:
                    _tour(fleet, traffic)
                else:
                    code = subprocess.run([CONSOLE], env=fleet.environment(), check=False).returncode
            finally:
                traffic.kill()
    except KeyboardInterrupt:
        code = 130
    except (Unmet, FleetFailed, ZooKeeperFailed, ZooKeeperMissing) as error:
        print(f"\nscript/demo: FAILED: {error}", file=sys.stderr)
        code = 1
    return _leave(fleet, code, tour=tour)


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


def _leave(fleet: Fleet, code: int, *, tour: bool) -> int:
    left = fleet.left_behind(_LEAVE_S)
    if left:
        print(f"script/demo: FAILED: processes are left behind: {', '.join(map(str, left))}", file=sys.stderr)
        return 1
    if tour:
        print("script/demo: everything has stopped; no process is left behind", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
