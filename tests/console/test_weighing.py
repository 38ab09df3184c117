"""Weights as they are typed: what they make of a package's traffic, and what is said of those that can't be meant."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.ready import Capacity
from h2o_console.cli.weighing import Known, parse_edits, weighed
from h2o_console.cli.weight_page import remark, weight_page
from h2o_console.commands.applied import Everybody, verdict
from h2o_core.control import WHOLE, MatchRule, NewVersions, Traffic, encode_traffic

PACKAGE = "/service/customer"
RULE = MatchRule("2.0.0", callers=("operator",))
DECIDED = Traffic(PACKAGE, "1.0.0", (("1.0.0", 8_000), ("2.0.0", 2_000)), (RULE,), salt="s", owner="bob", reason="old")


def known(traffic: Traffic | None = None, how: NewVersions = NewVersions.HOLD, **versions: int) -> Known:
    counts = {f"{name[1:]}.0.0": count for name, count in versions.items()} or {"1.0.0": 1, "2.0.0": 1}
    return Known(PACKAGE, traffic, counts, how)


SHARED = known(None, NewVersions.SHARE, v1=2, v2=1, v3=1)


def weights(there: Known, *typed: str) -> dict[str, int]:
    traffic = weighed(there, parse_edits(typed), owner="ada", reason="", review_s=0.0)
    encode_traffic(traffic)
    return dict(traffic.weights)


@pytest.mark.parametrize(
    ("there", "typed", "expected"),
    [
        (known(), ["2.0.0=10%"], {"1.0.0": 9_000, "2.0.0": 1_000}),
        (known(), ["2.0.0=12.5%"], {"1.0.0": 8_750, "2.0.0": 1_250}),
        (known(), ["2.0.0=100%"], {"1.0.0": 0, "2.0.0": 10_000}),
        (known(), ["2.0.0=30%", "1.0.0=70%"], {"1.0.0": 7_000, "2.0.0": 3_000}),
        (known(v1=0, v2=1), ["1.0.0=10%"], {"2.0.0": 9_000, "1.0.0": 1_000}),
        (known(how=NewVersions.SHARE), ["1.0.0=10%"], {"1.0.0": 1_000, "2.0.0": 9_000}),
        (
            known(None, NewVersions.SHARE, v1=2, v2=1, v3=1),
            ["3.0.0=50%"],
            {"1.0.0": 3333, "2.0.0": 1667, "3.0.0": 5000},
        ),
        (known(DECIDED), ["2.0.0=50%"], {"1.0.0": 5_000, "2.0.0": 5_000}),
        (known(DECIDED, v1=1, v2=1, v3=1), ["3.0.0=10%"], {"1.0.0": 7_200, "2.0.0": 1_800, "3.0.0": 1_000}),
        (known(DECIDED, v1=1, v2=1, v3=1), ["3.0.0=100%"], {"1.0.0": 0, "2.0.0": 0, "3.0.0": 10_000}),
        (known(DECIDED, v3=1), ["2.0.0=0%"], {"1.0.0": 10_000, "2.0.0": 0}),
    ],
)
def test_one_scales_the_others_and_all_are_taken_as_they_are(there: Known, typed: list[str], expected: dict[str, int]):
    assert weights(there, *typed) == expected


def test_rules_salt_and_stable_stay_and_the_author_is_new():
    traffic = weighed(known(DECIDED), {"2.0.0": 1}, owner="ada", reason="why", review_s=5.0)
    assert (traffic.stable, traffic.rules, traffic.salt) == ("1.0.0", (RULE,), "s")
    assert (traffic.owner, traffic.reason, traffic.review_s) == ("ada", "why", 5.0)


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (["2.0.0"], Exit.USAGE, "VERSION=PERCENT"),
        (["2.0.0=ten%"], Exit.USAGE, "VERSION=PERCENT"),
        (["=10%"], Exit.USAGE, "VERSION=PERCENT"),
        (["2.0.0=-1%"], Exit.USAGE, "VERSION=PERCENT"),
        (["2.0.0=1e2%"], Exit.USAGE, "VERSION=PERCENT"),
        (["2.0.0=0.001%"], Exit.USAGE, "VERSION=PERCENT"),
        (["2.0.0=100.01%"], Exit.USAGE, "0% to 100%"),
        (["2.0.0=1%", "2.0.0=2%"], Exit.USAGE, "two weights"),
        (["2.0.0=60%", "1.0.0=60%"], Exit.USAGE, "60% + 60% = 120%, not 100%"),
        (["2.0.0=10%", "1.0.0=10%"], Exit.USAGE, "give one version and the rest is scaled"),
        (["1.0.0=60%"], Exit.USAGE, "nobody else has weight to take the 40% that 1.0.0 leaves"),
        (["9.0.0=10%"], Exit.NO_MATCH, "nothing matches '9.0.0'"),
    ],
)
def test_what_can_not_be_meant_is_said(typed: list[str], code: Exit, says: str):
    with pytest.raises(CommandFailed) as caught:
        weights(known(), *typed)
    assert caught.value.exit_code is code
    assert says in caught.value.message


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str):
    with suppress(CommandFailed):
        assert all(0 <= parts <= WHOLE for parts in parse_edits([text]).values())


CAPACITY = Capacity({"1.0.0": 64}, 3.5, {})


def test_the_page_says_what_is_now_and_then():
    then = Traffic(PACKAGE, "1.0.0", (("1.0.0", 9_000), ("2.0.0", 1_000)))
    page = weight_page("f", known(), then, CAPACITY, {})
    assert [tuple(row) for row in page.rows] == [
        ("1.0.0", "100%", "90%", "1", "64", "stable"),
        ("2.0.0", "0%", "10%", "1", "0", ""),
    ]
    assert page.document["weights"][1]["then"] == 1_000
    there = weight_page("f", known(how=NewVersions.SHARE), None, CAPACITY, {})
    assert [row[1] for row in there.rows] == ["by load", "by load"]
    assert [column.head for column in there.columns][:3] == ["VERSION", "NOW", "INSTANCES"]
    assert there.document["decided"] is False


def test_who_decided_it_is_said():
    assert remark(known(), 0.0)[1] == "h2o weight service/customer VERSION=PERCENT"
    assert remark(known(DECIDED), 0.0)[0] == "decided by bob: old; 1 match rules come first"


ANSWER: dict[str, object] = {"host": "h", "applied": 7, "except": []}


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (200, ANSWER, ""),
        (408, ANSWER | {"applied": 6}, "behind, at epoch 6"),
        (200, ANSWER | {"except": ["control/traffic/service.customer"]}, "it can't read control/traffic"),
        (200, ANSWER | {"except": ["control/traffic/service.other", 7]}, ""),
        (200, ANSWER | {"host": "i"}, "that of host i"),
        (200, ANSWER | {"applied": "7"}, "its agent says: status 200"),
        (503, {"error": "the broker is not running"}, "the broker is not running; its broker may route as before"),
        (200, {}, "status 200"),
    ],
)
def test_who_counts_as_applying_it(status: int, answer: dict[str, object], says: str):
    said = verdict(status, answer, "h", 7, ["control/traffic/service.customer"])
    assert bool(said) is bool(says)
    assert says in said


def test_those_behind_are_named():
    assert Everybody(3, {}).sentence(7) == "epoch 7 is applied by all 3 brokers"
    behind = Everybody(3, {"h2": "behind, at epoch 6"})
    assert behind.sentence(7) == "epoch 7 is applied by 2/3 brokers; h2: behind, at epoch 6"
