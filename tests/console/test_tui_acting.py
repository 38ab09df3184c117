"""Changes in the running console: from the key press to the register, and what is thrown away in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from h2o_console.acting import deed
from h2o_console.acting.arming import Changing
from h2o_console.acting.request import request_of
from h2o_console.rows.places import Kind, Place
from h2o_core.context import Context
from h2o_core.insights.finding import Action, Finding, Kind as FindingKind, Severity, Subject
from h2o_core.plan.intents import Drain
from h2o_core.plan.situation import Decided
from tests.console.still_register import StillRegister, fleet_of
from tests.console.test_tui_screens import USUAL, Stage, staged

if TYPE_CHECKING:
    from textual.pilot import Pilot


@dataclass
class Acting:
    stage: Stage
    pilot: Pilot[int]
    register: StillRegister
    changing: Changing

    @property
    def text(self) -> str:
        return self.stage.text

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self.stage.app.flush()
                await self.pilot.pause()
                await asyncio.sleep(0.005)

    async def shows(self, *words: str) -> None:
        try:
            await self.until(lambda: all(word in self.text for word in words))
        except TimeoutError:
            pytest.fail(f"not shown: {words}\n{self.text}")

    async def seen(self) -> None:
        """As long as it takes a person to see what is there."""
        await self.pilot.pause()
        await asyncio.sleep(deed.UNSEEN_S + 0.02)


@asynccontextmanager
async def acting(size: tuple[int, int] = USUAL, view: Kind = Kind.HOSTS) -> AsyncGenerator[Acting]:
    stage = Stage()
    register = StillRegister(fleet_of(stage.fleet))
    changing = Changing(Context(name="prod", fleet="h2o"), "ada@desk", "h2o-console on desk")
    stage.session.changing, stage.session.executor = changing, register.executor
    async with staged(stage, size) as pilot:
        await stage.go(pilot, Place(view))
        yield Acting(stage, pilot, register, changing)


def test_a_finding_s_action_is_a_request_with_its_sentence_as_the_reason() -> None:
    action = Action("drain host-1", "h2o drain host-1", Drain(("host-1",), 0.0, 300.0))
    finding = Finding(FindingKind.HOST, Subject(host="host-1"), Severity.TICKET, "host-1 is\tslow", action=action)
    asked = request_of(finding)
    assert asked is not None
    assert (asked.about, asked.reason, asked.wish(Decided(0))) == ("host-1", "host-1 is slow", action.intent)
    assert request_of(replace(finding, action=replace(action, intent=None))) is None


async def on(it: Acting, key: str) -> None:
    it.stage.app.frame.list.select(key)
    await it.pilot.pause()


async def test_two_strokes_show_the_plan_and_it_is_armed_agreed_to_and_watched() -> None:
    async with acting() as it:
        await on(it, "host-1")
        await it.pilot.press("a", "d")
        await it.shows("drains host-1 until", "READ-ONLY: a arms for 15 min", "undo:", "h2o undrain host-1")
        await it.seen()
        await it.pilot.press("y")
        assert it.register.written == []
        await it.pilot.press("a")
        await it.shows("y decides it", "ARMED 1")
        await it.seen()
        await it.pilot.press("y")
        await it.until(lambda: len(it.register.written) == 1)
        await it.shows("host-1 may be switched off")
        made, author = it.register.written[0]
        assert isinstance(made.intent, Drain)
        assert (made.intent.hosts, author.actor) == (("host-1",), "ada@desk")
        await it.pilot.press("u")
        await it.shows("takes back change 42 of ada@desk")
        await it.seen()
        await it.pilot.press("y")
        await it.until(lambda: len(it.register.written) == 2)
        assert it.register.decided.hosts == {}
