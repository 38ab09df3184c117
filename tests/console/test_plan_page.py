"""A plan's page at three in the morning: 80 columns, nothing cut that is to be copied, unknown never a zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.output import Style
from h2o_console.cli.plan_page import plan_document, plan_text
from h2o_console.text import width
from h2o_core.plan.intents import Drain
from h2o_core.plan.plan import Ask, Effect, Friction, HostLoad, InstanceLoad, Load, Plan, Share
from h2o_core.plan.situation import Instance
from h2o_core.verdicts import CAPACITY, LAST_INSTANCE, ZONES, Guard, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = "/service/customer"


def instance(at: int) -> Instance:
    return Instance(f"{at:x}" * 16, PACKAGE, "2.0.0", f"host-{at}", 64)


def plan(guards: Iterable[Guard] = (), effect: Effect | None = None, sentence: str = "drains host-1") -> Plan:
    return Plan(
        intent=Drain(("host-1",), 0.0, 300.0),
        epoch=41,
        sentence=sentence,
        edits=(),
        effect=effect or Effect(),
        guards=tuple(guards),
        undo="h2o undrain host-1",
        command="h2o drain host-1 --until 4h --grace 5m --reason 'a reason that is longer than any terminal is wide'",
        friction=Friction(Ask.NAME, "host-1"),
    )


FULL = Effect(
    shares=(Share(PACKAGE, "2.0.0", 10_000, 9_000), Share(PACKAGE, "2.1.0", 0, 1_000, by_load=True)),
    instances=tuple(InstanceLoad(instance(at), Load(at, 64), Load(2.0 * at, 64)) for at in range(1, 12)),
    hosts=(
        HostLoad("host-1", Load(32.0, 64), Load(0.0, 64)),
        HostLoad("host-2", Load(None, 64), Load(None, 64)),
        HostLoad("host-3", Load(32.0, 64), Load(60.0, 64)),
    ),
    moved_per_s=1234.5,
)
GUARDS = (
    Guard(LAST_INSTANCE, Verdict.REFUSED, "host-1 has the last of service/customer " * 4, "host-1", "start one first"),
    Guard(CAPACITY, Verdict.WARNED, "it will be tight", PACKAGE),
    Guard(ZONES, Verdict.PASSED, "drained hosts are of one zone"),
)


def test_the_whole_page_at_80_columns():
    text = plan_text(plan(GUARDS, FULL), {"host-9": "no agent answers"}, Style(cells=80))
    lines = text.splitlines()
    assert lines[0] == "drains host-1"
    assert {line[:12] for line in lines if width(line) > 80} <= {"the same as:"}, "a command is never broken"
    for part in (
        "service/customer  2.1.0     about 0%  about 10%",
        "host-1       50%     0.0%     64",
        "host-2   unknown  unknown     64",
        "host-3       50%    ! 94%     64",
        "and 4 more",
        "About 1234 requests/s go elsewhere than now.",
        "host-9 says nothing of itself: no agent answers",
        "x refused  host-1 has the last of service/customer",
        "             start one first",
        "! warned   it will be tight",
        "✓ passed   drained hosts are of one zone",
        "undo:        h2o undrain host-1",
    ):
        assert part in text, f"{part}\n{text}"
    assert lines[-1].startswith("the same as: h2o drain host-1 --until 4h")


def test_in_a_pipe_nothing_is_cut_and_wide_has_all():
    text = plan_text(plan(GUARDS, FULL), {}, Style(wide=True))
    assert "and 4 more" not in text
    assert sum("service/customer  2.0.0    host-" in line for line in text.splitlines()) == 11
    assert ("host-1 has the last of service/customer " * 4).strip() in text


def test_colours_stand_beside_words():
    inked = plan_text(plan(GUARDS), {}, Style(colour=True, cells=80))
    for code, word in (("31", "x refused"), ("33", "! warned"), ("32", "✓ passed")):
        assert f"\x1b[{code}m{word}" in inked


def test_what_moves_is_unknown_or_nothing_or_counted():
    unknown = plan_text(plan(effect=Effect(moved_per_s=None)), {}, Style())
    assert "How many requests move is not known" in unknown
    assert "requests" not in plan_text(plan(effect=Effect()), {}, Style())


@pytest.mark.parametrize("cells", [None, 20, 40, 80, 200])
def test_hostile_words_are_harmless(cells: int | None):
    hostile = "\x1b]0;x\x07\u202e[/x]\n\r" + "w" * 300
    guard = Guard(CAPACITY, Verdict.REFUSED, hostile, hostile, hostile)
    text = plan_text(plan([guard], sentence=hostile), {hostile: hostile}, Style(cells=cells))
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)


def test_the_document_says_what_is_not_known():
    document = plan_document(plan(GUARDS, FULL), {})
    assert document["hosts"][1] == {"host": "host-2", "busy_now": None, "busy_then": None, "slots": 64}
    assert document["shares"][1]["by_load"]
    assert document["refused"] is True
    assert document["confirm"] == "host-1"
    assert [one["verdict"] for one in document["guards"]] == ["refused", "warned", "passed"]
