"""Triage, a finding, the journal and a change on screen: what keys do, what stands still, and how they look."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from h2o_console.commands.journal import Journal
from h2o_console.rows.finding_keys import finding_key
from h2o_console.rows.places import Kind, Place
from h2o_console.store.control import ControlSeen
from h2o_console.tui.screens.triage import TriageScreen
from h2o_core.insights.grouping import Group
from h2o_core.insights.standing import News
from tests.console import found_fleet
from tests.console.found_fleet import journal, well, wrong
from tests.console.pictures import Pictures, scrubbed
from tests.console.register_asked import Register
from tests.console.still_fleet import StillFleet
from tests.console.test_tui_screens import NARROW, USUAL, WIDE, Stage, staged

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

HOME = Place(Kind.TRIAGE)


def stage(fleet: StillFleet | None = None, **more: object) -> Stage:
    return Stage(wrong() if fleet is None else fleet, home=HOME, **more)  # pyright: ignore[reportArgumentType] - Stage's own


def line_with(stage: Stage, text: str) -> str:
    return next(line for line in stage.lines if text in line)


async def test_home_says_what_is_wrong_why_and_what_to_do() -> None:
    it = stage()
    async with staged(it, WIDE):
        assert "3 causes of trouble, 8.8 requests/s hurt, 1 muted" in it.text
        row = line_with(it, "service/customer 2.4.0  +3")
        assert row.startswith("x PAGE")
        assert row.rstrip().endswith("→ roll back to 2.3.1")
        assert "ada@host-1 looks after it since 02:39:00: INC-7" in line_with(it, "host-5  ")
        assert it.lines[-3].strip() or it.lines[-2].strip() == "→ drain host-3: h2o drain host-3"


async def test_e_unfolds_what_a_cause_explains_and_leads_back_to_it() -> None:
    it = stage()
    async with staged(it, WIDE) as pilot:
        screen = it.app.frame.seen
        assert isinstance(screen, TriageScreen)
        await pilot.press("j")
        cause = it.app.frame.list.cursor
        await pilot.press("e")
        assert [line.strip("x! ").split()[3] for line in it.lines if "└" in line] == ["└"] * 3
        assert "-3" in line_with(it, "service/customer 2.4.0  ")
        await pilot.press("j", "j")
        assert it.app.frame.list.cursor != cause
        await pilot.press("e")
        assert it.app.frame.list.cursor == cause, "to its cause"
        await pilot.press("e")
        assert "└" not in it.text
        await pilot.press("G", "e")
        assert "it explains no other finding" in it.lines[-1]


async def test_what_is_unfolded_stays_so_on_going_back() -> None:
    it = stage()
    async with staged(it, WIDE) as pilot:
        await pilot.press("j", "e", "j", "enter")
        await it.settle(pilot)
        assert it.place.kind is Kind.FINDING
        assert "CAUSE: the action is there" in it.text
        await pilot.press("escape")
        await it.settle(pilot)
        assert it.text.count("└") == 3


async def test_enter_opens_the_finding_and_leads_to_the_package_the_change_and_back() -> None:
    it = stage()
    async with staged(it, WIDE) as pilot:
        await pilot.press("j", "enter")
        await it.settle(pilot)
        for words in ("h2o rollback service/customer --to 2.3.1", "failures share", "EXPLAINS (3)", "by eva@host-1"):
            assert words in it.text
        await pilot.press("j", "j", "enter")
        await it.settle(pilot)
        assert it.place == Place(Kind.ENTRY, "3f8a91c2d4e5f607")
        assert "+ weights: parts 2000, version 2.4.0" in it.text
        await pilot.press("escape", "G", "enter")
        await it.settle(pilot)
        assert it.place == Place(Kind.PACKAGE, "service/customer")
        await pilot.press("escape", "escape")
        assert it.place == HOME


async def test_a_finding_that_closes_while_it_is_read_says_so_and_stays() -> None:
    it = stage()
    async with staged(it, WIDE) as pilot:
        await pilot.press("j", "enter")
        await it.settle(pilot)
        assert it.fleet.insight is not None
        it.fleet.insight = replace(it.fleet.insight, news=News((), (), ()))
        await it.settle(pilot)
        assert "closed 0.0s ago, at 02:40:00 UTC" in it.text
        assert "h2o rollback service/customer --to 2.3.1" in it.text
        await pilot.press("escape")
        await it.settle(pilot)
        assert "service/customer" not in "\n".join(it.lines[2:]), "gone from the list"


async def test_all_is_well_says_by_what_and_unknown_is_not_well() -> None:
    it = stage(well())
    async with staged(it, WIDE) as pilot:
        assert "All is well." in it.text
        assert "Looked at 3 hosts, 0 instances, looked 3s ago." in it.text
        it.now_s += 60
        await it.settle(pilot)
        assert "All is well" not in it.text
        assert "The last look is" in it.text
        it.fleet.insight = None
        await it.settle(pilot)
        assert "Looking…" in it.text


async def test_c_copies_the_command_that_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    it = stage()
    copied: list[str] = []
    async with staged(it, WIDE) as pilot:
        it.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await pilot.press("j", "c", "enter", "c", "8", "c")
        await it.settle(pilot)
        rollback = "h2o rollback service/customer --to 2.3.1"
        assert copied == [rollback, rollback, "h2o undo 3f8a91c2"]


async def test_hundreds_of_changes_never_put_another_finding_under_the_cursor() -> None:
    """Groups come, go, change places, and become each other's symptoms, between any two keys."""
    it, dice = stage(), Random(7)
    assert it.fleet.insight is not None
    whole = it.fleet.insight
    groups = list(whole.news.groups)
    async with staged(it, USUAL) as pilot:
        await pilot.press("j", "e", "j")
        listed = it.app.frame.list
        for _ in range(250):
            before = listed.cursor
            some = dice.sample(groups, dice.randrange(1, len(groups) + 1))
            if dice.random() < 0.3 and len(some) > 1:
                swallowed = some.pop()
                some[0] = replace(some[0], symptoms=(*some[0].symptoms, swallowed.cause))
            it.fleet.insight = replace(whole, news=News(tuple(some), (), (), whole.news.muted))
            it.now_s += dice.choice((0.25, 1.0, 6.0))
            it.app.flush()
            assert listed.cursor == before
            if dice.random() < 0.3:
                await pilot.press(dice.choice("jke"))
        assert it.app.is_running


