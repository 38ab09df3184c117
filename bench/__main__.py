"""``script/bench [group] [--quick] [--json] [--profile]``: measure, compare, hold against the goals."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench import cli, data_plane, profile
from bench.children import BenchError, leave_in_order
from bench.cpu import cores
from bench.figures import Figure, table

_GROUPS: Final[dict[str, Callable[[Path, bool, Callable[[str], None]], list[Figure]]]] = {
    data_plane.GROUP: lambda directory, quick, say: data_plane.run(directory, _plan(quick=quick), say),
    cli.GROUP: lambda directory, quick, say: cli.run(directory, cli.QUICK_RUNS if quick else cli.FULL_RUNS, say),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 measured (goals may be missed), 1 something is broken, 2 wrong usage, 130 interrupted."""
    options = _options(arguments)
    leave_in_order()
    try:
        with tempfile.TemporaryDirectory(prefix="h2o-bench-") as directory:
            if options.profile:
                return _profile(Path(directory), 4.0 if options.quick else 10.0)
            return _measure(options.groups or list(_GROUPS), Path(directory), quick=options.quick, lines=options.json)
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


def _measure(groups: Sequence[str], directory: Path, *, quick: bool, lines: bool) -> int:
    status = 0
    figures: list[Figure] = []
    for group in groups:
        _say(f"{group}: load average {os.getloadavg()[0]:.1f} on {cores()} cores before it starts")
        started_s = time.monotonic()
        home = directory / group
        home.mkdir()
        try:
            found = _GROUPS[group](home, quick, _say)
        except BenchError as error:
            _say(f"{group}: {error}")
            status = 1
            continue
        _say(f"{group}: {time.monotonic() - started_s:.0f} s")
        figures += found
        if lines:
            print("\n".join(figure.to_json() for figure in found), flush=True)
    if figures and not lines:
        print(table(figures))
    return status


def _plan(*, quick: bool) -> data_plane.Plan:
    return data_plane.QUICK if quick else data_plane.FULL


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"{' or '.join(_GROUPS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: at most 90 s a group")
    parser.add_argument("--json", action="store_true", help="one object a line instead of a table")
    parser.add_argument(
        "--profile", action="store_true", help="where broker, worker and client spend their time at 64 in flight"
    )
    options = parser.parse_args(arguments)
    for group in options.groups:
        if group not in _GROUPS:
            parser.error(f"there is no group {group!r}; there are {', '.join(_GROUPS)}")
    return options


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
