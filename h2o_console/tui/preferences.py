"""What a person prefers, from ``console.toml``: theme, start view, keys. A mistake in it warns and stops nothing.

Pure: the file's text in, preferences and sentences about what was wrong out, each with its line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Final, cast

from h2o_console.cli.typos import line_of
from h2o_console.text import safe

Keys = Mapping[str, tuple[str, ...]]

_NAMED: Final = frozenset(
    (
        *"enter escape space tab backspace delete insert home end pageup pagedown up down left right".split(),  # noqa: SIM905 - a table of words
        *"question_mark colon slash minus left_square_bracket right_square_bracket comma full_stop".split(),  # noqa: SIM905 - as above
        *("less_than_sign", "greater_than_sign"),
        *(f"f{number}" for number in range(1, 13)),
        *(f"ctrl+{letter}" for letter in "adefghjklnoprstuvwxyz"),
    )
)
_SAID: Final = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown", "del": "delete", ",": "comma"}
_LONG: Final = {
    "?": "question_mark",
    ":": "colon",
    "/": "slash",
    "-": "minus",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    ".": "full_stop",
    "<": "less_than_sign",
    ">": "greater_than_sign",
}
_KNOWN: Final = ("theme", "ascii", "mouse", "view", "refresh_s", "record", "record_mib", "keys")
_NEVER: Final = {"ctrl+b": "tmux's own key", "ctrl+c": "always quits", "ctrl+q": "the terminal's flow control"}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the file says; `theme` None and `keys` empty: as built in. `odd` are sentences about mistakes."""

    theme: str | None = None
    ascii: bool = False
    mouse: bool = True
    view: str = ""
    refresh_s: float = 0.25
    record: bool = True
    record_mib: int = 128
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """The words that mean something: names of themes, of views, and the keys of each command by its id."""

    themes: tuple[str, ...]
    views: tuple[str, ...]
    keys: Keys


def parse(text: str, allowed: Allowed) -> Preferences:
    """The preferences in *text*; what is wrong in it is left out and told."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Preferences(odd=(f"it is no TOML, so all of it is left out: {safe(str(error), 120)}",))
    reading = _Reading(text, allowed)
    found = Preferences(
        theme=reading.one_of(document, "theme", allowed.themes),
        ascii=reading.boolean(document, "ascii", otherwise=False),
        mouse=reading.boolean(document, "mouse", otherwise=True),
        view=reading.one_of(document, "view", allowed.views) or "",
        refresh_s=reading.seconds(document, "refresh_s", 0.25),
        record=reading.boolean(document, "record", otherwise=True),
        record_mib=reading.size(document, "record_mib", 128),
        keys=reading.keys(document.get("keys")),
    )
    for key in document:
        if key not in _KNOWN:
            reading.complain("", key, f"{safe(key, 40)} means nothing; {_advice(key, _KNOWN)}")
    return replace(found, odd=tuple(reading.odd))


def effective(keys: Keys, preferred: Keys) -> tuple[Keys, tuple[str, ...]]:
    """All commands' keys when *preferred* replaces some, and a sentence for each command that lost one by it."""
    taken = {key: name for name, pressed in preferred.items() for key in pressed}
    found: dict[str, tuple[str, ...]] = {}
    lost: list[str] = []
    for name, built_in in keys.items():
        if name in preferred:
            found[name] = preferred[name]
            continue
        found[name] = tuple(key for key in built_in if key not in taken)
        if built_in and not found[name]:
            key = built_in[0]
            lost.append(f"[keys] {taken[key]} takes {key!r}, and leaves {name} without a key; give it another")
    return found, tuple(lost)


def _advice(word: str, known: Iterable[str]) -> str:
    words = list(known)
    near = get_close_matches(word, words, 1, 0.6)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(words)}"


class _Reading:
    """One file being read; `odd` collects what is wrong."""

    def __init__(self, text: str, allowed: Allowed) -> None:
        self._text = text
        self._allowed = allowed
        self.odd: list[str] = []

    def complain(self, table: str, key: str, sentence: str) -> None:
        number = line_of(self._text, table, key)
        self.odd.append(f"line {number}: {sentence}" if number else sentence)

    def one_of(self, document: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str | None:
        value = document.get(key)
        if value is None or value in words:
            return value
        self.complain("", key, f"{key} = {safe(repr(value), 40)}: {_advice(str(value), words)}")
        return None

    def boolean(self, document: Mapping[str, Any], key: str, *, otherwise: bool) -> bool:
        return self._checked(document, key, otherwise, lambda value: isinstance(value, bool), "true or false")

    def seconds(self, document: Mapping[str, Any], key: str, otherwise: float) -> float:
        value = self._checked(document, key, otherwise, _is_refresh, "seconds from 0.1 to 5")
        return float(value)

    def size(self, document: Mapping[str, Any], key: str, otherwise: int) -> int:
        return self._checked(document, key, otherwise, _is_size, "whole numbers from 16 to 1024")

    def _checked(
        self, document: Mapping[str, Any], key: str, otherwise: Any, right: Callable[[Any], bool], what: str
    ) -> Any:
        value = document.get(key, otherwise)
        if right(value):
            return value
        self.complain("", key, f"{key} = {safe(repr(value), 40)}: it takes {what}")
        return otherwise

    def keys(self, table: Any) -> Keys:
        """``action = "key"`` or a list of keys; a key that two actions want is the first one's."""
        if table is None:
            return {}
        if not isinstance(table, dict):
            self.complain("", "keys", "keys is a table: [keys], then a line for each action")
            return {}
        found: dict[str, tuple[str, ...]] = {}
        owners: dict[str, str] = {}
        for action, value in cast("dict[str, Any]", table).items():
            if action not in self._allowed.keys:
                what = _advice(action, self._allowed.keys) if len(action) < 40 else "see :help"
                self.complain("keys", action, f"there is no action {safe(action, 40)}; {_near_only(what)}")
                continue
            pressed = [key for said in _listed(value) if (key := self._key(action, said, owners))]
            if pressed:
                found[action] = tuple(pressed)
        return found

    def _key(self, action: str, said: Any, owners: dict[str, str]) -> str:
        key = key_named(said) if isinstance(said, str) else ""
        if not key:
            shown = safe(repr(said), 40)
            self.complain("keys", action, f"{shown} is no key; a character, f1 to f12, ctrl+a, enter, pageup …")
        elif key in _NEVER:
            self.complain("keys", action, f"{key} is {_NEVER[key]}")
            return ""
        elif key in owners:
            self.complain("keys", action, f"{said!r} is {owners[key]}'s already")
            return ""
        else:
            owners[key] = action
        return key


def _near_only(advice: str) -> str:
    return advice if advice.startswith("did") else "? lists the keys, docs/console.md the actions"


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _is_refresh(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.1 <= value <= 5


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 16 <= value <= 1024


def key_named(said: str) -> str:
    """*said* as Textual calls it, "" when it is no key: ``?`` → ``question_mark``, ``esc`` → ``escape``."""
    word = _SAID.get(said.strip().lower(), said if len(said) == 1 else said.strip().lower())
    if len(word) == 1:
        return _LONG.get(word, word) if word.isascii() and word.isprintable() and word != " " else ""
    return word if word in _NAMED or word in _NEVER else ""
