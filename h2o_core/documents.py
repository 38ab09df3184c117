"""Hostile bytes to checked values: JSON documents of one schema, read field by field, strictly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from h2o_core.names import InvalidName

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

SCHEMA: Final = 1
SMALL_CAP_BYTES: Final = 16 << 10
LARGE_CAP_BYTES: Final = 1000 << 10
"""Below ZooKeeper's own 1 MiB a packet: a write above that would cost the whole session."""
MAX_TEXT: Final = 1024
"""Characters of a text in a document."""
_SHOWN: Final = 60
_HIGHEST: Final = 1e300


class InvalidDocument(ValueError):
    """A document can't be used; `path` says which, `sentence` why. The last good one stays in force."""

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(f"{path}: {sentence}")
        self.path = path
        self.sentence = sentence


def encode_document(kind: str, cap_bytes: int, fields: dict[str, object]) -> bytes:
    """Sorted, compact JSON with the schema; raises InvalidDocument above *cap_bytes*."""
    data = json.dumps(fields | {"schema": SCHEMA}, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    _check_size(kind, data, cap_bytes)
    return data


def _check_size(path: str, data: bytes, cap_bytes: int) -> None:
    if len(data) > cap_bytes:
        raise InvalidDocument(
            path, f"{len(data):,} bytes are more than the {cap_bytes:,} that such a document may have"
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """One JSON object under a name; each getter checks and raises InvalidDocument with a sentence."""

    path: str
    where: str
    fields: dict[str, Any]

    @classmethod
    def of_document(cls, path: str, data: bytes, cap_bytes: int) -> Reader:
        """Parse the outermost object; a newer schema is refused, unknown keys are let pass."""
        reader = cls.of_json(path, data, cap_bytes)
        schema = reader.fields.get("schema")
        if type(schema) is not int or schema < 1:
            reader.fail(f"schema is {_shown(schema)}, not a number from 1")
        if schema > SCHEMA:
            reader.fail(f"schema {schema} is newer than the {SCHEMA} that this program reads; upgrade H2O on this host")
        return reader

    @classmethod
    def of_json(cls, path: str, data: bytes, cap_bytes: int) -> Reader:
        """Parse the outermost object of a document that has no schema of ours."""
        _check_size(path, data, cap_bytes)
        try:
            value: object = json.loads(data.decode(), parse_constant=_reject_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidDocument(path, f"not JSON: {str(error)[:200]}") from None
        if not isinstance(value, dict):
            raise InvalidDocument(path, f"a JSON object is needed, this is {_shown(value)}")
        return cls(path, "", cast("dict[str, Any]", value))

    def fail(self, sentence: str) -> NoReturn:
        """Raise InvalidDocument about this object."""
        raise InvalidDocument(self.path, f"{self.where}: {sentence}" if self.where else sentence)

    def text(self, key: str, *, form: re.Pattern[str] | None = None, empty: bool = False) -> str:
        """A printable text of at most 1,024 characters, matching *form* (of printable characters) as a whole."""
        value = self.fields.get(key, "" if empty else None)
        if form is not None and isinstance(value, str) and len(value) <= MAX_TEXT and form.fullmatch(value):
            return value
        if not isinstance(value, str) or len(value) > MAX_TEXT or not (value.isprintable() and (value or empty)):
            self.fail(f"{key} is {_shown(value)}, not a printable text of 1 to {MAX_TEXT} characters")
        if form is not None and not form.fullmatch(value):
            self.fail(f"{key} is {_shown(value)}, which is not of the form {form.pattern}")
        return value

    def name(self, key: str, parse: Callable[[str], str]) -> str:
        """A text that *parse* of h2o_core.names accepts, which is narrower than a text has to be."""
        value = self.fields.get(key)
        try:
            return parse(value if isinstance(value, str) else self.text(key))
        except (InvalidName, UnicodeError) as error:  # JSON can say half a surrogate pair
            self.text(key)
            self.fail(f"{key}: {error}")

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number in *low* … *high*."""
        value = self.fields.get(key)
        if type(value) is not int or not low <= value <= high:
            self.fail(f"{key} is {_shown(value)}, not a whole number from {low} to {high}")
        return value

    def number(self, key: str) -> float:
        """A finite number, not below 0."""
        value = self.fields.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _HIGHEST:
            self.fail(f"{key} is {_shown(value)}, not a number from 0")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.fields.get(key)
        if not isinstance(value, bool):
            self.fail(f"{key} is {_shown(value)}, not true or false")
        return value

    def raw_text(self, key: str) -> str:
        """A text of any length, for base64; the document's cap bounds it."""
        value = self.fields.get(key)
        if not isinstance(value, str):
            self.fail(f"{key} is {_shown(value)}, not a text")
        return value

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """A list of printable texts."""
        values = self._list(key, most)
        return tuple(Reader(self.path, f"{key} {at}", {"text": value}).text("text") for at, value in enumerate(values))

    def table(self, key: str, most: int = 64) -> dict[str, str]:
        """An object of printable texts; absent is empty."""
        reader = Reader(self.path, key, self._dict(key))
        if len(reader.fields) > most:
            self.fail(f"{key} has {len(reader.fields)} entries, at most {most} are allowed")
        for name in reader.fields:
            if not name.isprintable() or not 0 < len(name) <= MAX_TEXT:
                self.fail(f"{key} has a name that is not a printable text")
        return {name: reader.text(name, empty=True) for name in reader.fields}

    def object(self, key: str) -> Reader:
        """An object inside this one."""
        return Reader(self.path, key, self._dict(key))

    def objects(self, key: str, most: int) -> list[Reader]:
        """A list of objects."""
        readers: list[Reader] = []
        for at, value in enumerate(self._list(key, most), start=1):
            if not isinstance(value, dict):
                self.fail(f"{key} {at} is {_shown(value)}, not an object")
            readers.append(Reader(self.path, f"{key} {at}", cast("dict[str, Any]", value)))
        return readers

    def _dict(self, key: str) -> dict[str, Any]:
        value: object = self.fields.get(key, {})
        if not isinstance(value, dict):
            self.fail(f"{key} is {_shown(value)}, not an object")
        return cast("dict[str, Any]", value)

    def _list(self, key: str, most: int) -> list[object]:
        value: object = self.fields.get(key)
        if not isinstance(value, list):
            self.fail(f"{key} is {_shown(value)}, not a list")
        values = cast("list[object]", value)
        if len(values) > most:
            self.fail(f"{key} has {len(values)} entries, at most {most} are allowed")
        return values


def _shown(value: object) -> str:
    """A short piece of what was found; hostile, so printable ASCII only."""
    if value is None:
        return "missing"
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "an object"
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _reject_constant(name: str) -> NoReturn:
    msg = f"{name} is not a number"
    raise ValueError(msg)
