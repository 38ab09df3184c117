"""``script/bench [group] [--quick] [--json] [--profile] [--only ROUND]``: measure, compare, hold against the goals."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from bench import cli, data_plane, judging, profile
from bench.children import BenchError, leave_in_order
from bench.console import group as console
from bench.control import group as control
from bench.cpu import cores
from bench.faults import group as faults
from bench.figures import Figure, table
from bench.logs import group as logs

Run: TypeAlias = Callable[[Path, bool, Callable[[str], None]], list[Figure]]
"""(directory, quick, say) → figures; raises BenchError."""

_GROUPS: Final[dict[str, Run]] = {
    data_plane.GROUP: lambda directory, quick, say: data_plane.run(directory, _plan(quick=quick), say),
    cli.GROUP: lambda directory, quick, say: cli.run(directory, cli.QUICK_RUNS if quick else cli.FULL_RUNS, say),
    console.GROUP: lambda directory, quick, say: console.run(directory, console.QUICK if quick else console.FULL, say),
}
"""All that `script/bench` runs by itself; groups faults and control take minutes: they want to be named."""

_NAMED: Final[dict[str, Run]] = {logs.GROUP: logs.run, judging.GROUP: judging.run}
"""What else can be named."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 measured (goals may be missed), 1 something is broken, 2 wrong usage, 130 interrupted."""
    options = _options(arguments)
    leave_in_order()
    try:
        with tempfile.TemporaryDirectory(prefix="h2o-bench-") as directory:
            if options.profile:
                return _profile(Path(directory), 4.0 if options.quick else 10.0)
            return _measure(_chosen(options), Path(directory), quick=options.quick, lines=options.json)
    except KeyboardInterrupt:
        _say("interrupted; everything that was started is stopped")
        return 130


def _profile(directory: Path, seconds: float) -> int:
    try:
        print(profile.run(directory, seconds, _say))
    except BenchError as error:
        _say(str(error))
        return 1
    return 0


def _chosen(options: argparse.Namespace) -> dict[str, Run]:
    def run_faults(directory: Path, quick: bool, say: Callable[[str], None]) -> list[Figure]:  # noqa: FBT001 - as Run
        return faults.run(directory, say, faults.Wishes(options.only, options.seed, options.minutes), quick=quick)

    def run_control(directory: Path, quick: bool, say: Callable[[str], None]) -> list[Figure]:  # noqa: FBT001 - as Run
        return control.run(directory, quick, say, options.only)

    known = {**_GROUPS, **_NAMED, control.GROUP: run_control, faults.GROUP: run_faults}
    return {name: known[name] for name in options.groups or _GROUPS}


def _measure(groups: Mapping[str, Run], directory: Path, *, quick: bool, lines: bool) -> int:
    status = 0
    figures: list[Figure] = []
    for group, run in groups.items():
        _say(f"{group}: load average {os.getloadavg()[0]:.1f} on {cores()} cores before it starts")
        started_s = time.monotonic()
        home = directory / group
        home.mkdir()
        try:
            found = run(home, quick, _say)
        except BenchError as error:
            _say(f"{group}: {error}")
            status = 1
            found = error.figures if isinstance(error, faults.Broken) else []
        _say(f"{group}: {time.monotonic() - started_s:.0f} s")
        figures += found
        if lines and found:
            print("\n".join(figure.to_json() for figure in found), flush=True)
    if figures and not lines:
        print(table(figures))
    return status


def _plan(*, quick: bool) -> data_plane.Plan:
    return data_plane.QUICK if quick else data_plane.FULL


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="group",
        help=f"{', '.join(_GROUPS)} (all of these without one), {', '.join(_NAMED)}, {control.GROUP} or {faults.GROUP}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: at most 90 s a group")
    parser.add_argument("--json", action="store_true", help="one object a line instead of a table")
    parser.add_argument(
        "--profile", action="store_true", help="where broker, worker and client spend their time at 64 in flight"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="ROUND",
        help=f"of groups {control.GROUP} and {faults.GROUP}: rounds with this in their name",
    )
    parser.add_argument("--seed", type=int, help="of the chaos round: strike as the run did that printed it")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the chaos round (10)")
    options = parser.parse_args(arguments)
    known = (*_GROUPS, *_NAMED, control.GROUP, faults.GROUP)
    for group in options.groups:
        if group not in known:
            parser.error(f"there is no group {group!r}; there are {', '.join(known)}")
    if options.only:
        _check_only(options, parser)
    return options


def _check_only(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Some of the groups that are named have such rounds, and each of these has some of that name."""
    having = {
        control.GROUP: lambda: control.chosen(options.only, quick=options.quick),
        faults.GROUP: lambda: faults.chosen(faults.Wishes(options.only), quick=options.quick),
    }
    asked = [having[group] for group in options.groups if group in having]
    if not asked:
        parser.error(
            f"--only names rounds of groups {' and '.join(having)}: script/bench {faults.GROUP} --only {options.only}"
        )
    try:
        for chosen in asked:
            chosen()
    except BenchError as error:
        parser.error(str(error))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
