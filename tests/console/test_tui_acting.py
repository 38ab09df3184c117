"""Changes in the running console: from the key press to the register, and what is thrown away in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from textual.events import Key, Paste

from h2o_console.acting import deed
from h2o_console.acting.arming import ARMED_S, Changing
from h2o_console.acting.deed import Asks, Deed, Phase
from h2o_console.acting.request import Request, request_of, undo_request
from h2o_console.commands.applied import Everybody
from h2o_console.rows.places import Kind, Place, Wanted
from h2o_console.tui.acting.dialog import Dialog
from h2o_console.tui.acting.planned import Planned
from h2o_console.tui.screens.listing import ListScreen, list_of
from h2o_core.audit import Author, Edit, Entry
from h2o_core.control.traffic import WHOLE, Traffic
from h2o_core.insights.finding import Action, Finding, Kind as FindingKind, Severity, Subject
from h2o_core.plan.intents import Avoid, Drain, Restore, RollBack, Shift
from h2o_core.plan.situation import Decided
from tests.console.found_fleet import wrong
from tests.console.pictures import Pictures, scrubbed
from tests.console.still_fleet import HOSTILE, StillFleet, hostile, instance
from tests.console.still_register import StillRegister, fleet_of, somebody
from tests.console.test_tui_screens import NARROW, SIZES, USUAL, WIDE, Stage, staged
from tests.support.situations import decided

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot


NAMES = {" ": "space", ":": "colon", "-": "minus", "/": "slash", "=": "equals_sign"}


@dataclass
class Acting:
    stage: Stage
    pilot: Pilot[int]
    register: StillRegister
    changing: Changing

    @property
    def text(self) -> str:
        """The dialog, and of what is below it the first line and the last."""
        frame = self.stage.app.frame
        lines = [*frame._header.lines, *frame._status.lines]
        below = ["".join(cell.text for cell in line.cells) for line in lines]
        return "\n".join([self.stage.text, *below])

    @property
    def dialog(self) -> Dialog | None:
        screen = self.stage.app.screen
        return screen if isinstance(screen, Dialog) else None

    @property
    def deed(self) -> Deed | None:
        dialog = self.dialog
        return dialog.page.deed if dialog is not None and isinstance(dialog.page, Planned) else None

    @property
    def listed(self) -> ListScreen[Any]:
        listed = list_of(self.stage.app.frame.seen)
        assert listed is not None
        return listed

    async def until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(10):
                looked = 0
                while not holds():
                    looked += 1
                    if looked % 10 == 0:  # as the clock does, though more often
                        self.stage.app.flush()
                    await asyncio.sleep(0.002)
        except TimeoutError:
            pytest.fail(f"it never came\n{self.text}")

    async def shows(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def asks(self, *what: Asks) -> Deed:
        """Wait until that is asked for, and has been on the screen long enough to be answered."""
        found = self.deed

        def seen() -> bool:
            nonlocal found
            found = self.deed
            return found is not None and found.asks in what and found._seen_s is not None

        await self.until(seen)
        await asyncio.sleep(deed.UNSEEN_S + 0.02 if deed.UNSEEN_S else 0)
        assert found is not None
        return found

    def type(self, *keys: str) -> None:
        """As fast as a terminal hands them over."""
        for key in keys:
            self.stage.app.post_message(Key(NAMES.get(key, key), key if len(key) == 1 else None))

    async def on(self, key: str) -> None:
        self.stage.app.frame.list.select(key)
        await self.pilot.pause()


@asynccontextmanager
async def acting(
    size: tuple[int, int] = USUAL, view: Kind = Kind.HOSTS, fleet: StillFleet | None = None, *, armed: bool = True
) -> AsyncGenerator[Acting]:
    stage = Stage(fleet) if fleet is not None else Stage()
    register = StillRegister(fleet_of(stage.fleet))
    changing = somebody()
    stage.session.changing, stage.session.executor = changing, register.executor
    async with staged(stage, size) as pilot:
        await stage.go(pilot, Place(view))
        if armed:
            changing.arm(stage.now_s)
        yield Acting(stage, pilot, register, changing)


async def test_two_strokes_show_the_plan_and_it_is_armed_agreed_to_watched_and_taken_back() -> None:
    async with acting(armed=False) as it:
        assert "READ-ONLY" in it.text
        await it.on("host-1")
        it.type("a", "d")
        await it.shows("drains host-1 until", "READ-ONLY: a arms for 15 min", "h2o undrain host-1")
        await it.asks(Asks.ARM)
        it.type("y")
        await it.pilot.pause()
        assert it.register.written == []
        it.type("a")
        await it.shows("y decides it", "ARMED 1")
        await it.asks(Asks.YES)
        it.type("y")
        await it.shows("host-1 may be switched off")
        made, author = it.register.written[0]
        assert isinstance(made.intent, Drain)
        assert (made.intent.hosts, author.actor, author.origin) == (("host-1",), "ada@desk", "h2o-console on desk")
        it.type("u")
        await it.shows("takes back change 42 of ada@desk")
        await it.asks(Asks.YES)
        it.type("y")
        await it.until(lambda: len(it.register.written) == 2)
        assert it.register.decided.hosts == {}
        await it.shows("epoch 43 is applied by all")
        it.type("u")
        await it.shows("you have changed nothing in the last 15 min that stands")


def test_a_finding_s_action_is_a_request_with_its_sentence_as_the_reason() -> None:
    action = Action("drain host-1", "h2o drain host-1", Drain(("host-1",), 0.0, 300.0))
    finding = Finding(FindingKind.HOST, Subject(host="host-1"), Severity.TICKET, "host-1 is\tslow", action=action)
    asked = request_of(finding)
    assert asked is not None
    assert (asked.about, asked.reason, asked.wish(Decided(0))) == ("host-1", "host-1 is slow", action.intent)
    assert request_of(replace(finding, action=replace(action, intent=None))) is None


# what is meant


async def shuffled(it: Acting, every: dict[str, Any], dice: Random) -> None:
    """Rows are sorted by something else, the other way round, and some vanish or come back."""
    gone = set(dice.sample(sorted(every), dice.randrange(3)))
    hosts = it.stage.fleet.hosts
    hosts.clear()
    order = dice.sample(sorted(every.keys() - gone), len(every) - len(gone))
    hosts.update({name: replace(every[name], rps=dice.random() * 500) for name in order})
    it.stage.fleet.changed += 1
    it.stage.now_s += 6.0
    it.listed.want(Wanted(dice.choice(list(it.listed.sorts)), reverse=dice.random() < 0.5))
    it.stage.app.flush()
    await asyncio.sleep(0)


@pytest.mark.timeout(180)
async def test_a_thousand_times_no_row_that_moves_or_vanishes_is_acted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times for each of 250 changes; what is carried out is about what was meant when `a` was pressed."""
    monkeypatch.setattr(deed, "UNSEEN_S", 0.0)  # since when keys count is tests/machines/test_deed.py's
    dice = Random(7)
    async with acting((40, 8)) as it:  # a small one: it is painted some ten thousand times
        every = dict(it.stage.fleet.hosts)
        for _ in range(250):
            it.changing.arm(it.stage.now_s)
            await shuffled(it, every, dice)
            lines = it.stage.app.frame.list
            it.listed.marks.clear()
            lines.select(dice.choice(lines.order))
            if dice.random() < 0.3:
                it.listed.mark(*dice.sample(lines.order, 2))
            meant = set(it.listed.marks) or {lines.cursor}
            it.type("a")
            await it.until(lambda: it.dialog is not None)
            it.type("i" if meant & it.register.decided.hosts.keys() else dice.choice("dv"))
            await shuffled(it, every, dice)
            await shuffled(it, every, dice)
            asked = await it.asks(Asks.YES, Asks.ENTER, Asks.NAME)
            await shuffled(it, every, dice)
            await shuffled(it, every, dice)
            before = len(it.register.written)
            if dice.random() < 0.2:
                it.type("escape")
                await it.until(lambda: it.dialog is None)
                assert len(it.register.written) == before
                continue
            assert asked.plan is not None
            answers = {Asks.YES: "y", Asks.ENTER: ""}.get(asked.asks, asked.plan.friction.name)
            it.type(*answers, "enter")
            await it.until(lambda: it.dialog is None)
            made, _ = it.register.written[-1]
            assert len(it.register.written) == before + 1
            assert isinstance(made.intent, (Drain, Avoid, Restore))
            assert set(made.intent.hosts) == meant
        assert len(it.register.written) > 175


