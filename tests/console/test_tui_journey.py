"""The way through the console: up, back, forward, the view before, and what each place remembers."""

from __future__ import annotations

from hypothesis import given, strategies as st

from h2o_console.rows.places import Kind, Look, Place, Wanted
from h2o_console.tui.journey import Journey

HOME = Place(Kind.PACKAGES)
GEO = Place(Kind.PACKAGE, "service/geo")
HELP = Place(Kind.HELP)


def test_up_leads_where_one_came_from_and_ends_at_the_first_view() -> None:
    journey = Journey(HOME)
    journey.open(GEO)
    journey.open(HELP)
    assert journey.trail == (HOME, GEO, HELP)
    assert journey.up()
    assert journey.trail == (HOME, GEO)
    assert journey.up()
    assert journey.trail == (HOME,)
    assert not journey.up()


def test_a_view_begins_a_new_trail_and_up_leads_back_to_the_old_one() -> None:
    journey = Journey(HOME)
    journey.open(GEO)
    journey.view(HELP)
    assert journey.trail == (HELP,)
    assert journey.up()
    assert journey.trail == (HOME, GEO)


def test_history_goes_back_and_forth_until_one_goes_elsewhere() -> None:
    journey = Journey(HOME)
    journey.open(GEO)
    journey.open(HELP)
    assert journey.back()
    assert journey.back()
    assert journey.place == HOME
    assert journey.forward()
    assert journey.place == GEO
    journey.view(HELP)
    assert not journey.forward()


def test_the_view_before_swaps_with_this_one() -> None:
    journey = Journey(HOME)
    assert not journey.last()
    journey.open(GEO)
    for place in (HOME, GEO, HOME):
        assert journey.last()
        assert journey.place == place


def test_each_place_is_found_as_it_was_left() -> None:
    journey = Journey(HOME)
    look = Look(Wanted(sort="p95", filter="geo"), "service/geo", 7)
    journey.keep(look)
    journey.open(GEO)
    assert journey.look == Look()
    journey.up()
    assert journey.look == look


def test_looks_and_history_are_bounded() -> None:
    journey = Journey(HOME)
    for number in range(1000):
        journey.open(Place(Kind.PACKAGE, f"p{number}"))
        journey.keep(Look(top=number))
        journey.up()
    assert len(journey.looks()) <= 200
    assert list(journey.looks().values())[-1].top == 999


STEPS = st.lists(st.sampled_from(["geo", "help", "home", "up", "back", "forward", "last"]), max_size=60)


@given(STEPS)
def test_whatever_is_pressed_there_is_a_place_and_up_always_ends(steps: list[str]) -> None:
    journey = Journey(HOME)
    for step in steps:
        match step:
            case "geo":
                journey.open(GEO)
            case "help":
                journey.open(HELP)
            case "home":
                journey.view(HOME)
            case "up":
                journey.up()
            case "back":
                before = journey.trail
                if journey.back():
                    assert journey.forward()
                    assert journey.trail == before
                    journey.back()
            case "forward":
                journey.forward()
            case _:
                journey.last()
        assert journey.trail
    for _ in range(200):
        if not journey.up():
            break
    else:
        raise AssertionError(journey.trail)
