"""What the reloaders of a fleet say: read from the file they append to, told in one line for all hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TOGETHER_S: Final = 0.5
"""Hosts that reload the same file within this are told in one line."""


@dataclass(slots=True)
class _Group:
    """The same said by several instances."""

    hosts: set[str]
    took_s: float
    since_s: float


@dataclass(slots=True)
class Notes:
    """Feed with `poll`, several times a second."""

    path: Path
    tell: Callable[[str], None]
    down: dict[str, tuple[str, str]] = field(default_factory=dict[str, "tuple[str, str]"])
    """Launch → (host, package) of the instances that do not start at present."""
    _at: int = 0
    _groups: dict[tuple[str, str, str], _Group] = field(default_factory=dict[tuple[str, str, str], _Group])

    def poll(self, now_s: float) -> None:
        """Read what is new, tell what is complete. *now_s*: any clock that does not jump."""
        for line in self._new_lines():
            self._take(line, now_s)
        for key, group in list(self._groups.items()):
            if now_s - group.since_s >= _TOGETHER_S:
                del self._groups[key]
                package, state, text = key
                said = f"reloaded in {group.took_s:.2f} s ({text})" if state == "ready" else text
                self.tell(f"{package} on {', '.join(sorted(group.hosts))}: {said}")

    def forgiven(self) -> dict[tuple[str, str], int]:
        """(host, package) → how many instances do not start, and are not waited for."""
        counts: dict[tuple[str, str], int] = {}
        for key in self.down.values():
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _new_lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                whole, end, _ = file.read().rpartition(b"\n")
        except OSError:
            return []
        self._at += len(whole) + len(end)
        return whole.decode(errors="replace").splitlines()

    def _take(self, line: str, now_s: float) -> None:
        try:
            note = cast("dict[str, Any]", json.loads(line))
            host, _, package = str(note["name"]).partition(" ")
            who, state, text, took_s = str(note["who"]), str(note["state"]), str(note["text"]), float(note["took_s"])
        except (ValueError, TypeError, KeyError):
            return  # the file is ours, but not only we can write to it
        if state == "down":
            self.down[who] = (host, package)
        elif state == "ready":
            self.down.pop(who, None)
        if text:
            group = self._groups.setdefault((package, state, text), _Group(set(), 0.0, now_s))
            group.hosts.add(host)
            group.took_s, group.since_s = max(group.took_s, took_s), now_s
