"""Notes about findings: what was said comes back, each of them ends, and hostile documents are refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from h2o_core.documents import InvalidDocument
from h2o_core.insights.finding import Key, Kind, Subject
from h2o_core.insights.notes import (
    LONGEST_S,
    MOST_NOTES,
    NOTES,
    Note,
    Says,
    encode_notes,
    fields_of,
    parse_notes,
    with_note,
)

HOST = Subject(host="host-7")
MUTED = Note(Kind.HOST, HOST, Says.MUTED, "eva@desk", 100.0, 200.0, "new disk")

printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40)
named = st.text("abcdefghijklmnop-/.0123", min_size=1, max_size=40)
times = st.floats(0, 1e11)
notes = st.builds(
    Note,
    st.sampled_from(Kind),
    st.builds(Subject, printable, printable, printable, printable, printable, printable, printable),
    st.sampled_from(Says),
    named,
    times,
    times,
    printable,
)


@given(st.lists(notes, max_size=20, unique_by=lambda one: (one.key, one.says)))
def test_what_was_said_comes_back(said: list[Note]):
    assert parse_notes(NOTES, encode_notes(said)) == tuple(said)


def test_no_node_is_no_note():
    assert parse_notes(NOTES, b"") == ()


def test_a_later_one_takes_the_place_of_what_said_the_same_and_those_that_ended_go():
    ended = replace(MUTED, subject=Subject(host="host-8"), until_s=1e5 - 3601)
    just_ended = replace(MUTED, subject=Subject(host="host-9"), until_s=1e5 - 3599)
    muted = replace(MUTED, until_s=1e5 + 60)
    acknowledged = replace(muted, says=Says.ACKNOWLEDGED)
    later = replace(muted, at_s=1e5, owner="ada@desk")
    before = (ended, just_ended, muted, acknowledged)
    assert with_note(before, later, 1e5) == (just_ended, acknowledged, later)
    assert with_note(before, replace(MUTED, until_s=0.0), 1e5) == (just_ended, acknowledged)
    assert with_note((muted,), replace(MUTED, kind=Kind.SLOW, until_s=0.0), 1e5) == (muted,)


def test_each_of_them_ends():
    for until_s in (100.0, 150.0, 150.0 + LONGEST_S + 1):
        with pytest.raises(InvalidDocument, match="within 30 days"):
            with_note((), replace(MUTED, until_s=until_s), 150.0)


def test_there_are_so_many_and_no_more():
    many = [replace(MUTED, subject=Subject(host=f"host-{at}")) for at in range(MOST_NOTES + 1)]
    assert len(parse_notes(NOTES, encode_notes(many[1:]))) == MOST_NOTES
    with pytest.raises(InvalidDocument, match="200 notes already"):
        encode_notes(many)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": 7}, "kind"),
        ({"says": "loudly"}, "acknowledged or muted"),
        ({"owner": ""}, "owner"),
        ({"owner": "a\x1b[2J"}, "owner"),
        ({"owner": "e" * 1025}, "owner"),
        ({"at": "now"}, "at"),
        ({"until": float("1e13")}, "calendar"),
        ({"until": -1}, "until"),
        ({"reason": "a\nb"}, "reason"),
        ({"subject": []}, "subject"),
        ({"subject": {"host": "a\u202eb"}}, "host"),
        ({"subject": {"planet": "mars"}}, "there is no 'planet'"),
    ],
)
def test_hostile_ones_are_refused_with_a_sentence(change: dict[str, Any], says: str):
    data = json.dumps({"schema": 1, "notes": [fields_of(MUTED) | change]}).encode()
    with pytest.raises(InvalidDocument, match=says):
        parse_notes(NOTES, data)


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"\xff", b"{}", b'{"schema":1}', b'{"schema":1,"notes":7}', b'{"schema":2,"notes":[]}']
)
def test_what_is_no_document_of_notes_is_refused(data: bytes):
    with pytest.raises(InvalidDocument):
        parse_notes(NOTES, data)


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_notes_or_refused(data: bytes):
    try:
        parse_notes(NOTES, data)
    except InvalidDocument:
        return


def test_a_note_of_a_newer_program_is_left_out():
    newer = fields_of(MUTED) | {"kind": "solar flare"}
    data = json.dumps({"schema": 1, "notes": [newer, fields_of(MUTED)]}).encode()
    assert parse_notes(NOTES, data) == (MUTED,)


def test_a_note_that_could_not_be_read_again_is_not_written():
    with pytest.raises(InvalidDocument, match="host"):
        encode_notes([replace(MUTED, subject=Subject(host="a\nb"))])


def test_an_id_is_short_and_of_its_key_alone():
    assert Key(Kind.HOST, HOST).id == MUTED.key.id == "18d3c882"
    ids = {Key(kind, Subject(host=f"host-{at}")).id for kind in Kind for at in range(100)}
    assert len(ids) == 100 * len(Kind)
