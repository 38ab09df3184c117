"""The command line of the simulation: replay a seed, shrink a failing one, or try new seeds for as long as one likes.

python -m tests.simulation --seed 17                 replay; a failure is shrunk, and told with its story
python -m tests.simulation --seed 17 --hostile       the same over a network that loses, doubles and reorders frames
python -m tests.simulation --for 10m                 seeds from 0 on, every fourth hostile, till one fails
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.script import Options, draw, told
from tests.simulation.shrink import kind_of, shrink
from tests.simulation.world import failure, run

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def _seconds(text: str) -> float:
    if text[-1:] not in _UNITS_S:
        msg = f"{text}: write 90s, 10m or 2h"
        raise argparse.ArgumentTypeError(msg)
    return float(text[:-1]) * _UNITS_S[text[-1]]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Replay a seed, or try many.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="replay this one")
    which.add_argument("--for", dest="for_s", type=_seconds, metavar="10m", help="seeds one after another, this long")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="with --for: the first seed")
    parser.add_argument("--hosts", type=int, default=usual.hosts)
    parser.add_argument("--seconds", type=int, default=usual.seconds, help="of virtual time in which things happen")
    parser.add_argument("--calls", type=int, default=usual.calls_a_second, metavar="N", help="calls a second")
    parser.add_argument("--faults", type=int, default=usual.faults, metavar="N", help="at most this many faults")
    parser.add_argument("--hostile", action="store_true", help="frames between brokers are lost, doubled, reordered")
    return parser.parse_args(arguments)


def _replay(seed: int, options: Options) -> int:
    """Run one seed; 1 when it fails, after telling the smallest part of it that does."""
    script = draw(seed, options)
    began_s = time.monotonic()
    wrong = failure(seed, options, script)
    if not wrong:
        summary = run(seed, options, script)
        took_s = (time.monotonic() - began_s) / 2
        print(f"seed {seed}: {summary.calls:,} calls, {summary.executed:,} executed, {summary.steps:,} steps")
        print(f"  {', '.join(f'{code} {count:,}' for code, count in summary.outcomes.items())}")
        print(f"  {summary.late} ended by the SDK, {summary.lost:,} frames lost between brokers")
        print(f"  fingerprint {summary.fingerprint}; {summary.steps / took_s:,.0f} steps/s")
        return 0
    print(f"seed {seed} fails: {wrong.splitlines()[0]}")
    print(f"shrinking {len(script):,} entries…", flush=True)
    kind = kind_of(wrong)
    small = shrink(script, lambda part: kind_of(failure(seed, options, part)) == kind)
    print(f"{len(small)} of them are enough:")
    for entry in small:
        print(f"  {told(entry)}")
    print(failure(seed, options, small, tells=True))
    return 1


def _try_many(for_s: float, first: int, options: Options) -> int:
    """New seeds until time is up or one fails."""
    began_s = told_s = time.monotonic()
    outcomes: Counter[str] = Counter()
    steps = calls = 0
    seed = first
    while (now_s := time.monotonic()) - began_s < for_s:
        if now_s - told_s >= 30:
            told_s = now_s
            _tell(first, seed, steps, calls, now_s - began_s)
        mine = _varied(seed, options)
        script = draw(seed, mine)
        try:
            summary = run(seed, mine, script)
        except Exception:  # noqa: BLE001 - whatever it is, the replay tells it
            print(f"again: python -m tests.simulation --seed {seed} {_flags(mine)}")
            return _replay(seed, mine)
        steps, calls, seed = steps + summary.steps, calls + summary.calls, seed + 1
        outcomes.update(summary.outcomes)
    _tell(first, seed, steps, calls, time.monotonic() - began_s)
    print(f"  {', '.join(f'{code} {count:,}' for code, count in sorted(outcomes.items()))}")
    return 0


def _varied(seed: int, options: Options) -> Options:
    """Every fourth over a hostile network; every eighth long enough for an ejection to end; of two hosts to five."""
    long = seed % 8 == 1
    return replace(
        options,
        hosts=options.hosts + (-1, 0, 0, 1, 2)[seed % 5],
        hostile=options.hostile or seed % 4 == 3,
        seconds=options.seconds * (6 if long else 1),
        calls_a_second=options.calls_a_second // (3 if long else 1),
        faults=options.faults * (3 if long else 1),
    )


def _flags(options: Options) -> str:
    """As they are typed."""
    flags = f"--hosts {options.hosts} --seconds {options.seconds} --calls {options.calls_a_second}"
    return f"{flags} --faults {options.faults}{' --hostile' if options.hostile else ''}"


def _tell(first: int, seed: int, steps: int, calls: int, took_s: float) -> None:
    print(
        f"seeds {first} to {seed - 1}: {calls:,} calls, {steps:,} steps, {took_s:.0f} s, {steps / took_s:,.0f} steps/s",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all that was tried holds."""
    given = _parse(arguments)
    options = Options(given.hosts, given.seconds, given.calls, given.faults, hostile=given.hostile)
    if given.seed is not None:
        return _replay(given.seed, options)
    return _try_many(given.for_s, given.first, options)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # brokers say what is wrong with the register, which here it often is
    sys.exit(main())
