"""Every vector of docs/wire.md parses to what it says, and encodes to exactly its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf import symbol_database, text_format

from h2o_core import envelope
from h2o_core.errors import Code, Executed
from h2o_core.pb import answer_pb2, registration_pb2, stats_pb2

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()
_BLOCK = re.compile(r"^```vector (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILES = (answer_pb2, registration_pb2, stats_pb2)  # imported, so that their messages are known by name
_TYPES = {name: number for number, name in envelope.TYPE_NAMES.items()}


@dataclass
class Vector:
    """One block of the document."""

    values: dict[str, str] = field(default_factory=dict[str, str])
    fields: dict[int, bytes] = field(default_factory=dict[int, bytes])
    frame: bytes = b""


def _vector(text: str) -> Vector:
    vector = Vector()
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "frame":
            vector.frame += bytes.fromhex(value)
        elif key == "field":
            tag, _, data = value.partition(" ")
            vector.fields[int(tag)] = bytes.fromhex(data)
        else:
            assert key not in vector.values, f"{key} twice"
            vector.values[key] = value
    return vector


VECTORS = {name: _vector(text) for name, text in _BLOCK.findall(_DOCUMENT)}


def _expected(vector: Vector) -> envelope.Frame:
    values = vector.values
    return envelope.Frame(
        type=_TYPES[values["type"]],
        flags=int(values.get("flags", "0")),
        code=int(values.get("code", "0")),
        correlation=int(values.get("correlation", "0")),
        remaining_ms=int(values.get("remaining_ms", "0")),
        types=int(values.get("types", "0"), 16),
        route=bytes.fromhex(values.get("route", "")),
        name=values.get("name", "").encode(),
        fields=envelope.encode_fields(vector.fields),
        payload=bytes.fromhex(values.get("payload", "")),
    )


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_the_frame_parses_to_what_the_vector_says(name: str) -> None:
    assert envelope.decode(VECTORS[name].frame) == _expected(VECTORS[name])


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_what_the_vector_says_encodes_to_the_frame(name: str) -> None:
    parts = _expected(VECTORS[name])
    again = envelope.encode(
        parts.type,
        flags=parts.flags,
        code=parts.code,
        correlation=parts.correlation,
        remaining_ms=parts.remaining_ms,
        types=parts.types,
        route=parts.route,
        name=parts.name,
        fields=parts.fields,
        payload=parts.payload,
    )
    assert again == VECTORS[name].frame


@pytest.mark.parametrize("name", sorted(name for name, vector in VECTORS.items() if "message" in vector.values))
def test_the_payload_is_the_message(name: str) -> None:
    values = VECTORS[name].values
    full_name, _, text = values["message"].partition(" ")
    message_type = symbol_database.Default().GetSymbol(full_name)
    message = text_format.Parse(text, message_type())
    assert message.SerializeToString(deterministic=True).hex() == values.get("payload", "")


def _route(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name].values["route"])


@pytest.mark.parametrize("name", ["request-between-brokers", "request-routed-again"])
def test_a_request_route_survives_a_round(name: str) -> None:
    route = envelope.decode_request_route(_route(name))
    assert route.version == "1.4.2"
    assert route.caller == "/orchestration/registration"
    assert envelope.encode_request_route(route) == _route(name)


@pytest.mark.parametrize("name", ["answer-from-a-broker", "answer-timeout", "refused"])
def test_an_answer_route_survives_a_round(name: str) -> None:
    route = envelope.decode_answer_route(_route(name))
    tail = envelope.encode_answer_route_tail(route.version, route.instance, route.host)
    again = envelope.encode_answer_route(
        route.incarnation, route.in_flight, route.queued, route.slots, route.verdict, tail
    )
    assert route.host == "host-2"
    assert again == _route(name)


def test_type_hashes_are_the_documents() -> None:
    request = envelope.type_hash("customer.CustomerId")
    reply = envelope.type_hash("customer.Customer")
    assert f"`customer.CustomerId` is `{request:08x}`" in _DOCUMENT
    assert f"{request:08x}{reply:08x}" == VECTORS["request-from-a-client"].values["types"]


def test_a_trace_starts_as_its_request_id() -> None:
    fields = VECTORS["request-from-a-client"].fields
    assert fields[envelope.TAG_TRACEPARENT][1:17] == fields[envelope.TAG_REQUEST_ID]


def test_executed_is_in_the_flags() -> None:
    assert envelope.decode(VECTORS["refused"].frame).executed is Executed.NO
    assert envelope.decode(VECTORS["answer-timeout"].frame).executed is Executed.UNKNOWN
    assert envelope.decode(VECTORS["answer-from-a-broker"].frame).executed is Executed.YES


def test_each_message_type_is_described_and_has_a_vector() -> None:
    for number, name in envelope.TYPE_NAMES.items():
        assert f"| {number} {name} |" in _DOCUMENT
        assert any(vector.values["type"] == name for vector in VECTORS.values()), name


def test_each_code_is_described() -> None:
    for code in Code:
        assert re.search(rf"^\| {code.value} {code.name}\b", _DOCUMENT, re.MULTILINE), code.name


def test_the_caps_are_the_documents() -> None:
    assert envelope.HEADER_BYTES == 28
    assert envelope.MAX_FRAME_BYTES == 1 << 20
    assert "28 bytes of header" in _DOCUMENT
    assert "1 MiB (2^20 bytes)" in _DOCUMENT


def test_a_frame_on_the_stream_has_its_length_before_it() -> None:
    size = len(VECTORS["hello-from-a-client"].frame)
    assert f"the first of these frames ({size} bytes) is preceded by `{size:08x}`" in _DOCUMENT
