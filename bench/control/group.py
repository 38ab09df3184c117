"""Group control: how requests are routed, on real hosts.

Every module in `rounds` is a round: adding one is adding a file. Each plays in a directory of its own, with processes
of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

from bench.children import BenchError
from bench.control import rounds
from bench.control.round import GROUP, Round
from bench.faults.group import Broken
from bench.faults.stage import Stage

if TYPE_CHECKING:
    from bench.figures import Figure

__all__ = ["GROUP", "chosen", "run"]


def chosen(only: str, *, quick: bool) -> list[Round]:
    """Rounds with *only* in their name; without it all, but for the long ones when *quick*. Raises BenchError."""
    modules = sorted(module.name for module in iter_modules(rounds.__path__))
    every = [cast("Round", import_module(f"{rounds.__name__}.{name}").ROUND) for name in modules]
    found = [one for one in every if (only in one.name if only else not (quick and one.long))]
    if not found:
        msg = f"no control round has {only!r} in its name; there are {', '.join(one.name for one in every)}"
        raise BenchError(msg)
    return found


def run(directory: Path, quick: bool, say: Callable[[str], None], only: str = "") -> list[Figure]:  # noqa: FBT001 - as bench.Run
    """The figures of all rounds that are `chosen`; raises BenchError when there is none, Broken."""
    figures: list[Figure] = []
    broken: list[str] = []
    for one in chosen(only, quick=quick):
        home = directory / one.name
        home.mkdir()
        started_s = time.monotonic()
        try:
            with Stage(home, say) as stage:
                found = one.measure(stage, quick)
        except (BenchError, AssertionError, TimeoutError) as error:
            broken.append(f"{one.name}: {error}")
            say(broken[-1])
            continue
        told = ", ".join(f"{each.name} {each.shown:g} {each.unit}".rstrip() for each in found)
        say(f"{one.name} ({time.monotonic() - started_s:.0f} s): {told}")
        figures += found
    if broken:
        raise Broken(broken, figures)
    return figures
