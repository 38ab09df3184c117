"""The query string of `/logs` → what is wanted, or a sentence that says what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from h2o_agent.logs.cursor import InvalidCursor, Position, decode
from h2o_agent.logs.query import Query
from h2o_core.logs import Severity
from h2o_core.times import unix_s

KNOWN: Final = ("instance", "package", "severity", "grep", "since", "until", "tail", "limit", "follow", "cursor")
MOST_LINES: Final = 100_000
_DEFAULT_TAIL: Final = 100
_LONGEST_GREP: Final = 1000
_AGO: Final = re.compile(r"(\d{1,9})([smhd])\Z")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BadQuestion(ValueError):
    """The query can't be answered; the sentence says what to write instead."""


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed query string. `tail` None: from `query.since_s`, or the cursor, or the beginning on."""

    query: Query
    instances: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    tail: int | None = None
    limit: int | None = None
    follow: bool = False
    cursor: Mapping[str, Position] | None = None
    bad_cursor: bool = False


def parse_question(values: Mapping[str, Sequence[str]], now_s: float) -> Question:
    """*values*: each key with all its values; raises BadQuestion."""
    for key in values:
        if key not in KNOWN:
            msg = f"/logs has no {key!r}; it has {', '.join(KNOWN)}"
            raise BadQuestion(msg)
    one = {key: each[-1] for key, each in values.items() if each and each[-1]}
    follow = one.get("follow", "0").lower() not in {"0", "false", "no"}
    query = Query(
        severity=_severity(one.get("severity", "")),
        grep=_grep(one.get("grep", "")),
        since_s=_time(one, "since", now_s),
        until_s=_time(one, "until", now_s),
    )
    if follow and query.until_s is not None:
        msg = "follow=1 has no end, until= is one: leave one of them out"
        raise BadQuestion(msg)
    cursor, bad_cursor = _cursor(one.get("cursor", ""))
    whole = query.since_s is not None or query.until_s is not None or cursor is not None or bad_cursor
    return Question(
        query=query,
        instances=_names(values.get("instance", ())),
        packages=_names(values.get("package", ())),
        tail=_number(one, "tail") if "tail" in one else None if whole or "limit" in one else _DEFAULT_TAIL,
        limit=_number(one, "limit") if "limit" in one else None,
        follow=follow,
        cursor=cursor,
        bad_cursor=bad_cursor,
    )


def _names(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in values if each.strip()))


def _severity(said: str) -> Severity:
    if not said:
        return Severity.UNSET
    try:
        return Severity[said.upper().replace("WARNING", "WARN").replace("CRITICAL", "FATAL")]
    except KeyError:
        msg = f"severity={said}: it is one of {', '.join(each.name for each in Severity if each)}"
        raise BadQuestion(msg) from None


def _grep(said: str) -> str:
    if len(said) > _LONGEST_GREP:
        msg = f"grep= has {len(said)} characters, {_LONGEST_GREP} are the most"
        raise BadQuestion(msg)
    return said


def _time(one: Mapping[str, str], key: str, now_s: float) -> float | None:
    said = one.get(key)
    if said is None:
        return None
    ago = _AGO.match(said)
    if ago is not None:
        return now_s - int(ago[1]) * _UNIT_S[ago[2]]
    moment_s = unix_s(said.replace(" ", "+"))  # a + that was not escaped
    if moment_s is None:
        msg = f"{key}={said}: write 90s, 10m, 2h, 1d, or a time with its zone as 2026-01-31T14:02:07Z"
        raise BadQuestion(msg)
    return moment_s


def _number(one: Mapping[str, str], key: str) -> int:
    said = one[key]
    if not said.isascii() or not said.isdigit() or int(said[:9]) > MOST_LINES or len(said) > 9:
        msg = f"{key}={said}: a number from 0 to {MOST_LINES}"
        raise BadQuestion(msg)
    return int(said)


def _cursor(said: str) -> tuple[Mapping[str, Position] | None, bool]:
    """None and True: one that is not readable any more, which is told as a gap."""
    if not said:
        return None, False
    try:
        return decode(said), False
    except InvalidCursor:
        return None, True
