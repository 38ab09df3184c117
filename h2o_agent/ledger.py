"""Which processes are this host's children: one small file, replaced atomically, read after the agent's restart.

An entry is written before its process exists (pid 0) and again when it does: an agent that dies in between
finds the process by its launch token.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1


class LedgerUnreadable(Exception):
    """The file is there, but is not a ledger."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One child. `started_s`: the process's start, Unix seconds; pid and start together are its identity."""

    key: str
    package: str
    token: str
    pid: int = 0
    started_s: float = 0.0


class Ledger:
    """The file; each change is on the disk when the call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}

    def load(self) -> list[Entry]:
        """What the agent before this one left; raises LedgerUnreadable (and starts an empty one)."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return []
        try:
            entries = [_entry(each) for each in json.loads(text)["children"]]
        except (ValueError, TypeError, KeyError) as error:
            msg = f"{self._path} can't be read ({error}); children of an earlier agent, if any, are not known"
            raise LedgerUnreadable(msg) from None
        self._entries = {entry.key: entry for entry in entries}
        return entries

    def put(self, entry: Entry) -> None:
        """Add or replace; raises OSError."""
        self._entries[entry.key] = entry
        self._write()

    def drop(self, key: str) -> None:
        """Forget a child that is gone; raises OSError."""
        if self._entries.pop(key, None) is not None:
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        document = {"schema": SCHEMA, "children": [asdict(entry) for entry in self._entries.values()]}
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(document, file, indent=1)
        draft.replace(self._path)


def _entry(item: Any) -> Entry:
    fields = cast("dict[str, Any]", item)
    return Entry(
        key=str(fields["key"]),
        package=str(fields["package"]),
        token=str(fields["token"]),
        pid=int(fields["pid"]),
        started_s=float(fields["started_s"]),
    )
