"""What a call takes along: what its caller says, over what the request being handled carries, and nothing too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_core.baggage import MOST_HEADERS_BYTES, decode_headers, encode_headers
from h2o_core.envelope import (
    REQUEST_ASSIGNED,
    TAG_ASSIGNMENT,
    TAG_HEADERS,
    TAG_PRIORITY,
    TAG_REQUEST_ID,
    TAG_STICKY_KEY,
    TAG_TRACEPARENT,
    RequestRoute,
    decode_fields,
    encode_fields,
    encode_request_route,
)
from h2o_core.errors import Code, H2OError
from h2o_core.io.ambient import AMBIENT, Ambient
from h2o_core.io.carried import fields_of_call
from h2o_core.priorities import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CALLED = "/service/invoice/send"
OWN = "/orchestration/signup/begin"
ROUTE = encode_request_route(RequestRoute(1, "2.1.0", "i1", "operator", "", ""))


@pytest.fixture(autouse=True)
def _outside() -> Iterator[None]:
    token = AMBIENT.set(None)
    yield
    AMBIENT.reset(token)


def handling(fields: Mapping[int, bytes], flags: int = 0) -> Ambient:
    """That request is being handled from here on."""
    own = {TAG_REQUEST_ID: b"r" * 16, TAG_TRACEPARENT: b"t" * 26}
    ambient = Ambient(OWN, encode_fields({**own, **fields}), ROUTE, 0, flags)
    AMBIENT.set(ambient)
    return ambient


def called(
    sticky_key: str | None = None, headers: Mapping[str, str] | None = None, priority: Priority | None = None
) -> dict[int, bytes]:
    return decode_fields(fields_of_call(CALLED, sticky_key, headers, priority))


FIELDS = {
    TAG_STICKY_KEY: b"customer-7",
    TAG_HEADERS: encode_headers({"x-canary": "yes", "lang": "de"}),
    TAG_PRIORITY: b"\2",
    TAG_ASSIGNMENT: b"service.customer=1.4.2",
}


def test_outside_of_a_handler_only_what_is_said_goes_along():
    assert called() == {}
    assert called("k", {"x": "1"}, Priority.CRITICAL) == {
        TAG_STICKY_KEY: b"k",
        TAG_HEADERS: encode_headers({"x": "1"}),
        TAG_PRIORITY: b"\0",
    }
    assert called("", {}, Priority.NORMAL) == {}, "what is as usual takes no bytes"


def test_inside_one_all_that_travels_goes_along_as_it_came():
    ambient = handling(FIELDS)
    assert called() == FIELDS
    assert (ambient.sticky_key, ambient.headers, ambient.priority) == (
        "customer-7",
        {"x-canary": "yes", "lang": "de"},
        Priority.SHEDDABLE,
    )


def test_what_is_said_goes_before_what_is_carried():
    handling(FIELDS)
    fields = called("", {"lang": "en", "x": "1"}, Priority.NORMAL)
    assert decode_headers(fields.pop(TAG_HEADERS)) == {"x-canary": "yes", "lang": "en", "x": "1"}
    assert fields == {TAG_ASSIGNMENT: b"service.customer=1.4.2"}
    assert called("other") == {**FIELDS, TAG_STICKY_KEY: b"other"}
    assert called(priority=Priority.CRITICAL) == {**FIELDS, TAG_PRIORITY: b"\0"}


@pytest.mark.parametrize("headers", [None, {"x": "1"}])
def test_an_instance_whose_version_was_decided_on_says_so_downstream(headers: dict[str, str] | None):
    handling(FIELDS, REQUEST_ASSIGNED)
    assert called(headers=headers)[TAG_ASSIGNMENT] == b"orchestration.signup=2.1.0;service.customer=1.4.2"
    handling({}, REQUEST_ASSIGNED)
    assert called(headers=headers)[TAG_ASSIGNMENT] == b"orchestration.signup=2.1.0"
    handling({})
    assert TAG_ASSIGNMENT not in called(headers=headers)


@pytest.mark.parametrize(
    ("headers", "says"),
    [({"X": "1"}, "lower-case letters"), ({f"h{at}": "v" * 500 for at in range(9)}, "9 headers of")],
)
def test_headers_that_can_t_be_are_a_bad_request(headers: dict[str, str], says: str):
    with pytest.raises(H2OError, match=says) as caught:
        called(headers=headers)
    assert (caught.value.code, caught.value.hint) == (Code.BAD_REQUEST, 'write headers={"x-canary": "yes"}')


def test_nonsense_is_not_carried_on_beyond_bounds_and_reads_as_nothing():
    ambient = handling({TAG_HEADERS: b"\xff" * (MOST_HEADERS_BYTES + 1), TAG_PRIORITY: b"\7"})
    assert (ambient.headers, ambient.priority) == ({}, Priority.NORMAL)
    assert called() == {TAG_PRIORITY: b"\7"}
    assert decode_headers(called(headers={"x": "1"})[TAG_HEADERS]) == {"x": "1"}
