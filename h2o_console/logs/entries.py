"""The lines of an agent's answer → entries and notices, in batches that end with a cursor. Pure.

A connection may break anywhere: what came after the last cursor comes again, so it is not given out before its
own cursor has come.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, cast

from h2o_core.logs import Entry, own_document

LONGEST_BYTES: Final = 1 << 20
"""Many times what an agent lets through; a bound on what a stranger on that port can make us hold."""
_MOST_HELD: Final = 32 << 20


class Malformed(ValueError):
    """What answers is no agent's log."""


class Line(NamedTuple):
    """One entry, of which host and which of its children; `text` as the agent wrote it. All of it is hostile."""

    host: str
    source: str
    entry: Entry
    text: bytes


class Kind(Enum):
    """What there is to say besides lines."""

    DROPPED = "dropped"
    """So many lines were cut off before they could be read."""
    GAP = "gap"
    """Lines are missing, nobody knows how many."""
    LOST = "lost"
    """The host does not answer (any more); `why` says why."""
    BACK = "back"
    """It does again."""
    NOTHING = "nothing"
    """The host has no logs of what was asked for."""


@dataclass(frozen=True, slots=True)
class Notice:
    """About one host; `source`: one child of it, or empty."""

    kind: Kind
    host: str
    source: str = ""
    count: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came together. `cursor`: where a host's reader stands after it (of one host's answer; else empty)."""

    lines: tuple[Line, ...] = ()
    notices: tuple[Notice, ...] = ()
    cursor: str = ""


class Unpacker:
    """One answer of one host: feed it the body."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._rest = b""
        self._held = 0
        self._lines: list[Line] = []
        self._notices: list[Notice] = []

    def feed(self, body: bytes) -> list[Batch]:
        """The batches that end in *body*; raises Malformed."""
        pieces = (self._rest + body).split(b"\n")
        self._rest = pieces.pop()
        if len(self._rest) > LONGEST_BYTES or self._held > _MOST_HELD:
            msg = "its answer has no end"
            raise Malformed(msg)
        batches: list[Batch] = []
        for piece in pieces:
            batch = self._line(piece)
            if batch is not None:
                batches.append(batch)
        return batches

    def _line(self, piece: bytes) -> Batch | None:
        if not piece:
            return None
        self._held += len(piece)
        document = own_document(piece)
        if document is not None:
            entry = Entry.of(document, 0.0, {})
            self._lines.append(Line(self._host, str(document.get("source", "")), entry, piece))
            return None
        return self._control(piece)

    def _control(self, piece: bytes) -> Batch | None:
        try:
            said: Any = json.loads(piece)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            msg = "what answers there is no agent: its line is no JSON object"
            raise Malformed(msg)
        control = cast("dict[str, Any]", said)
        source, dropped, cursor = str(control.get("source", "")), control.get("dropped"), control.get("cursor")
        if type(dropped) is int:
            self._notices.append(Notice(Kind.DROPPED, self._host, source, dropped))
        elif control.get("gap"):
            self._notices.append(Notice(Kind.GAP, self._host, source))
        elif isinstance(cursor, str):
            batch = Batch(tuple(self._lines), tuple(self._notices), cursor)
            self._lines, self._notices, self._held = [], [], 0
            return batch
        return None
