"""Every action that changes something opens as a plan, and its command line is the one that makes the same plan."""

from __future__ import annotations

import shlex

import pytest

from h2o_core.audit import Author
from h2o_core.control.hosts import encode_host_control
from h2o_core.control.traffic import encode_traffic
from h2o_core.insights.grouping import triage
from h2o_core.insights.picture import Picture
from h2o_core.names import dotted
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import HOSTS, TRAFFICS, Fleet, Host, Instance, Situation, decided_of
from tests.support.insight_situations import PLANTED, Planted
from tests.support.insight_world import NOW_S, WORLD

CHANGES = [one for one in PLANTED if one.command.split()[1] in {"drain", "avoid", "rollback", "weight", "extend"}]


def situation_of(seen: Picture) -> Situation:
    """The same fleet, as plans know it."""
    assert seen.control is not None
    documents = {
        **{f"{TRAFFICS}{dotted(one.package)}": encode_traffic(one) for one in seen.control.traffic.values()},
        **{f"{HOSTS}{one.host}": encode_host_control(one) for one in seen.control.hosts.values()},
    }
    hosts = {one.name: Host(one.name, one.zone, age_s=one.age_s) for one in seen.hosts}
    instances = tuple(Instance(one.id, one.package, one.version, one.host, 64) for one in seen.instances)
    versions = {
        package: tuple(
            dict.fromkeys(
                one.version for one in sorted(instances, key=lambda one: one.version) if one.package == package
            )
        )
        for package in WORLD
    }
    return Situation(decided_of(seen.control.epoch, documents), Fleet(hosts, instances, versions))


@pytest.mark.parametrize("one", CHANGES, ids=lambda one: one.name)
def test_an_action_opens_as_a_plan(one: Planted) -> None:
    seen = one.make(7)
    (first, *_) = triage(seen)
    action = first.cause.action
    assert action is not None
    assert action.intent is not None
    made = plan(action.intent, situation_of(seen), Author("eva", "test"), NOW_S)
    assert made.edits
    assert shlex.split(made.command)[:3] == shlex.split(action.command)[:3]


def test_what_only_looks_is_no_intent() -> None:
    for one in PLANTED:
        if one not in CHANGES:
            (first, *_) = triage(one.make(7))
            assert first.cause.action is not None
            assert first.cause.action.intent is None
