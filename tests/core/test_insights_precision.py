"""Does the list name the cause first, and is it quiet when all is well: planted situations and healthy ones."""

from __future__ import annotations

import pytest

from h2o_core.insights.grouping import triage
from tests.support.insight_healthy import HEALTHY
from tests.support.insight_situations import PLANTED, TWO_AT_ONCE, Planted

SEED = 7


def _named_first(one: Planted, seed: int) -> bool:
    groups = triage(one.make(seed))
    if not groups:
        return False
    cause = groups[0].cause
    wanted = one.subject if one.subject.instance else one.subject._replace(instance=cause.subject.instance)
    return (cause.kind, cause.subject) == (one.kind, wanted)


def test_there_are_enough_of_both() -> None:
    assert len(PLANTED) >= 30
    assert len(HEALTHY) >= 30


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.name)
def test_the_cause_is_named_first(one: Planted) -> None:
    groups = triage(one.make(SEED))
    assert _named_first(one, SEED), [str(group.cause.key) + group.sentence(0) for group in groups]
    assert groups[0].cause.action is not None
    assert groups[0].cause.action.command.startswith(one.command)
    assert all(symptom.action is None for group in groups for symptom in group.symptoms)


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_when_all_is_well(name: str) -> None:
    assert [group.sentence(0) for group in triage(HEALTHY[name](SEED))] == []


@pytest.mark.parametrize("name", TWO_AT_ONCE)
def test_two_causes_at_once_are_both_named_and_nothing_else(name: str) -> None:
    make, causes = TWO_AT_ONCE[name]
    assert {(group.cause.kind, str(group.cause.subject)) for group in triage(make(SEED))} == causes


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_is_no_luck_of_one_seed() -> None:
    """Of 30 planted ones 28 are to be named first, of 30 healthy ones one may be a false alarm; here by hundreds."""
    seeds = range(1, 9)
    missed = [(one.name, seed) for one in PLANTED for seed in seeds if not _named_first(one, seed)]
    alarms = [(name, seed) for name, make in HEALTHY.items() for seed in seeds if triage(make(seed))]
    assert len(missed) * 30 <= 2 * len(PLANTED) * len(seeds), missed
    assert len(alarms) * 30 <= len(HEALTHY) * len(seeds), alarms
