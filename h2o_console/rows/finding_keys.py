"""Findings' keys as text: what a place, a row and a mark are told apart by, and back again. Pure."""

from __future__ import annotations

from typing import Final

from h2o_core.insights.finding import Key, Kind, Subject

_FIELDS: Final = len(Subject._fields)


def finding_key(key: Key) -> str:
    """``failing|/service/customer||||||``; whatever the names hold, another key is another text."""
    return "|".join(_quoted(part) for part in (key.kind.value, *key.subject))


def key_of(text: str) -> Key | None:
    """What `finding_key` made it of; None of a text that it never made."""
    kind, *parts = (part.replace("%7C", "|").replace("%25", "%") for part in text.split("|"))
    if kind not in set(Kind) or len(parts) != _FIELDS:
        return None
    return Key(Kind(kind), Subject(*parts))


def named(text: str) -> str:
    """Whom the finding of that key is about, as people say it."""
    key = key_of(text)
    return "finding" if key is None else str(key.subject)


def _quoted(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")
