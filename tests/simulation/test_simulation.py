"""Whole fleets under faults, seed by seed: what TRAFFIC promises of requests holds, and a run can be replayed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from h2o_core.control.hosts import HostState
from h2o_core.errors import Code
from tests.simulation.__main__ import main
from tests.simulation.agenda import S
from tests.simulation.script import (
    BEGIN_NS,
    BrokerKilled,
    Call,
    HostTaken,
    InstanceFails,
    Options,
    SwitchedOff,
    Task,
    Weighed,
    draw,
)
from tests.simulation.shrink import kind_of, shrink
from tests.simulation.world import Summary, World, failure, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.script import Entry

SEEDS = [range(first, first + 10) for first in range(0, 40, 10)]
HOSTILE_SEEDS = [range(first, first + 8) for first in (100, 108)]
"""As many as take some ten seconds; `script/test --simulation 10m` tries others."""
SMALL = Options(seconds=4, calls_a_second=30)


def _try(seeds: range, options: Options) -> list[Summary]:
    """All of them; a failure says how to see it again."""
    summaries: list[Summary] = []
    for seed in seeds:
        script = draw(seed, options)
        try:
            summaries.append(run(seed, options, script))
        except Exception as error:
            again = f"python -m tests.simulation --seed {seed}{' --hostile' if options.hostile else ''}"
            raise AssertionError(f"{error}\nagain, and smaller: {again}") from error
    return summaries


@pytest.mark.parametrize(
    ("seeds", "hostile"), [*((each, False) for each in SEEDS), *((each, True) for each in HOSTILE_SEEDS)]
)
def test_what_is_promised_of_requests_holds(seeds: range, hostile: bool, capsys: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    summaries = _try(seeds, Options(hostile=hostile))
    took_s = time.monotonic() - began_s
    calls, steps = sum(one.calls for one in summaries), sum(one.steps for one in summaries)
    said = f"seeds {seeds[0]} to {seeds[-1]}: {calls:,} calls, {steps:,} steps, {steps / took_s:,.0f} steps/s"
    with capsys.disabled():
        sys.stdout.write(f"\n{said}\n")
    ended = {code for one in summaries for code in one.outcomes}
    assert ended >= {"OK", "TIMEOUT", "OUTCOME_UNKNOWN", "CANCELLED", "INTERNAL"}, "too gentle a world"


def _calls(
    options: Options,
    every_ms: float,
    seed: int,
    feature: str = "/service/customer/create",
    ending: Code = Code.OK,
    work_ms: int = 10,
) -> list[Entry]:
    """Clients of all hosts in turn call one feature, at random moments."""
    dice = Random(seed)
    task = Task(feature, work_ms=work_ms, ending=ending)
    count = int(options.seconds * 1000 / every_ms)
    moments = sorted(dice.randrange(options.seconds * S) for _ in range(count))
    return [Call(BEGIN_NS + at_ns, at % options.hosts, task) for at, at_ns in enumerate(moments)]


@pytest.mark.parametrize("seed", range(3))
def test_draining_one_host_of_three_at_half_of_the_slots_fails_nobody(seed: int) -> None:
    """90 slots of the version that serves, 100 ms a call: 450 calls a second are half of them."""
    options = Options(seconds=8, slots=10)
    drain = HostTaken(BEGIN_NS + 2 * S, 1, HostState.DRAIN, 4000)
    summary = run(seed, options, [*_calls(options, 1000 / 450, seed, work_ms=100), drain])
    assert summary.outcomes == {"OK": summary.calls}
    assert summary.calls == 3600


@pytest.mark.parametrize("seed", range(3))
def test_switching_a_drained_host_off_as_soon_as_it_is_safe_fails_nobody(seed: int) -> None:
    """Its own clients have gone elsewhere by then."""
    options = Options(seconds=16, slots=10)
    calls = [
        replace(one, host=one.host % 2)
        for one in _calls(options, 1000 / 300, seed, work_ms=100)
        if isinstance(one, Call)
    ]
    world = World(seed, options)
    summary = world.run([*calls, SwitchedOff(BEGIN_NS + 2 * S, 2, 3000)])
    assert world.switched_off == 1
    assert summary.outcomes == {"OK": summary.calls}
    assert summary.calls == 4800


def test_at_the_end_of_a_grace_that_is_too_short_what_runs_is_given_up_and_nothing_else() -> None:
    options = Options(seconds=6, slots=10)
    world = World(1, options)
    drain = HostTaken(BEGIN_NS + 2 * S, 1, HostState.DRAIN, 2000, grace_ms=50)
    outcomes = world.run([*_calls(options, 1000 / 60, 1, work_ms=500), drain]).outcomes
    given_up = world.brokers["host-2"].given_up
    assert 0 < given_up < 20
    assert outcomes == {"OK": 360 - given_up, "OUTCOME_UNKNOWN": given_up}


@pytest.mark.parametrize("parts", [100, 2500, 5000])
def test_shares_are_what_was_said_within_two_points(parts: int) -> None:
    options = Options(seconds=20)
    world = World(1, options)
    summary = world.run([Weighed(BEGIN_NS - S, parts), *_calls(options, 1000 / 200, 1)])
    served = Counter(asked.started[0][1].split()[1] for asked in world.witness.calls)
    assert summary.outcomes == {"OK": 4000}
    assert served.total() == 4000
    assert abs(served["2.0.0"] / 4000 - parts / 10_000) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_a_package_that_fails_everywhere_sees_a_fifth_more_and_three_a_second_of_each_origin(seed: int) -> None:
    """TRAFFIC.md's bound; a budget holds what one second earns, which comes on top once."""
    options, seconds, rate = Options(seconds=10), 10, 300
    calls = _calls(options, 1000 / rate, seed, "/service/customer/retrieve", Code.INTERNAL)
    summary = run(seed, options, calls)
    assert summary.outcomes == {"INTERNAL": rate * seconds}
    most = 1.2 * rate * seconds + options.hosts * 3 * seconds + (0.2 * rate + options.hosts * 3)
    assert 1.15 * rate * seconds < summary.executed <= most


