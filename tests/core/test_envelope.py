"""Frames: what is encoded parses back; what is not a frame raises MalformedFrame and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core import envelope
from h2o_core.envelope import AnswerRoute, MalformedFrame, RequestRoute

u8, u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))
short = st.text(max_size=60).filter(lambda text: len(text.encode()) < 256)
block = st.binary(max_size=300)


@given(kind=u8, flags=u8, code=u8, correlation=u32, remaining_ms=u32, types=u64, route=block, name=block, payload=block)
def test_a_frame_parses_back(  # every part of it
    kind: int,
    flags: int,
    code: int,
    correlation: int,
    remaining_ms: int,
    types: int,
    route: bytes,
    name: bytes,
    payload: bytes,
) -> None:
    parts = {
        "flags": flags,
        "code": code,
        "correlation": correlation,
        "remaining_ms": remaining_ms,
        "types": types,
        "route": route,
        "name": name,
        "fields": name[:7],
        "payload": payload,
    }
    frame = envelope.decode(envelope.encode(kind, **parts))  # pyright: ignore[reportArgumentType] - the parts' types are the test's
    assert frame.type == kind
    assert {part: getattr(frame, part) for part in parts} == parts


@given(st.binary(max_size=120))
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    try:
        frame = envelope.decode(data)
    except MalformedFrame:
        return
    assert envelope.HEADER_BYTES + len(frame.route + frame.name + frame.fields + frame.payload) == len(data)
    for parse in (envelope.decode_fields, envelope.decode_request_route, envelope.decode_answer_route):
        try:
            parse(frame.payload)
        except MalformedFrame:
            continue


@given(st.binary(min_size=0, max_size=200), st.integers(0, 200))
def test_a_frame_cut_anywhere_before_its_payload_is_malformed(name: bytes, cut: int) -> None:
    whole = envelope.encode(envelope.REQUEST, name=name, fields=b"x")
    if cut < len(whole):
        with pytest.raises(MalformedFrame):
            envelope.decode(whole[:cut])


def test_another_wire_version_is_malformed_and_says_so() -> None:
    frame = bytearray(envelope.encode(envelope.PING))
    frame[0] = 9
    with pytest.raises(MalformedFrame, match="wire version 9; this side speaks 1"):
        envelope.decode(bytes(frame))


@given(st.dictionaries(u8, st.binary(max_size=100), max_size=8))
def test_fields_parse_back(fields: dict[int, bytes]) -> None:
    assert envelope.decode_fields(envelope.encode_fields(fields)) == fields


@given(st.builds(RequestRoute, u64, short, short, short, short, short))
def test_request_routes_parse_back(route: RequestRoute) -> None:
    assert envelope.decode_request_route(envelope.encode_request_route(route)) == route


@given(u64, st.integers(0, 100_000), u16, u16, u8, short, short, short)
def test_answer_routes_parse_back(
    incarnation: int, in_flight: int, queued: int, slots: int, verdict: int, version: str, instance: str, host: str
) -> None:
    tail = envelope.encode_answer_route_tail(version, instance, host)
    parsed = envelope.decode_answer_route(
        envelope.encode_answer_route(incarnation, in_flight, queued, slots, verdict, tail)
    )
    assert parsed == AnswerRoute(incarnation, min(in_flight, 65535), queued, slots, verdict, version, instance, host)


def test_the_type_hash_tells_types_apart_that_bytes_can_not() -> None:
    duration, number = "google.protobuf.Duration", "google.protobuf.UInt64Value"
    assert envelope.types_hash(duration, number) != envelope.types_hash(number, duration)
    assert envelope.types_hash(duration, number) >> 32 == envelope.type_hash(duration)
