"""A real fleet's incident, recorded (`python -m examples.demo.filmed`) and played: what is found, and when.

Seconds count from the recording's beginning. At 54 service/customer 2.0.0 has all, at 57 the release gets three
quarters, at 77 it is rolled back; service/payment fails now and then all the while.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from textual.pilot import Pilot

from h2o_console.recording.player import Player
from h2o_console.recording.playing import Playing
from h2o_console.recording.tape import Tape, load
from h2o_console.rows.places import Kind as View, Place
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.recordings import show
from h2o_console.tui.session import Session
from h2o_core.insights.finding import Kind, Subject
from tests.console.pictures import lines_of

INCIDENT: Final = Path(__file__).with_name("incident.h2orec")
BROKEN: Final = (Kind.VERSION, Subject(package="/service/customer", version="2.1.0"))


@pytest.fixture(scope="module")
def tape() -> Tape:
    return load(INCIDENT)


def found(store: Store) -> list[tuple[Kind, Subject]]:
    """What is wrong, the worst first."""
    assert store.insight is not None
    return [(group.cause.kind, group.cause.subject) for group in store.insight.news.groups]


def at(tape: Tape, second: float) -> Store:
    """As it was then, for one who goes there at once."""
    store = Store()
    Playing(tape, store, tape.began_s + second)
    return store


def test_the_release_is_found_within_seconds_comes_first_and_goes_once_it_is_mended(tape: Tape) -> None:
    store = Store()
    playing = Playing(tape, store)
    first: dict[float, bool] = {}
    while not playing.ended:
        playing.play(2.0)
        if store.insight is not None:
            first[playing.at_s - tape.began_s] = found(store)[:1] == [BROKEN]
    seen = [second for second, broken in first.items() if broken]
    assert 57 < min(seen) < 67, "ten seconds"
    assert max(seen) < 77 + 75, "the last failures have left the minute's window"
    assert all(first[second] for second in first if min(seen) <= second <= 77)


@pytest.mark.parametrize(("second", "first"), [(50.0, False), (75.0, True), (159.0, False)])
def test_who_goes_there_at_once_finds_the_same(tape: Tape, second: float, first: bool) -> None:
    assert (found(at(tape, second))[:1] == [BROKEN]) is first


def test_what_was_decided_is_in_it(tape: Tape) -> None:
    control = at(tape, 90.0).control
    assert control is not None
    assert [entry.epoch for entry in control.entries] == [3, 2, 1]
    assert dict(control.traffic["/service/customer"].weights).get("2.1.0", 0) == 0, "rolled back"


def test_the_counts_are_those_of_a_fleet_that_served(tape: Tape) -> None:
    store = Store()
    playing = Playing(tape, store, tape.began_s + 75)
    view = store.package("service/customer", playing.stage_s)
    assert view is not None
    assert (view.rps or 0) > 10
    assert view.outcomes["INTERNAL"] > 50
    fleet = store.fleet(playing.stage_s)
    assert (fleet.fleet, fleet.hosts, fleet.answering, fleet.register) == ("demo", 3, 3, "connected")


async def shown(pilot: Pilot[int], app: H2OConsole) -> str:
    for _ in range(2):
        app.flush()
        await pilot.pause()
    return "\n".join(lines_of(app))


async def test_screens_show_it_as_if_it_were_now(tape: Tape) -> None:
    store = Store()
    session = Session("", store)
    show(Player(tape, store, tape.began_s + 75), session)
    player = session.replaying
    assert player is not None
    session.poller = player
    app = H2OConsole(session)
    async with app.run_test(size=(140, 40)) as pilot:
        text = await shown(pilot, app)
        assert "REPLAY 09:53:32 UTC ×1" in text
        app.frame.journey.view(Place(View.PACKAGES))
        app.frame.show()
        text = await shown(pilot, app)
        assert "service/customer" in text
        assert "2.1.0" in text
        app.frame.open(Place(View.PACKAGE, "service/customer"))
        text = await shown(pilot, app)
        assert "VERSIONS, last60s" in text
        assert "INTERNAL" in text
        for _ in range(500):
            if "Asking" not in (text := await shown(pilot, app)):
                break
        assert "last 60 min, 10 s each" in text
        assert "not in it" not in text, "all three hosts have a past"
        await pilot.press("a")
        assert "this is a recording: nothing can be changed from here" in await shown(pilot, app)
    player.stop()
