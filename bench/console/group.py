"""Runs `h2o-console` in front of a simulated fleet: start, quiet, keys; and what its threads spend meanwhile.

The console asks and parses in a thread of its own, which the operating system knows by its name
(`h2o_console.feed.thread.NAME`), and records in another. What all other threads spend is the screen's: flush, rows,
rendering, writing, keys.
"""

from __future__ import annotations

import os
import re
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.console.keys import Typist
from bench.console.terminal import Terminal
from bench.cpu import cpu_s
from bench.figures import Figure
from bench.simulator.fleet import FULL as FULL_SIZE, SimulatedFleet, Size, simulated_fleet
from bench.simulator.plan import plan
from bench.statistics import quantile
from h2o_console.feed.thread import NAME as _FEED
from h2o_console.recording.recorder import NAME as _RECORDER

if TYPE_CHECKING:
    from bench.console.screen import Screen

GROUP: Final = "console"
_BESIDE: Final = (_FEED, _RECORDER)
"""Threads that no key waits for."""
_IDLE: Final = Size(hosts=3, instances=5, packages=5, processes=1, busy=False)
"""In front of which an idle console is measured."""
_FIRST_SCREEN_S: Final = 20.0
_NAMES: Final = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and how long; one run is one console from its start to its end."""

    size: Size
    runs: int
    settle_s: float
    quiet_s: float
    keys: int


FULL: Final = Plan(FULL_SIZE, runs=3, settle_s=10.0, quiet_s=30.0, keys=150)
QUICK: Final = Plan(FULL_SIZE, runs=1, settle_s=10.0, quiet_s=20.0, keys=100)


@dataclass(slots=True)
class _Run:
    """What one console showed."""

    first_screen_s: float = 0.0
    cpu_ui_pct: float | None = None
    cpu_all_pct: float = 0.0
    cpu_home_pct: float = 0.0
    quiet_bytes_per_s: float = 0.0
    rss_mib: float = 0.0
    waits_ms: list[float] = field(default_factory=list[float])
    fleet_pct: float = 0.0


def run(directory: Path, wanted: Plan, say: Callable[[str], None]) -> list[Figure]:
    """All figures of the group. Raises BenchError."""
    size = wanted.size
    idle_pct = _idle_pct(directory / "idle", wanted)
    say(f"in front of {_IDLE.hosts} hosts where nothing happens: CPU {idle_pct:.2f} %")
    say(f"starting ZooKeeper and {size.hosts} simulated hosts of {size.instances} instances, {size.packages} packages")
    with simulated_fleet(directory, size) as fleet:
        runs: list[_Run] = []
        for number in range(wanted.runs):
            runs.append(_one(fleet, directory, wanted, Random(number)))
            say(f"run {number + 1} of {wanted.runs}: {_in_words(runs[-1])}")
    return [Figure(GROUP, "idle_pct", idle_pct, "%"), *_figures(runs)]


def _idle_pct(directory: Path, wanted: Plan) -> float:
    """CPU of a console on its first screen that nobody touches, in front of a small fleet that nobody uses."""
    directory.mkdir()
    with simulated_fleet(directory, _IDLE) as fleet, Terminal(_argv(fleet), _environment(directory)) as terminal:
        terminal.until(lambda screen: _counts(screen, fleet), "the fleet's hosts", _FIRST_SCREEN_S)
        time.sleep(wanted.settle_s)
        return _pct(terminal.pid, wanted.quiet_s)


def _argv(fleet: SimulatedFleet) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts")) / "h2o-console"), "--agent", fleet.agent]


def _one(fleet: SimulatedFleet, directory: Path, wanted: Plan, dice: Random) -> _Run:
    names = [package.name[1:] for package in plan(fleet.size.hosts, fleet.size.instances, fleet.size.packages).packages]
    done = _Run()
    with Terminal(_argv(fleet), _environment(directory)) as terminal:
        terminal.until(lambda screen: _counts(screen, fleet), "the first view", _FIRST_SCREEN_S)
        terminal.press("2")
        shown_ns = terminal.until(lambda screen: _shows(screen, names, fleet), "the fleet's packages", _FIRST_SCREEN_S)
        done.first_screen_s = (shown_ns - terminal.started_ns) / 1e9
        time.sleep(wanted.settle_s)
        _sit_quiet(done, terminal, fleet, wanted.quiet_s)
        typist = Typist(terminal, fleet.size.packages, dice)
        typist.type(wanted.keys)
        done.waits_ms = typist.waits_ms
        done.rss_mib = _rss_mib(terminal.pid)
        done.cpu_home_pct = _home_pct(terminal, wanted)
    return done


def _home_pct(terminal: Terminal, wanted: Plan) -> float:
    """CPU while the view stands there with which it begins, and nobody types."""
    terminal.press("1")
    terminal.until(lambda screen: " > triage " in screen.line(0), "what is wrong", _FIRST_SCREEN_S)
    time.sleep(wanted.settle_s)
    return _pct(terminal.pid, wanted.quiet_s)


def _pct(pid: int, seconds: float) -> float:
    began_s, spent_s = time.monotonic(), cpu_s(pid)
    time.sleep(seconds)
    return 100 * (cpu_s(pid) - spent_s) / (time.monotonic() - began_s)


def _shows(screen: Screen, names: list[str], fleet: SimulatedFleet) -> bool:
    """So many packages as fit have their lines, and the header counts all hosts."""
    text = screen.text()
    return _counts(screen, fleet) and sum(f" {name} " in text for name in names) >= min(_NAMES, len(names))


def _counts(screen: Screen, fleet: SimulatedFleet) -> bool:
    """The header counts all hosts."""
    return bool(re.search(rf"\b(\d+/)?{fleet.size.hosts} hosts", screen.line(0)))


def _sit_quiet(done: _Run, terminal: Terminal, fleet: SimulatedFleet, seconds: float) -> None:
    """Nobody types."""
    threads, whole_s = _threads_s(terminal.pid), cpu_s(terminal.pid)
    fleet_s, written = _fleet_cpu_s(fleet), terminal.written
    began_s = time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    after = _threads_s(terminal.pid)
    done.cpu_all_pct = 100 * (cpu_s(terminal.pid) - whole_s) / took_s
    feed_s = sum(spent_s - threads.get(one, ("", 0.0))[1] for one, (name, spent_s) in after.items() if name in _BESIDE)
    if any(name == _FEED for name, _ in after.values()):
        done.cpu_ui_pct = done.cpu_all_pct - 100 * feed_s / took_s
    done.quiet_bytes_per_s = (terminal.written - written) / took_s
    done.fleet_pct = 100 * (_fleet_cpu_s(fleet) - fleet_s) / took_s


def _fleet_cpu_s(fleet: SimulatedFleet) -> float:
    return sum(cpu_s(child.pid) for child in fleet.processes)


def _threads_s(pid: int) -> dict[str, tuple[str, float]]:
    """Thread → (its name, CPU seconds): Linux alone tells threads apart; nothing elsewhere."""
    found: dict[str, tuple[str, float]] = {}
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            spent_ns = int((task / "schedstat").read_text().split()[0])
            found[task.name] = (task / "comm").read_text().strip(), spent_ns / 1e9
        except OSError:  # it has just ended, or the kernel keeps no such statistics
            continue
    return found


def _rss_mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


_NOT_ITS: Final = ("H2O_", "TMUX", "NO_COLOR", "COLUMNS", "LINES")
"""pytest-xdist's workers have COLUMNS and LINES, which would go before the terminal's own size."""


def _environment(directory: Path) -> Mapping[str, str]:
    """A terminal as most have it; neither this user's configuration nor an H2O variable of this shell counts."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_ITS)}
    own = {"H2O_CONFIG": os.devnull, "XDG_STATE_HOME": str(directory / "state")}
    return {**env, **own, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def _in_words(run: _Run) -> str:
    ui = "" if run.cpu_ui_pct is None else f", its screen {run.cpu_ui_pct:.1f} %"
    keys = quantile(sorted(run.waits_ms), 0.95)
    return (
        f"first screen {run.first_screen_s:.2f} s, CPU {run.cpu_all_pct:.1f} %{ui}, at home {run.cpu_home_pct:.1f} %, "
        f"keys p95 {keys:.0f} ms, {run.quiet_bytes_per_s:,.0f} bytes/s; the fleet's own CPU {run.fleet_pct:.0f} %"
    )


def _figures(runs: list[_Run]) -> list[Figure]:
    waits = [sorted(one.waits_ms) for one in runs]
    screens = [one.cpu_ui_pct for one in runs if one.cpu_ui_pct is not None]
    return [
        *_spread("first_screen_s", [one.first_screen_s for one in runs], "s"),
        *(_spread("cpu_ui_pct", screens, "%") if screens else ()),
        *_spread("cpu_all_pct", [one.cpu_all_pct for one in runs], "%"),
        *_spread("cpu_home_pct", [one.cpu_home_pct for one in runs], "%"),
        *_spread("key_p95_ms", [quantile(one, 0.95) for one in waits], "ms"),
        *_spread("key_p50_ms", [quantile(one, 0.5) for one in waits], "ms"),
        *_spread("key_max_ms", [one[-1] for one in waits], "ms"),
        *_spread("quiet_bytes_per_s", [one.quiet_bytes_per_s for one in runs], "B/s"),
        *_spread("rss_mib", [one.rss_mib for one in runs], "MiB"),
        *_spread("fleet_cpu_pct", [one.fleet_pct for one in runs], "%"),
    ]


def _spread(name: str, values: list[float], unit: str) -> list[Figure]:
    """The runs' median, and between what they lay."""
    return [
        Figure(GROUP, name, median(values), unit),
        *(Figure(GROUP, f"{name}_{end}", value, unit) for end, value in (("min", min(values)), ("max", max(values)))),
    ]
