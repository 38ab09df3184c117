"""The journal of calls: documents that are read as they were written, and what no agent wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from h2o_core.audit import Author
from h2o_core.calls import (
    Call,
    Outcome,
    encode_call,
    encode_outcome,
    names_of,
    parse_call,
    parse_outcome,
    path_of,
)
from h2o_core.documents import InvalidDocument
from h2o_core.errors import Code, Executed

CALL = Call(
    request_id="0a" * 16,
    at_s=1_795_858_200.25,
    author=Author("alice", "h2o call on laptop", "ticket 7", verified=True),
    host="host-1",
    feature="/service/customer/delete",
    request_bytes=12,
    digest="5f" * 32,
    to_host="host-3",
    to_version="2.0.0",
    to_instance="8cdb6dc637da3df0",
)
OUTCOME = Outcome(1_795_858_201.0, Code.APPLICATION, Executed.YES, "refused", "host-3", "8cdb6dc637da3df0", "2.0.0")


@pytest.mark.parametrize(
    "call", [CALL, replace(CALL, author=Author("a@b", "curl"), to_host="", to_version="", to_instance="")]
)
def test_an_entry_is_read_as_it_was_written(call: Call):
    assert parse_call(path_of(call), encode_call(call)) == call


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("executed", Executed)
def test_so_is_its_end(code: Code, executed: Executed):
    outcome = replace(OUTCOME, code=code, executed=executed)
    assert parse_outcome("x", encode_outcome(outcome)) == outcome


def test_entries_stand_by_day_and_time():
    later = replace(CALL, at_s=CALL.at_s + 0.001, request_id="00" * 16)
    assert path_of(CALL) == f"calls/2026-11-28/093000250000-{CALL.request_id}"
    names = [path_of(one).rpartition("/")[2] for one in (CALL, later)]
    assert names_of([*names, "outcome", "x" * 45, "lock"]) == names[::-1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"request_id": "x"}, "request_id is 'x'"),
        ({"digest": "5f"}, "digest is '5f'"),
        ({"feature": "/service/customer"}, "feature: "),
        ({"request_bytes": -1}, "request_bytes is -1"),
        ({"verified": "yes"}, "verified is 'yes', not true or false"),
        ({"actor": "\x1b[2J"}, "actor is "),
        ({"schema": 2}, "schema 2 is newer"),
    ],
)
def test_what_no_agent_wrote_is_refused(change: dict[str, Any], sentence: str):
    data = json.dumps({**json.loads(encode_call(CALL)), **change}).encode()
    with pytest.raises(InvalidDocument, match=sentence.replace("[", r"\[")):
        parse_call(path_of(CALL), data)


@pytest.mark.parametrize("change", [{"code": "FINE"}, {"executed": "maybe"}, {"executed": "YES"}, {"at": "now"}])
def test_nor_is_an_end(change: dict[str, Any]):
    data = json.dumps({**json.loads(encode_outcome(OUTCOME)), **change}).encode()
    with pytest.raises(InvalidDocument):
        parse_outcome("x", data)
