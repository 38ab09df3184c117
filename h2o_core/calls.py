"""The journal of calls that may change data: who called what and when, and how it ended; never what it said. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from h2o_core.audit import Author, day_of
from h2o_core.documents import SMALL_CAP_BYTES, Reader, encode_document
from h2o_core.errors import Code, Executed
from h2o_core.names import parse_feature

OUTCOME: Final = "outcome"
"""The name of an entry's second half, below the first: nobody may write a node again, so the end has its own."""
MOST_A_DAY: Final = 2000
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NODE: Final = re.compile(r"[0-9]{12}-[0-9a-f]{32}")
_CODE: Final = re.compile("|".join(Code.__members__))
_EXECUTED: Final = re.compile("|".join(Executed.__members__).lower())
_LARGEST: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is about to be made by the agent of `host` at the Unix time `at_s`.

    `to_host`, `to_version`, `to_instance`: where alone it may be executed, "" for anywhere. `digest` is of the
    request's bytes, made with a key that follows from the fleet's secret: equal ones are seen to be equal, and no more.
    """

    request_id: str
    at_s: float
    author: Author
    host: str
    feature: str
    request_bytes: int
    digest: str
    to_host: str = ""
    to_version: str = ""
    to_instance: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, at the Unix time `at_s`; where it was executed is "" when nobody knows."""

    at_s: float
    code: Code
    executed: Executed
    application_code: str = ""
    host: str = ""
    instance: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call and its end; None: it runs, or whoever made it died, or could not write it down any more."""

    call: Call
    outcome: Outcome | None


def path_of(call: Call) -> str:
    """``calls/2026-11-28/093015123456-<request id>``, below the fleet's root: by time (UTC, µs)."""
    return f"calls/{day_of(call.at_s)}/{datetime.fromtimestamp(call.at_s, UTC):%H%M%S%f}-{call.request_id}"


def names_of(children: list[str]) -> list[str]:
    """The entries among the nodes of a day, the newest first."""
    return sorted(filter(_NODE.fullmatch, children), reverse=True)


def encode_call(call: Call) -> bytes:
    """The first half of an entry."""
    fields: dict[str, object] = {
        "request_id": call.request_id,
        "at": call.at_s,
        "actor": call.author.actor,
        "verified": call.author.verified,
        "origin": call.author.origin,
        "reason": call.author.reason,
        "host": call.host,
        "feature": call.feature,
        "request_bytes": call.request_bytes,
        "digest": call.digest,
        "to_host": call.to_host,
        "to_version": call.to_version,
        "to_instance": call.to_instance,
    }
    return encode_document(path_of(call), SMALL_CAP_BYTES, fields)


def parse_call(path: str, data: bytes) -> Call:
    """Raises InvalidDocument."""
    reader = Reader.of_document(path, data, SMALL_CAP_BYTES)
    return Call(
        request_id=reader.text("request_id", form=_REQUEST_ID),
        at_s=reader.number("at"),
        author=Author(
            reader.text("actor"), reader.text("origin"), reader.text("reason", empty=True), reader.flag("verified")
        ),
        host=reader.text("host"),
        feature=reader.name("feature", parse_feature),
        request_bytes=reader.integer("request_bytes", 0, _LARGEST),
        digest=reader.text("digest", form=_DIGEST),
        to_host=reader.text("to_host", empty=True),
        to_version=reader.text("to_version", empty=True),
        to_instance=reader.text("to_instance", empty=True),
    )


def encode_outcome(outcome: Outcome) -> bytes:
    """The second half."""
    fields: dict[str, object] = {
        "at": outcome.at_s,
        "code": outcome.code.name,
        "executed": outcome.executed.name.lower(),
        "application_code": outcome.application_code,
        "host": outcome.host,
        "instance": outcome.instance,
        "version": outcome.version,
    }
    return encode_document(OUTCOME, SMALL_CAP_BYTES, fields)


def parse_outcome(path: str, data: bytes) -> Outcome:
    """Raises InvalidDocument."""
    reader = Reader.of_document(path, data, SMALL_CAP_BYTES)
    return Outcome(
        at_s=reader.number("at"),
        code=Code[reader.text("code", form=_CODE)],
        executed=Executed[reader.text("executed", form=_EXECUTED).upper()],
        application_code=reader.text("application_code", empty=True),
        host=reader.text("host", empty=True),
        instance=reader.text("instance", empty=True),
        version=reader.text("version", empty=True),
    )
