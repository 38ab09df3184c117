"""console.toml and what is remembered: mistakes warn with their line, and nothing in a file stops the start."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.places import Kind, Look, Place, Wanted
from h2o_console.tui.commands.registry import KEYS
from h2o_console.tui.files import memory_file, read_memory, read_preferences, write_memory
from h2o_console.tui.memory import Memory, Unreadable, decode, encode
from h2o_console.tui.preferences import Allowed, Preferences, effective, key_named, parse
from h2o_console.tui.starting import begin
from tests.console.test_tui_screens import Stage, staged

ALLOWED = Allowed(("dark", "light", "mono"), ("packages", "hosts", "last"), KEYS)


def test_a_whole_file() -> None:
    top = 'theme = "light"\nascii = true\nmouse = false\nview = "hosts"\nrefresh_s = 1\n'
    found = parse(f'{top}[keys]\nsort = "o"\nhelp = ["f1", "?"]\n', ALLOWED)
    assert found == Preferences(
        theme="light",
        ascii=True,
        mouse=False,
        view="hosts",
        refresh_s=1.0,
        keys={"sort": ("o",), "help": ("f1", "question_mark")},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('theem = "dark"', "line 1: theem means nothing; did you mean theme?"),
        ('\ntheme = "drak"', "line 2: theme = 'drak': did you mean dark?"),
        ("theme = 7", "line 1: theme = 7: there is dark, light, mono"),
        ("mouse = 1", "line 1: mouse = 1: it takes true or false"),
        ("refresh_s = 0", "line 1: refresh_s = 0: it takes seconds from 0.1 to 5"),
        ("refresh_s = true", "line 1: refresh_s = True: it takes seconds from 0.1 to 5"),
        ("keys = 3", "line 1: keys is a table: [keys], then a line for each action"),
        ('[keys]\n\nsrot = "o"', "line 3: there is no action srot; did you mean sort?"),
        ('[keys]\nsort = "hyper+o"', "line 2: 'hyper+o' is no key; a character, f1 to f12, ctrl+a, enter, pageup …"),
        ("[keys]\nsort = 7", "line 2: 7 is no key; a character, f1 to f12, ctrl+a, enter, pageup …"),
        ('[keys]\nsort = "ctrl+b"', "line 2: ctrl+b is tmux's own key"),
        ('[keys]\nsort = "o"\nwide = "o"', "line 3: 'o' is sort's already"),
        ("theme = ", "it is no TOML, so all of it is left out: Invalid value (at end of document)"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_word(text: str, said: str) -> None:
    assert parse(text, ALLOWED).odd == (said,)


def test_the_rest_of_a_file_with_a_mistake_holds() -> None:
    found = parse('theme = "light"\nviw = "hosts"\n[keys]\nsort = "o"\nwide = "ctrl+c"\n', ALLOWED)
    assert (found.theme, found.view, found.keys) == ("light", "", {"sort": ("o",)})
    assert len(found.odd) == 2


@given(st.text(max_size=200))
def test_whatever_is_in_the_file_the_console_starts(text: str) -> None:
    for sentence in parse(text, ALLOWED).odd:
        assert sentence.isprintable()


def test_a_key_that_is_taken_over_leaves_the_other_without() -> None:
    keys, lost = effective(KEYS, {"wide": ("s",)})
    assert keys["wide"] == ("s",)
    assert keys["sort"] == ()
    assert lost == ("[keys] wide takes 's', and leaves sort without a key; give it another",)
    keys, lost = effective(KEYS, {"wide": ("j",)})
    assert keys["down"] == ("down",)
    assert not lost


@pytest.mark.parametrize(
    ("said", "key"),
    [("?", "question_mark"), ("esc", "escape"), ("F5", "f5"), ("G", "G"), ("Ctrl+F", "ctrl+f"), (",", "comma"),
     ("", ""), (" ", ""), ("é", ""), ("shift+up", ""), ("\x1b", "")],
)  # fmt: skip
def test_keys_by_the_names_people_use(said: str, key: str) -> None:
    assert key_named(said) == key


async def test_a_changed_key_does_it_and_the_old_one_no_more() -> None:
    stage = Stage()
    stage.session.keys = effective(KEYS, {"problems": ("o",)})[0]
    stage = Stage(stage.fleet, keys=stage.session.keys)
    async with staged(stage) as pilot:
        await pilot.press("p")
        assert "(problems)" not in stage.lines[0]
        await pilot.press("o")
        await stage.settle(pilot)
        assert "(problems)" in stage.lines[0]
        assert " o problems" in stage.lines[-1]


async def test_a_mistake_stands_in_the_banner_and_in_the_help() -> None:
    stage = Stage(odd=("console.toml: line 1: theem means nothing; did you mean theme?", "console.toml: line 2: so"))
    async with staged(stage) as pilot:
        assert "line 1: theem means nothing; did you mean theme?  (and 1 more: ?)" in stage.text
        await pilot.press("question_mark")
        await stage.settle(pilot)
        assert "line 2: so" in stage.text
        await pilot.press("escape")
        stage.now_s += 61
        await stage.settle(pilot)
        assert "theem" not in stage.text


# memory

SEEN = Memory(
    Place(Kind.HOSTS),
    {
        Place(Kind.HOSTS): Look(Wanted("cpu", True, "host", True, True)),
        Place(Kind.INSTANCES, "a/b"): Look(Wanted("p95")),
    },
)


def test_what_is_remembered_comes_back() -> None:
    assert decode(encode(SEEN)) == SEEN


def test_what_is_remembered_is_bounded() -> None:
    many = {Place(Kind.INSTANCES, f"p{number}"): Look(Wanted(filter="x" * 100)) for number in range(5000)}
    found = decode(encode(Memory(None, many)))
    assert len(found.looks) == 100
    assert Place(Kind.INSTANCES, "p4999") in found.looks


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(lambda value: str(value).encode()))
def test_another_s_bytes_are_refused_or_mean_nothing(data: bytes) -> None:
    with pytest.raises(Unreadable) if _is_refused(data) else nullcontext():
        assert decode(data) == Memory()


def _is_refused(data: bytes) -> bool:
    return b'"schema": 1' not in data


@pytest.mark.parametrize(
    "lists", ["7", "[7, null]", '[{"kind": "moon"}]', '[{"kind": "hosts", "sort": 7, "filter": []}]']
)
def test_what_is_not_understood_is_left_out(lists: str) -> None:
    found = decode(f'{{"schema": 1, "view": {{"kind": 3}}, "lists": {lists}}}'.encode())
    assert found.view is None
    assert set(found.looks.values()) <= {Look()}


def test_two_consoles_at_once_never_leave_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "h2o.json"
    torn: list[str] = []
    done = threading.Event()

    def write(number: int) -> None:
        looks = {Place(Kind.INSTANCES, f"{number}-{at}"): Look(Wanted(sort="p95")) for at in range(90)}
        for _ in range(60):
            assert write_memory(path, Memory(Place(Kind.HOSTS), looks)) == ""

    def read() -> None:
        while not done.is_set():
            found, why = read_memory(path)
            if why or (found.looks and len({place.key.partition("-")[0] for place in found.looks}) != 1):
                torn.append(why or "mixed")

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert torn == []
    assert [entry.name for entry in path.parent.iterdir()] == ["h2o.json"]


def test_files_are_named_after_the_fleet_and_stay_in_their_directory() -> None:
    environ = {"XDG_STATE_HOME": "/state"}
    assert memory_file("prod", environ) == Path("/state/h2o/console/prod.json")
    for evil in ("../../etc/passwd", "", "a/b", "P" * 300, "\x00", "Prod"):
        path = memory_file(evil, environ)
        assert path.parent == Path("/state/h2o/console")
        assert len(path.name) < 80
    assert len({memory_file(name, environ) for name in ("prod", "Prod", "PROD", "pröd")}) == 4


def test_a_start_with_two_broken_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("H2O_CONFIG", raising=False)
    assert begin("prod").odd == ()
    (tmp_path / "h2o" / "console").mkdir(parents=True)
    (tmp_path / "h2o" / "console.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "h2o" / "console" / "prod.json").write_bytes(b"{")
    first, second = begin("prod").odd
    assert first == "console.toml: it is not UTF-8"
    assert second.endswith("prod.json it is no JSON")


def test_the_last_view_comes_back_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("H2O_CONFIG", raising=False)
    assert begin("prod").remember(SEEN) == ""
    assert begin("prod").memory == Memory(None, SEEN.looks)
    assert begin("other").memory == Memory()
    (tmp_path / "h2o" / "console.toml").write_text('view = "last"\n')
    assert begin("prod").memory == SEEN


def test_a_file_that_can_t_be_written_is_a_word(tmp_path: Path) -> None:
    (tmp_path / "h2o").write_text("a file where a directory should be")
    assert write_memory(tmp_path / "h2o" / "console" / "x.json", SEEN)
    assert read_preferences(tmp_path)[1] == os.strerror(21)


async def test_sorts_and_filters_are_there_at_the_next_start() -> None:
    kept: list[Memory] = []
    stage = Stage(remember=lambda memory: kept.append(memory) or "")
    async with staged(stage) as pilot:
        await pilot.press("3", "colon", *"sort cpu", "enter", "slash", *"host", "enter", "w")
        await stage.settle(pilot)
        await pilot.press("colon", "q", "enter")
        await pilot.pause()
    again = Stage(memory=decode(encode(kept[-1])))
    async with staged(again) as pilot:
        assert again.place == Place(Kind.HOSTS)
        assert "hosts /host" in again.lines[0]
        assert "by cpu" in again.text or "rows are left out as you left it" in again.text
        assert again.app.frame.seen.began.wanted == Wanted("cpu", False, "host", False, True)
        await pilot.press("escape", "escape")
        assert again.place == Place(Kind.PACKAGES)
