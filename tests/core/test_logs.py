"""A log line: what the SDK writes is read back; what is foreign is wrapped; nothing raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from h2o_core.logs import Entry, Severity, parse

NOW_S = 1_790_000_000.25
RESOURCE = {"host.name": "host-1", "service.name": "service/customer"}


def test_what_is_written_is_read_back():
    entry = Entry(NOW_S, Severity.WARN, "slow\nvery", "ab" * 16, "cd" * 8, {"rows": 3}, RESOURCE)
    assert "\n" not in entry.line()
    assert parse(entry.line().encode(), 0.0, {}) == entry


def test_a_foreign_line_becomes_the_body_with_the_readers_time_and_resource():
    assert parse(b"Listening on 80", NOW_S, RESOURCE) == Entry(
        NOW_S, Severity.UNSET, "Listening on 80", resource=RESOURCE
    )


@pytest.mark.parametrize("line", [b'{"level": "info"}', b"{broken", b"[1, 2]", b"{}", b"", b"\xff\xfe", b"{" * 3000])
def test_json_of_another_kind_is_foreign_too(line: bytes):
    assert parse(line, NOW_S, RESOURCE).body == line.decode(errors="replace")


def test_what_a_line_says_of_itself_goes_before_what_the_reader_knows():
    line = json.dumps({"body": "x", "severity_text": "INFO", "severity_number": 9, "resource": {"host.name": "other"}})
    assert parse(line.encode(), NOW_S, RESOURCE).resource == {**RESOURCE, "host.name": "other"}


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        (1, Severity.DEBUG),
        (9, Severity.INFO),
        (12, Severity.INFO),
        (24, Severity.FATAL),
        (0, Severity.UNSET),
        (-3, Severity.UNSET),
    ],
)
def test_every_number_of_opentelemetry_has_a_severity(number: int, severity: Severity):
    assert Severity.of_number(number) is severity


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_fields = ["timestamp", "severity_text", "severity_number", "body", "trace_id", "span_id", "attributes", "resource"]


@given(st.dictionaries(st.sampled_from(_fields), _json))
def test_no_object_makes_it_raise(document: dict[str, object]):
    entry = parse(json.dumps(document).encode(), NOW_S, RESOURCE)
    assert json.loads(entry.line())["body"] == entry.body


@given(st.binary(max_size=64))
def test_no_bytes_make_it_raise(line: bytes):
    assert isinstance(parse(line, NOW_S, RESOURCE).body, str)
