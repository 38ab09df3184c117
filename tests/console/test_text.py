"""Text from outside: nothing that a terminal would act on survives, and widths are what a terminal draws."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from h2o_console.text import clip, pad, safe, width

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b[]m;\x07\x00\x7f\x85\r\n\t\u202e\u2066\u200d\u200b\ufeff\ue000\u0301日🔥"),
    ),
    max_size=80,
)


@given(HOSTILE)
def test_nothing_that_a_terminal_acts_on_survives(text: str) -> None:
    kinds = {unicodedata.category(char) for char in safe(text)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(HOSTILE)
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(HOSTILE, st.integers(1, 60))
def test_a_limit_holds_in_cells(text: str, limit: int) -> None:
    assert width(safe(text, limit)) <= limit


@given(HOSTILE)
def test_widths_are_those_the_console_draws(text: str) -> None:
    shown = safe(text)
    assert width(shown) == cell_len(shown)


@given(HOSTILE, st.integers(0, 40), st.booleans())
def test_a_padded_cell_is_exactly_its_width(text: str, cells: int, right: bool) -> None:
    assert width(pad(safe(text), cells, right=right)) == cells


@given(st.text(st.characters(categories=["L", "N", "P"], max_codepoint=0x24F), max_size=60))
def test_plain_text_passes_untouched(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b1mbold", "bold"),
        ("\x1b]0;own title\x07", "]0;own title"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("[/x] [@click=app.quit]", "[/x] [@click=app.quit]"),
        ("lone \ud800", "lone \ufffd"),
        ("a" + "\u0301" * 40, "a\u0301\u0301"),
        ("\u3164", ""),
        ("日本語", "日本語"),
    ],
)
def test_known_attacks(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_a_cut_is_shown_as_a_cut() -> None:
    assert safe("abcdef", 4) == "abc…"
    assert safe("日本語", 4) == "日…"
    assert safe("\u200b" * 1_000_000, 10) == "…"
    assert clip("abc", 0) == ""


def test_text_is_bounded_before_it_is_looked_at() -> None:
    assert len(safe("x\x00" * 5_000_000, 100)) == 100