def test_one_instance_that_fails_is_made_up_for_by_the_others() -> None:
    options = Options(seconds=10)
    calls = _calls(options, 1000 / 60, 1, "/service/customer/retrieve")
    fails = InstanceFails(BEGIN_NS, process=2, ms=20_000)
    outcomes = run(1, options, [fails, *calls]).outcomes
    assert outcomes == {"OK": len(calls)}


@pytest.mark.parametrize("seed", range(2))
def test_one_instance_that_fails_is_out_after_a_handful_and_comes_back_through_one_probe(seed: int) -> None:
    """Of calls that may not be tried again: five in a row fail, and those that were under way meanwhile."""
    options = Options(seconds=50)
    world = World(seed, options)
    failing = world.instances[2]
    assert failing is not None
    summary = world.run([InstanceFails(BEGIN_NS, process=2, ms=10_000), *_calls(options, 1000 / 150, seed)])
    assert 5 <= summary.outcomes["INTERNAL"] <= 8
    assert summary.outcomes["OK"] + summary.outcomes["INTERNAL"] == summary.calls
    starts = [asked.started[0] for asked in world.witness.calls]
    began = [at_ns - BEGIN_NS for at_ns, who in starts if failing.id in who.split()]
    in_vain = summary.outcomes["INTERNAL"]
    assert began[in_vain] - began[in_vain - 1] > 25 * S, "out for 30 s, 10 % less at the least"
    assert sum(at_ns > 42 * S for at_ns in began) > 100, "and back like the others"


def test_a_run_is_a_function_of_its_seed() -> None:
    first, again, other = (run(seed, SMALL, draw(seed, SMALL)) for seed in (5, 5, 6))
    assert first == again
    assert first.fingerprint != other.fingerprint


def _kills(script: Sequence[Entry]) -> bool:
    return any(isinstance(each, BrokerKilled) for each in script)


def test_a_script_shrinks_to_what_it_takes() -> None:
    options = replace(SMALL, faults=20)
    script = next(each for each in (draw(seed, options) for seed in range(99)) if _kills(each))

    def fails(part: Sequence[Entry]) -> bool:
        return _kills(part) and any(isinstance(each, Call) for each in part)

    assert fails(script)
    small = shrink(script, fails)
    assert {type(each) for each in small} == {BrokerKilled, Call}
    assert len(small) == 2


def test_a_failure_is_told_by_what_it_is() -> None:
    told = [f"call {at} of /service/mail/send, {at} ms: it was executed {at} times\n story {at}" for at in (2, 3)]
    assert {kind_of(one) for one in told} == {"it was executed # times"}


def test_nothing_happens_in_a_fleet_that_nobody_asks() -> None:
    assert not failure(1, SMALL, ())
    quiet = run(1, SMALL, ())
    assert (quiet.calls, quiet.lost) == (0, 0)


@pytest.mark.parametrize("arguments", [["--seed", "3"], ["--for", "1s", "--from", "3"]])
def test_the_command_line_says_seeds_and_steps(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--seconds", "2", "--calls", "20"]) == 0
    told = capsys.readouterr().out
    assert "3" in told
    assert "steps/s" in told
