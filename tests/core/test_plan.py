"""Plans: what they write, say and predict, the way back, and what can't be planned."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_core.control.hosts import HostState, parse_host_control
from h2o_core.control.traffic import MatchRule, parse_traffic
from h2o_core.plan.intents import Avoid, ChangeSettings, Drain, Extend, Restore, RollBack, Shift
from h2o_core.plan.plan import Ask, Friction
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Demand, Situation
from tests.support.situations import (
    ADA,
    NOW_S,
    SHARE,
    A,
    B,
    decided,
    drained,
    planned,
    running,
    three_hosts,
    weights,
    with_demand,
    with_host,
)

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided, Fleet

HOURS_4 = NOW_S + 4 * 3600
FLEET = three_hosts()
TWO = three_hosts(running(A, "2.0", "host-1"), running(A, "2.0", "host-2"))
THREE = three_hosts(*(running(A, version, "host-1") for version in ("1.1", "2.0")))
CANARY = decided(weights(("1.0", 9_000), ("2.0", 1_000)))
PROMOTED = decided(weights(("1.0", 0), ("2.0", 10_000), stable="2.0"))
DRAINED = decided(drained("host-1"))
TESTERS = MatchRule("2.0", keys=("ada",))

SAYS: dict[str, tuple[Fleet, Decided, Intent, str, str, str, Friction]] = {
    "a first weight": (
        TWO,
        decided(),
        Shift(A, {"2.0": 1_000}),
        "service/a: 1.0 100% → 90%, 2.0 0% → 10%",
        "h2o weight service/a 2.0=10% --reason because",
        "h2o undo",
        Friction(Ask.YES),
    ),
    "a later weight": (
        TWO,
        CANARY,
        Shift(A, {"2.0": 2_550}, review_s=NOW_S + 7200),
        "service/a: 1.0 90% → 74.5%, 2.0 10% → 25.5%",
        "h2o weight service/a 2.0=25.5% --review 2h --reason because",
        "h2o weight service/a 1.0=90% 2.0=10% --stable 1.0",
        Friction(Ask.YES),
    ),
    "everything moves": (
        TWO,
        decided(),
        Shift(A, {"2.0": 10_000}),
        "service/a: 1.0 100% → 0%, 2.0 0% → 100%",
        "h2o weight service/a 2.0=100% --reason because",
        "h2o undo",
        Friction(Ask.NAME, "service/a"),
    ),
    "another fallback": (
        TWO,
        CANARY,
        Shift(A, stable="2.0"),
        "service/a: 2.0 is the fallback",
        "h2o weight service/a --stable 2.0 --reason because",
        "h2o weight service/a 1.0=90% 2.0=10% --stable 1.0",
        Friction(Ask.ENTER),
    ),
    "a rollback": (
        TWO,
        CANARY,
        RollBack(A),
        "rolls service/a back to 1.0: 1.0 90% → 100%, 2.0 10% → 0%",
        "h2o rollback service/a --reason because",
        "h2o weight service/a 1.0=90% 2.0=10% --stable 1.0",
        Friction(Ask.YES),
    ),
    "a drain": (
        FLEET,
        decided(),
        Drain(("host-1",), HOURS_4, 300.0),
        "drains host-1 until 2025-11-28T04:00:00.000Z",
        "h2o drain host-1 --until 4h --grace 5m --reason because",
        "h2o undrain host-1",
        Friction(Ask.YES),
    ),
    "two drains": (
        with_demand(FLEET, A, "1.0", Demand(2.0, 10.0)),
        decided(),
        Drain(("host-1", "host-2", "host-1"), 0.0, 90.0),
        "drains host-1, host-2 until somebody ends it",
        "h2o drain host-1 host-2 --until never --grace 90s --reason because",
        "h2o undrain host-1 host-2",
        Friction(Ask.NAME, "2 hosts"),
    ),
    "a drain that is there": (
        FLEET,
        DRAINED,
        Drain(("host-1",), HOURS_4, 300.0),
        "host-1: drained already",
        "h2o drain host-1 --until 4h --grace 5m --reason because",
        "h2o undrain",
        Friction(Ask.ENTER),
    ),
    "the last one": (
        three_hosts(running(B, "1.0", "host-1")),
        decided(),
        Drain(("host-1",), 0.0, 0.0),
        "drains host-1 until somebody ends it",
        "h2o drain host-1 --until never --grace 0s --reason because",
        "h2o undrain host-1",
        Friction(Ask.NAME, "host-1"),
    ),
    "an avoid": (
        FLEET,
        decided(),
        Avoid(("host-1",), NOW_S + 3600),
        "avoids host-1 until 2025-11-28T01:00:00.000Z",
        "h2o avoid host-1 --until 1h --reason because",
        "h2o undrain host-1",
        Friction(Ask.YES),
    ),
    "back in use": (
        FLEET,
        DRAINED,
        Restore(("host-1",)),
        "puts host-1 back in use",
        "h2o undrain host-1 --reason because",
        "h2o drain host-1 --until 1h --grace 5m",
        Friction(Ask.YES),
    ),
    "longer": (
        FLEET,
        DRAINED,
        Extend(HOURS_4, hosts=("host-1",)),
        "keeps host-1 drained until 2025-11-28T04:00:00.000Z",
        "h2o extend host-1 --until 4h --reason because",
        "h2o extend host-1 --until 1h",
        Friction(Ask.ENTER),
    ),
    "reviewed later": (
        TWO,
        CANARY,
        Extend(HOURS_4, package=A),
        "service/a: its weights are to be looked at again at 2025-11-28T04:00:00.000Z",
        "h2o extend service/a --until 4h --reason because",
        "h2o extend service/a --until never",
        Friction(Ask.ENTER),
    ),
    "a setting": (
        FLEET,
        decided(),
        ChangeSettings({"tiers": "warn"}),
        "tiers: enforce → warn",
        "h2o settings tiers=warn --reason because",
        "h2o settings new_versions=hold tiers=enforce",
        Friction(Ask.YES),
    ),
}


@pytest.mark.parametrize(
    ("fleet", "there", "intent", "sentence", "command", "undo", "friction"), SAYS.values(), ids=SAYS
)
def test_what_a_plan_says(
    fleet: Fleet, there: Decided, intent: Intent, sentence: str, command: str, undo: str, friction: Friction
):
    made = planned(intent, fleet, there)
    assert (made.sentence, made.command, made.friction) == (sentence, command, friction)
    if made.edits:
        assert made.undo == undo
    assert made.epoch == there.epoch


def test_a_hostile_reason_stays_one_word_of_the_command():
    author = replace(ADA, reason="'; rm -rf / #")
    made = plan(Restore(("host-1",)), Situation(DRAINED, FLEET), author, NOW_S)
    assert shlex.split(made.command)[-2:] == ["--reason", author.reason]


def test_what_is_written_says_who_and_why():
    made = planned(Shift(A, {"2.0": 1_000}, review_s=HOURS_4), TWO, CANARY)
    (edit,) = made.edits
    assert (edit.path, edit.before) == ("control/traffic/service.a", CANARY.documents[edit.path])
    traffic = parse_traffic(edit.path, edit.after or b"")
    assert (traffic.owner, traffic.reason, traffic.review_s) == (ADA.actor, "because", HOURS_4)
    (edit,) = planned(Drain(("host-1",), HOURS_4, 60.0), FLEET).edits
    control = parse_host_control(edit.path, edit.after or b"")
    assert (control.state, control.owner, control.since_s) == (HostState.DRAIN, ADA.actor, NOW_S)
    assert (control.until_s, control.grace_s) == (HOURS_4, 60.0)


# ---------------------------------------------------------------------- effect


def loads(made: Plan) -> dict[str, tuple[float | None, float | None]]:
    return {one.host: (one.before.busy, one.after.busy) for one in made.effect.hosts}


def test_a_drain_s_load_goes_to_the_others_by_their_slots():
    fleet = replace(FLEET, instances=(*FLEET.instances[:2], replace(FLEET.instances[2], slots=20)))
    made = planned(Drain(("host-1",), 0.0, 300.0), fleet)
    assert loads(made) == {"host-1": (2.25, 0.0), "host-2": (2.25, 3.0), "host-3": (4.5, 6.0)}
    assert [(one.instance.id, one.after.part) for one in made.effect.instances] == [
        ("a-1.0-host-1", 0.0),
        ("a-1.0-host-2", 0.3),
        ("a-1.0-host-3", 0.3),
    ]
    assert (made.effect.moved_per_s, made.effect.moved_parts, made.effect.shares) == (75.0, 0, ())


def test_what_is_not_known_stays_unknown():
    made = planned(Drain(("host-1",), 0.0, 300.0), with_demand(FLEET, A, "1.0", None))
    assert loads(made) == {"host-1": (None, 0.0), "host-2": (None, None), "host-3": (None, None)}
    assert made.effect.moved_per_s is None


def test_a_host_s_load_is_that_of_all_that_runs_there():
    fleet = with_demand(three_hosts(*(running(B, "1.0", f"host-{n}") for n in (1, 2))), B, "1.0", Demand(4.0, 40.0))
    made = planned(Drain(("host-1",), 0.0, 300.0), fleet)
    assert loads(made) == {"host-1": (5.0, 0.0), "host-2": (5.0, 8.5), "host-3": (3.0, 4.5)}
    assert made.effect.moved_per_s == pytest.approx(120.0)


def test_shares_are_the_weights_and_rules_are_said():
    there = decided(weights(("1.0", 9_000), ("2.0", 1_000), rules=[TESTERS]))
    made = planned(Shift(A, {"2.0": 2_000}), TWO, there)
    assert [(one.version, one.before, one.after) for one in made.effect.shares] == [
        ("1.0", 9_000, 8_000),
        ("2.0", 1_000, 2_000),
    ]
    assert (made.effect.moved_parts, made.effect.moved_per_s) == (1_000, 30.0)
    assert made.remarks == ("besides 1 match rules, which come first",)


def test_versions_that_compete_have_the_parts_of_their_slots():
    made = planned(Shift(A, {"2.0": 1_000}), TWO, decided(SHARE))
    assert [(one.version, one.before, one.after, one.by_load) for one in made.effect.shares] == [
        ("1.0", 6_000, 9_000, True),
        ("2.0", 4_000, 1_000, True),
    ]


def test_what_goes_to_a_version_without_an_instance_is_the_fallback_s():
    there = decided(weights(("1.0", 5_000), ("2.0", 5_000)), drained("host-2"))
    made = planned(Drain(("host-1",), 0.0, 300.0), TWO, there)
    assert loads(made)["host-3"] == (2.25, 9.0)


def test_an_avoided_host_gets_what_only_it_can_take():
    fleet = replace(
        three_hosts(running(B, "1.0", "host-1")), demand={(A, "1.0"): Demand(9.0, 1.0), (B, "1.0"): Demand(2.0, 1.0)}
    )
    made = planned(Avoid(("host-1",), 0.0), fleet)
    assert loads(made) == {"host-1": (5.0, 2.0), "host-2": (3.0, 4.5), "host-3": (3.0, 4.5)}


def test_settings_move_requests_too():
    made = planned(ChangeSettings({"new_versions": "share"}), TWO)
    assert [(one.version, one.before, one.after) for one in made.effect.shares] == [
        ("1.0", 10_000, 6_000),
        ("2.0", 0, 4_000),
    ]


def test_silent_hosts_are_named():
    made = planned(Drain(("host-1",), 0.0, 300.0), with_host(FLEET, "host-2", age_s=None))
    assert made.remarks == ("host-2: nothing fresh is known, so it counts as nothing",)


def test_leaving_a_failing_version_asks_for_no_more_than_yes():
    sick = three_hosts(running(A, "2.0", "host-1", failing=True))
    made = planned(RollBack(A), sick, PROMOTED)
    assert (made.sentence, made.friction) == (
        "rolls service/a back to 1.0: 1.0 0% → 100%, 2.0 100% → 0%",
        Friction(Ask.YES),
    )


# ---------------------------------------------------------------------- back to what was

ROLLED = {
    "the one that took the most": (THREE, weights(("1.0", 3_000), ("1.1", 6_000), ("2.0", 1_000)), "1.1"),
    "the newest by registration, wherever it stands": (THREE, weights(("2.0", 2_000), ("1.0", 8_000)), "1.0"),
    "all is the newest's: the fallback": (THREE, weights(("1.1", 0), ("2.0", 10_000), stable="1.1"), "1.1"),
    "all is the newest's: the only older one": (TWO, weights(("2.0", 10_000), stable="2.0"), "1.0"),
    "all is the newest's: the only older one named": (THREE, weights(("1.1", 0), ("2.0", 10_000), stable="2.0"), "1.1"),
    "nothing is decided, they compete": (TWO, SHARE, "1.0"),
}


@pytest.mark.parametrize(("fleet", "document", "target"), ROLLED.values(), ids=ROLLED.keys())
def test_a_rollback_finds_its_target(fleet: Fleet, document: object, target: str):
    made = planned(RollBack(A), fleet, decided(document))  # type: ignore[arg-type]
    traffic = parse_traffic(made.edits[0].path, made.edits[0].after or b"")
    assert (traffic.weight(target), traffic.stable) == (10_000, target)


def test_a_rollback_takes_rules_to_what_it_leaves_along():
    there = decided(weights(("1.0", 9_000), ("2.0", 1_000), rules=[TESTERS, MatchRule("1.0", keys=("bob",))]))
    made = planned(RollBack(A), TWO, there)
    assert "1 match rules to versions that are left go too" in made.remarks
    assert [rule.version for rule in parse_traffic(made.edits[0].path, made.edits[0].after or b"").rules] == ["1.0"]
