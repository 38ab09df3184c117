"""Versions in the order in which people count them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias


def newest_first(versions: Iterable[str]) -> list[str]:
    """1.10 before 1.9: semantic versioning's order, without its refusals; a pre-release is older than its release."""
    return sorted(versions, key=_key, reverse=True)


_Parts: TypeAlias = tuple[tuple[bool, int, str], ...]


def _key(version: str) -> tuple[_Parts, bool, _Parts]:
    release, _, before = version.partition("+")[0].partition("-")
    return _parts(release), not before, _parts(before)


def _parts(dotted: str) -> _Parts:
    numbers = ((part, part.isascii() and part.isdecimal() and len(part) < 16) for part in dotted.split("."))
    return tuple((True, int(part), "") if is_number else (False, 0, part) for part, is_number in numbers)
