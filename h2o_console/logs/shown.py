"""A log line as people read it: time, host, who, severity, text, the traceback below it, all of it made safe. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from h2o_console.text import safe
from h2o_core.figures import many
from h2o_core.logs import INSTANCE_ID, LAUNCH, Severity
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.logs.entries import Line, Notice

SHORT_ID: Final = 8
LONGEST_CELLS: Final = 4000
_MOST_LINES: Final = 60
"""Of one entry: a traceback has more only when it repeats itself."""
_VALUE_CELLS: Final = 200
_UNSAID: Final = re.compile(r"code\.|exception\.|h2o\.|log\.|logger\.name")
_BREAKS: Final = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_OWN: Final = frozenset({"broker", "agent"})


def clock(timestamp_s: float) -> str:
    """``14:02:07.123``, in UTC."""
    return rfc3339(timestamp_s)[11:-1]


def whose(line: Line) -> str:
    """The instance's short id; broker and agent by their names; a child that has said no id by its key."""
    instance = line.entry.resource.get(INSTANCE_ID, "")
    if line.source in _OWN or not instance or instance == line.source:
        return safe(line.source, 40)
    return safe(instance[:SHORT_ID], SHORT_ID)


def severity(line: Line) -> str:
    """Five letters; spaces for a line that has none."""
    return (line.entry.severity.name if line.entry.severity is not Severity.UNSET else "").ljust(5)


def body(line: Line) -> list[str]:
    """The text and what was logged beside it; then the exception's traceback; line by line, each safe."""
    entry = line.entry
    first, *more = _BREAKS.split(entry.body.rstrip("\n")) or [""]
    said = [
        f"{safe(str(key), 60)}={safe(str(value), _VALUE_CELLS)}"
        for key, value in entry.attributes.items()
        if not _UNSAID.match(str(key)) and key != LAUNCH
    ]
    trace = entry.attributes.get("exception.stacktrace")
    more += _BREAKS.split(trace.rstrip("\n")) if isinstance(trace, str) else []
    if len(more) > _MOST_LINES:
        left = len(more) - _MOST_LINES
        more = [*more[: _MOST_LINES // 2], f"… ({many(left, 'line')}) …", *more[-_MOST_LINES // 2 :]]
    return [" ".join([safe(first, LONGEST_CELLS), *said]), *(_indented(each) for each in more)]


def _indented(text: str) -> str:
    bare = text.lstrip(" ")
    return " " * min(len(text) - len(bare), 40) + safe(bare, LONGEST_CELLS)


def sentence(notice: Notice) -> str:
    """What a notice says, to be read after the host's name."""
    where = f" of {notice.source}" if notice.source else ""
    return safe(
        {
            "dropped": f"{many(notice.count, 'line')}{where} cut off before being read; ask for less: --severity",
            "gap": f"lines{where} are missing here: its file was cut or replaced before they could be read",
            "lost": f"its logs are missing here: {notice.why}",
            "back": "its logs go on from where they broke off",
            "nothing": f"nothing there: {notice.why}",
        }[notice.kind.value],
        500,
    )
