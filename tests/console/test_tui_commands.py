"""The registry of commands: names, keys and completion, and that everything that can be typed is explained."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.events import Key

from h2o_console.rows.places import Kind
from h2o_console.tui.commands.command import Desk
from h2o_console.tui.commands.places import ENTRIES, find
from h2o_console.tui.commands.registry import COMMANDS, completions
from h2o_console.tui.screens.listing import ListScreen
from h2o_console.tui.screens.screen import ConsoleScreen
from h2o_console.tui.screens.table import SCREENS
from tests.console.fake_fleet import example
from tests.console.test_tui_packages import Scene, shown


@pytest.mark.parametrize("screen", [ListScreen, *SCREENS.values()], ids=lambda screen: screen.__name__)
def test_no_key_has_two_meanings_on_a_screen_and_none_is_tmux_s(screen: type[ConsoleScreen]) -> None:
    here = [command for command in COMMANDS if command.on is None or issubclass(screen, command.on)]
    keys = [key for command in here for key in command.keys]
    assert sorted(set(keys)) == sorted(keys)
    assert not [key for key in keys if key == "ctrl+b" or key.startswith("shift+")]


def test_every_command_says_what_it_does_and_can_be_reached() -> None:
    for command in COMMANDS:
        assert command.does
        assert command.keys or command.names, command.id
        assert (
            bool(command.takes) == bool(command.offers) or "FILTER" in command.takes or command.id in {"filter", "grep"}
        )


def test_the_page_names_every_action_and_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
    for command in COMMANDS:
        assert f"`{command.id}`" in page, command.id
    for key in ("`j`", "`g`", "`enter`", "`esc`", "`:`", "`/`", "`?`", "`[`", "`]`", "`-`", "`c`", "`d`", "`y`", "`z`"):
        assert key in page, key


def test_every_kind_of_place_has_a_screen_and_what_is_typed_leads_to_it() -> None:
    assert set(SCREENS) == set(Kind)
    assert {entry.kind for entry in ENTRIES} <= set(Kind)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("service/geo", ["service/geo"]),
        ("/service/geo", ["service/geo"]),
        ("service/g", ["service/geo", "service/geo-2"]),
        ("eo-2", ["service/geo-2"]),
        ("scust", ["service/customer"]),
        ("nothing", []),
    ],
)
def test_a_part_of_a_name_finds_it(typed: str, found: list[str]) -> None:
    assert find(["service/customer", "service/geo", "service/geo-2"], typed) == found


async def test_completion_offers_commands_then_what_follows_them() -> None:
    scene = Scene(example(3, 8))
    scene.picture()
    scene.run(3)
    async with shown(scene) as pilot:
        desk = cast("Desk", scene.app.frame)
        assert completions("pack", desk) == ("packages", "package")
        assert completions("package service/g", desk) == ("package service/geo",)
        assert completions("theme d", desk) == ("theme dark", "theme deuteranopia")
        assert "sort p95" in completions("sort ", desk)
        await pilot.press("colon", *"pac")
        assert "packages  package" in scene.text()
        await pilot.press("tab")
        assert scene.text().splitlines()[-1].startswith(" :package")
        await pilot.press(*" geo", "tab", "enter")
        await pilot.pause()
        assert "packages > service/geo" in scene.lines()[0]


async def test_brackets_and_minus_walk_through_history() -> None:
    scene = Scene(example(3, 8))
    scene.picture()
    scene.run(3)
    async with shown(scene) as pilot:
        await pilot.press("j", "enter")
        name = scene.seen.place.key
        await pilot.press("escape")
        assert scene.list.cursor == name
        await pilot.press("right_square_bracket")
        assert scene.seen.place.key == name
        await pilot.press("left_square_bracket")
        assert scene.seen.place.kind is Kind.PACKAGES
        await pilot.press("minus")
        assert scene.seen.place.key == name
        await pilot.press("minus")
        assert scene.seen.place.kind is Kind.PACKAGES
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert "nothing was on screen before this" in scene.lines()[-1]


async def test_a_long_list_comes_back_where_it_was_left() -> None:
    scene = Scene(example(3, 80))
    scene.picture()
    scene.run(3)
    async with shown(scene, (100, 20)) as pilot:
        await pilot.press("colon", *"sort name", "enter", "pagedown", "pagedown", "pagedown", "k", "k")
        cursor, top = scene.list.cursor, round(scene.list.scroll_offset.y)
        assert top > 10
        await pilot.press("enter")
        assert scene.seen.place.key == cursor
        await scene.settle(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        assert scene.list.cursor == cursor
        assert round(scene.list.scroll_offset.y) == top
        assert cursor in scene.selected()


def _at_once(scene: Scene, typed: str) -> None:
    """As a paste, or a slow line, brings it: no key waits for what the one before does."""
    named = {"\n": "enter", ":": "colon", "/": "slash", " ": "space", "\t": "tab"}
    for letter in typed:
        scene.app.post_message(Key(named.get(letter, letter), letter))


async def test_what_is_typed_ahead_goes_where_it_would_have_gone_key_by_key() -> None:
    scene = Scene(example(3, 8))
    scene.picture()
    scene.run(3)
    async with shown(scene) as pilot:
        _at_once(scene, ":hosts\n:sort name\n:packages\n/geo\n:instances\n")
        await pilot.pause()
        assert scene.seen.place.kind is Kind.INSTANCES
        await pilot.press("left_square_bracket")
        assert scene.seen.place.kind is Kind.PACKAGES
        assert "/geo" in scene.lines()[0]
        await pilot.press("left_square_bracket")
        assert "by name" in scene.lines()[-1]
