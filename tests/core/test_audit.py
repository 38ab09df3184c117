"""Audit entries: byte for byte what was there, whatever it was; hostile ones are refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_core.audit import Author, Edit, Entry, day_of, encode_entry, parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.verdicts import CAPACITY, LAST_INSTANCE, Guard, Verdict

AUTHOR = Author("ada@desk", "h2o weight on desk", "fewer errors")
ENTRY = Entry(42, "0123456789abcdef", 1764288000.5, AUTHOR, (Edit("control/traffic/service.a", b'{"a":1}', None),))
PATH = "audit/2025-11-28/42"


@given(st.one_of(st.none(), st.binary(max_size=300)), st.one_of(st.none(), st.binary(max_size=300)))
def test_what_was_there_comes_back_byte_for_byte(before: bytes | None, after: bytes | None):
    entry = Entry(1, "0" * 16, 5.0, Author("a", "b"), (Edit("control/fleet", before, after),))
    assert parse_entry(PATH, encode_entry(entry)) == entry


def test_it_is_kept_by_day_and_says_whether_somebody_checked_the_actor():
    assert day_of(ENTRY.at_s) == "2025-11-28"
    assert parse_entry(PATH, encode_entry(ENTRY)) == ENTRY
    assert json.loads(encode_entry(ENTRY))["verified"] is False
    checked = replace(ENTRY, author=replace(AUTHOR, verified=True))
    assert parse_entry(PATH, encode_entry(checked)) == checked


PLANNED = replace(
    ENTRY,
    sentence="drains host-1",
    command="h2o drain host-1",
    guards=(
        Guard(CAPACITY, Verdict.PASSED, "there is room"),
        Guard(LAST_INSTANCE, Verdict.REFUSED, "it is the last one", "/service/a"),
    ),
    until_s=1764299999.0,
    undo_of="f" * 16,
)


def test_what_its_plan_said_comes_back():
    assert parse_entry(PATH, encode_entry(PLANNED)) == PLANNED
    assert (PLANNED.forced, ENTRY.forced) == (True, False)


def test_an_entry_from_before_there_were_plans_is_read():
    fields = json.loads(encode_entry(PLANNED))
    for key in ("sentence", "command", "guards", "until", "undo_of"):
        del fields[key]
    old = parse_entry(PATH, json.dumps(fields).encode())
    assert old == replace(ENTRY, edits=PLANNED.edits)


def test_what_a_plan_says_fits_whatever_it_says():
    wild = replace(PLANNED, sentence="x" * 5_000, command="a\nb\x1b[2J", guards=PLANNED.guards * 300)
    found = parse_entry(PATH, encode_entry(wild))
    assert (len(found.sentence), found.command, len(found.guards)) == (1_024, "a b [2J", 100)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"change_id": "x"}, "change_id"),
        ({"epoch": -1}, "epoch"),
        ({"actor": "a\x1b[2J"}, "actor"),
        ({"documents": [{"path": "a", "before": 7, "after": None}]}, "before"),
        ({"documents": [{"path": "a", "before": "\u20ac", "after": None}]}, "no bytes"),
        ({"documents": 7}, "documents"),
        ({"verified": "yes"}, "verified"),
        (
            {"guards": [{"name": "cap", "verdict": "perhaps", "sentence": "x", "subject": ""}]},
            "passed, warned, refused",
        ),
        ({"until": -1}, "until"),
        ({"undo_of": "x"}, "undo_of"),
        ({"schema": 2}, "newer"),
    ],
)
def test_hostile_entries_are_refused(change: dict[str, object], says: str):
    fields = json.loads(encode_entry(ENTRY)) | change
    with pytest.raises(InvalidDocument, match=says):
        parse_entry(PATH, json.dumps(fields).encode())
