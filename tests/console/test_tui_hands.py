"""What a hand does besides moving: copy and save, click on heads and crumbs, go to another fleet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from h2o_console.rows.past import SPANS
from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.command import Group
from h2o_console.tui.commands.registry import COMMANDS
from h2o_console.tui.contexts import Contexts
from h2o_console.tui.copying import OSC_52_BYTES, copy
from h2o_console.tui.memory import Memory, decode, encode
from h2o_console.tui.screens.picker import Picker
from tests.console.still_fleet import hostile
from tests.console.test_tui_screens import USUAL, WIDE, Stage, staged

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

CONFIGURATION = """\
current = "prod"
[contexts.prod]
fleet = "prod"
agent = "unix:/run/prod.sock"
[contexts.staging]
fleet = "qa"
agent = "http://10.0.0.1:8100"
[contexts.nowhere]
fleet = "x"
zookeeper = "127.0.0.1:2181"
[contexts.locked]
agent = "http://10.0.0.2:8100"
token_file = "/does/not/exist"
"""


def stage_with(tmp_path: Path, current: str = "prod") -> Stage:
    file = tmp_path / "config.toml"
    file.write_text(CONFIGURATION)
    made = Stage()
    made.session.contexts = Contexts(current, {"H2O_CONFIG": str(file), "HOME": str(tmp_path), "H2O_RUN": ""})
    return made


async def type_in(pilot: Pilot[int], line: str) -> None:
    await pilot.press("colon", *line, "enter")
    await pilot.pause()


# copying and saving


async def test_what_no_clipboard_takes_is_in_a_file_of_one_s_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clipboard: list[str] = []
    monkeypatch.delenv("TMUX", raising=False)
    assert "OSC 52" in (await copy("short", clipboard.append, tmp_path / "no"))[0]
    assert clipboard == ["short"]
    long = "日" * (OSC_52_BYTES // 3 + 1)
    for text in ("the one before", long):
        assert (await copy(text + long, clipboard.append, tmp_path / "x" / "copied.txt"))[0].endswith("takes")
    assert clipboard == ["short"]
    assert (tmp_path / "x" / "copied.txt").read_text() == long + long
    assert (tmp_path / "x" / "copied.txt").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("TMUX", "/tmp/none,1,0")
    monkeypatch.setenv("PATH", str(tmp_path))
    said, _ = await copy("host-1", clipboard.append, tmp_path / "copied.txt")
    assert said == f"'host-1' are in {tmp_path}/copied.txt: tmux can't be started: No such file or directory"
    said, _ = await copy("host-1", clipboard.append, tmp_path / "copied.txt" / "under-a-file")
    assert said.startswith("not copied: tmux can't be started")
    assert said.endswith(": File exists")


async def test_save_writes_all_lines_and_never_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Stage()
    async with staged(made, (250, 12)) as pilot:
        await type_in(pilot, "hosts")
        await type_in(pilot, "save")
        name = "h2o-prod-hosts-20260202T024000Z.txt"
        assert f"lines are in {tmp_path / name}" in made.text
        saved = (tmp_path / name).read_text().splitlines()
        assert saved[0] == "prod > hosts, 2026-02-02T02:40:00.000Z"
        assert all(any(host in line for line in saved) for host in made.fleet.hosts), "also those below the screen"
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        await type_in(pilot, "save")
        assert "not saved" in made.text
        assert "File exists; :save FILE names another" in made.text
        await type_in(pilot, "save /does/not/exist")
        assert "No such file or directory" in made.text


async def test_save_takes_the_json_of_what_is_marked_or_on_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Stage()
    async with staged(made, WIDE) as pilot:
        await type_in(pilot, "hosts")
        await pilot.press("space", "j", "space")
        await type_in(pilot, "save two.json")
        assert set(json.loads((tmp_path / "two.json").read_text())) == set(made.app.frame.list.order[:2])
        await pilot.press("escape", "y")
        await made.settle(pilot)
        await type_in(pilot, "save one")
        assert json.loads((tmp_path / "one.json").read_text())["host"]["name"] == made.place.key
        await made.go(pilot, Place(Kind.HELP, "hosts"))
        await type_in(pilot, "save none.json")
        assert not (tmp_path / "none.json").exists()
        assert "nothing under the cursor to save" in made.text


def saved_in(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


async def test_hostile_names_are_saved_as_harmless_text_under_a_harmless_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Stage(hostile())
    async with staged(made, WIDE) as pilot:
        for place in made.fleet.packages:
            await made.go(pilot, Place(Kind.PACKAGE, place))
            await type_in(pilot, "save")
    files = saved_in(tmp_path)
    assert files
    assert all(name.isascii() and name.startswith("h2o-prod-") and len(name) < 110 for name in files)
    assert "".join(files.values()).replace("\n", "").isprintable()


# the mouse


async def test_a_click_on_a_head_sorts_and_another_the_other_way_round() -> None:
    made = Stage()
    async with staged(made, WIDE) as pilot:
        await type_in(pilot, "hosts")
        await made.settle(pilot)
        heads = next(line for line in made.lines if "CPU%" in line)
        at = (heads.index("CPU%") + 1, 1)
        assert await pilot.click("#heads", offset=at)
        await made.settle(pilot)
        assert "by cpu" in made.lines[-1]
        await pilot.click("#heads", offset=at)
        await made.settle(pilot)
        assert "by cpu reversed" in made.lines[-1]
        await pilot.click("#heads", offset=(159, 1))
        await pilot.click("#heads", offset=(0, 0))
        await made.settle(pilot)
        assert made.app.is_running


async def test_a_click_on_a_crumb_goes_there() -> None:
    made = Stage()
    async with staged(made, WIDE) as pilot:
        await type_in(pilot, "hosts")
        await pilot.press("enter", "enter")
        await made.settle(pilot)
        header = made.lines[0]
        assert "hosts > host-2 > " in header
        await pilot.click("#header", offset=(header.index("host-2 >") + 2, 0))
        await made.settle(pilot)
        assert made.place == Place(Kind.HOST, "host-2")
        await pilot.press("left_square_bracket")
        await made.settle(pilot)
        assert made.place.kind is Kind.INSTANCE, "the history knows of it"
        await pilot.click("#header", offset=(made.lines[0].index("hosts >") + 1, 0))
        await made.settle(pilot)
        assert made.place == Place(Kind.HOSTS)
        await type_in(pilot, "package geo")
        await made.settle(pilot)
        await pilot.click("#header", offset=(made.lines[0].index(" h2o >") + 1, 0))
        await made.settle(pilot)
        assert made.place == made.app.journey.home
        await pilot.click("#header", offset=(made.lines[0].index("UTC"), 0))
        await pilot.click("#header", offset=(1, 0))
        assert made.place == made.app.journey.home


async def test_a_crumb_that_nothing_led_through_is_its_view() -> None:
    made = Stage()
    async with staged(made, WIDE) as pilot:
        made.app.journey.view(Place(Kind.HOST, "host-1"))
        made.app.frame.show()
        await made.settle(pilot)
        await pilot.click("#header", offset=(made.lines[0].index("hosts >") + 1, 0))
        await made.settle(pilot)
        assert made.place == Place(Kind.HOSTS)


# another fleet


async def test_another_context_is_gone_to_when_it_can_be(tmp_path: Path) -> None:
    kept: list[Memory] = []
    made = stage_with(tmp_path)

    def remember(memory: Memory) -> str:
        kept.append(memory)
        return ""

    made.app._remember = remember
    async with staged(made, WIDE) as pilot:
        for typed, said in (
            ("context prod", "this is prod"),
            ("context nowhere", "nowhere: it names no agent"),
            ("context locked", "locked: token_file /does/not/exist of the context can't be used"),
            ("context zzz", "contexts: prod, staging, nowhere, locked"),
        ):
            await type_in(pilot, typed)
            await made.settle(pilot)
            assert said in made.lines[-1]
            assert made.app.is_running
        await pilot.press("colon", *"context st", "tab")
        assert made.app.frame._prompt._input.value == "context staging"
        await pilot.press("enter")
        await pilot.pause()
    assert made.session.goes_to == "staging"
    assert made.app.return_code == 0
    assert kept, "how this fleet was left is remembered"


async def test_without_a_name_one_is_picked(tmp_path: Path) -> None:
    made = stage_with(tmp_path, "staging")
    async with staged(made, USUAL) as pilot:
        await type_in(pilot, "context")
        await pilot.pause()
        assert isinstance(made.app.screen, Picker)
        assert "unix:/run/prod.sock" in made.text
        await pilot.press("up", "enter")
        await pilot.pause()
    assert made.session.goes_to == "prod"


@pytest.mark.parametrize("text", ["", "no = [toml", '[contexts.prod]\nagent = "unix:/x"'])
async def test_there_may_be_no_other(tmp_path: Path, text: str) -> None:
    made = stage_with(tmp_path)
    (tmp_path / "config.toml").write_text(text)
    async with staged(made, USUAL) as pilot:
        await type_in(pilot, "context staging")
        assert "the configuration file has no other context" in made.text
        assert made.app.is_running


# what is kept, and what can be typed


def test_how_far_back_graphs_go_is_kept_for_a_fleet() -> None:
    for span in SPANS:
        assert decode(encode(Memory(span=span))).span == span
    for odd in ('"9d"', "7", "null"):
        assert decode(f'{{"schema": 1, "window": {odd}}}'.encode()).span == "1h"
    made = Stage(memory=Memory(span="24h"))
    assert made.session.span == SPANS["24h"]


def test_whatever_has_a_key_can_be_typed_too() -> None:
    """But for moving, in a list or in time: whoever has other keys, or a slow line, finds it after a colon."""
    untyped = {one.id for one in COMMANDS if not one.names and one.group not in {Group.MOVE, Group.REPLAY}}
    assert {one for one in untyped if not one.startswith("type_")} == set()
