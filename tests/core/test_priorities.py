"""A request's priority, read from fields that a stranger may have written."""

from __future__ import annotations

import pytest

from h2o_core.envelope import TAG_PRIORITY, TAG_STICKY_KEY, encode_fields
from h2o_core.priorities import Priority, priority_of


@pytest.mark.parametrize(
    ("fields", "priority"),
    [
        (b"", Priority.NORMAL),
        (encode_fields({TAG_STICKY_KEY: b"k"}), Priority.NORMAL),
        (encode_fields({TAG_PRIORITY: b"\0", TAG_STICKY_KEY: b"k"}), Priority.CRITICAL),
        (encode_fields({TAG_PRIORITY: b"\1"}), Priority.NORMAL),
        (encode_fields({TAG_PRIORITY: b"\2"}), Priority.SHEDDABLE),
        (encode_fields({TAG_PRIORITY: b"\3"}), Priority.NORMAL),
        (encode_fields({TAG_PRIORITY: b""}), Priority.NORMAL),
        (encode_fields({TAG_PRIORITY: b"\0\0"}), Priority.NORMAL),
        (b"\x05\x00", Priority.NORMAL),
        (b"\x05\x00\x09\x00", Priority.NORMAL),
    ],
)
def test_a_byte_says_it_and_everything_else_is_normal(fields: bytes, priority: Priority) -> None:
    assert priority_of(fields) is priority
