"""What `a` does on a finding: its plan, who looks after it, and to let it be quiet; nothing of it unless armed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from h2o_console.rows.places import Kind, Place
from h2o_core.insights.finding import Key, Kind as Found, Subject
from h2o_core.insights.notes import Says
from h2o_core.insights.standing import News
from tests.console.found_fleet import DISK, wrong
from tests.console.still_register import NOW_S, StillRegister, fleet_of, somebody
from tests.console.test_tui_screens import WIDE, Stage, staged
from tests.support.insight_situations import CUSTOMER

if TYPE_CHECKING:
    from textual.pilot import Pilot

VERSION = Key(Found.VERSION, Subject(CUSTOMER, "2.4.0"))


@dataclass
class Noting:
    stage: Stage
    pilot: Pilot[int]
    register: StillRegister

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(10):
                while not holds():
                    self.stage.app.flush()
                    await self.pilot.pause()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pytest.fail(f"not {what}\n{self.stage.text}")

    async def shows(self, *words: str) -> None:
        await self.until(lambda: all(word in self.stage.text for word in words), f"shown: {words}")


@asynccontextmanager
async def noting(*, armed: bool = True) -> AsyncGenerator[Noting]:
    stage = Stage(wrong(), home=Place(Kind.TRIAGE))
    register = StillRegister(fleet_of(stage.fleet))
    changing = somebody()
    stage.session.changing, stage.session.executor = changing, register.executor
    if armed:
        changing.arm(stage.now_s)
    async with staged(stage, WIDE) as pilot:
        yield Noting(stage, pilot, register)


async def test_a_k_and_a_reason_say_who_looks_after_it() -> None:
    async with noting() as it:
        await it.pilot.press("j", "a")
        await it.shows("a  roll back to 2.3.1", "k  say that I look after it", "m  mute it for a while")
        await it.pilot.press("k")
        await it.until(lambda: it.stage.lines[-1].startswith(f" :ack {VERSION.id} "), "asked for the reason")
        assert it.stage.fleet.insight is not None
        it.stage.fleet.insight = None  # whatever becomes of the rows, it is this finding
        await it.pilot.press(*"INC-7", "enter")
        await it.shows("no finding has the id")
        assert it.register.noted == []


async def test_what_is_typed_is_about_the_finding_that_was_under_the_cursor() -> None:
    async with noting() as it:
        await it.pilot.press("j", "a", "k")
        await it.until(lambda: f":ack {VERSION.id} " in it.stage.lines[-1], "asked for the reason")
        insight = it.stage.fleet.insight
        assert insight is not None
        object.__setattr__(insight, "news", News((), (), ()))  # its row goes; it stands open all the same
        await it.stage.settle(it.pilot)
        await it.pilot.press(*"INC-7", "enter")
        await it.until(lambda: bool(it.register.noted), "noted")
        (note,) = it.register.noted
        assert (note.key, note.says, note.owner, note.reason) == (VERSION, Says.ACKNOWLEDGED, "ada@desk", "INC-7")
        await it.shows("service/customer 2.4.0 is acknowledged by ada@desk")


async def test_unarmed_it_asks_to_be_armed_and_writes_nothing() -> None:
    async with noting(armed=False) as it:
        await it.pilot.press("j", "a", "k")
        await it.shows("say so of a finding")
        await it.pilot.press("escape")
        await it.stage.settle(it.pilot)
        await it.pilot.press("colon", *f"ack {VERSION.id} why", "enter")
        await it.shows("say so of a finding")
        await it.pilot.press("escape")
        await it.stage.settle(it.pilot)
        assert it.register.noted == []


async def test_mute_takes_a_time_and_unmute_takes_it_back() -> None:
    async with noting() as it:
        await it.pilot.press("j", "a", "m")
        await it.until(lambda: f":mute {VERSION.id} 1h " in it.stage.lines[-1], "asked for the reason")
        await it.pilot.press(*"known", "enter")
        await it.until(lambda: len(it.register.noted) == 1, "noted")
        note = it.register.noted[0]
        assert (note.key, note.says, note.until_s, note.reason) == (VERSION, Says.MUTED, NOW_S + 3600.0, "known")
        await it.pilot.press("colon", *f"mute {VERSION.id} never", "enter")
        await it.shows("until when?")
        await it.pilot.press("G", "a")
        await it.shows("m  say it again: unmute")
        await it.pilot.press("m")
        await it.until(lambda: len(it.register.noted) == 2, "taken back")
        assert it.register.noted[1].until_s == 0.0


async def test_who_looks_after_it_is_taken_back_by_k() -> None:
    async with noting() as it:
        await it.pilot.press("j", "j", "enter")
        await it.stage.settle(it.pilot)
        await it.pilot.press("a")
        await it.shows("k  nobody looks after it any more")
        await it.pilot.press("k")
        await it.until(lambda: len(it.register.noted) == 1, "taken back")
        assert (it.register.noted[0].key, it.register.noted[0].says) == (DISK, Says.ACKNOWLEDGED)


async def test_a_a_shows_the_plan_of_what_it_asks_for_with_its_sentence_as_the_reason() -> None:
    async with noting() as it:
        await it.pilot.press("g", "a", "a")
        await it.shows("drains host-3 until", "h2o drain host-3")
        await it.pilot.press("escape")
        await it.stage.settle(it.pilot)
        await it.pilot.press("g", "e", "j", "a")
        await it.shows("another finding explains it")


async def test_marked_findings_ask_for_one_plan_after_the_other() -> None:
    async with noting() as it:
        await it.pilot.press("g", "space", "j", "j", "space", "a")
        await it.shows("what 2 findings ask for")
        await it.pilot.press("a")
        await it.shows("1 of 2", "drains host-3")
