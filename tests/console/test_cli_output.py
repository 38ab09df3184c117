"""Tables, JSON, YAML and names: what is printed, cell by cell, also when the data is hostile."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from h2o_console.cli.output import Column, Style, age, milliseconds, render_table, to_json, to_names, to_yaml
from h2o_console.cli.selection import short_length
from h2o_console.sections import Colour

HOSTILE = "\x1b]0;owned\x07a\x1b[31mb\u202ec\u2066d\x9be\r\nf[/x][@click=app.quit]g"
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

COLUMNS = (
    Column("NAME", colours={"ok": Colour.GOOD}),
    Column("N", right=True),
    Column("MORE", wide=True),
    Column("WHY"),
)


@pytest.mark.parametrize(
    ("rows", "style", "expected"),
    [
        ([], Style(), "NAME  N  WHY\n"),
        ([], Style(heads=False), ""),
        ([("a", "1", "x", "")], Style(), "NAME  N  WHY\na     1  -\n"),
        ([("a", "1", "x", "y")], Style(wide=True), "NAME  N  MORE  WHY\na     1  x     y\n"),
        ([("long name", "1000", "", "w")], Style(heads=False), "long name  1000  w\n"),
        ([("ok", "1", "", "w")], Style(heads=False, colour=True), "\x1b[32mok\x1b[0m  1  w\n"),
        ([("日本", "1", "", "w"), ("a", "2", "", "v")], Style(heads=False), "日本  1  w\na     2  v\n"),
        ([("a", "1", "", "why " * 9)], Style(heads=False, cells=20), "a  1  why why why w…\n"),
        ([("a", "1", "", "why " * 9)], Style(heads=False, cells=3), "a  1  wh…\n"),
    ],
)
def test_tables(rows: list[tuple[str, ...]], style: Style, expected: str) -> None:
    assert render_table(COLUMNS, rows, style) == expected


def test_nothing_is_cut_without_a_terminal() -> None:
    long = "x" * 3000
    assert long in render_table(COLUMNS, [(long, "1", "", long)], Style())


@pytest.mark.parametrize("style", [Style(), Style(wide=True), Style(cells=40)])
def test_hostile_cells_stay_on_their_line(style: Style) -> None:
    printed = render_table(COLUMNS, [(HOSTILE, HOSTILE, HOSTILE, HOSTILE), ("b", "2", "", "")], style)
    assert printed.count("\n") == 3
    assert not CONTROLS.search(printed)


def test_hostile_names() -> None:
    printed = to_names([HOSTILE, "", "b"])
    assert printed.count("\n") == 2
    assert not CONTROLS.search(printed)


@pytest.mark.parametrize("one_line", [True, False])
def test_json_loses_nothing_and_holds_no_control(*, one_line: bool) -> None:
    document = {"name": HOSTILE + "\x7f", "n": [1, None, True]}
    printed = to_json(document, one_line=one_line)
    assert json.loads(printed) == document
    assert not CONTROLS.search(printed)
    assert (printed.count("\n") == 1) is one_line


def test_json_keeps_letters_legible_and_escapes_the_rest() -> None:
    document = {"name": "Zoë 日本 😀", "odd": "\u0301\u200b\ud800\u2028\U000e0041\xa0"}
    printed = to_json(document)
    assert '"Zoë 日本 😀"' in printed
    assert '"\\u0301\\u200b\\ud800\\u2028\\udb40\\udc41\\u00a0"' in printed
    assert json.loads(printed) == document


def test_yaml() -> None:
    document: dict[str, Any] = {
        "schema": 1,
        "instances": [
            {"id": "3f", "labels": {}, "why": 'say "no": #1'},
            {"id": "4a", "labels": {"a b": "c", "no": "d"}},
        ],
        "empty": [],
        "none": None,
        "nested": [[1, 2], {"a": [True]}],
    }
    assert to_yaml(document) == (
        "schema: 1\n"
        "instances:\n"
        '  - id: "3f"\n'
        "    labels: {}\n"
        '    why: "say \\"no\\": #1"\n'
        '  - id: "4a"\n'
        "    labels:\n"
        '      "a b": "c"\n'
        '      "no": "d"\n'
        "empty: []\n"
        "none: null\n"
        "nested:\n"
        "  - - 1\n"
        "    - 2\n"
        "  - a:\n"
        "      - true\n"
    )


def test_hostile_yaml() -> None:
    printed = to_yaml({HOSTILE: HOSTILE})
    assert printed.count("\n") == 1
    assert not CONTROLS.search(printed)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"),
        (-3, "0s"),
        (0.9, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (7260, "2h1m"),
        (2 * 86400, "2d"),
        (2 * 86400 + 5 * 3600, "2d5h"),
    ],
)
def test_ages(seconds: float | None, expected: str) -> None:
    assert age(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "-"), (float("nan"), "-"), (0.0, "0.00"), (4.204, "4.20"), (42.04, "42.0"), (4200.4, "4200")],
)
def test_milliseconds(value: float | None, expected: str) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [([], 8), (["3f8a91c2aaaa"], 8), (["3f8a91c2aaaa", "3f8a91c2abaa"], 10), (["3f8a91c2", "3f8a91c2a"], 9)],
)
def test_short_ids_stay_unique(ids: list[str], expected: int) -> None:
    assert short_length(ids) == expected