async def test_marked_hosts_make_one_plan_and_those_that_are_hidden_or_gone_are_named() -> None:
    async with acting() as it:
        it.listed.mark("host-1", "host-3")
        it.listed.want(replace(it.listed.wanted, filter="host-6"))
        del it.stage.fleet.hosts["host-3"]
        it.stage.fleet.changed += 1
        await it.stage.settle(it.pilot)
        it.type("a", "v")
        await it.shows("2 are marked; hidden by the filter: host-1; gone: host-3", "avoids host-1, host-3")
        asked = await it.asks(Asks.NAME)
        assert asked.plan is not None
        it.type("y", "enter", *"nothing", "enter")
        await it.pilot.pause()
        assert it.register.written == []
        it.type(*(["backspace"] * 20), *asked.plan.friction.name, "enter")
        await it.shows("epoch 42 is applied by all 3 brokers")


async def test_marked_packages_are_planned_one_after_the_other_and_esc_leaves_the_rest() -> None:
    fleet = two_versions()
    async with acting(view=Kind.PACKAGES, fleet=fleet) as it:
        broken = [Traffic(f"/service/{name}", "1.0", (("1.0", 0), ("2.0", WHOLE))) for name in "abc"]
        it.register.decided = decided(*broken)
        it.listed.mark("service/a", "service/b", "service/c")
        it.type("a", "b")
        await it.shows("1 of 3", "rolls service/a back to 1.0")
        await it.asks(Asks.YES, Asks.NAME)
        await decide(it)
        await it.shows("2 of 3", "rolls service/b back to 1.0")
        await it.asks(Asks.YES, Asks.NAME)
        it.type("escape")
        await it.shows("1 of 3 were decided, the others were left")
        assert [made.intent for made, _ in it.register.written] == [RollBack("/service/a")]


