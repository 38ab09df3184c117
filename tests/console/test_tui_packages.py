"""The Packages screen under a hand on the keyboard: the cursor, the filter, the way in and out, hostile names."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from textual import timer
from textual._time import get_time
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from h2o_console.feed.answers import parse_head, parse_hosts, parse_instances
from h2o_console.feed.counters import parse_promises, parse_stats
from h2o_console.rows.places import Kind, Place
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.screens.package import PackageScreen
from h2o_console.tui.screens.packages import PackagesScreen
from h2o_console.tui.screens.picker import Picker
from h2o_console.tui.screens.screen import ConsoleScreen
from h2o_console.tui.session import Session
from h2o_console.tui.themes import PALETTES
from h2o_console.tui.widgets.lines import LineList
from tests.console.fake_fleet import FakeFleet, example
from tests.console.looks import Looks
from tests.console.pictures import Pictures, lines_of, scrubbed
from tests.console.still_register import somebody
from tests.support.broker import eventually_async

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


@dataclass
class Scene:
    """A fleet, a store that is fed by hand, a console whose clock is ours."""

    fleet: FakeFleet
    ascii_only: bool = False
    theme: str = "dark"
    now_s: float = 1000.0
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        self.session = Session(
            "prod",
            self.store,
            ascii_only=self.ascii_only,
            clock=lambda: self.now_s,
            wall=lambda: self.fleet.now_s,
            changing=somebody(),
        )
        self.looks = Looks(self.store, lambda: self.now_s, lambda: self.fleet.now_s)
        self.app = H2OConsole(self.session, None, self.theme, home=Place(Kind.PACKAGES))

    def picture(self) -> None:
        document = self._ask("host-1", "/hosts")
        self.store.put_hosts(parse_head(document), parse_hosts(document), "unix:/agent.sock", self.now_s)
        self.store.put_picture(parse_instances(self._ask("host-1", "/instances?fleet=1")), self.now_s)
        self.store.put_promises(parse_promises(self._ask("host-1", "/features?fleet=1")))

    def _ask(self, host: str, path: str) -> dict[str, Any]:
        document = self.fleet.document(host, path)
        assert document is not None
        return document

    def run(self, seconds: int, *hosts: str) -> None:
        for _ in range(seconds):
            self.fleet.advance(1.0)
            self.now_s += 1.0
            for host in hosts or self.fleet.hosts:
                self.store.put_stats(host, parse_stats(self.fleet.stats(host).SerializeToString()), self.now_s)
        self.looks.look()

    @property
    def list(self) -> LineList:
        return self.app.frame.list

    @property
    def seen(self) -> ConsoleScreen:
        return self.app.frame.seen

    def lines(self) -> list[str]:
        """What the terminal shows."""
        return lines_of(self.app)

    def text(self) -> str:
        return "\n".join(self.lines())

    def selected(self) -> str:
        """The text of the line that is painted as selected, "" when none is."""
        ground = PALETTES[self.theme].selected
        colours = {style.bgcolor for style in ground.values() if not style.reverse and style.bgcolor is not None}
        shown = self.list.region
        for y, strip in enumerate(self.app.screen._compositor.render_strips()):
            first = next(iter(strip), None)
            if shown.y <= y < shown.bottom and first and first.style and first.style.bgcolor in colours:
                return strip.text
        return ""

    async def settle(self, pilot: Pilot[int]) -> None:
        """Flush as the timer does, and let Textual paint it."""
        self.app.flush()
        await pilot.pause()


@asynccontextmanager
async def shown(scene: Scene, size: tuple[int, int] = (120, 30)) -> AsyncGenerator[Pilot[int]]:
    async with scene.app.run_test(size=size) as pilot:
        await scene.settle(pilot)
        await scene.settle(pilot)
        yield pilot


@pytest.fixture
def scene() -> Scene:
    scene = Scene(example(3, 12))
    scene.picture()
    scene.run(15)
    return scene


async def test_nothing_is_painted_anew_while_nothing_changes_until_the_clock_has_moved(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shown(scene) as pilot:
        painted = 0
        flush = scene.app.flush

        def count() -> None:
            nonlocal painted
            painted += 1
            flush()

        scene.now_s += 5.0  # since the last key
        await scene.settle(pilot)
        scene.app.tick()
        monkeypatch.setattr(scene.app, "flush", count)
        for _ in range(8):
            scene.app.tick()
        assert painted == 0
        scene.fleet.now_s += 1.0
        scene.app.tick()
        assert painted == 1
        await pilot.press("j")
        scene.app.tick()
        assert painted > 1


# the cursor


async def test_packages_are_made_for_who_shows_them_and_counted_in_every_header(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.fleet.instances.popitem()
    scene.run(70, "host-1", "host-2")  # and host-3 is silent
    async with shown(scene) as pilot:

        def nobody_shows(name: str, *_: float) -> None:
            pytest.fail(f"{name} is not on screen")

        with monkeypatch.context() as patch:
            patch.setattr(scene.store, "package", nobody_shows)
            for view in "1345678":
                await pilot.press(view)
                scene.run(3, "host-1", "host-2")
                scene.app.tick()
                await scene.settle(pilot)
                assert scene.seen.place != Place(Kind.PACKAGES)
        elsewhere = dict(scene.seen.glyphs)
        await pilot.press("2")
        await scene.settle(pilot)
        assert elsewhere == dict(scene.seen.glyphs)
        assert len(elsewhere) >= 2


async def test_the_cursor_stays_on_its_package_when_rows_are_sorted_anew(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("j", "j", "j")
        key = scene.list.cursor
        at = scene.list.order.index(key)
        for instance in scene.fleet.instances.values():
            instance.fails = 0.5 if instance.package.startswith("service/plain") else 0.0
        scene.run(70)
        for _ in range(3):
            await scene.settle(pilot)
            scene.now_s += 6
        assert scene.list.cursor == key
        assert scene.list.order.index(key) != at
        assert key in scene.selected()


async def test_a_thousand_random_changes_never_move_the_cursor_to_another_package() -> None:
    dice = Random(11)
    scene = Scene(FakeFleet(2))
    for number in range(60):
        scene.fleet.run(f"service/p{number:02}", "1.0", dice.choice(scene.fleet.hosts), features=("get",), per_s=3)
    scene.picture()
    scene.run(3)
    async with shown(scene, (100, 20)) as pilot:
        for _ in range(25):
            await pilot.press(*dice.choices(["j", "k", "pagedown", "pageup", "g", "G"], k=2))
            key = scene.list.cursor
            assert key
            assert key in scene.selected()
            for instance in list(scene.fleet.instances.values()):
                instance.fails = dice.choice([0.0, 0.0, 0.3])
                instance.per_s = dice.random() * 20
                if dice.random() < 0.1:
                    scene.fleet.stop(instance)
                    scene.fleet.run(instance.package, "1.1", dice.choice(scene.fleet.hosts), features=("get",))
            scene.picture()
            scene.run(8)
            await scene.settle(pilot)
            await scene.settle(pilot)
            assert scene.list.cursor == key
            assert sorted(scene.list.order) == sorted(scene.session.packages.rows)
            assert key in scene.selected() or key not in scene.list.visible_keys


async def test_when_its_package_vanishes_nothing_is_selected_and_enter_opens_nothing(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("j")
        key, below = scene.list.cursor, scene.list.order[2]
        scene.fleet.promises = [one for one in scene.fleet.promises if one["package"] != key]
        for instance in [one for one in scene.fleet.instances.values() if one.package == key]:
            scene.fleet.stop(instance)
        scene.picture()
        scene.run(1)
        await scene.settle(pilot)
        scene.now_s += 1000
        scene.run(2)
        await scene.settle(pilot)
        assert key not in scene.list.order
        assert (scene.list.cursor, scene.selected()) == (key, "")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(scene.seen, PackagesScreen)
        assert f"{key} is gone" in scene.text()
        await pilot.press("j")
        assert scene.list.cursor == below


async def test_rows_stand_still_under_a_typing_hand(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("colon", *"sort requests", "enter")
        await pilot.pause()
        before = scene.list.order
        for instance in scene.fleet.instances.values():
            instance.per_s = 100 - instance.per_s
        for _ in range(8):
            scene.run(1)
            await pilot.press("j")
            await scene.settle(pilot)
        assert scene.list.order == before
        scene.run(6)
        await scene.settle(pilot)
        assert scene.list.order != before


async def test_the_list_scrolls_with_the_cursor_and_pages() -> None:
    scene = Scene(example(3, 80))
    scene.picture()
    scene.run(3)
    async with shown(scene, (100, 20)) as pilot:
        await pilot.press("G")
        assert scene.list.cursor == scene.list.order[-1]
        assert scene.list.cursor in scene.selected()
        await pilot.press("g")
        assert scene.list.cursor == scene.list.order[0]
        await pilot.press("pagedown")
        assert scene.list.order.index(scene.list.cursor) == scene.list.size.height - 1
        await pilot.press("pageup", "k", "k")
        assert scene.list.cursor == scene.list.order[0]


async def test_changes_below_the_screen_paint_nothing_and_visible_ones_only_what_changed(scene: Scene) -> None:
    async with shown(scene) as pilot:
        painted: list[Any] = []
        refresh = scene.list.refresh
        scene.list.refresh = lambda *regions, **more: painted.extend(regions) or refresh(*regions, **more)  # type: ignore[method-assign]
        await scene.settle(pilot)
        assert painted == []
        scene.run(1)
        await scene.settle(pilot)
        assert painted
        assert all(region.x > 0 and region.width < 100 for region in painted)


# filter, sort, problems, freeze


async def test_filtering_while_typing_and_back(scene: Scene) -> None:
    async with shown(scene) as pilot:
        total = len(scene.list.order)
        await pilot.press("slash", *"geo")
        assert scene.list.order == ("service/geo",)
        assert scene.list.cursor == "service/geo"
        await pilot.press("enter")
        assert "packages /geo" in scene.lines()[0]
        assert not scene.app.focused or not isinstance(scene.app.focused, Input)
        await pilot.press("escape")
        assert len(scene.list.order) == total
        await pilot.press("slash", *"!plain", "enter")
        assert not any("plain" in key for key in scene.list.order)
        await pilot.press("slash", *"zzz")
        await pilot.pause()
        assert "None of the packages match the filter." in scene.text()
        await pilot.press("escape")
        assert len(scene.list.order) == total


async def test_keys_typed_into_a_filter_are_letters_and_no_commands(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("slash", *"qzps?")
        assert scene.app.is_running
        assert scene.session.frozen_at_s is None
        assert isinstance(scene.app.focused, Input)
        assert scene.app.focused.value == "qzps?"


async def test_only_problems(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("p")
        assert scene.list.order == ("service/geo", "api/customer")
        assert "(problems)" in scene.lines()[0]
        await pilot.press("p")
        assert len(scene.list.order) == 12


async def test_sorting_by_a_picked_column_and_the_other_way_round(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(scene.app.screen, Picker)
        await pilot.press("j", "j", "j", "enter")
        await pilot.pause()
        rates = [scene.session.packages.rows[key].rps or 0 for key in scene.list.order]
        assert rates == sorted(rates, reverse=True)
        assert "by requests" in scene.lines()[-1]
        await pilot.press("s", "enter")
        await pilot.pause()
        rates = [scene.session.packages.rows[key].rps or 0 for key in scene.list.order]
        assert rates == sorted(rates)


async def test_sorting_and_filter_are_not_lost_on_going_back(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("colon", *"sort name", "enter", "slash", *"plain", "enter", "j", "enter")
        await pilot.pause()
        assert isinstance(scene.seen, PackageScreen)
        await pilot.press("backspace")
        await pilot.pause()
        assert scene.list.order == tuple(f"service/plain-{number:03}" for number in range(7))
        assert scene.list.cursor == "service/plain-001"


async def test_a_frozen_picture_says_so_and_does_not_move(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("z")
        before = scene.lines()[1:]
        for instance in scene.fleet.instances.values():
            instance.per_s = 1
        scene.run(20)
        await scene.settle(pilot)
        assert scene.lines()[1:] == before
        assert "FROZEN 20s" in scene.lines()[0]
        await pilot.press("z")
        await scene.settle(pilot)
        assert scene.lines()[1:] != before


# ways in and out


async def test_enter_opens_and_esc_backspace_and_q_go_back(scene: Scene) -> None:
    async with shown(scene) as pilot:
        for key in ("escape", "backspace", "q"):
            scene.list.select("api/customer")
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(scene.seen, PackageScreen)
            assert "packages > api/customer" in scene.lines()[0]
            assert "1 ready" in scene.text()
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(scene.seen, PackagesScreen)


async def test_the_detail_screen_lives_and_keeps_its_cursor(scene: Scene) -> None:
    async with shown(scene, (120, 40)) as pilot:
        scene.list.select("api/customer")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("j", "j", "j")
        key, before = scene.list.cursor, scene.text()
        assert key.startswith("feature:")
        scene.fleet.run("api/customer", "2.5.0", "host-3", per_s=10)
        scene.picture()
        scene.run(5)
        await scene.settle(pilot)
        assert scene.list.cursor == key
        assert scene.text() != before
        assert re.search(r"2\.5\.0 +1 ", scene.text())


async def test_q_in_the_first_view_quits_nothing(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("q")
        assert scene.app.is_running
        assert ":q or ctrl+c quits" in scene.lines()[-1]


@pytest.mark.parametrize("keys", [("colon", "q", "enter"), ("ctrl+c",), ("enter", "ctrl+c"), ("slash", "ctrl+c")])
async def test_quitting(scene: Scene, keys: tuple[str, ...]) -> None:
    async with shown(scene) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert scene.app.return_value == 0


async def test_help_names_every_key_and_command(scene: Scene) -> None:
    async with shown(scene, (120, 48)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        await scene.settle(pilot)
        text = scene.text()
        for word in ("MOVE", "THE LIST", "freeze"):
            assert word in text
        await pilot.press("G")
        await scene.settle(pilot)
        for word in ("COLUMNS", ":package", "TRAF%"):
            assert word in scene.text()
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(scene.seen, PackagesScreen)


async def test_commands_open_by_name_and_answer_nonsense(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.press("colon", *"package geo", "enter")
        await pilot.pause()
        assert "packages > service/geo" in scene.lines()[0]
        await pilot.press("colon", *"packages", "enter")
        await pilot.pause()
        await pilot.press("colon", *"package plain", "enter")
        await pilot.pause()
        assert "7 packages match 'plain'" in scene.lines()[-1]
        await pilot.press("colon", *"frobnicate", "enter")
        await pilot.pause()
        assert "no command 'frobnicate'" in scene.text()


async def test_a_click_selects_and_a_second_one_opens(scene: Scene) -> None:
    async with shown(scene) as pilot:
        await pilot.click(LineList, offset=(5, 2))
        assert scene.list.cursor == scene.list.order[2]
        name = scene.list.cursor
        await pilot.click(LineList, offset=(5, 2), times=2)
        await pilot.pause()
        assert isinstance(scene.seen, PackageScreen)
        assert name in scene.lines()[0]


# what can be wrong


async def test_an_empty_store_an_agent_out_of_reach_and_an_empty_fleet_are_sentences() -> None:
    scene = Scene(FakeFleet(2))
    async with shown(scene) as pilot:
        assert "Asking the agent…" in scene.text()
        scene.store.put_trouble("unix:/run/h2o/agent.sock", "no such socket", "")
        await scene.settle(pilot)
        assert "No agent answers at unix:/run/h2o/agent.sock: no such socket." in scene.text()
        assert "h2o dev" in scene.text()
        scene.picture()
        scene.now_s += 1
        await scene.settle(pilot)
        assert "2 hosts, no package yet." in scene.text()


async def test_zookeeper_silent_is_in_header_and_banner(scene: Scene) -> None:
    async with shown(scene) as pilot:
        for host in scene.fleet.hosts:
            scene.fleet.register[host] = ("silent", 14.0)
        scene.run(1)
        await scene.settle(pilot)
        assert "zk silent 14s" in scene.lines()[0]
        assert "ZooKeeper silent for 14s: brokers route from memory" in scene.lines()[1]


async def test_a_host_out_of_reach_is_said_and_its_numbers_become_dashes(scene: Scene) -> None:
    async with shown(scene, (160, 30)) as pilot:
        scene.store.put_failure("host-2", "connection refused")
        scene.run(6, "host-1", "host-3")
        await scene.settle(pilot)
        assert "2/3 hosts" in scene.lines()[0]
        assert "no stats for 6s from host-2: connection refused" in scene.lines()[1]
        email = next(line for line in scene.lines() if "service/email" in line)
        assert re.search(r"0\.9\.2 +- +- [· ]+ - +- [· ]+- +- no stats for 6s from host-2", email)


HOSTILE = (
    "service/[/x]",
    "service/[@click=app.quit]quit[/]",
    "service/\x1b[2J\x1b]0;owned\x07",
    "service/\u202egpj.exe",
    "service/\r\nx b 99",
    "service/\x9b31m\u200b\u2066",
    "service/" + "日" * 200,
    "service/" + "n" * 5000,
    "",
)


@pytest.mark.parametrize("size", [(160, 48), (60, 20), (30, 8), (20, 5)])
async def test_hostile_names_are_inert(size: tuple[int, int]) -> None:
    scene = Scene(FakeFleet(2))
    for name in HOSTILE:
        scene.fleet.run(name, name or "1", "host-1", features=(name or "get",), per_s=5, fails=0.5, error=name)
    scene.picture()
    scene.run(5)
    async with shown(scene, size) as pilot:
        for _ in HOSTILE:
            assert "".join(scene.lines()).isprintable()
            assert all(len(line) <= size[0] for line in scene.lines())
            await pilot.press("enter")
            await pilot.pause()
            assert "".join(scene.lines()).isprintable()
            await pilot.press("escape", "j")
            await pilot.pause()
        await pilot.click(LineList, offset=(10, 1))
        assert scene.app.is_running


@pytest.mark.parametrize("size", [(300, 80), (160, 48), (90, 24), (59, 12), (30, 8), (12, 3), (1, 1)])
async def test_every_size_is_survived_with_every_screen(scene: Scene, size: tuple[int, int]) -> None:
    async with shown(scene, size) as pilot:
        for keys in (
            ("enter",),
            ("escape", "question_mark"),
            ("escape", "s"),
            ("escape", "slash", "a"),
            ("escape", "p"),
        ):
            await pilot.press(*keys)
            await scene.settle(pilot)
        assert scene.app.is_running


async def test_resizing_lays_everything_out_anew(scene: Scene) -> None:
    async with shown(scene, (160, 40)) as pilot:
        assert "APP%" in scene.text()
        await pilot.resize_terminal(59, 20)
        await pilot.pause()
        await scene.settle(pilot)
        assert "APP%" not in scene.text()
        assert all(len(line) == 59 for line in scene.lines())


async def test_a_size_of_which_nobody_was_told_is_taken_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = count()

    def late() -> float:
        return get_time() + 0.01 * next(waited)

    async with shown(scene, (160, 40)) as pilot:
        await pilot.resize_terminal(100, 30)
        monkeypatch.setattr(timer, "_time", SimpleNamespace(get_time=late))
        await pilot.resize_terminal(59, 20)
        monkeypatch.undo()
        await eventually_async(lambda: all(len(line) == 59 for line in scene.lines()), "59 columns")


# looks


@pytest.mark.parametrize("theme", PALETTES)
async def test_every_theme_paints_and_colour_never_speaks_alone(theme: str) -> None:
    scene = Scene(example(3, 8), theme=theme)
    scene.picture()
    scene.run(30)
    async with shown(scene) as pilot:
        lines = scene.lines()
        assert any(line.startswith("x api/customer") for line in lines)
        assert any("service/geo  broken" in line for line in lines)
        await pilot.press("colon", *"theme light", "enter")
        await pilot.pause()
        assert scene.app.theme == "h2o-light"


async def test_without_colour_there_is_none() -> None:
    scene = Scene(example(3, 8), theme="mono")
    scene.picture()
    scene.run(30)
    async with shown(scene):
        for strip in scene.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default


async def test_ascii_is_ascii() -> None:
    scene = Scene(example(3, 8), theme="terminal", ascii_only=True)
    scene.fleet.run("service/grüße-日本", "1.0", "host-1")
    scene.picture()
    scene.run(30)
    async with shown(scene, (160, 40)) as pilot:
        assert scene.text().isascii()
        assert "service/gr??e-????" in scene.text()
        for key in ("enter", "question_mark"):
            await pilot.press(key)
            await scene.settle(pilot)
            assert scene.text().isascii()


@pytest.mark.parametrize("size", [(160, 40), (100, 30), (60, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_packages_screen_looks_as_it_did(
    scene: Scene, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    scene.run(50)
    scene.store.put_failure("host-3", "no answer in 2 s")
    scene.run(14, "host-1", "host-2")
    async with shown(scene, size):
        picture = scrubbed(scene.app)
        assert "font-face" not in picture
        assert snapshot(extension_class=Pictures) == picture


def test_the_environment_of_these_tests_asks_for_colour() -> None:
    assert "NO_COLOR" not in os.environ, "unset NO_COLOR: the pictures are taken in colour"


async def test_what_is_typed_fast_lands_in_the_line(scene: Scene) -> None:
    """A paste, or a fast hand: all keys are there before the line has been drawn."""
    async with shown(scene) as pilot:
        for key, character in (("colon", ":"), ("q", "q"), ("enter", "\r")):
            scene.app.post_message(Key(key, character))
        for _ in range(100):
            if scene.app._exit:
                break
            await pilot.pause(0.01)
        assert scene.app._exit, "the keys went to what is behind the line"
        assert scene.app.return_code == 0
