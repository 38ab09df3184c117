"""Audit entries: byte for byte what was there, whatever it was; hostile ones are refused with a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from h2o_core.audit import Author, Edit, Entry, day_of, encode_entry, parse_entry
from h2o_core.documents import InvalidDocument

AUTHOR = Author("ada@desk", "h2o weight on desk", "fewer errors")
ENTRY = Entry(42, "0123456789abcdef", 1764288000.5, AUTHOR, (Edit("control/traffic/service.a", b'{"a":1}', None),))
PATH = "audit/2025-11-28/42"


@given(st.one_of(st.none(), st.binary(max_size=300)), st.one_of(st.none(), st.binary(max_size=300)))
def test_what_was_there_comes_back_byte_for_byte(before: bytes | None, after: bytes | None):
    entry = Entry(1, "0" * 16, 5.0, Author("a", "b"), (Edit("control/fleet", before, after),))
    assert parse_entry(PATH, encode_entry(entry)) == entry


def test_it_is_kept_by_day_and_says_that_nobody_checked_the_actor():
    assert day_of(ENTRY.at_s) == "2025-11-28"
    assert parse_entry(PATH, encode_entry(ENTRY)) == ENTRY
    assert json.loads(encode_entry(ENTRY))["verified"] is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"change_id": "x"}, "change_id"),
        ({"epoch": -1}, "epoch"),
        ({"actor": "a\x1b[2J"}, "actor"),
        ({"documents": [{"path": "a", "before": 7, "after": None}]}, "before"),
        ({"documents": [{"path": "a", "before": "\u20ac", "after": None}]}, "no bytes"),
        ({"documents": 7}, "documents"),
        ({"schema": 2}, "newer"),
    ],
)
def test_hostile_entries_are_refused(change: dict[str, object], says: str):
    fields = json.loads(encode_entry(ENTRY)) | change
    with pytest.raises(InvalidDocument, match=says):
        parse_entry(PATH, json.dumps(fields).encode())
