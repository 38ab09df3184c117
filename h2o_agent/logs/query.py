"""What a reader of logs wants to see, and whether a line is that. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from h2o_core.logs import INSTANCE_ID, Severity

TIME_SLACK_S: Final = 60.0
"""Lines of one file are in order of time but for this much."""

_ID_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class Query:
    """Times are Unix seconds. `ids`: instance ids or beginnings of them; empty: all that the file has."""

    severity: Severity = Severity.UNSET
    grep: str = ""
    since_s: float | None = None
    until_s: float | None = None
    ids: tuple[str, ...] = ()
    _needles: tuple[bytes, ...] = field(init=False, default=())
    _folds: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """What the bytes of a matching line must contain: as it is, and as JSON writes it in either way."""
        object.__setattr__(self, "_folds", self.grep == self.grep.lower())
        if self.grep.isascii():
            forms = (self.grep, _escaped(self.grep))
            object.__setattr__(self, "_needles", tuple({form.encode() for form in forms}))

    def may_match(self, raw: bytes) -> bool:
        """Can a line that is in *raw*, or is it, match? Quick; a yes may be wrong, a no never is."""
        if not self.grep or not self._needles:
            return True
        hay = raw.lower() if self._folds else raw
        return any(needle in hay for needle in self._needles)

    def in_time(self, timestamp_s: float) -> bool:
        """Within `since_s` and `until_s`, both included."""
        return (self.since_s is None or timestamp_s >= self.since_s) and (
            self.until_s is None or timestamp_s <= self.until_s
        )

    def over(self, timestamp_s: float) -> bool:
        """Nothing that is wanted comes after a line of that time."""
        return self.until_s is not None and timestamp_s > self.until_s + TIME_SLACK_S

    def wants(self, document: Mapping[str, Any]) -> bool:
        """A line's document, whole: severity, instance, and the text in its body, attributes or trace."""
        if self.severity and document["severity_number"] < self.severity:
            return False
        instance = document["resource"][INSTANCE_ID]
        if self.ids and not instance.startswith(self.ids):
            return False
        return not self.grep or self._found(document)

    def _found(self, document: Mapping[str, Any]) -> bool:
        texts = [document["body"]]
        if len(self.grep) >= _ID_CHARACTERS:  # a digit or two are in every id
            texts += [document.get("trace_id", ""), document.get("span_id", "")]
        texts.extend(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for value in document.get("attributes", {}).values()
        )
        if self._folds:
            return any(self.grep in text.lower() for text in texts)
        return any(self.grep in text for text in texts)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
