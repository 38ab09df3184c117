"""What a start of the console finds: the person's preferences, the keys they mean, and what was remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_console.rows.places import Place
from h2o_console.tui.commands.places import ENTRIES
from h2o_console.tui.commands.registry import KEYS
from h2o_console.tui.files import (
    memory_file,
    preferences_file,
    read_memory,
    read_preferences,
    recording_directory,
    write_memory,
)
from h2o_console.tui.preferences import Allowed, Preferences, effective, parse
from h2o_console.tui.themes import PALETTES

if TYPE_CHECKING:
    from h2o_console.tui.memory import Memory

LAST = "last"
"""The start view that means: where I was."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Everything read; `odd` says what was wrong in it, with file and line."""

    preferences: Preferences
    keys: Mapping[str, tuple[str, ...]]
    memory: Memory
    remember: Callable[[Memory], str]
    recordings: Path
    odd: tuple[str, ...]


def begin(fleet: str) -> Begun:
    """Read both files; whatever is wrong in them, the console starts."""
    views = {entry.names[0]: Place(entry.kind) for entry in ENTRIES if not entry.one}
    path, remembered, kept_in = preferences_file(), memory_file(fleet), recording_directory(fleet)
    text, unread = read_preferences(path)
    preferences = parse(text, Allowed((*PALETTES, "ascii"), (*views, LAST), KEYS))
    keys, lost = effective(KEYS, preferences.keys)
    memory, forgot = read_memory(remembered)
    if preferences.view != LAST:
        memory = replace(memory, view=views.get(preferences.view))
    odd = [f"{path.name}: {sentence}" for sentence in ((unread,) if unread else (*preferences.odd, *lost))]
    if forgot:
        odd.append(f"what was remembered of this fleet is left out: {remembered} {forgot}")
    return Begun(preferences, keys, memory, lambda kept: write_memory(remembered, kept), kept_in, tuple(odd))
