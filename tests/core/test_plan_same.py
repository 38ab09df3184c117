"""A plan made again: measured figures may breathe, what is decided may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from h2o_core.audit import Edit
from h2o_core.plan.intents import Drain
from h2o_core.plan.plan import Ask, Effect, Friction, HostLoad, InstanceLoad, Load, Plan, Share
from h2o_core.plan.situation import Instance
from h2o_core.verdicts import CAPACITY, LAST_INSTANCE, Guard, Verdict

HOST, ONE = "host-1", Instance("one", "/service/a", "1.0", "host-1", 10)
PASSED = Guard(CAPACITY, Verdict.PASSED, "there is room")
SHARE = Share("/service/a", "1.0", 9_000, 10_000)
BY_LOAD = Share("/service/b", "1.0", 5_000, 10_000, by_load=True)
EFFECT = Effect(
    shares=(SHARE, BY_LOAD),
    instances=(InstanceLoad(ONE, Load(4.0, 10), Load(0.0, 10)),),
    hosts=(HostLoad(HOST, Load(4.0, 10), Load(0.0, 10)),),
    moved_per_s=100.0,
    moved_parts=1_000,
)
PLAN = Plan(
    intent=Drain(("host-1",), 0.0, 300.0),
    epoch=7,
    sentence="drains host-1",
    edits=(Edit("control/hosts/host-1", None, b"at 1"),),
    effect=EFFECT,
    guards=(PASSED,),
    undo="h2o undrain host-1",
    command="h2o drain host-1",
    friction=Friction(Ask.YES),
)
OTHER = Instance("two", "/service/a", "1.0", "host-2", 10)

SAME = {
    "itself": PLAN,
    "at another epoch and time": replace(PLAN, epoch=8, edits=(Edit("control/hosts/host-1", None, b"at 2"),)),
    "demand breathes": replace(
        PLAN,
        effect=replace(
            EFFECT,
            hosts=(HostLoad(HOST, Load(4.9, 10), Load(0.0, 10)),),
            instances=(InstanceLoad(ONE, Load(4.9, 10), Load(0.0, 10)),),
            moved_per_s=130.0,
        ),
    ),
    "a share by load breathes": replace(PLAN, effect=replace(EFFECT, shares=(SHARE, replace(BY_LOAD, before=5_100)))),
    "an instance came and gets hardly more": replace(
        PLAN, effect=replace(EFFECT, instances=(*EFFECT.instances, InstanceLoad(OTHER, Load(4.0, 10), Load(4.5, 10))))
    ),
    "a guard says it in other figures": replace(PLAN, guards=(replace(PASSED, sentence="there is still room"),)),
}

ANOTHER = {
    "another document": replace(PLAN, edits=(Edit("control/hosts/host-2", None, b"at 1"),)),
    "a share was decided": replace(PLAN, effect=replace(EFFECT, shares=(replace(SHARE, before=8_999), BY_LOAD))),
    "a version more": replace(PLAN, effect=replace(EFFECT, shares=(*EFFECT.shares, replace(SHARE, version="2.0")))),
    "a verdict": replace(PLAN, guards=(replace(PASSED, verdict=Verdict.WARNED),)),
    "a guard more": replace(PLAN, guards=(PASSED, Guard(LAST_INSTANCE, Verdict.REFUSED, "the last", "/service/a"))),
    "twice the load": replace(PLAN, effect=replace(EFFECT, hosts=(HostLoad(HOST, Load(8.0, 10), Load(0.0, 10)),))),
    "no longer known": replace(PLAN, effect=replace(EFFECT, hosts=(HostLoad(HOST, Load(None, 10), Load(0.0, 10)),))),
    "an instance came and gets much more": replace(
        PLAN, effect=replace(EFFECT, instances=(*EFFECT.instances, InstanceLoad(OTHER, Load(4.0, 10), Load(8.0, 10))))
    ),
}


@pytest.mark.parametrize("again", SAME.values(), ids=SAME.keys())
def test_what_breathes_is_the_same(again: Plan):
    assert PLAN.same_as(again)
    assert again.same_as(PLAN)


@pytest.mark.parametrize("again", ANOTHER.values(), ids=ANOTHER.keys())
def test_what_was_not_agreed_to_is_not_the_same(again: Plan):
    assert not PLAN.same_as(again)
    assert not again.same_as(PLAN)


def test_how_full_something_is():
    assert [Load(None, 4).part, Load(1.0, 4).part, Load(0.0, 0).part, Load(1.0, 0).part] == [None, 0.25, 0.0, 1.0]


def test_only_refusals_need_force():
    plan = ANOTHER["a guard more"]
    assert [one.name for one in plan.refused] == [LAST_INSTANCE]
    assert PLAN.refused == ()
