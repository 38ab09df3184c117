"""A recording on the screens: its clock in the header, leaping about in it, nothing to ask, and saving a part of it."""

from __future__ import annotations

import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.pilot import Pilot

from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.poller import monotonic_s
from h2o_console.recording.export import export
from h2o_console.recording.frames import NotARecording
from h2o_console.recording.moments import moment
from h2o_console.recording.player import Player
from h2o_console.recording.recorder import Recorder, Shelved
from h2o_console.recording.tape import load
from h2o_console.rows.places import Kind as View, Place
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.memory import Memory
from h2o_console.tui.recordings import Unplayable, opened, place_in, show
from h2o_console.tui.session import Session
from tests.console.fake_fleet import example
from tests.console.pictures import lines_of
from tests.console.test_recording import Film

BEGAN_S = 1_769_999_341.0
"""2026-02-02T02:29:01Z."""


@dataclass
class Replay:
    """A console that plays 6 minutes in which `api/customer` fails from the third on; the test moves its time."""

    directory: Path
    passed_s: float = 100.0
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        tape = load(self.directory)
        self.player = Player(tape, self.store, tape.began_s + 60, clock=lambda: self.passed_s)
        self.session = Session("", self.store)
        show(self.player, self.session)
        self.app = H2OConsole(self.session, memory=Memory(Place(View.PACKAGES)))

    async def pass_time(self, pilot: Pilot[int], seconds: float = 0.0) -> str:
        """As the player's thread would; what is on screen then."""
        self.player._turn(self.player._wanted_s, seconds)
        self.app.flush()
        await pilot.pause()
        self.app.flush()
        await pilot.pause()
        return "\n".join(lines_of(self.app))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fleet = example(3, 8, now_s=BEGAN_S - 1)
    film = Film(fleet, segment_s=60)
    broken = next(one for one in fleet.instances.values() if one.package == "api/customer" and one.fails)
    broken.fails = 0.0
    film.run(120)
    broken.fails = 0.5
    film.run(270)
    return film.shelve(tmp_path_factory.mktemp("recording"))


@asynccontextmanager
async def played(directory: Path, size: tuple[int, int] = (160, 30)) -> AsyncGenerator[tuple[Replay, Pilot[int]]]:
    replay = Replay(directory)
    async with replay.app.run_test(size=size) as pilot:
        yield replay, pilot


async def typed(pilot: Pilot[int], command: str) -> None:
    await pilot.press(":", *("space" if letter == " " else letter for letter in command), "enter")


async def saved(pilot: Pilot[int]) -> None:
    await pilot.app.workers.wait_for_complete()  # pyright: ignore[reportUnknownMemberType] - Worker is generic


async def test_the_header_says_that_it_is_a_recording_and_when(directory: Path) -> None:
    async with played(directory) as (replay, pilot):
        text = await replay.pass_time(pilot)
        assert "REPLAY 02:30:01 UTC ×1" in text
        assert "5 min to the end" in text
        assert "READ-ONLY" not in text
        assert "REPLAY 02:30:06 UTC ×1" in await replay.pass_time(pilot, 5.0)


async def test_keys_lead_back_and_forth_and_rows_are_those_of_then(directory: Path) -> None:
    async with played(directory) as (replay, pilot):
        assert "x api/customer" not in await replay.pass_time(pilot, 5.0)
        await pilot.press("greater_than_sign")
        text = await replay.pass_time(pilot)
        assert "REPLAY 02:35:06 UTC" in text
        assert "x api/customer" in text
        await pilot.press("comma", "comma", "full_stop")
        assert "REPLAY 02:34:56 UTC" in await replay.pass_time(pilot)
        await pilot.press("less_than_sign")
        text = await replay.pass_time(pilot)
        assert "REPLAY 02:29:56 UTC" in text
        assert "x api/customer" not in text
        assert "api/customer" in text


async def test_a_leap_leaves_the_cursor_and_the_filter_where_they_were(directory: Path) -> None:
    async with played(directory) as (replay, pilot):
        await replay.pass_time(pilot)
        await pilot.press("slash", *"service", "enter", "j", "j")
        key = replay.app.frame.list.cursor
        assert key.startswith("service/")
        await pilot.press("greater_than_sign")
        text = await replay.pass_time(pilot)
        assert replay.app.frame.list.cursor == key
        assert "api/customer" not in text


