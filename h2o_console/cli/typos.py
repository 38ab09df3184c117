"""What is odd in the configuration file: words that mean nothing there, each with its line. Pure."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_core.context import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOP: Final = ("current", "contexts")
"""Other tables are other programs': the console has its own."""
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")


def typos(text: str, document: Mapping[str, Any]) -> list[str]:
    """A sentence for each; *document* is what a TOML parser made of *text*."""
    found = [
        f"{_line(text, '', key)}{key} means nothing; did you mean {near}?"
        for key in document
        if key not in _TOP and (near := _near(key, _TOP))
    ]
    contexts: Any = document.get("contexts")
    if isinstance(contexts, dict):
        for name, table in cast("dict[str, Any]", contexts).items():
            if isinstance(table, dict):
                found += _of_context(text, name, cast("dict[str, Any]", table))
        current = document.get("current")
        if isinstance(current, str) and current and current not in contexts:
            known = ", ".join(cast("dict[str, Any]", contexts)) or "none"
            found.append(f"{_line(text, '', 'current')}there is no context {current!r}; known: {known}")
    return found


def _of_context(text: str, name: str, table: Mapping[str, Any]) -> list[str]:
    sentences: list[str] = []
    for key in table:
        if key not in KEYS:
            near = _near(key, KEYS)
            advice = f"did you mean {near}?" if near else f"there are {', '.join(KEYS)}"
            sentences.append(
                f"{_line(text, f'contexts.{name}', key)}{key} means nothing in [contexts.{name}]; {advice}"
            )
    return sentences


def _near(word: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.7)), "")


def line_of(text: str, table: str, key: str) -> int:
    """The number of the line that sets *key* in ``[table]`` ("": before any table); 0 when it can't be found."""
    at_table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            at_table = re.sub(r"[\"'\s]", "", header[1])
        elif at_table == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
        if key == "contexts" and header and at_table.startswith("contexts"):
            return number
        if not table and header and at_table.partition(".")[0] == key:
            return number
    return 0


def _line(text: str, table: str, key: str) -> str:
    number = line_of(text, table, key)
    return f"line {number}: " if number else ""
