"""The running console changes a real fleet: drains a host, takes that back; the audit says who did what and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual.events import Key

from h2o_console.acting.arming import Changing
from h2o_console.asking.register import in_register
from h2o_console.commands import executor
from h2o_console.commands.author import author_of
from h2o_console.commands.carrying import Carrier
from h2o_console.commands.journal import Wanted, read_journal
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import FeedThread
from h2o_console.rows.places import Kind, Place
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.session import Session
from h2o_core.audit import Author
from h2o_core.io.context import Overrides, current_context
from h2o_core.plan.intents import Drain, Restore
from tests.console.pictures import lines_of
from tests.support.broker import eventually_async
from tests.support.fleet import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

    from h2o_console.dev.fleet import Fleet
    from h2o_core.audit import Entry
    from h2o_core.context import Context
    from h2o_core.plan.intents import Intent

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running(tmp_path_factory.mktemp("changed")) as fleet:
        yield fleet


@pytest.fixture
def context(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Context:
    for key, value in fleet.environment("host-1").items():
        monkeypatch.setenv(key, value)
    return current_context(Overrides())


NAMES = {" ": "space", ":": "colon", "-": "minus"}


class Console:
    """One at that context, with keys in and the screen out."""

    def __init__(self, context: Context) -> None:
        store = Store()
        author = author_of("h2o-console", "")
        self.changing = Changing(context, author.actor, author.origin)
        session = Session("changed", store, changing=self.changing)
        self.app = H2OConsole(session, FeedThread(Poller(store, context.agent)))

    @property
    def text(self) -> str:
        frame = self.app.frame
        below = ["".join(cell.text for cell in line.cells) for line in frame._status.lines]
        return "\n".join([*lines_of(self.app), *below])

    def type(self, *keys: str) -> None:
        for key in keys:
            self.app.post_message(Key(NAMES.get(key, key), key if len(key) == 1 else None))

    async def until(self, holds: Callable[[str], bool], within_s: float = 20.0) -> None:
        try:
            await eventually_async(lambda: holds(self.text), "what is to be shown", within_s)
        except AssertionError as error:
            pytest.fail(f"{error}\n{self.text}")

    async def shows(self, *words: str, within_s: float = 20.0) -> None:
        await self.until(lambda text: all(word in text for word in words), within_s)

    async def answers(self, asked: str, *keys: str) -> None:
        """As a person does: read it, then press."""
        await self.shows(asked)
        await asyncio.sleep(0.5)
        self.type(*keys)


@asynccontextmanager
async def console(context: Context) -> AsyncGenerator[tuple[Console, Pilot[int]]]:
    made = Console(context)
    async with made.app.run_test(size=(120, 40)) as pilot:
        made.app.frame.open(Place(Kind.HOSTS))
        await made.shows("host-2", "3 hosts")
        await made.until(lambda text: "instances ready" not in text)
        yield made, pilot


def journal(context: Context) -> tuple[Entry, ...]:
    return in_register(context, 10, lambda registry: read_journal(registry, Wanted(), 10)).entries


async def test_it_drains_a_host_and_undoes_it_and_the_audit_says_so(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Carrier] = []

    class Counted(Carrier):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
            made.append(self)

    monkeypatch.setattr(executor, "Carrier", Counted)
    async with console(context) as (it, _):
        it.type(":", *"incident INC-7", "enter")
        await it.shows("INC-7 stands in every reason")
        it.app.frame.list.select("host-2")
        it.type("a", "d", "y", "y")
        await it.shows("drains host-2 until", "--reason INC-7", "READ-ONLY: a arms for 15 min")
        await asyncio.sleep(0.5)
        it.type("y", "enter")
        await asyncio.sleep(0.2)
        assert made == [], "nothing that could write was there before it was armed"
        it.type("a")
        await it.answers("y decides it", "y")
        await it.shows("host-2 may be switched off", within_s=40)
        assert len(made) == 1
        (drain, *_) = await asyncio.to_thread(journal, context)
        assert drain.sentence.startswith("drains host-2 until")
        assert (drain.author.reason, drain.author.actor) == ("INC-7", it.changing.actor)
        assert drain.author.origin.startswith("h2o-console on ")
        it.type("u")
        await it.answers(f"takes back change {drain.epoch}", "y")
        await it.until(lambda text: f"epoch {drain.epoch + 1} is applied by all 3 brokers" in text, 40)
        (undo, *_) = await asyncio.to_thread(journal, context)
        assert (undo.undo_of, undo.epoch) == (drain.change_id, drain.epoch + 1)
        assert [one.after for one in undo.edits] == [one.before for one in drain.edits]


async def test_what_somebody_else_decides_meanwhile_is_shown_before_it_is_decided(context: Context) -> None:
    async with console(context) as (it, _):
        it.changing.arm(it.app.session.clock())
        it.app.frame.list.select("host-3")
        it.type("a", "d")
        await it.shows("y decides it")
        await asyncio.to_thread(as_bob, context, Drain(("host-3",), 0.0, 1.0))
        try:
            await asyncio.sleep(0.5)
            it.type("y", "y", "y")
            await it.shows("Planned again. it would not do the same any more; nothing was written.", "bob@desk")
            it.type("escape")
            await it.until(lambda text: "y decides it" not in text)
            (newest, *_) = await asyncio.to_thread(journal, context)
            assert newest.author.actor == "bob@desk"
        finally:
            await asyncio.to_thread(as_bob, context, Restore(("host-3",)))


def as_bob(context: Context, intent: Intent) -> None:
    bob = Carrier(context, Author("bob@desk", "h2o on desk", "slow"), 10.0)
    bob.execute(bob.prepare(lambda _: intent), lambda _: intent, force=False)
