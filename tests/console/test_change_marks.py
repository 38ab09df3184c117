"""Control changes on the graphs: which are about what, where they stand, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.cells import Tone
from h2o_console.rows.change_marks import Change, Changes, Marked, changes_about, legend, on_axis, placed, with_lines
from h2o_console.rows.graphs import Window, columns
from h2o_console.text import width as cells_of
from h2o_core.audit import Author, Edit, Entry

NOW_S = 1_770_000_000.0
WINDOW = Window(int(NOW_S // 10) - 1)


def entry(ago_s: float, *paths: str, **more: Any) -> Entry:
    said: dict[str, Any] = {"sentence": "service/geo: 1.0 100% → 90%, 1.1 0% → 10%", **more}
    author = Author(said.pop("actor", "ada"), "h2o", said.pop("reason", ""))
    edits = tuple(Edit(path, None, b"x") for path in paths)
    return Entry(7, f"{hash(ago_s) % 2**64:016x}", NOW_S - ago_s, author, edits, **said)


def change(ago_s: float, who: str = "ada") -> Change:
    return Change(NOW_S - ago_s, who, "2.4.0 0% → 10%", f"{who}{ago_s}")


def text(changes: Changes | None, window: Window = WINDOW, width: int = 100, cells: int = 40) -> list[str]:
    marked = () if changes is None else placed(changes, window, cells, 2)
    return ["".join(cell.text for cell in line.cells) for line in legend(changes, marked, window, width, NOW_S)]


def test_only_what_is_about_it_is_marked() -> None:
    entries = (
        entry(10, "control/traffic/service.geo"),
        entry(20, "control/traffic/service.geodesy"),
        entry(30, "control/hosts/host-1", "control/hosts/host-2", sentence="drains host-1, host-2"),
        entry(40, "control/fleet", sentence="tiers: warn → refuse"),
        entry(float("-inf"), "control/traffic/service.geo"),
    )
    assert [NOW_S - one.at_s for one in changes_about(entries, "service/geo").made] == [10, 40]
    assert [NOW_S - one.at_s for one in changes_about(entries, "service/geo", ("host-2",)).made] == [10, 30, 40]
    assert [NOW_S - one.at_s for one in changes_about(entries, hosts=("host-1",)).made] == [30, 40]


def test_a_change_says_who_what_and_why_and_nothing_else() -> None:
    evil = entry(10, "control/fleet", actor="\x1b[2J[/x]\u202e", reason="INC-7\r\n", sentence="a" * 9000)
    (made,) = changes_about((evil,)).made
    assert made.who.isprintable()
    assert made.what.isprintable()
    assert cells_of(made.what) <= 300
    bare = entry(10, "control/fleet", "control/hosts/a", sentence="", reason="INC-7")
    assert changes_about((bare,)).made[0].what == "writes control/fleet, writes control/hosts/a (INC-7)"


def test_changes_stand_where_their_slot_is_drawn() -> None:
    for cells in (7, 40, 100, 359, 400):
        for ago_s in (0.0, 5.0, 11.0, 600.0, 1799.0, 3400.0):
            slot = min(int((NOW_S - ago_s) // 10), WINDOW.last)
            drawn = columns({slot: 1.0}, WINDOW, 2 * cells)
            (marked,) = placed(Changes((change(ago_s),)), WINDOW, cells, 2)
            shown = {at // 2 for at, value in enumerate(drawn) if value is not None}
            assert marked.cell in shown


def test_what_was_before_the_window_is_not_marked_and_what_has_just_been_is_at_its_end() -> None:
    assert placed(Changes((change(3600.1), change(9e9))), WINDOW, 40, 2) == ()
    assert [one.cell for one in placed(Changes((change(-30), change(0))), WINDOW, 40, 2)] == [39]
    assert [one.cell for one in placed(Changes((change(3600),)), WINDOW, 40, 2)] == [0]


def test_changes_of_one_cell_share_a_sign_and_are_all_told_the_newest_first() -> None:
    changes = Changes((change(60), change(620, "bob"), change(625, "eve"), change(3000, "kim")))
    marked = placed(changes, WINDOW, 40, 2)
    assert [(one.sign, len(one.changes)) for one in marked] == [("1", 1), ("2", 2), ("3", 1)]
    assert on_axis(marked, 40).split() == ["3", "2", "1"]
    lines = [line.rstrip() for line in text(changes)]
    assert lines[0] == "  1 02:39:00 ada: 2.4.0 0% → 10%"
    assert [line.split()[:3:2] for line in lines] == [["1", "ada:"], ["2", "bob:"], ["2", "eve:"], ["3", "kim:"]]


def test_of_many_the_newest_are_told_and_the_rest_counted() -> None:
    lines = text(Changes(tuple(change(60.0 * at) for at in range(1, 30))))
    assert len(lines) == 7
    assert lines[-1].strip() == "and 23 before these"


def test_that_nothing_was_changed_is_said_and_what_is_not_known_as_well() -> None:
    assert text(Changes())[0].strip() == "no control change in the last 60 min"
    assert text(None)[0].strip() == "changes are not marked: no agent has told what was decided"
    old = text(Changes((), since_s=NOW_S - 600))
    assert old[-1].strip() == "what was changed before 02:30:00 is not known here"


def test_a_line_is_drawn_through_what_is_empty_alone() -> None:
    marked = {1: None, 3: None, 4: None}
    assert "".join(cell.text for cell in with_lines("⠉  ⠉ ", marked, Tone.GRAPH)) == "⠉┊ ⠉┊"
    assert "".join(cell.text for cell in with_lines("_  _ ", marked, Tone.GRAPH, ascii_only=True)) == "_: _:"


@given(st.lists(st.floats(-100, 4000), max_size=60), st.integers(1, 300), st.integers(1, 200), st.sampled_from([1, 2]))
def test_marks_and_their_lines_fit(ago_s: list[float], cells: int, width: int, columns_each: int) -> None:
    changes = Changes(tuple(change(ago) for ago in sorted(ago_s)))
    marked: tuple[Marked, ...] = placed(changes, WINDOW, cells, columns_each)
    assert len(on_axis(marked, cells)) == cells
    for line in legend(changes, marked, WINDOW, width, NOW_S):
        assert sum(cells_of(cell.text) for cell in line.cells) <= max(width, 20)


@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_legend_is_cut_where_its_line_ends(width: int) -> None:
    assert max(map(cells_of, text(Changes((change(60, "n" * 500),)), width=width))) <= width