def two_versions() -> StillFleet:
    fleet = Stage().fleet
    number = 100
    for package in ("service/a", "service/b", "service/c"):
        for version in ("1.0", "2.0"):
            for on in ("host-1", "host-2", "host-3"):
                number += 1
                fleet.add(instance(number, package, version, on))
    return fleet


async def decide(it: Acting) -> None:
    """Whatever is asked for."""
    asked = await it.asks(Asks.ENTER, Asks.YES, Asks.NAME)
    assert asked.plan is not None
    it.type(*{Asks.YES: "y", Asks.ENTER: ""}.get(asked.asks, asked.plan.friction.name), "enter")
    await it.until(lambda: it.deed is not asked)


async def test_what_can_t_be_done_is_grey_and_says_why() -> None:
    async with acting(view=Kind.PACKAGES) as it:
        await it.on("service/geo")
        it.type("a")
        await it.shows("service/geo: what is to be done?", "drain: for hosts and instances", "service/geo has one")
        it.type("r")
        await it.shows("rollouts are not built yet")
        it.type("d", "enter", "n")
        await it.shows("deploys are not built yet")
        assert it.deed is None
        it.type("escape")
        await it.until(lambda: it.dialog is None)
        await it.stage.go(it.pilot, Place(Kind.HOSTS))
        await it.on("host-1")
        it.type("a")
        await it.shows("drain host-1", "traffic: for packages")
        it.type("down", "enter")  # the second one that is possible
        await it.shows("avoids host-1")


async def test_a_finding_offers_what_mends_it_and_a_symptom_the_way_to_its_cause() -> None:
    async with acting(WIDE, Kind.TRIAGE, wrong()) as it:
        cause = next(key for key, row in it.listed.board.rows.items() if row.says and "roll back" in row.action)
        await it.on(cause)
        it.type("a")
        await it.shows("a  roll back to 2.3.1", "roll back service/customer")
        it.type("a")
        await it.until(lambda: it.deed is not None and it.deed.phase is not Phase.PREPARING)
        asked = it.deed
        assert asked is not None
        intent = asked.request.wish(Decided(0))
        assert intent == RollBack("/service/customer", "2.3.1")
        assert "2.4.0" in asked.request.reason
        it.type("escape")
        await it.until(lambda: it.dialog is None)
        await it.pilot.press("e")
        symptom = next(key for key, row in it.listed.board.rows.items() if row.cause == cause)
        await it.on(symptom)
        it.type("a")
        await it.shows("what mends it: another finding explains it: e goes to its cause")


# what is thrown away


async def test_keys_that_were_typed_before_the_plan_was_there_decide_nothing() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.register.held.clear()
        it.type("a", "d", "y", "enter", "y")
        await it.shows("Asking the register")
        it.type("y")
        it.register.held.set()
        it.type("y", "y")
        await it.until(lambda: it.deed is not None and it.deed.asks is Asks.YES)
        it.type("y")  # at the very moment at which it comes up
        await it.asks(Asks.YES)
        assert it.register.written == []
        late = Key("y", "y")
        late.time -= 1.0  # the console was busy for a second, and looks at it only now
        it.stage.app.post_message(late)
        it.stage.app.post_message(Paste("y\n"))
        await it.pilot.pause()
        await it.shows("y decides it")
        assert it.register.written == []
        it.type("y")
        await it.until(lambda: len(it.register.written) == 1)


