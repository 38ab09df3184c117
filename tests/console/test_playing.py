"""A recording played again shows what was seen, from wherever one begins, back and forth, over holes and damage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.intake import Intake
from h2o_console.recording.history import Histories
from h2o_console.recording.player import NAME, Player
from h2o_console.recording.playing import Playing
from h2o_console.recording.tape import Tape, load
from h2o_console.store.fleet import Store
from h2o_core.pb.host_pb2 import History
from tests.console.fake_fleet import FakeFleet, example
from tests.console.test_intake import views
from tests.console.test_recording import Film

BEGAN_S = 1_770_000_001.0


def film(seconds: int, fleet: FakeFleet | None = None) -> Film:
    made = Film(fleet or example(3, 8))
    made.run(seconds)
    return made


def live(filmed: Film, until_s: float, shift_s: float) -> Store:
    """What a console that was there from the beginning had seen."""
    store = Store()
    intake = Intake(store)
    for heard, at_s in filmed.heard:
        if at_s <= until_s:
            with suppress(OutOfReach):
                intake.take(heard, at_s + shift_s)
    return store


def seen(playing: Playing, store: Store) -> list[object]:
    return views(store, playing.stage_s)


def test_played_to_its_end_it_shows_what_was_seen(tmp_path: Path) -> None:
    filmed = film(100)
    store = Store()
    playing = Playing(load(filmed.shelve(tmp_path)), store)
    assert playing.at_s == BEGAN_S
    shift_s = playing.stage_s - playing.at_s
    for _ in range(100):
        playing.play(0.75)
        assert playing.stage_s - playing.at_s == shift_s
    assert not playing.ended
    assert seen(playing, store) == views(live(filmed, playing.at_s, shift_s), playing.stage_s)
    playing.play(1000.0)
    assert playing.ended
    assert playing.at_s == BEGAN_S + 99
    assert seen(playing, store) == views(live(filmed, playing.at_s, shift_s), playing.stage_s)


def test_wherever_one_goes_it_looks_as_it_did_then(tmp_path: Path) -> None:
    filmed = film(130)
    store = Store()
    playing = Playing(load(filmed.shelve(tmp_path)), store)
    dice = Random(3)
    for _ in range(5):
        jumps, at_s, stage_s = playing.jumps, playing.at_s, playing.stage_s
        playing.seek(BEGAN_S + dice.randrange(120 * 4) / 4)
        assert playing.jumps == jumps + (not 0 <= playing.at_s - at_s <= 30), "a little further on is just played"
        playing.play(dice.randrange(8) / 4)
        assert playing.stage_s > stage_s, "what screens run on only goes on"
        then = live(filmed, playing.at_s, playing.stage_s - playing.at_s)
        assert seen(playing, store) == views(then, playing.stage_s)


def test_from_a_segment_alone_it_shows_what_runs_where(tmp_path: Path) -> None:
    filmed = film(100)
    filmed.segments[:] = filmed.segments[3:]
    store = Store()
    playing = Playing(load(filmed.shelve(tmp_path)), store)
    assert playing.at_s == BEGAN_S + 90
    fleet = store.fleet(playing.stage_s)
    assert (fleet.hosts, fleet.answering, fleet.fleet) == (3, 3, "demo")
    assert {one.id for one in store.instances(playing.stage_s)} == set(filmed.fleet.instances)
    playing.play(8.0)
    view = store.package("service/geo", playing.stage_s)
    assert view is not None
    assert (view.rps or 0) > 100


def test_a_hole_is_leapt_over_and_nothing_is_mixed(tmp_path: Path) -> None:
    filmed = film(130)
    del filmed.segments[1:3]
    store = Store()
    playing = Playing(load(filmed.shelve(tmp_path)), store)
    playing.play(29.0)
    jumps = playing.jumps
    playing.play(2.0)
    assert (playing.at_s, playing.jumps) == (BEGAN_S + 90, jumps + 1)
    playing.seek(BEGAN_S + 60)
    assert playing.at_s == BEGAN_S + 90, "of that moment there is nothing"
    playing.seek(BEGAN_S + 31)
    assert playing.at_s == BEGAN_S + 31, "what was last known grows old for a while"


def test_a_damaged_segment_plays_up_to_there_and_one_that_is_gone_not_at_all(tmp_path: Path) -> None:
    filmed = film(100)
    middle = len(filmed.segments[1]) // 2
    filmed.segments[1] = filmed.segments[1][:middle]
    tape = load(filmed.shelve(tmp_path))
    tape.pieces[2].path.unlink()
    store = Store()
    playing = Playing(tape, store)
    for _ in range(100):
        playing.play(1.0)
    assert playing.ended
    assert store.fleet(playing.stage_s).answering == 3


def test_what_can_t_be_read_is_followed_by_what_was_made_of_it(tmp_path: Path) -> None:
    filmed = film(10)
    filmed.hear(Heard(Kind.STATS, "host-2", b"\xff\xff"))
    filmed.hear(Heard(Kind.FAILURE, "host-2", said=("its counters can't be read: they are no HostStats",)))
    filmed.hear(Heard(Kind.HOSTS, "127.0.0.1:1", b"<html>"))
    store = Store()
    Playing(load(filmed.shelve(tmp_path)), store).play(20.0)
    assert store.hosts["host-2"].failed == "its counters can't be read: they are no HostStats"


def test_rows_of_another_time_go(tmp_path: Path) -> None:
    fleet = example(2, 8)
    filmed = film(40, fleet)
    late = fleet.run("service/late", "1.0.0", "host-1")
    filmed.run(40)
    fleet.stop(late)
    store = Store()
    playing = Playing(load(filmed.shelve(tmp_path)), store, BEGAN_S + 78)
    assert "service/late" in store.names()
    store.take_dirty(playing.stage_s)
    playing.seek(BEGAN_S + 20)
    assert "service/late" not in store.names()
    assert "service/late" in store.take_dirty(playing.stage_s), "whoever has a row of it hears of it"


# the past


def test_the_past_has_what_was_counted_each_request_once(tmp_path: Path) -> None:
    filmed = film(100)
    tape = load(filmed.shelve(tmp_path))
    counted: dict[tuple[str, str], int] = {}
    timed: dict[tuple[str, str], int] = {}
    for host in filmed.fleet.hosts:
        path = f"/history?resolution=10s&since={BEGAN_S - 60:.0f}"
        history = History.FromString(Histories(tape).answer(host, path, BEGAN_S + 200))
        assert history.host == host
        for series in history.series:
            assert [point.t_s % 10 for point in series.points] == [0] * len(series.points)
            assert 90 <= sum(point.covered_s for point in series.points) <= 99
            version = series.package, series.version
            for point in series.points:
                counted[version] = counted.get(version, 0) + sum(one.count for one in point.outcomes)
                timed[version] = timed.get(version, 0) + sum(point.processing.count) + point.processing.zero
    assert counted == timed
    whole: dict[tuple[str, str], int] = {}
    for stats in (filmed.fleet.stats(host) for host in filmed.fleet.hosts):
        for one in stats.report.instances:
            count = sum(each.count for feature in one.features for each in feature.outcomes)
            whole[one.package, one.version] = whole.get((one.package, one.version), 0) + count
    assert counted.keys() == whole.keys()
    for version, count in whole.items():
        assert 0.9 * count - 3 <= counted[version] <= count


def test_the_past_ends_at_the_moment_that_is_played_and_begins_where_it_was_asked_for(tmp_path: Path) -> None:
    histories = Histories(load(film(100).shelve(tmp_path)))
    path = f"/history?resolution=10s&since={BEGAN_S + 39:.0f}&kind=package&package=service/geo"
    history = History.FromString(histories.answer("host-1", path, BEGAN_S + 75))
    assert {series.package for series in history.series} == {"/service/geo"}
    assert [point.t_s - BEGAN_S for point in history.series[0].points] == [39, 49, 59]
    with pytest.raises(OutOfReach, match="a recording has only"):
        histories.answer("host-1", "/stats", BEGAN_S)
    assert not History.FromString(histories.answer("host-9", path, BEGAN_S + 75)).series


def test_a_broker_that_began_anew_is_a_gap_and_no_negative_count(tmp_path: Path) -> None:
    fleet = example(2, 6)
    filmed = film(50, fleet)
    fleet.restart_broker("host-1")
    filmed.run(50)
    histories = Histories(load(filmed.shelve(tmp_path)))
    history = History.FromString(
        histories.answer("host-1", f"/history?resolution=10s&since={BEGAN_S:.0f}", BEGAN_S + 200)
    )
    counts = [one.count for series in history.series for point in series.points for one in point.outcomes]
    assert counts
    assert min(counts) > 0
    assert sum(point.covered_s for point in history.series[0].points) < 98


# in a thread


def holds(condition: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.01)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return load(film(100).shelve(tmp_path))


def test_a_person_hastens_leaps_and_pauses(tape: Tape) -> None:
    player = Player(tape, Store())
    player.start()
    try:
        holds(lambda: player.wall_s() > BEGAN_S + 0.2, "it plays")
        player.pause()
        player.go(BEGAN_S + 50)
        holds(lambda: player.wall_s() == BEGAN_S + 50, "there, although it stands still")
        for _ in range(5):
            player.leap(-5.0)
        holds(lambda: player.wall_s() == BEGAN_S + 25, "five leaps add up")
        player.leap(-1000.0)
        holds(lambda: player.wall_s() == BEGAN_S, "no further than its beginning")
        player.speed = 60.0
        player.pause()
        holds(lambda: player.left_s == 0, "its end")
        assert player.wall_s() == BEGAN_S + 99
    finally:
        player.stop()
        player.stop()
    assert player.error is None
    assert NAME not in {thread.name for thread in threading.enumerate()}


def test_nobody_can_be_asked(tape: Tape) -> None:
    player = Player(tape, Store())
    player.look_at(["host-1"])
    assert player.agents() == {}
    with pytest.raises(OutOfReach, match="a recording has only"):
        player.ask("host-1", "/health").result(1)
    player.stop()


def test_what_breaks_it_is_told(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_playing: Playing, _seconds: float) -> None:
        msg = "broken"
        raise RuntimeError(msg)

    monkeypatch.setattr(Playing, "play", broken)
    player = Player(tape, Store())
    player.start()
    holds(lambda: isinstance(player.error, RuntimeError), "the error")
    player.stop()
