"""What a terminal shows, from the bytes written to it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from bench.console.screen import Screen


def screen_of(*written: bytes) -> Screen:
    screen = Screen(20, 4)
    for data in written:
        screen.feed(data)
    return screen


def test_text_goes_where_the_cursor_is() -> None:
    screen = screen_of(b"\x1b[2J\x1b[2;3Hab\x1b[4;20Hz!\x1b[1;1Htop\r\nnext")
    assert screen.text() == "top".ljust(20) + "\n" + "next".ljust(20) + "\n" + " " * 20 + "\n" + " " * 19 + "z"


def test_the_one_line_with_another_ground_is_found() -> None:
    lines = b"".join(f"\x1b[{y};1H\x1b[48;2;1;2;{7 if y == 3 else 9}m    \x1b[0m".encode() for y in range(1, 5))
    assert screen_of(lines).odd_line(0, 4) == 2
    assert screen_of(lines).odd_line(0, 2) == -1
    assert screen_of(b"").odd_line(0, 4) == -1


@pytest.mark.parametrize("code", ["41", "104", "48;5;3", "1;38;2;48;0;0;44", "0;7;42;1"])
def test_every_way_of_setting_a_ground_counts(code: str) -> None:
    assert screen_of(f"\x1b[2;1H\x1b[{code}m     ".encode()).odd_line(0, 4) == 1


@pytest.mark.parametrize("code", ["31", "38;5;44", "38;2;41;42;43", "1;4;7", "49", "41;49", "41;0"])
def test_what_sets_none_does_not(code: str) -> None:
    assert screen_of(f"\x1b[2;1H\x1b[{code}m     ".encode()).odd_line(0, 4) == -1


@pytest.mark.parametrize(
    "odd", [b"\x1b]2;title\x07", b"\x1b[?2026h", b"\x1b[>1u", b"\x1bP1$r\x1b\\", b"\x1b(B", b"\x07", b"\x1b[6 q"]
)
def test_other_sequences_leave_nothing_behind(odd: bytes) -> None:
    assert screen_of(b"a" + odd + b"b").line(0).rstrip() == "ab"


@given(st.lists(st.integers(0, 60), max_size=8))
def test_however_the_bytes_are_cut(cuts: list[int]) -> None:
    whole = "\x1b[2;2H\x1b[41mé▄\x1b]0;x\x07b\x1b[0m\x1b[1;1Hc\x1b[K".encode()
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[start:end] for start, end in itertools.pairwise(edges)]
    assert screen_of(*pieces).text() == screen_of(whole).text()
    assert screen_of(whole).line(1).rstrip() == " é▄b"


@given(st.binary(max_size=200))
def test_noise_is_no_reason_to_fail(data: bytes) -> None:
    screen_of(data).text()
