"""``python -m bench.simulator [--hosts 250]``: a fleet to look at; prints an agent's address, runs until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.children import BenchError, leave_in_order
from bench.simulator.fleet import FULL, Size, simulated_fleet


def main() -> int:
    """Exit status: 0 interrupted, 1 it can't run."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__)
    parser.add_argument("--hosts", type=int, default=FULL.hosts)
    parser.add_argument("--instances", type=int, default=FULL.instances, help="on each host")
    parser.add_argument("--packages", type=int, default=FULL.packages)
    parser.add_argument("--processes", type=int, default=FULL.processes, help="that share the hosts")
    parser.add_argument("--idle", action="store_true", help="nobody calls anything")
    options = parser.parse_args()
    leave_in_order()
    processes = min(options.processes, options.hosts)
    size = Size(options.hosts, options.instances, options.packages, processes, busy=not options.idle)
    with tempfile.TemporaryDirectory(prefix="h2o-simulator-") as directory, suppress(KeyboardInterrupt):
        try:
            with simulated_fleet(Path(directory), size) as fleet:
                print(fleet.agent, flush=True)
                signal.pause()
        except BenchError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
