"""Over which time a column was measured is said over its head, whatever the width; in a pipe in the head itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_console.cli.output import Column, Style, render_table
from h2o_console.measured import LAST_10S, LAST_60S, SINCE_START, headed, last, over_heads
from h2o_console.rows.callers import CALLS
from h2o_console.rows.cells import in_ascii
from h2o_console.rows.features import FEATURES
from h2o_console.rows.hosts import HOSTS
from h2o_console.rows.instances import INSTANCES
from h2o_console.rows.packages import PACKAGES
from h2o_console.rows.tables import Table, head_lines, layout

TABLES: dict[str, Table[Any]] = {
    "packages": PACKAGES,
    "hosts": HOSTS,
    "instances": INSTANCES,
    "features": FEATURES,
    "callers": CALLS,
}
MEASURED = {"RPS", "trend", "p50", "p95 ms", "ERR%", "APP%", "TRAF%", "CPU%", "STEAL", "WHY, OUTCOMES"}


def lines(table: Table[Any], width: int, *, wide: bool = False) -> list[str]:
    longest = [20 if column.grows and not column.fills else 0 for column in table.columns]
    shown = head_lines(layout(table, width, longest, wide=wide))
    return ["".join(cell.text for cell in line.cells) for line in shown]


@pytest.mark.parametrize("name", TABLES)
def test_every_measured_column_says_over_which_time(name: str) -> None:
    for column in TABLES[name].columns:
        assert bool(column.over) == (column.head in MEASURED), column.head


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("wide", [False, True])
def test_each_time_stands_over_its_columns_at_every_width(name: str, *, wide: bool) -> None:
    table = TABLES[name]
    for width in range(40, 240):
        columns = layout(table, width, [20 if one.grows and not one.fills else 0 for one in table.columns], wide=wide)
        *over, _ = lines(table, width, wide=wide)
        runs = list[str]()
        before = ""
        for placed in columns:
            if placed.column.over and placed.column.over != before:
                runs.append(placed.column.over)
            before = placed.column.over
        assert "".join(over).replace("─", " ").split() == runs, (width, over)


def test_a_word_wider_than_its_columns_reaches_where_nothing_was_measured() -> None:
    assert over_heads([(10, ""), (5, LAST_60S), (5, "")]) == "         last60s"
    assert over_heads([(7, LAST_10S), (5, LAST_60S), (5, "")]) == "last10s last60s"
    assert over_heads([(7, LAST_10S), (5, LAST_60S), (7, LAST_10S)]) == "last10s 60s   last10s"
    assert over_heads([(4, ""), (9, LAST_60S), (9, LAST_60S)], rule="-") == "     ----- last60s -----"
    assert over_heads([(4, ""), (9, "")]) == ""


@given(st.lists(st.tuples(st.integers(4, 12), st.sampled_from(["", LAST_10S, LAST_60S])), max_size=12))
def test_there_are_as_many_words_as_runs_and_no_two_touch(columns: list[tuple[int, str]]) -> None:
    runs = [over for at, (_, over) in enumerate(columns) if over and (at == 0 or columns[at - 1][1] != over)]
    said = over_heads(columns).replace("─", " ").split()
    assert [word.removeprefix("last") for word in said] == [over.removeprefix("last") for over in runs]


def test_the_rule_has_an_ascii_look() -> None:
    assert in_ascii(over_heads([(20, LAST_60S)])) == "----- last60s ------"


def test_a_pipe_has_it_in_each_head_and_a_terminal_over_them() -> None:
    columns = (Column("HOST"), Column("RPS", right=True, over=last(2.5)), Column("P95 MS", right=True, over=last(2.5)))
    rows = [("host-1", "12", "40")]
    assert render_table(columns, rows, Style()).splitlines()[0] == "HOST    RPS last2.5s  P95 MS last2.5s"
    on_terminal = render_table(columns, rows, Style(cells=80)).splitlines()
    assert [line.split() for line in on_terminal[:2]] == [["last2.5s"], ["HOST", "RPS", "P95", "MS"]]
    assert len(render_table(columns, rows, Style(cells=80, heads=False)).splitlines()) == 1
    assert headed("REQUESTS", SINCE_START) == "REQUESTS since start"
