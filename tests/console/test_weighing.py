"""Weights as they are typed, what a package's page says, and who counts as having applied a change."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.weighing import parse_edits
from h2o_console.cli.weight_page import remark, weight_page
from h2o_console.commands.applied import Everybody, vanished, verdict, wait_for_all
from h2o_core.control.settings import FleetSettings, NewVersions
from h2o_core.control.traffic import WHOLE, MatchRule, Traffic
from h2o_core.plan.situation import Decided, Fleet, Host, Instance
from tests.support.agent_server import AgentServer

PACKAGE = "/service/customer"
RULE = MatchRule("2.0.0", callers=("operator",))
DECIDED = Traffic(PACKAGE, "1.0.0", (("1.0.0", 8_000), ("2.0.0", 2_000)), (RULE,), owner="bob", reason="old")
FLEET = Fleet(
    hosts={name: Host(name, age_s=0.0) for name in ("host-1", "host-2")},
    instances=(
        Instance("a", PACKAGE, "1.0.0", "host-1", 64),
        Instance("b", PACKAGE, "2.0.0", "host-2", 64),
        Instance("c", PACKAGE, "2.0.0", "host-2", 64, ready=False),
    ),
    versions={PACKAGE: ("1.0.0", "2.0.0", "3.0.0")},
)


@pytest.mark.parametrize(
    ("typed", "edits"),
    [
        (["2.0.0=10%"], {"2.0.0": 1_000}),
        (["2.0.0=12.5%", "1.0.0=87.5%"], {"2.0.0": 1_250, "1.0.0": 8_750}),
        (["2.0.0=0%"], {"2.0.0": 0}),
        (["2.0.0=5%", "2.0.0=5%"], {"2.0.0": 500}),
    ],
)
def test_weights_are_parts_of_ten_thousand(typed: list[str], edits: dict[str, int]):
    assert parse_edits(typed) == edits


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["2.0.0"], "VERSION=PERCENT"),
        (["2.0.0=ten%"], "VERSION=PERCENT"),
        (["=10%"], "VERSION=PERCENT"),
        (["2.0.0=-1%"], "VERSION=PERCENT"),
        (["2.0.0=1e2%"], "VERSION=PERCENT"),
        (["2.0.0=0.001%"], "VERSION=PERCENT"),
        (["2.0.0=100.01%"], "0% to 100%"),
        (["2.0.0=1%", "2.0.0=2%"], "two weights"),
    ],
)
def test_what_can_not_be_meant_is_said(typed: list[str], says: str):
    with pytest.raises(CommandFailed) as caught:
        parse_edits(typed)
    assert caught.value.exit_code is Exit.USAGE
    assert says in caught.value.message


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str):
    with suppress(CommandFailed):
        assert all(0 <= parts <= WHOLE for parts in parse_edits([text]).values())


def test_the_page_says_what_is_decided():
    page = weight_page("f", PACKAGE, Decided(1, traffic={PACKAGE: DECIDED}), FLEET)
    assert [tuple(row) for row in page.rows] == [
        ("1.0.0", "80%", "1", "64", "stable"),
        ("2.0.0", "20%", "2", "64", ""),
        ("3.0.0", "0%", "0", "0", ""),
    ]
    assert (page.document["owner"], page.document["rules"], page.document["decided"]) == ("bob", 1, True)


def test_the_page_says_what_happens_where_nothing_is_decided():
    hold = weight_page("f", PACKAGE, Decided(1), FLEET)
    assert [row[1] for row in hold.rows] == ["100%", "0%", "0%"]
    share = weight_page("f", PACKAGE, Decided(1, settings=FleetSettings(NewVersions.SHARE)), FLEET)
    assert [row[1] for row in share.rows] == ["by load", "by load", "0%"]
    assert share.document["decided"] is False


def test_who_decided_it_is_said():
    assert remark(PACKAGE, Decided(1), 0.0)[1] == "h2o weight service/customer VERSION=PERCENT"
    there = Decided(1, traffic={PACKAGE: DECIDED})
    assert remark(PACKAGE, there, 0.0)[0] == "decided by bob: old; 1 match rules come first"


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


class Epoch(dict[str, Any]):
    """Answers of an agent that is asked for an epoch, for however long."""

    def get(self, path: str, otherwise: Any = None) -> Any:
        gone = {"host": "h2", "since": "2026-11-28T05:00:00.000Z"}
        answer = {"host": "h1", "applied": 7, "except": [], "vanished": [gone, {"host": "h1"}, {}, 7]}
        return answer if path.startswith("/epoch?at_least=7&timeout=") else otherwise


def test_a_host_that_went_without_a_farewell_does_not_count_until_somebody_answers_for_it():
    with AgentServer(Epoch()) as agent:
        agents = {"h1": agent.address}
        found = wait_for_all(agents, 7, [], 1.0, lambda _address: "")
        known = wait_for_all(agents, 7, [], 1.0, lambda _address: "", acknowledged=["h2"])
    assert found.behind == {"h2": "unreachable since 2026-11-28T05:00:00.000Z, may still route"}
    assert found.sentence(7).startswith("epoch 7 is applied by 1/2 brokers; h2: unreachable since")
    assert (known.behind, list(known.acknowledged)) == ({}, ["h2"])
    assert vanished({"vanished": "x"}) == {}


def test_those_behind_are_named():
    assert Everybody(3, {}).sentence(7) == "epoch 7 is applied by all 3 brokers"
    behind = Everybody(3, {"h2": "behind, at epoch 6"})
    assert behind.sentence(7) == "epoch 7 is applied by 2/3 brokers; h2: behind, at epoch 6"
    known = Everybody(3, {}, {"h3": "no agent answers"})
    assert known.sentence(7) == "epoch 7 is applied by 2/3 brokers; you answer for h3"
