"""Experiments on screen: the list, one in full, and why nobody knows how they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.experiment_page import one_page, sections_of
from h2o_console.cli.output import Style
from h2o_console.commands.trials import Looked
from h2o_console.rows.experiments import trial_rows
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.section_lines import section_lines
from h2o_console.text import width as cells_of
from h2o_core.experiment.arms import Arm
from tests.console.pictures import Pictures, scrubbed
from tests.console.register_asked import Register
from tests.console.still_fleet import HOSTILE
from tests.console.test_cli_experiment import PACKAGE, WORSE, looked
from tests.console.test_tui_screens import NARROW, USUAL, WIDE, Stage, staged
from tests.support.trials import counted, shares

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

UNDECIDED = counted(Arm(random=shares(900, 9)), Arm(random=shares(100, 1)))


def several() -> Looked:
    """One that is worse, and one that needs more."""
    worse, waiting = looked(WORSE), looked(UNDECIDED)
    other = waiting.running[PACKAGE]
    renamed = replace(other, traffic=replace(other.traffic, package="/service/geo"))
    return replace(worse, running={**worse.running, "/service/geo": renamed}, silent={"host-3": "no answer within 2 s"})


def stage(found: Looked | None = None) -> tuple[Stage, Register]:
    it, register = Stage(), Register()
    it.session.register = register
    if found is not None:
        it.session.trials.update(0.0)
        register.looks[0].set_result(found)
        it.session.trials.update(0.1)
    return it, register


def test_a_row_for_each_new_version() -> None:
    worse, waiting = trial_rows(several())
    assert (worse.name, worse.version, worse.share, worse.verdict, worse.glyph.sign) == (
        "service/customer", "2.0.0", "10%", "worse", "x"
    )  # fmt: skip
    assert worse.says == "2.0.0 is worse: errors 6.0 % against 0.7 %"
    assert (waiting.verdict, waiting.glyph.sign) == ("undecided", "~")
    assert waiting.needs > 100
    assert "more requests of 2.0.0" in waiting.says


@pytest.mark.parametrize("width", [30, 60, 100, 160])
def test_the_screen_says_what_the_page_says(width: int) -> None:
    found = looked(WORSE)
    _, sections = sections_of(found, found.running[PACKAGE])
    lines = [line for one in sections for line in section_lines(one, width)]
    assert len({line.key for line in lines}) == len(lines)
    said = ["".join(cell.text for cell in line.cells) for line in lines]
    assert all(cells_of(text) <= width for text in said)
    if width >= 100:
        page = one_page("test", found, found.running[PACKAGE])
        assert page.text is not None
        for word in page.text(Style()).split("\n\n", 1)[1].split():
            assert word in " ".join(said).split(), word


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_reasons_are_inert(evil: str) -> None:
    found = looked(WORSE, reason=evil)
    _, sections = sections_of(found, found.running[PACKAGE])
    for line in (line for one in sections for line in section_lines(one, 60)):
        assert "".join(cell.text for cell in line.cells).isprintable()


async def test_the_list_opens_one_and_both_ask_only_while_they_are_seen() -> None:
    it, register = stage()
    async with staged(it, WIDE) as pilot:
        assert register.looks == []
        await pilot.press("7")
        await it.settle(pilot)
        assert "Asking the register" in it.text
        register.looks[0].set_result(several())
        await it.settle(pilot)
        await it.settle(pilot)
        assert "2 comparisons" in it.lines[-1]
        await pilot.press("enter")
        await it.settle(pilot)
        assert it.place == Place(Kind.EXPERIMENT, "service/customer")
        assert "2.0.0 is worse: errors 6.0 % against 0.7 %" in it.text
        assert "Against 1.0.0, the stable one" in it.text
        asked = len(register.looks)
        await pilot.press("2")
        for _ in range(10):
            await it.settle(pilot)
        assert len(register.looks) == asked


async def test_no_answer_is_said_and_what_was_known_grows_old() -> None:
    it, register = stage()
    async with staged(it, WIDE) as pilot:
        await pilot.press("7")
        await it.settle(pilot)
        register.looks[0].set_exception(OSError("ZooKeeper zk:2181 is out of reach"))
        await it.settle(pilot)
        assert "ZooKeeper zk:2181 is out of reach." in it.text
        it.now_s += 5
        await it.settle(pilot)
        register.looks[1].set_result(several())
        await it.settle(pilot)
        it.now_s += 5
        await it.settle(pilot)
        register.looks[2].set_exception(OSError("gone again"))
        await it.settle(pilot)
        assert "service/geo" in it.text
        assert "old: gone again" in it.lines[-1]


async def test_where_nothing_reads_the_register_that_is_said() -> None:
    it = Stage()
    async with staged(it, WIDE) as pilot:
        await pilot.press("7")
        await it.settle(pilot)
        assert "experiments can't be read from here" in it.text


@pytest.mark.parametrize("size", [WIDE, USUAL, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("kind", [Kind.EXPERIMENTS, Kind.EXPERIMENT], ids=lambda kind: kind.value)
async def test_it_looks_as_it_did(kind: Kind, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    it, _ = stage(several())
    async with staged(it, size) as pilot:
        await it.go(pilot, Place(kind, "service/customer" if kind is Kind.EXPERIMENT else ""))
        assert snapshot(extension_class=Pictures) == scrubbed(it.app)