@pytest.mark.parametrize("put", [False, True])
async def test_the_cursor_is_on_the_cause_unless_somebody_has_put_it_on_what_it_explains(put: bool) -> None:
    it = stage()
    whole = it.fleet.insight
    assert whole is not None
    led = next(group for group in whole.news.groups if group.symptoms)
    it.fleet.insight = replace(whole, news=News((Group(led.symptoms[0]),), (), ()))
    async with staged(it, WIDE) as pilot:
        symptom = it.app.frame.list.cursor
        if put:
            await pilot.press("G")
        it.fleet.insight = replace(whole, news=News((led,), (), ()))
        for _ in range(10):
            await it.settle(pilot)
        cause = finding_key(led.cause.key)
        assert it.app.frame.list.order == ((cause, symptom) if put else (cause,))
        assert it.app.frame.list.cursor == (symptom if put else cause)


async def test_nothing_comes_in_between_while_somebody_types() -> None:
    it = stage()
    assert it.fleet.insight is not None
    whole = it.fleet.insight
    host, version, disk = whole.news.groups
    async with staged(it, WIDE) as pilot:
        await pilot.press("j", "e")
        shown = it.app.frame.list.order
        more = replace(version, symptoms=(*version.symptoms, replace(disk.cause, action=None)))
        it.fleet.insight = replace(whole, news=News((host, more), (), (), whole.news.muted))
        it.now_s += 1.0
        await pilot.press("k")
        it.app.flush()
        assert set(it.app.frame.list.order) <= set(shown)
        it.now_s += 6.0
        it.app.flush()
        assert len([line for line in it.lines if "└" in line]) == 4


