"""Group ``cli``: what it takes to type a command: on one real host with 200 instances, and in a crowd of 250 hosts."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.children import BenchError
from bench.figures import Figure
from bench.fleet import NEIGHBOURS_EACH, real_host
from bench.statistics import quantile

GROUP: Final = "cli"
INSTANCES: Final = 200
NEIGHBOURS: Final = 249
CROWD: Final = (NEIGHBOURS + 1) * NEIGHBOURS_EACH
QUICK_RUNS: Final = 10
FULL_RUNS: Final = 30
_COMMAND_S: Final = 30.0


def run(directory: Path, runs: int, say: Callable[[str], None]) -> list[Figure]:
    """All figures of the group, each from *runs* real processes. Raises BenchError."""
    h2o = str(Path(sysconfig.get_path("scripts")) / "h2o")
    say(f"starting ZooKeeper, an agent and its broker; registering {INSTANCES} instances")
    with real_host(directory / "few", INSTANCES) as env:
        _wait_listed(h2o, env, INSTANCES)
        commands = {
            "list_200": [h2o, "list"],
            "list_200_json": [h2o, "list", "--json"],
            "version": [h2o, "version"],
            # What no command of ours can undercut on this machine.
            "python_alone": [sys.executable, "-c", "pass"],
        }
        figures = _measured(commands, env, runs, say)
    say(f"the same among {NEIGHBOURS} more hosts in the register, {CROWD} instances together")
    with real_host(directory / "many", NEIGHBOURS_EACH, NEIGHBOURS) as env:
        _wait_listed(h2o, env, CROWD)
        commands = {"list_5000": [h2o, "list"], "list_5000_json": [h2o, "list", "--json"]}
        figures += _measured(commands, env, runs, say)
        typed = {"_H2O_COMPLETE": "bash_complete", "COMP_WORDS": "h2o list service/", "COMP_CWORD": "2"}
        home = {"XDG_CACHE_HOME": str(directory / "cache")}
        return figures + _measured({"completion": [h2o]}, {**env, **typed, **home}, runs, say)


def _measured(
    commands: Mapping[str, list[str]], env: Mapping[str, str], runs: int, say: Callable[[str], None]
) -> list[Figure]:
    say(f"{runs} rounds of {', '.join(commands)}")
    walls_ms: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, argv in commands.items():
            walls_ms[name].append(_wall_ms(argv, env))
    return [figure for name, walls in walls_ms.items() for figure in _figures(name, walls)]


def _figures(name: str, walls_ms: list[float]) -> list[Figure]:
    high = quantile(sorted(walls_ms), 0.9)
    return [Figure(GROUP, f"{name}_ms", median(walls_ms), "ms"), Figure(GROUP, f"{name}_p90_ms", high, "ms")]


def _wall_ms(argv: list[str], env: Mapping[str, str]) -> float:
    started_ns = time.perf_counter_ns()
    _run(argv, env)
    return (time.perf_counter_ns() - started_ns) / 1e6


def _run(argv: list[str], env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=_COMMAND_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"{' '.join(argv)}: {error}"
        raise BenchError(msg) from None
    if done.returncode:
        msg = f"{' '.join(argv)} exits with {done.returncode}:\n{done.stderr[-2000:]}"
        raise BenchError(msg)
    return done.stdout


def _wait_listed(h2o: str, env: Mapping[str, str], wanted: int) -> None:
    """Return when `h2o list` shows all instances; a figure of a list that lacks some would be worth nothing."""
    give_up_s = time.monotonic() + 15
    while True:
        listed: dict[str, Any] = json.loads(_run([h2o, "list", "--json"], env))
        found = len(listed["instances"])
        if found == wanted:
            return
        if time.monotonic() > give_up_s:
            msg = f"h2o list shows {found} instances, {wanted} are registered"
            raise BenchError(msg)