async def test_no_key_between_menu_and_plan_reaches_the_list_below() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.type("a", "d", "1", "y", "q", "/")
        await it.shows("drains host-1")
        assert it.stage.place.kind is Kind.HOSTS


async def test_arming_never_lapses_under_a_plan_and_does_after_it() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.type("a", "d")
        await it.asks(Asks.YES)
        it.stage.now_s += ARMED_S + 60
        it.stage.app.flush()
        await it.shows("ARMED 0:00", "y decides it")
        it.type("escape")
        await it.until(lambda: it.dialog is None)
        await it.stage.settle(it.pilot)
        assert "READ-ONLY" in it.text
        it.type("a", "d")
        await it.shows("READ-ONLY: a arms for 15 min")


async def test_read_only_says_why_and_shows_nothing() -> None:
    async with acting() as it:
        it.stage.session.changing = None
        it.stage.session.unchanging = "started with --read-only: nothing can be changed from here"
        for key in ("a", "u"):
            it.type(key)
            await it.shows("started with --read-only")
            assert it.dialog is None


async def test_what_others_decided_meanwhile_is_planned_and_shown_again() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.type("a", "d")
        await it.asks(Asks.YES)
        it.register.meanwhile(Request(lambda _: Avoid(("host-1",), 0.0), "host-1"))
        it.type("y", "y", "y")
        await it.shows("Planned again. it would not do the same any more; nothing was written")
        assert it.register.written == []
        await decide(it)
        await it.until(lambda: len(it.register.written) == 1)


async def test_another_s_change_says_whose_it_was_and_why_and_one_that_moved_on_shows_the_ways() -> None:
    async with acting() as it:
        it.register.meanwhile(Request(lambda _: Avoid(("host-1",), 0.0), "host-1"))
        path = "control/hosts/host-1"
        edits = (Edit(path, None, it.register.decided.documents[path]),)
        entry = Entry(42, "ab" * 8, 1_770_000_000.0, Author("bob@desk", "h2o", "disk is slow"), edits, "avoids host-1")
        it.stage.app.frame.act(undo_request(entry, "ada@desk", "14:02:07 UTC"))
        await it.shows(
            "change abababab is not yours: bob@desk, 14:02:07 UTC: avoids host-1 (disk is slow)", "y decides"
        )
        it.type("escape")
        await it.until(lambda: it.dialog is None)
        it.register.meanwhile(Request(lambda _: Drain(("host-1",), 0.0, 300.0), "host-1"))
        it.stage.app.frame.act(undo_request(entry, "ada@desk", "14:02:07 UTC"))
        await it.shows("Nothing was changed.", "something else was decided since", "o: put back all the same")
        await it.until(lambda: it.deed is not None and it.deed._seen_s is not None)
        await asyncio.sleep(deed.UNSEEN_S + 0.02)
        it.type("o")
        await it.shows("writes over what")


async def test_a_refused_plan_takes_the_name_typed_and_is_forced_then() -> None:
    async with acting(view=Kind.INSTANCES) as it:
        email = next(one for one in it.stage.fleet.running.values() if one.package == "service/email")
        await it.on(email.key)
        it.type("a", "d")
        await it.shows("A guard refuses it. To force it type host-4", "refused")
        await it.asks(Asks.NAME)
        it.type("y", "enter", "backspace", *"host-4", "enter")
        await it.until(lambda: len(it.register.written) == 1)
        assert it.register.written[0][0].refused


# forms


async def test_traffic_is_typed_completed_and_planned() -> None:
    async with acting(view=Kind.PACKAGES, fleet=two_versions()) as it:
        await it.on("service/a")
        it.type("a", "t")
        await it.shows("> weights", "VERSION=PERCENT")
        it.type("enter", "enter", "enter", "enter")
        await it.shows("nothing is typed yet")
        it.type("up", "up", "up", "2", "tab", "1", "0", "down", "down", "down")
        it.stage.app.post_message(Paste("prices\x1b[31m"))
        it.type("enter")
        await it.shows("service/a: 1.0 100% → 90%, 2.0 0% → 10%")
        await decide(it)
        made, author = it.register.written[0]
        assert (made.intent, author.reason) == (Shift("/service/a", {"2.0": 1000}), "prices[31m")