# ---------------------------------------------------------------------- the journal


async def test_older_changes_are_read_at_the_end_of_the_list() -> None:
    it, register = stage(), Register()
    it.session.register = register
    first, *rest = journal()
    it.fleet.control = ControlSeen(41, entries=(first,))
    async with staged(it, WIDE) as pilot:
        await pilot.press("8")
        await it.settle(pilot)
        assert register.asked == [], "only when somebody wants them"
        assert "G for older ones" in it.lines[-1]
        it.fleet.control = ControlSeen(41, entries=(first, rest[0]))
        await it.settle(pilot)
        await pilot.press("G")
        await it.settle(pilot)
        assert [at_s for at_s, _ in register.asked] == [rest[0].at_s]
        assert "reading older changes" in it.lines[-1]
        register.journals[0].set_result(Journal((rest[0], *rest[1:]), more=False))
        await it.settle(pilot)
        it.now_s += 5.0
        await it.settle(pilot)
        assert "4 changes, by newest, all there are" in it.lines[-1]
        assert "(undone by b0c2d4e6)" in line_with(it, "FORCED: drains host-2")
        await pilot.press("G")
        await it.settle(pilot)
        assert len(register.asked) == 1, "there are no more"


async def test_why_older_changes_can_t_be_read() -> None:
    it, register = stage(), Register()
    it.session.register = register
    async with staged(it, WIDE) as pilot:
        await pilot.press("8", "G")
        await it.settle(pilot)
        register.journals[0].set_exception(OSError("ZooKeeper is out of reach"))
        await it.settle(pilot)
        assert "older ones: ZooKeeper is out of reach" in it.lines[-1]
        await pilot.press("k", "G")
        await it.settle(pilot)
        assert len(register.asked) == 2, "asked again"


async def test_an_agent_that_does_not_tell_what_is_decided() -> None:
    it = stage()
    it.fleet.control = None
    async with staged(it, WIDE) as pilot:
        await pilot.press("8")
        await it.settle(pilot)
        assert "does not tell what is decided" in it.text
        await pilot.press("1")
        await it.settle(pilot)
        assert "nothing known of what is decided" in it.text


@pytest.mark.parametrize(("me", "said"), [("eva@host-1", "others' changes, last 15 min: 1"), ("", "15 min: 2")])
async def test_the_header_says_what_others_have_changed(me: str, said: str) -> None:
    it = stage()
    it.session.me = me
    async with staged(it, WIDE):
        assert said in it.lines[0]


# ---------------------------------------------------------------------- pictures

FAILING = found_fleet.key_of_version()
PICTURED = {
    "triage": HOME,
    "finding": Place(Kind.FINDING, FAILING),
    "journal": Place(Kind.JOURNAL),
    "change": Place(Kind.ENTRY, "3f8a91c2d4e5f607"),
    "forced": Place(Kind.ENTRY, "77aa11bb22cc33dd"),
}


@pytest.mark.parametrize("size", [WIDE, USUAL, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURED)
async def test_it_looks_as_it_did(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    it = stage()
    async with staged(it, size) as pilot:
        if PICTURED[name] == HOME:
            await pilot.press("j", "e")
            await it.settle(pilot)
        else:
            await it.go(pilot, PICTURED[name])
        assert snapshot(extension_class=Pictures) == scrubbed(it.app)


@pytest.mark.parametrize("size", [WIDE, NARROW, (30, 8)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_quiet_looks_as_it_did(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    it = stage(well())
    async with staged(it, size):
        assert snapshot(extension_class=Pictures) == scrubbed(it.app)


@pytest.mark.parametrize("theme", ["light", "deuteranopia", "mono"])
async def test_other_themes_look_as_they_did(theme: str, snapshot: SnapshotAssertion) -> None:
    it = stage(theme=theme)
    async with staged(it, USUAL):
        assert snapshot(extension_class=Pictures) == scrubbed(it.app)
