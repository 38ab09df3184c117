"""Runs the fault rounds one after the other, each in a directory and with processes of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.children import BenchError
from bench.faults.registry import ROUNDS
from bench.faults.round import GROUP, Round
from bench.faults.stage import Stage

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.figures import Figure

__all__ = ["GROUP", "Broken", "Wishes", "chosen", "run", "tell"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line can say: rounds with *only* in their name; *seed* and *minutes* of the chaos round."""

    only: str = ""
    seed: int | None = None
    minutes: float = 10.0


class Broken(BenchError):
    """What must never be was seen, or a round could not be played. `figures`: of those that were."""

    def __init__(self, sentences: Sequence[str], figures: list[Figure]) -> None:
        super().__init__("these did not hold:\n" + "\n".join(sentences))
        self.figures = figures


def chosen(wishes: Wishes, *, quick: bool) -> list[Round]:
    """The rounds that are wished for; *quick* leaves out the long ones unless they are named. Raises BenchError."""
    found = [one for one in ROUNDS if (wishes.only in one.name if wishes.only else not (quick and one.long))]
    if not found:
        msg = f"no fault round has {wishes.only!r} in its name; there are {', '.join(one.name for one in ROUNDS)}"
        raise BenchError(msg)
    return found


def run(directory: Path, say: Callable[[str], None], wishes: Wishes, *, quick: bool) -> list[Figure]:
    """The figures of all rounds that are `chosen`; raises BenchError when there is none, Broken."""
    figures: list[Figure] = []
    broken: list[str] = []
    for one in chosen(wishes, quick=quick):
        home = directory / one.name
        home.mkdir()
        started_s = time.monotonic()
        try:
            with Stage(home, say, seed=wishes.seed, minutes=wishes.minutes) as stage:
                result = one.run(stage)
        except (BenchError, AssertionError, TimeoutError) as error:
            broken.append(f"{one.name}: {error}")
            say(broken[-1])
            continue
        tell(one, result, time.monotonic() - started_s, say)
        figures += one.figures(result)
        broken += [f"{one.name}: {sentence}" for sentence in one.verdict(result)]
    if broken:
        raise Broken(broken, figures)
    return figures


def tell(one: Round, result: Result, took_s: float, say: Callable[[str], None]) -> None:
    """One round for people."""
    recover = "" if result.recover_s is None else f" mended after {result.recover_s:.3f} s;"
    say(f"{one.name} ({took_s:.0f} s):{recover} {result.account}")
    for line in (*result.notes, *(f"BROKEN: {sentence}" for sentence in one.verdict(result))):
        say(f"  {line}")
