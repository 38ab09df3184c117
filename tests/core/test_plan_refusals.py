"""What can't be planned says what to type instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_core.plan.intents import Avoid, ChangeSettings, Drain, Extend, Restore, RollBack, Shift
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Situation
from tests.support.situations import ADA, NOW_S, A, decided, drained, planned, running, three_hosts, weights

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Decided, Fleet

HOURS_4 = NOW_S + 4 * 3600
FLEET = three_hosts()
TWO = three_hosts(running(A, "2.0", "host-1"), running(A, "2.0", "host-2"))
THREE = three_hosts(*(running(A, version, "host-1") for version in ("1.1", "2.0")))
CANARY = decided(weights(("1.0", 9_000), ("2.0", 1_000)))
PROMOTED = decided(weights(("1.0", 0), ("2.0", 10_000), stable="2.0"))
DRAINED = decided(drained("host-1"))

USAGE, NO_MATCH = CannotPlan.Kind.USAGE, CannotPlan.Kind.NO_MATCH
IMPOSSIBLE: dict[str, tuple[Fleet, Decided, Intent, CannotPlan.Kind, str, str]] = {
    "weights that do not sum": (
        TWO,
        CANARY,
        Shift(A, {"1.0": 5_000, "2.0": 4_000}),
        USAGE,
        "= 90%, not 100%",
        "1.0=…% 2.0=…%",
    ),
    "nobody takes the rest": (
        TWO,
        PROMOTED,
        Shift(A, {"2.0": 9_000}),
        USAGE,
        "nobody else has weight",
        "h2o weight service/a",
    ),
    "an unknown version": (
        TWO,
        CANARY,
        Shift(A, {"3.0": 100}),
        NO_MATCH,
        "no version of service/a '3.0'; there are 1.0, 2.0",
        "h2o describe service/a",
    ),
    "an unknown fallback": (TWO, CANARY, Shift(A, stable="3.0"), NO_MATCH, "there are 1.0, 2.0", "h2o describe"),
    "an unknown package": (
        TWO,
        CANARY,
        Shift("/service/x", {"1.0": 1}),
        NO_MATCH,
        "no package 'service/x'; there are service/a",
        "h2o list",
    ),
    "a review in the past": (
        TWO,
        CANARY,
        Shift(A, {"2.0": 1}, review_s=NOW_S - 9),
        USAGE,
        "--review is 9 s in the past",
        "--review 4h",
    ),
    "an unknown host": (
        FLEET,
        decided(),
        Drain(("host-9",), 0.0, 1.0),
        NO_MATCH,
        "no host 'host-9'; there are host-1, host-2, host-3",
        "h2o hosts",
    ),
    "a hostile host": (FLEET, decided(), Avoid(("a\x1b[2J",), 0.0), NO_MATCH, r"no host 'a\\x1b\[2J'", "h2o hosts"),
    "no host": (FLEET, decided(), Restore(()), USAGE, "no host is named", "h2o undrain HOST"),
    "until the past": (
        FLEET,
        decided(),
        Drain(("host-1",), NOW_S, 1.0),
        USAGE,
        "--until is 0 s in the past",
        "--until 4h",
    ),
    "a grace of a week": (FLEET, decided(), Drain(("host-1",), 0.0, 604_800.0), USAGE, "at most 86,400 s", ""),
    "extended into the past": (FLEET, DRAINED, Extend(NOW_S - 1, ("host-1",)), USAGE, "in the past", "--until 4h"),
    "nothing to end": (FLEET, DRAINED, Restore(("host-2",)), USAGE, "host-2: neither drained nor avoided", "h2o hosts"),
    "nothing to extend": (FLEET, DRAINED, Extend(HOURS_4, ("host-2", "host-1")), USAGE, "host-2: neither", "h2o hosts"),
    "nothing to review": (
        FLEET,
        decided(),
        Extend(HOURS_4, package=A),
        USAGE,
        "nobody has decided anything",
        "h2o weight service/a",
    ),
    "neither host nor package": (FLEET, decided(), Extend(HOURS_4), USAGE, "name hosts, or a package", "h2o extend"),
    "no setting": (FLEET, decided(), ChangeSettings({"x": "y"}), USAGE, "'x=y' is no setting", "h2o settings"),
    "no value of it": (FLEET, decided(), ChangeSettings({"tiers": "y"}), USAGE, r"tiers=enforce\|warn", "h2o settings"),
    "rolled back already": (
        TWO,
        decided(weights(("1.0", 10_000))),
        RollBack(A, "1.0"),
        USAGE,
        "1.0 has all of service/a already",
        "--to 2.0",
    ),
    "rolled back to nowhere": (
        FLEET,
        decided(),
        RollBack(A),
        USAGE,
        "no older version has an instance that is ready",
        "h2o describe",
    ),
    "rolled back to what is gone": (
        replace(TWO, versions={A: ("0.9", "1.0", "2.0")}),
        decided(weights(("0.9", 9_000), ("2.0", 1_000), stable="0.9")),
        RollBack(A),
        USAGE,
        "0.9 had service/a before 2.0, and none of its instances is ready",
        "--to 1.0",
    ),
    "rolled back to either": (
        THREE,
        decided(weights(("2.0", 10_000), stable="2.0")),
        RollBack(A),
        USAGE,
        "is not written anywhere",
        "--to 1.0 or h2o rollback service/a --to 1.1",
    ),
    "rolled back to one of two": (
        THREE,
        decided(weights(("1.0", 4_000), ("1.1", 4_000), ("2.0", 2_000))),
        RollBack(A),
        USAGE,
        "1.0 and 1.1 have as much",
        "--to 1.1",
    ),
}


@pytest.mark.parametrize(
    ("fleet", "there", "intent", "kind", "says", "hint"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys()
)
def test_what_can_t_be_planned_says_what_to_type(
    fleet: Fleet, there: Decided, intent: Intent, kind: CannotPlan.Kind, says: str, hint: str
):
    with pytest.raises(CannotPlan, match=says) as cannot:
        planned(intent, fleet, there)
    assert cannot.value.kind is kind
    assert hint in cannot.value.hint


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[2J", "x" * 1_025])
def test_a_reason_is_one_line(reason: str):
    author = replace(ADA, reason=reason)
    with pytest.raises(CannotPlan, match="a reason is one line"):
        plan(Restore(("host-1",)), Situation(DRAINED, FLEET), author, NOW_S)
