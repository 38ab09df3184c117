"""What travels with a request: it comes back as it was, nonsense is malformed, and nothing grows without bound."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core.baggage import (
    MOST_ASSIGNMENT_BYTES,
    MOST_ASSIGNMENTS,
    MOST_HEADERS,
    assigned_version,
    assignment_key,
    decode_headers,
    encode_headers,
    with_assignment,
)
from h2o_core.envelope import MalformedFrame

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
values = st.text(max_size=40).filter(str.isprintable)


@given(st.dictionaries(names, values, max_size=10))
def test_headers_come_back_as_they_were(headers: dict[str, str]):
    assert list(decode_headers(encode_headers(headers)).items()) == list(headers.items())


def test_headers_on_the_wire():
    assert encode_headers({"x": "é", "y": ""}).hex() == "01780002c3a9" + "01790000"


@given(st.binary(max_size=60))
def test_any_bytes_are_headers_or_malformed(data: bytes):
    try:
        headers = decode_headers(data)
    except MalformedFrame:
        return
    assert sum(3 + len(name.encode()) + len(value.encode()) for name, value in headers.items()) <= len(data)


BAD = {
    "a name in capitals": ({"X": "1"}, "header 'X': a name is of lower-case letters"),
    "no name": ({"": "1"}, "header ''"),
    "a value of two lines": ({"x": "1\n2"}, "header x: a value is a printable text"),
    "a long value": ({"x": "é" * 2_049}, "at most 4096 bytes"),
    "too many": ({f"h{at}": "" for at in range(MOST_HEADERS + 1)}, "33 headers of 188 bytes; a request has at most 32"),
    "too much": ({f"h{at}": "v" * 1000 for at in range(5)}, "5 headers of 5025 bytes"),
}


@pytest.mark.parametrize(("headers", "says"), BAD.values(), ids=BAD.keys())
def test_bad_headers(headers: dict[str, str], says: str):
    with pytest.raises(ValueError, match=says):
        encode_headers(headers)


def test_an_assignment_is_a_text():
    one = with_assignment(b"", "/service/customer", "2.1.0")
    two = with_assignment(one, "/orchestration/signup", "3.0")
    assert (one, two) == (b"service.customer=2.1.0", b"orchestration.signup=3.0;service.customer=2.1.0")
    assert assigned_version(two, assignment_key("/service/customer")) == "2.1.0"
    assert assigned_version(two, assignment_key("/service/custom")) == ""
    assert with_assignment(two, "/service/customer", "2.2.0") == b"service.customer=2.2.0;orchestration.signup=3.0"


def test_an_assignment_keeps_its_newest_entries():
    assignment = b""
    for at in range(MOST_ASSIGNMENTS + 4):
        assignment = with_assignment(assignment, f"/service/p{at}", "1")
    assert assignment.count(b";") == MOST_ASSIGNMENTS - 1
    assert assigned_version(assignment, assignment_key("/service/p19")) == "1"
    assert assigned_version(assignment, assignment_key("/service/p3")) == ""
    for at in range(MOST_ASSIGNMENTS):
        assignment = with_assignment(assignment, f"/service/{'p' * 60}{at}", "1" * 60)
        assert len(assignment) <= MOST_ASSIGNMENT_BYTES


@given(st.binary(max_size=80))
def test_any_bytes_may_be_asked_for_a_version(data: bytes):
    assert isinstance(assigned_version(data, b"service.customer"), str)
    again = with_assignment(data, "/service/customer", "1")
    assert assigned_version(again, b"service.customer") == "1"


def test_a_longer_assignment_than_may_be_says_nothing():
    assert assigned_version(b"service.customer=1;" + b"x" * MOST_ASSIGNMENT_BYTES, b"service.customer") == ""
