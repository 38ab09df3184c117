"""What is written to the terminal: only what changed, and yet always the whole truth."""

from __future__ import annotations

import gc
import sys
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.strip import Strip

from bench.console.screen import Screen
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.text import width as cells_of
from h2o_console.tui.narrow import Narrow, parts
from h2o_console.tui.pauses import Pauses
from h2o_console.tui.widgets.block import changed_spans
from tests.console.fake_fleet import FakeFleet
from tests.console.pictures import lines_of
from tests.console.test_tui_packages import Scene, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = (120, 24)
RED, BLUE, LOUD = Style.parse("#ff0000 on #000001"), Style.parse("#0000ff on #000001"), Style.parse("bold #ff0000")
CELLS = st.lists(
    st.builds(Cell, st.text("ab 漢▁", max_size=6), st.sampled_from([Tone.PLAIN, Tone.WARN])), max_size=6
)  # fmt: skip


@given(CELLS, CELLS)
def test_whatever_differs_is_in_a_span_and_no_character_is_halved(before: list[Cell], after: list[Cell]) -> None:
    old, new = Line("", tuple(before)), Line("", tuple(after))
    spans = changed_spans(old, new)
    painted, wanted = cells(old), cells(new)
    if len(painted) != len(wanted):
        assert spans == [(0, max(len(painted), len(wanted)))]
        return
    for first, count in spans:
        painted[first : first + count] = wanted[first : first + count]
        assert wanted[first][0], "it begins in the middle of a character"
        assert first + count == len(wanted) or wanted[first + count][0], "it ends in the middle of a character"
    assert painted == wanted


def cells(line: Line) -> list[tuple[str, Tone]]:
    """A character and its tone; "" is the second half of a wide one."""
    return [(part, cell.tone) for cell in line.cells for char in cell.text for part in (char, "")[: cells_of(char)]]


def test_one_digit_costs_one_span() -> None:
    old = Line("", (Cell("service/geo   "), Cell("  812 "), Cell("  41 ")))
    new = Line("", (Cell("service/geo   "), Cell("  813 "), Cell("  41 ")))
    assert changed_spans(old, new) == [(18, 1)]


def test_only_the_span_is_written_and_only_the_colours_that_change() -> None:
    strip = Strip([Segment("name", RED), Segment("12", RED), Segment("34", BLUE), Segment("rest", LOUD)])
    whole = ChopsUpdate([{0: strip}], [(0, 5, 9)], [[12]])
    written = Narrow(whole).render_segments(Console(color_system="truecolor", force_terminal=True))
    assert written == ("\x1b[1;6H\x1b[38;2;255;0;0;48;2;0;0;1m2\x1b[38;2;0;0;255m34\x1b[0;1;38;2;255;0;0mr\x1b[0m")


def test_a_link_brings_its_own_colours() -> None:
    strip = Strip([Segment("a", RED), Segment("b", Style(link="https://example.org"))])
    written = Narrow(ChopsUpdate([{0: strip}], [(0, 0, 2)], [[2]])).render_segments(Console(color_system="truecolor"))
    assert "a\x1b[0m\x1b]8;id=" in written
    assert written.endswith("b\x1b]8;;\x1b\\")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("", ("", "", "")),
        ("1;38;2;1;2;3;48;2;4;5;6", ("1", "38;2;1;2;3", "48;2;4;5;6")),
        ("38;5;7;48;5;200", ("", "38;5;7", "48;5;200")),
        ("2;4;31;47", ("2;4", "31", "47")),
        ("3;7;9;93;104", ("3;7;9", "93", "104")),
        ("39;49", ("", "39", "49")),
    ],
)
def test_colours_are_told_from_the_rest(codes: str, expected: tuple[str, str, str]) -> None:
    assert parts(codes) == expected


async def test_a_terminal_shows_what_is_meant_after_every_change() -> None:
    dice = Random(5)
    scene = Scene(FakeFleet(2))
    for number in range(40):
        scene.fleet.run(f"service/p{number:02}", "1.0", dice.choice(scene.fleet.hosts), features=("get",), per_s=3)
    scene.picture()
    scene.run(3)
    terminal = Screen(*SIZE)

    def display(_screen: Any, renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            narrow = Narrow(renderable) if isinstance(renderable, ChopsUpdate) else renderable
            terminal.feed(narrow.render_segments(scene.app.console).encode())

    scene.app._display = display  # type: ignore[method-assign]
    async with shown(scene, SIZE) as pilot:
        for _ in range(20):
            for instance in list(scene.fleet.instances.values()):
                instance.fails, instance.per_s = dice.choice([0.0, 0.0, 0.3]), dice.random() * 20
            scene.run(dice.randint(1, 8))
            await scene.settle(pilot)
            await pilot.press(*dice.choices(["j", "k", "pagedown", "pageup", "g", "G", "p", "r"], k=2))
            await scene.settle(pilot)
            assert stripped(terminal.text().split("\n")) == stripped(lines_of(scene.app))


def stripped(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines]


@pytest.fixture
def pauses() -> Iterator[Pauses]:
    made = Pauses()
    yield made
    made.end()
    gc.enable()


def test_python_collects_when_nobody_types_and_is_left_as_it_was(pauses: Pauses) -> None:
    turn_s = sys.getswitchinterval()
    assert not pauses.tick(1e6, idle_s=1e6), "not begun"
    pauses.begin(1000.0)
    assert not gc.isenabled()
    assert sys.getswitchinterval() < turn_s
    assert not pauses.tick(1119.0, idle_s=1e6), "too early"
    assert not pauses.tick(1500.0, idle_s=1.0), "somebody types"
    assert pauses.tick(1500.0, idle_s=6.0)
    assert not pauses.tick(1501.0, idle_s=6.0), "done just now"
    assert pauses.tick(2401.0, idle_s=0.0), "at last, although somebody types"
    pauses.end()
    assert gc.isenabled()
    assert sys.getswitchinterval() == turn_s