async def test_tab_in_a_plan_opens_what_it_was_made_of_and_the_incident_is_in_every_reason() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.type(":", *"incident INC-7", "enter")
        await it.shows("INC-7 stands in every reason", "INC-7 ARMED")
        it.type("a", "v")
        await it.asks(Asks.YES, Asks.ENTER)
        it.type("tab")
        await it.shows("> until", "1h")
        it.type("ctrl+u", *"never", "down", *"slow disk", "enter")
        await it.shows("avoids host-1", "--until never --reason 'INC-7: slow disk'")
        await decide(it)
        assert it.register.written[0][1].reason == "INC-7: slow disk"
        it.type(":", *"incident none", "enter")
        await it.until(lambda: "INC-7" not in it.text.splitlines()[0])


# while it is written, and after


async def test_esc_while_it_is_written_stops_nothing_and_says_so() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.register.writes.clear()
        it.type("a", "v")
        asked = await it.asks(Asks.YES, Asks.ENTER)
        it.type("y" if asked.asks is Asks.YES else "enter")
        await it.shows("It is being written.")
        it.type("escape")
        await it.shows("it is being written, and goes on")
        assert it.dialog is None
        it.type("a")
        await it.shows("one moment: a change is being written")
        it.register.writes.set()
        await it.shows("epoch 42 is applied by all 3 brokers")


async def test_ctrl_c_while_it_is_written_waits_until_it_is_known() -> None:
    async with acting() as it:
        await it.on("host-1")
        it.register.writes.clear()
        it.type("a", "v")
        asked = await it.asks(Asks.YES, Asks.ENTER)
        it.type("y" if asked.asks is Asks.YES else "enter")
        await it.until(lambda: asked.phase is Phase.WRITING)
        it.type("ctrl+c")
        await it.shows("one moment: it is being written")
        assert it.stage.app.is_running
        it.register.writes.set()
        await it.until(lambda: not it.stage.app.is_running or it.stage.app._exit)
        assert len(it.register.written) == 1


async def test_who_does_not_apply_it_is_named() -> None:
    async with acting() as it:
        it.register.applied_by = Everybody(3, {"host-5": "behind, at epoch 41"})
        await it.on("host-1")
        it.type("a", "v")
        await decide(it)
        await it.shows("epoch 42 is applied by 2/3 brokers; host-5: behind, at epoch 41")


# how it looks


async def test_every_page_at_every_size_and_with_hostile_names() -> None:
    stage_fleet = hostile()
    stage_fleet.hosts = {**stage_fleet.hosts, "host-1": Stage().fleet.hosts["host-1"]}
    async with acting(fleet=stage_fleet) as it:
        name = HOSTILE[0]
        why = Request(lambda _: Drain((name * 40,), 0.0, 300.0), name * 40, whose=HOSTILE[1] * 20, besides=name * 30)
        for open_it in (lambda: it.type("a"), lambda: it.stage.app.frame.act(why)):
            open_it()
            await it.until(lambda: it.dialog is not None)
            for size in SIZES:
                await it.pilot.resize_terminal(*size)
                await it.stage.settle(it.pilot)
                assert [len(line) <= size[0] for line in it.stage.lines] == [True] * size[1], size
                assert "".join(it.stage.lines).isprintable(), size
            it.type("escape")
            await it.until(lambda: it.dialog is None)


async def test_thirty_by_eight_shows_what_is_decided_and_what_is_asked() -> None:
    async with acting((30, 8)) as it:
        await it.on("host-1")
        it.type("a", "d")
        await it.shows("host-1", "drains host-1", "y decides it")
        it.type("pagedown", "down", "j")
        await it.pilot.pause()
        assert "y decides it" in it.text


@pytest.mark.parametrize(
    ("size", "theme"), [(WIDE, "dark"), (USUAL, "light"), (NARROW, "deuteranopia")], ids=["160", "100", "60"]
)
@pytest.mark.parametrize("page", ["menu", "plan", "form"])
async def test_it_looks_as_it_did(page: str, size: tuple[int, int], theme: str, snapshot: SnapshotAssertion) -> None:
    async with acting(size, armed=page == "plan") as it:
        it.stage.app.wear(theme)
        await it.on("host-2")
        it.type("a")
        await it.shows("host-2: what is to be done?")
        if page != "menu":
            it.type("d")
            await it.shows("drains host-2", "esc leaves")
        if page == "form":
            await it.asks(Asks.ARM, Asks.NAME)
            it.type("tab")
            await it.shows("> until")
        for _ in range(3):
            await it.stage.settle(it.pilot)
        it.stage.app.screen.refresh()
        await it.pilot.pause()
        assert snapshot(extension_class=Pictures) == scrubbed(it.stage.app)
