"""Times as operators type them, and how a moment is shown to them."""

from __future__ import annotations

import pytest

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.moments import ago, ahead, duration
from h2o_core.times import clock, unix_s

NOW_S = unix_s("2026-11-28T14:02:07Z") or 0.0


def at(text: str) -> float:
    moment_s = unix_s(text)
    assert moment_s is not None
    return moment_s


@pytest.mark.parametrize(
    ("typed", "expected_s"),
    [
        ("4h", NOW_S + 4 * 3600),
        ("90", NOW_S + 90),
        ("14:30", at("2026-11-28T14:30:00Z")),
        ("9:30", at("2026-11-29T09:30:00Z")),
        ("14:02", at("2026-11-29T14:02:00Z")),
        ("2026-12-01T10:00:00+02:00", at("2026-12-01T08:00:00Z")),
        ("2026-01-01T00:00:00Z", at("2026-01-01T00:00:00Z")),
        ("never", 0.0),
    ],
)
def test_a_moment_to_come(typed: str, expected_s: float):
    assert ahead("--until", typed, NOW_S, never=True) == expected_s


@pytest.mark.parametrize(
    ("typed", "expected_s"),
    [
        ("2h", NOW_S - 2 * 3600),
        ("14:02", at("2026-11-28T14:02:00Z")),
        ("14:30", at("2026-11-27T14:30:00Z")),
        ("2026-11-28T10:00:00Z", at("2026-11-28T10:00:00Z")),
        ("100000d", 0.0),
    ],
)
def test_a_moment_that_has_been(typed: str, expected_s: float):
    assert ago("--since", typed, NOW_S) == expected_s


@pytest.mark.parametrize("typed", ["soon", "", "25:00", "14:60", "-4h", "4 h", "2026-12-01", "1e9", "400d", "never"])
def test_what_is_no_moment_says_what_to_write(typed: str):
    with pytest.raises(CommandFailed, match=r"write 4h, 14:30 \(UTC\)") as caught:
        ahead("--until", typed, NOW_S)
    assert caught.value.exit_code is Exit.USAGE


def test_what_has_not_been_yet_is_no_moment_to_look_back_to():
    with pytest.raises(CommandFailed, match="no time that has been"):
        ago("--since", "2026-12-01T00:00:00Z", NOW_S)


def test_a_duration():
    assert duration("--grace", "5m") == 300.0
    with pytest.raises(CommandFailed, match="--grace long is no time"):
        duration("--grace", "long")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-28T01:02:03Z", "01:02:03"),
        ("2026-11-27T23:59:59Z", "11-27 23:59"),
        ("2025-11-28T14:02:07Z", "2025-11-28 14:02"),
    ],
)
def test_a_moment_is_shown_as_short_as_it_can_be_meant(text: str, shown: str):
    assert clock(at(text), NOW_S) == shown
