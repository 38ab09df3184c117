"""The counting client's own reading of docs/wire.md agrees with the document's vectors."""

from __future__ import annotations

import pytest

from tests.core.test_wire_document import VECTORS
from tests.counting import wire

CUSTOMER = wire.types_hash("customer.CustomerId", "customer.Customer")


def test_its_request_is_the_document_s() -> None:
    vector = VECTORS["request-from-a-client"]
    assert f"{CUSTOMER:016x}" == vector.values["types"]
    request_id, payload = vector.fields[1], bytes.fromhex(vector.values["payload"])
    frame = wire.pack_request(request_id, vector.values["name"], CUSTOMER, payload, correlation=7, remaining_ms=1000)
    # the vector has a traceparent too, which is optional
    assert frame == vector.frame[:24] + bytes.fromhex("00130000") + vector.frame[28:73] + payload


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_it_reads_every_vector(name: str) -> None:
    vector = VECTORS[name]
    frame = wire.unpack(vector.frame)
    values = vector.values
    assert frame.correlation == int(values.get("correlation", "0"))
    assert (frame.flags, frame.code) == (int(values.get("flags", "0")), int(values.get("code", "0")))
    assert frame.route.hex() == values.get("route", "")
    assert frame.payload.hex() == values.get("payload", "")


def test_it_knows_who_served() -> None:
    assert wire.unpack(VECTORS["answer-from-a-broker"].frame).served_by == ("3f9c2ab1", "host-2")
    assert wire.unpack(VECTORS["answer-from-an-instance"].frame).served_by == ("", "")


def test_ping_and_pong_are_the_document_s() -> None:
    ping = wire.unpack(VECTORS["ping"].frame)
    assert wire.read_ping(ping) == (0x1122334455667788, 0x1CBE991A08)
    assert wire.read_ping(wire.unpack(wire.pack_pong(ping))) == (0, 0x1CBE991A08)
    assert wire.read_ping(wire.unpack(wire.pack_ping(5))) == (0, 5)


@pytest.mark.parametrize("data", [b"", b"\1\12", b"\2" + bytes(27), wire.pack(wire.ANSWER)[:20] + b"\0\1" + bytes(6)])
def test_what_is_no_frame_is_malformed(data: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.unpack(data)
