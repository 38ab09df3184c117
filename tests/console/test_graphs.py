"""Graphs as text: what is unknown stays empty, scales stand still, columns do not shimmer."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.graphs import (
    MILLIS,
    PERCENT,
    REQUESTS,
    Unit,
    Window,
    ceiling,
    columns,
    graph,
    mean,
    spark,
)

SOME = st.one_of(st.none(), st.floats(0, 1e9), st.just(float("inf")), st.just(float("nan")))


def test_a_line_of_braille() -> None:
    assert graph((0, 1, 2, 3, 4, 5, 6, 7), 2, 7) == ("  ⡠⠊", "⡠⠊  ")


def test_a_jump_is_joined_from_the_column_before() -> None:
    assert graph((0, 7, 7, 0), 2, 7) == ("⢸⢱", "⡸⢸")


def test_a_line_in_ascii() -> None:
    assert graph((0, 0, 2, 2, 5, 5, 0, 0, 1, 1), 2, 5, ascii_only=True) == ("  '| ", "_' _-")


def test_unknown_is_empty_and_never_a_zero() -> None:
    known, unknown, after = graph((0, 0, None, None, None, 0, 7, 7), 1, 7)[0][0:3]
    assert known == "⣀"
    assert unknown == "·"
    assert after == "⢀"
    assert spark((0, None, 7), 7) == "▁·█"
    assert spark((0, None, 7), 7, ascii_only=True) == "_ #"
    assert graph((0, 0, None, None, 5, 5), 1, 5, ascii_only=True) == ("_ '",)


def test_a_gap_is_not_bridged() -> None:
    assert graph((0, 0, None, None, 7, 7), 2, 7) == ("  ⠉", "⣀· ")


@given(st.lists(SOME, min_size=1, max_size=200), st.integers(1, 8), st.floats(1e-6, 1e9), st.booleans())
def test_every_line_fits_its_panel(line: list[float | None], rows: int, top: float, ascii_only: bool) -> None:
    drawn = graph(line, rows, top, ascii_only=ascii_only)
    assert len(drawn) == rows
    assert {len(row) for row in drawn} == {(len(line) + 1) // 2}
    assert "".join(drawn).isascii() or not ascii_only
    assert len(spark(line, top, ascii_only=ascii_only)) == len(line)


def test_columns_take_the_worst_or_the_mean_of_their_slots() -> None:
    values = {slot: float(slot) for slot in range(12)}
    window = Window(11, slots=12)
    assert columns(values, window, 4) == (2.0, 5.0, 8.0, 11.0)
    assert columns(values, window, 4, mean) == (1.0, 4.0, 7.0, 10.0)


def test_fewer_slots_than_columns_are_drawn_wider() -> None:
    assert columns({10: 1.0, 11: 2.0}, Window(11, slots=2), 6) == (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)


def test_slots_without_a_value_are_left_out_of_their_column() -> None:
    assert columns({0: 4.0, 9: 2.0}, Window(11, slots=12), 4, mean) == (4.0, None, None, 2.0)


@given(st.integers(1, 400), st.integers(1, 160), st.integers(0, 10_000), st.sets(st.integers(0, 10_400)))
def test_a_column_once_closed_never_changes_as_time_goes_by(slots: int, count: int, last: int, known: set[int]) -> None:
    values = {slot: float(slot % 97) for slot in known if slot <= last}
    before = columns(values, Window(last, slots), count)
    after = columns(values | {last + 1: 1e6}, Window(last + 1, slots), count)
    moved = ((last + 2) * count - 1) // slots - ((last + 1) * count - 1) // slots
    open_columns = max(1, -(-count // slots))
    closed = max(0, count - moved - open_columns)
    assert after[:closed] == before[moved : moved + closed]


@pytest.mark.parametrize(
    ("values", "before", "top"),
    [
        ((), 0.0, 1.0),
        ((None, None), 0.0, 1.0),
        ((0.0,), 0.0, 1.0),
        ((0.0,), 50.0, 50.0),
        ((812.0,), 0.0, 1000.0),
        ((1.7,), 0.0, 2.0),
        ((41.0, None), 0.0, 50.0),
        ((0.012,), 0.0, 0.015),
        ((41.0,), 100.0, 100.0),
        ((101.0,), 100.0, 150.0),
        ((29.0,), 100.0, 30.0),
        ((float("inf"), 3.0), 0.0, 3.0),
    ],
)
def test_a_scale_is_round_and_stands_still(values: tuple[float | None, ...], before: float, top: float) -> None:
    assert ceiling(values, before) == pytest.approx(top)


@given(st.floats(1e-9, 1e15))
def test_a_scale_holds_its_values(value: float) -> None:
    assert value <= ceiling((value,)) <= 10 * value


def test_a_window_is_named_and_ends_where_values_end_or_now() -> None:
    assert Window(1).name == "last 60 min, 10 s each"
    assert Window(1, slots=120, slot_s=1.0).name == "last 2 min, 1 s each"
    assert Window(1, slots=60, slot_s=1.0).name == "last 60 s, 1 s each"
    assert Window(1, slots=360, slot_s=60.0).name == "last 6 h, 60 s each"
    assert Window(1, slots=1008, slot_s=600.0).name == "last 7 days, 10 min each"
    assert Window.until(1000.0, 98).last == 98
    assert Window.until(1000.0, 100).last == 100
    assert Window.until(1000.0, 90).last == 99, "what is missing for long is a gap at the end"
    assert Window.until(1000.0, None).last == 99
    assert Window.until(1000.0, 500).last == 99, "a clock that runs ahead moves nothing"


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (REQUESTS, 2000.0, "2000"),
        (MILLIS, 500.0, "500"),
        (PERCENT, 100.0, "100"),
        (PERCENT, 0.05, "0.05"),
        (PERCENT, 5.0, "5"),
    ],
)
def test_units_write_their_numbers(unit: Unit, value: float, text: str) -> None:
    assert unit.write(value) == text
