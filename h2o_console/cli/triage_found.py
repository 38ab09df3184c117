"""Findings that `h2o triage` has shown, by what is typed for them: an id, its beginning, or the subject's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_console.cli import remembered
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.text import safe
from h2o_core.documents import InvalidDocument, Reader
from h2o_core.insights.finding import Key, Kind
from h2o_core.insights.notes import parse_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_core.context import Context

_FINDINGS: Final = "findings"
_MOST: Final = 200
_FEWEST_DIGITS: Final = 2
_SHOWN: Final = 5


def remember(context: Context, keys: Iterable[Key]) -> None:
    """They were just shown; those that were remembered before come after."""
    found = {key.id: key for key in (*keys, *recall(context).values())}
    lines = [
        json.dumps([key.kind.value, {name: value for name, value in key.subject._asdict().items() if value}])
        for key in list(found.values())[:_MOST]
    ]
    remembered.write(_where(context), _FINDINGS, lines)


def recall(context: Context) -> dict[str, Key]:
    """By id, the ones shown last first; what can't be read is as if it were not there."""
    found: dict[str, Key] = {}
    for line in remembered.read(_where(context), _FINDINGS).names:
        key = _parse(line)
        if key is not None:
            found[key.id] = key
    return found


def _parse(line: str) -> Key | None:
    try:
        kind, subject = json.loads(line)
        return Key(Kind(kind), parse_subject(Reader("", "", cast("dict[str, Any]", dict(subject)))))
    except (ValueError, TypeError, RecursionError, InvalidDocument):
        return None


def _where(context: Context) -> str:
    return f"{context.agent}/{context.zookeeper}/{context.fleet}"


def meant(typed: str, known: Mapping[str, Key]) -> Key | None:
    """The one that *typed* means, None when it means none of them; raises CommandFailed when it means several."""
    found = [key for key in known.values() if typed == str(key.subject)]
    if len(typed) >= _FEWEST_DIGITS:
        found += [key for one, key in known.items() if one.startswith(typed.lower())]
    several = list(dict.fromkeys(found))
    if len(several) < 2:
        return several[0] if several else None
    shown = ", ".join(f"{key.id} ({key.kind})" for key in several[:_SHOWN]) + ", …" * (len(several) > _SHOWN)
    raise CommandFailed(Exit.USAGE, f"{typed!r} means {len(several)} findings: {shown}", "type the id of one")


def named(key: Key) -> str:
    """For people: ``18d3c882 host against fleet, host-7``."""
    return f"{key.id} {key.kind}, {safe(str(key.subject))}"
