"""Who stands for conductor, by the names of the candidates' nodes, and how the elected one says so. Pure.

A candidate's node is ``<host>@<session>-<number>``: the host and the ZooKeeper session that made it, in 16 hex digits,
and the number that ZooKeeper gives to each. The lowest that is there conducts; its number is its term. The session in
the name tells a candidate which nodes are its own, also when it never heard that it had made them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.documents import Reader, encode_document
from h2o_core.names import InvalidName, parse_host

if TYPE_CHECKING:
    from collections.abc import Iterable

_CAP_BYTES: Final = 4 << 10
_NAME: Final = re.compile(r"(.+)@([0-9a-f]{16})-(-?[0-9]{10})")
_HIGHEST: Final = (1 << 31) - 1
_SESSION_BITS: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate's node."""

    name: str
    host: str
    session: int
    number: int


@dataclass(frozen=True, slots=True)
class Leader:
    """Who conducts. `term` is its candidate's number, `since_s` the Unix time at which it found that it does."""

    host: str
    term: int
    since_s: float


def prefix_of(host: str, session: int) -> str:
    """What a candidate's node is called before ZooKeeper adds the number."""
    return f"{host}@{session & _SESSION_BITS:016x}-"


def candidates_of(names: Iterable[str]) -> list[Candidate]:
    """The candidates, the conductor first; what has no such name is left out."""
    found = (_candidate(name) for name in names)
    return sorted((one for one in found if one is not None), key=lambda one: one.number)


def _candidate(name: str) -> Candidate | None:
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    try:
        return Candidate(name, parse_host(parts[1]), int(parts[2], 16), int(parts[3]))
    except InvalidName:
        return None


def is_of(candidate: Candidate, session: int) -> bool:
    """That session has made it."""
    return candidate.session == session & _SESSION_BITS


def encode_leader(leader: Leader) -> bytes:
    """`election/leader`."""
    return encode_document(
        "election/leader", _CAP_BYTES, {"host": leader.host, "term": leader.term, "since": leader.since_s}
    )


def parse_leader(path: str, data: bytes) -> Leader:
    """`election/leader` → Leader; raises InvalidDocument."""
    reader = Reader.of_document(path, data, _CAP_BYTES)
    term = reader.integer("term", -_HIGHEST - 1, _HIGHEST)
    return Leader(reader.name("host", parse_host), term, reader.number("since"))