async def test_going_to_a_moment_pausing_and_hastening(directory: Path) -> None:
    async with played(directory) as (replay, pilot):
        await replay.pass_time(pilot)
        await typed(pilot, "at 02:33:30")
        assert "REPLAY 02:33:30 UTC ×1" in await replay.pass_time(pilot)
        await pilot.press("z")
        assert "REPLAY 02:33:30 UTC paused" in await replay.pass_time(pilot, 5.0)
        await pilot.press("z")
        await typed(pilot, "speed 10")
        assert "REPLAY 02:33:40 UTC ×10" in await replay.pass_time(pilot, 1.0)
        await typed(pilot, "speed 0")
        assert "a speed from 0.1 to 60" in await replay.pass_time(pilot)
        await typed(pilot, "at noon")
        assert "noon is no moment: write 14:02" in await replay.pass_time(pilot)
        await typed(pilot, "at 04:00")
        text = await replay.pass_time(pilot)
        assert "REPLAY 02:35:30 UTC at its end" in text
        assert "the recording goes from 2026-02-02T02:29:01" in text


async def test_a_part_is_saved_and_plays_again(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "part.h2orec"
    async with played(directory) as (replay, pilot):
        await replay.pass_time(pilot)
        await typed(pilot, f"record save {file} 02:32 02:33")
        await saved(pilot)
        text = await replay.pass_time(pilot)
        assert "saved 2026-02-02T02:3" in text
        await typed(pilot, f"record save {file}")
        await saved(pilot)
        assert f"not saved: {file}: File exists" in await replay.pass_time(pilot)
        await typed(pilot, "record save")
        assert ":record save FILE [FROM [TO]]" in await replay.pass_time(pilot)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tape = load(file)
    assert tape.began_s <= BEGAN_S + 179
    assert tape.ended_s >= BEGAN_S + 239
    assert tape.ended_s - tape.began_s < 240
    async with played(file) as (replay, pilot):
        assert "x api/customer" in await replay.pass_time(pilot)


async def test_commands_of_a_recording_say_so_in_the_present() -> None:
    app = H2OConsole(Session("prod"))
    async with app.run_test(size=(120, 30)) as pilot:
        for press in ("comma", "greater_than_sign"):
            await pilot.press(press)
            assert "this is the present; what was: h2o-console --replay last" in "\n".join(lines_of(app))
        await typed(pilot, "record")
        assert "nothing is recorded: record = false in console.toml" in "\n".join(lines_of(app))


async def test_the_recorder_says_where_it_keeps_what(tmp_path: Path) -> None:
    recorder = Recorder(Shelved(tmp_path / "kept"), "demo", "prod", write_s=0.02)
    app = H2OConsole(Session("prod", recorder=recorder))
    recorder.start()
    try:
        recorder.hear(Heard(Kind.STILL, "host-1"), monotonic_s())
        async with app.run_test(size=(200, 30)) as pilot:
            await typed(pilot, "record")
            assert f"the last 6 h are kept in {tmp_path / 'kept'}" in "\n".join(lines_of(app))
            recorder.stop()
            await typed(pilot, f"record save {tmp_path / 'all'}")
            await saved(pilot)
            app.flush()
            await pilot.pause()
            assert "saved 20" in "\n".join(lines_of(app))
            recorder.trouble = "No space left on device"
            await typed(pilot, "record")
            await pilot.pause()
            assert "not recorded: No space left on device" in "\n".join(lines_of(app))
    finally:
        recorder.stop()


@pytest.mark.parametrize(
    ("typed", "near", "seconds"),
    [
        ("02:30", "02:29:01", 59),
        ("2:30:15", "02:29:01", 74),
        ("23:59", "00:01:00", -120),
        ("00:01", "23:59:00", 120),
        ("2026-02-02T02:30:00Z", "02:29:01", 59),
        ("24:00", "02:29:01", None),
        ("", "02:29:01", None),
    ],
)
def test_a_time_of_day_is_the_nearest_one(typed: str, near: str, seconds: int | None) -> None:
    near_s = moment(f"2026-02-02T{near}Z", 0.0)
    assert near_s is not None
    found = moment(typed, near_s)
    assert found == (None if seconds is None else near_s + seconds)


def test_what_can_t_be_played_is_said_with_the_reason(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(b"<html>")
    for said, kept, why in (
        (str(tmp_path / "some"), None, "some can't be played: it is no recording of the console"),
        (str(tmp_path / "none"), None, "none can't be played: no such file or directory"),
        ("last", tmp_path / "none", "nothing is recorded of this fleet yet .*: the console records while it runs"),
    ):
        with pytest.raises(Unplayable, match=why):
            opened(said, kept)
    tape = opened(str(directory), None)
    assert place_in(tape, "") is None
    assert place_in(tape, "02:30") == BEGAN_S + 59
    for said, why in (
        ("noon", "noon is no moment"),
        ("05:00", "nothing is recorded of 05:00: .* from 2026-02-02T02:29"),
    ):
        with pytest.raises(Unplayable, match=why):
            place_in(tape, said)
    with pytest.raises(NotARecording, match="nothing was recorded then"):
        export(tape, tmp_path / "later", BEGAN_S + 5000, BEGAN_S + 6000)
    assert not (tmp_path / "later").exists()
