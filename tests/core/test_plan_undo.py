"""Undo: byte for byte what was there, if what the change left is still there; else the three ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_core.audit import Author, Entry
from h2o_core.control.hosts import HostState
from h2o_core.plan.intents import ChangeSettings, Drain, Restore, Shift, Undo
from h2o_core.plan.plan import Ask, CannotPlan, Friction
from tests.support.situations import BOB, NOW_S, SHARE, A, B, decided, drained, planned, running, three_hosts, weights

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided

TWO = three_hosts(running(A, "2.0", "host-1"), running(A, "2.0", "host-2"))
CANARY = decided(weights(("1.0", 9_000), ("2.0", 1_000)))
DRAINED = decided(drained("host-1"))


def entry(made: Plan, epoch: int = 4, author: Author = BOB) -> Entry:
    return Entry(epoch, "0123456789abcdef", NOW_S, author, made.edits, made.sentence)


def test_an_undo_gives_back_the_bytes_and_says_whose_change_it_was():
    made = planned(Shift(A, {"2.0": 5_000}), TWO, CANARY)
    undone = planned(Undo(entry(made)), TWO, CANARY.with_edits(made.edits))
    assert CANARY.with_edits(made.edits).with_edits(undone.edits).documents == CANARY.documents
    assert undone.sentence == "takes back change 4 of bob@desk: service/a: 1.0 90% → 50%, 2.0 10% → 50%"
    assert (undone.undo_of, undone.command) == ("0123456789abcdef", "h2o undo 0123456789abcdef --reason because")
    assert [(one.version, one.after) for one in undone.effect.shares] == [("1.0", 9_000), ("2.0", 1_000)]


def test_guards_count_for_an_undo_as_well():
    fleet = three_hosts(running(B, "1.0", "host-1"), running(B, "1.0", "host-2"))
    made = planned(Restore(("host-1",)), fleet, DRAINED)
    there = decided(drained("host-2"))
    undone = planned(Undo(entry(made)), fleet, there)
    assert [guard.subject for guard in undone.refused] == ["service/b", "service/a 1.0"]


def test_what_is_taken_back_already_writes_nothing():
    made = planned(Shift(A, {"2.0": 5_000}), TWO, CANARY)
    undone = planned(Undo(entry(made)), TWO, CANARY)
    assert (undone.edits, undone.sentence, undone.friction) == (
        (),
        "change 4 is taken back already",
        Friction(Ask.ENTER),
    )


def test_what_somebody_decided_since_has_three_ways():
    made = planned(Shift(A, {"2.0": 5_000}), TWO, CANARY)
    there = decided(weights(("1.0", 1_000), ("2.0", 9_000)))
    with pytest.raises(CannotPlan, match=r"control/traffic/service\.a \(somebody\)") as cannot:
        planned(Undo(entry(made)), TWO, there)
    assert cannot.value.hint == (
        "keep what is there: do nothing; "
        "or put back what was before, whatever is there: h2o undo 0123456789abcdef --over; "
        "or go there by hand: h2o weight service/a 1.0=90% 2.0=10% --stable 1.0"
    )
    forced = planned(Undo(entry(made), over=True), TWO, there)
    assert there.with_edits(forced.edits).documents == CANARY.documents
    assert [guard.name for guard in forced.guards if guard.subject == "control/traffic/service.a"] == ["others"]


BY_HAND = {
    "a drain": (Drain(("host-1",), 0.0, 1.0), decided(), decided(drained("host-1")), "h2o undrain host-1"),
    "an end of one": (
        Restore(("host-1",)),
        DRAINED,
        decided(drained("host-1", HostState.AVOID)),
        "h2o drain host-1 --until 1h --grace 5m",
    ),
    "a first weight": (Shift(A, {"2.0": 100}), decided(), CANARY, "h2o weight service/a"),
    "a setting": (ChangeSettings({"tiers": "warn"}), decided(), decided(SHARE), "h2o settings"),
}


@pytest.mark.parametrize(("intent", "before", "after", "command"), BY_HAND.values(), ids=BY_HAND.keys())
def test_the_way_by_hand(intent: Intent, before: Decided, after: Decided, command: str):
    made = planned(intent, TWO, before)
    with pytest.raises(CannotPlan) as cannot:
        planned(Undo(entry(made)), TWO, after)
    assert cannot.value.hint.endswith(f"or go there by hand: {command}")
