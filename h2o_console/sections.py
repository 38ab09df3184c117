"""Sections of a page as values: each a small table or a list of facts, for the command line and the console. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Colour(StrEnum):
    """A terminal's own colours; always beside a word that says the same."""

    GOOD = "32"
    WARN = "33"
    BAD = "31"
    FAINT = "2"


def plain(value: Any) -> str:
    """A text as it is, None as unknown (the table shows "-"), a truth as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a section, or a line of facts: its head, its key in JSON, how its value is shown."""

    head: str
    key: str
    show: Callable[[Any], str] = plain
    right: bool = False
    wide: bool = False
    colours: Mapping[str, Colour] = field(default_factory=dict[str, "Colour"])


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under a title; as *facts* one entry, a line a field. `empty` is said when there are none."""

    key: str
    title: str
    fields: tuple[Field, ...]
    entries: Sequence[Mapping[str, Any]]
    facts: bool = False
    empty: str = "none"

    def document(self) -> Any:
        """Its JSON: an object for facts, a list otherwise."""
        return dict(self.entries[0]) if self.facts else [dict(entry) for entry in self.entries]
