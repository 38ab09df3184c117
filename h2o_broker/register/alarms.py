"""What is wrong with the register at this moment, until it is right again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an alarm is about; `/health` has a check for each (`register:document`, …)."""

    DOCUMENT = "document"
    """A node's bytes can't be used, or are gone; the last good ones stay in force."""
    KEPT = "kept"
    """A host has no node and counts nevertheless."""
    EPOCH = "epoch"
    """The register's control epoch is behind what this broker has seen."""
    REPEATED = "repeated"
    """A host lists an instance id that is another's; it is not routed to there."""
    FILE = "file"
    """The last-known file can't be read or written."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong. `path`: the node's, or the file's; `since_s`: Unix time."""

    kind: Kind
    path: str
    since_s: float
    sentence: str


class Alarms:
    """At most one a kind and path."""

    def __init__(self) -> None:
        self._current: dict[tuple[Kind, str], Alarm] = {}

    def sound(self, kind: Kind, path: str, sentence: str, now_s: float) -> bool:
        """It is wrong; the time stays that of the first call. True: nobody has said this before."""
        key = (kind, path)
        old = self._current.get(key)
        self._current[key] = Alarm(kind, path, old.since_s if old is not None else now_s, sentence)
        return old is None or old.sentence != sentence

    def end(self, kind: Kind, path: str) -> None:
        """It is right again, or gone."""
        self._current.pop((kind, path), None)

    def current(self) -> list[Alarm]:
        """All that is wrong now, the oldest first."""
        return sorted(self._current.values(), key=lambda one: (one.since_s, one.path))

    def paths(self, kind: Kind) -> set[str]:
        """The paths that this is wrong with."""
        return {path for its_kind, path in self._current if its_kind is kind}
