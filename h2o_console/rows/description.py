"""One child process as its agent describes it: how it was started, how the last one ended, what it said last. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any, Final, cast

from h2o_console.feed.answers import number, table, text, whole
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, size, whole as share
from h2o_console.rows.sections import facts, known, plain, title
from h2o_console.text import clip, safe

_LINES: Final = 100
_ARGUMENT: Final = 400


def child_lines(document: Mapping[str, Any], width: int) -> Iterator[Line]:
    """The lines of the answer of ``/children/<which>``; whatever is missing in it is a dash."""
    yield from title("PROCESS", width)
    cpu_pct, due_s = number(document, "cpu_pct"), number(document, "due_in_s")
    failures, restarts = whole(document, "failures") or 0, whole(document, "restarts") or 0
    yield from facts(
        "process",
        (
            ("child", safe(text(document, "key"), 80), Tone.PLAIN),
            ("package", safe(text(document, "package"), 80), Tone.PLAIN),
            ("state", safe(text(document, "state"), 20), Tone.PLAIN),
            ("for", _age(document, "state_age_s"), Tone.PLAIN),
            ("pid", known(whole(document, "pid")), Tone.PLAIN),
            ("started", safe(text(document, "started"), 30), Tone.PLAIN),
            ("restarts", str(restarts), Tone.WARN if restarts else Tone.PLAIN),
            ("deaths in a row", str(failures), Tone.WARN if failures else Tone.PLAIN),
            ("CPU of a core", UNKNOWN if cpu_pct is None else f"{share(cpu_pct)}%", Tone.PLAIN),
            ("memory", size(whole(document, "rss_bytes")), Tone.PLAIN),
            *((("next try in", age(due_s), Tone.WARN),) if due_s is not None else ()),
        ),
        width,
    )
    if why := text(document, "why"):
        yield plain("why", f"  {safe(why, 400)}", Tone.WARN, width)
    yield from title("HOW IT IS STARTED", width)
    argv = _texts(document.get("argv"))
    for at, part in enumerate(_wrapped([quote(safe(one, _ARGUMENT)) for one in argv], max(width - 4, 10))):
        yield plain(f"argv:{at}", f"  {'  ' if at else ''}{part}", Tone.PLAIN, width)
    yield from facts(
        "started",
        (
            ("directory", safe(text(document, "cwd"), 200), Tone.PLAIN),
            ("log", safe(text(document, "log"), 200), Tone.PLAIN),
        ),
        width,
    )
    yield from _last_exit(table(document, "last_exit"), width)


def _last_exit(ended: Mapping[str, Any], width: int) -> Iterator[Line]:
    yield from title("HOW THE LAST ONE ENDED", width)
    if not ended:
        yield plain("none:exit", "  no process of it has ended", Tone.GOOD, width)
        return
    said = f"  {safe(text(ended, 'text'), 100) or UNKNOWN}, at {safe(text(ended, 'time'), 30) or UNKNOWN}"
    yield plain("exit", said, Tone.WARN, width)
    for at, line in enumerate(_texts(ended.get("lines"))[-_LINES:]):
        yield Line(f"said:{at}", (Cell(clip(f"  {safe(line, max(width, 1))}", width), Tone.DIM),))


def _age(document: Mapping[str, Any], key: str) -> str:
    seconds = number(document, key)
    return UNKNOWN if seconds is None else age(seconds)


def _texts(value: Any) -> list[str]:
    return [one for one in cast("list[Any]", value) if isinstance(one, str)] if isinstance(value, list) else []


def _wrapped(words: list[str], width: int) -> Iterator[str]:
    """Words on as few lines as they need; none is broken."""
    row = ""
    for word in words:
        if row and len(row) + 1 + len(word) > width:
            yield row
            row = word
        else:
            row = f"{row} {word}" if row else word
    yield row or UNKNOWN
