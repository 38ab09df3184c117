"""Does the list name the cause first, and is it quiet when all is well: planted situations and healthy ones."""

from __future__ import annotations

import pytest

from h2o_core.insights.grouping import triage
from tests.support.insight_healthy import HEALTHY
from tests.support.insight_situations import PLANTED, Planted

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
