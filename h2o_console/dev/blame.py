"""Where an error is, from what a process has said before it ended: the line of the author's own file. Pure."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any, Final, cast

_PLACE: Final = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_ERROR: Final = re.compile(
    r"^(?P<error>(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Failed|Missing)\b.*)$", re.MULTILINE
)
_LONGEST: Final = 200


def blame(said: str, directory: str) -> str:
    """``service_invoice.py:7: NameError: …``, or the last line when there is no traceback; "" for nothing.

    *said*: the end of a log, plain or one JSON object a line. *directory*: whose files are the author's.
    """
    plain = "\n".join(_unwrapped(line) for line in said.splitlines())
    errors = [found["error"] for found in _ERROR.finditer(plain)]
    places = [(found["file"], found["line"]) for found in _PLACE.finditer(plain)]
    if not errors:
        lines = [line.strip() for line in plain.splitlines() if line.strip()]
        return lines[-1][:_LONGEST] if lines else ""
    own = [(file, line) for file, line in places if PurePath(file).is_relative_to(directory)]
    if not own:
        return errors[-1][:_LONGEST]
    file, line = own[-1]
    return f"{PurePath(file).relative_to(directory)}:{line}: {errors[-1]}"[:_LONGEST]


def _unwrapped(line: str) -> str:
    """A JSON log line's body, and its traceback where it has one."""
    if not line.startswith("{"):
        return line
    try:
        parsed: Any = json.loads(line)
    except ValueError:
        return line
    entry = cast("dict[str, Any]", parsed)
    attributes: Any = entry.get("attributes")
    trace = cast("dict[str, Any]", attributes).get("exception.stacktrace", "") if isinstance(attributes, dict) else ""
    return f"{entry.get('body', '')}\n{trace}"
