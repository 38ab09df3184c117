"""`h2o call`'s types: built from registered descriptors alone; the example it prints is a request that parses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from h2o_core.pb import stats_pb2
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.schema import DoesNotFit, HasNoForm, Schema, document_of, example, parse_request, schema_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor

T = FieldDescriptorProto


def add(
    message: DescriptorProto,
    name: str,
    kind: int,
    *,
    type_name: str = "",
    repeated: bool = False,
    oneof: int | None = None,
) -> None:
    field = message.field.add()
    field.name = name
    field.number = len(message.field)
    field.type = kind  # pyright: ignore[reportAttributeAccessIssue] - the enum's own number
    field.label = T.LABEL_REPEATED if repeated else T.LABEL_OPTIONAL
    if type_name:
        field.type_name = type_name
    if oneof is not None:
        field.oneof_index = oneof


def everything() -> FileDescriptorProto:
    file = FileDescriptorProto(name="shop/all.proto", package="shop", syntax="proto3")
    file.dependency.extend([timestamp_pb2.DESCRIPTOR.name, struct_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name])
    colour = file.enum_type.add(name="Colour")
    for at, name in enumerate(("COLOUR_UNKNOWN", "RED")):
        colour.value.add(name=name, number=at)
    order = file.message_type.add(name="Order")
    for name, kind in (
        ("id", T.TYPE_UINT64),
        ("email", T.TYPE_STRING),
        ("weight", T.TYPE_DOUBLE),
        ("paid", T.TYPE_BOOL),
        ("blob", T.TYPE_BYTES),
    ):
        add(order, name, kind)
    add(order, "colour", T.TYPE_ENUM, type_name=".shop.Colour")
    add(order, "tags", T.TYPE_STRING, repeated=True)
    add(order, "parts", T.TYPE_MESSAGE, type_name=".shop.Order", repeated=True)
    add(order, "placed", T.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp")
    add(order, "free", T.TYPE_MESSAGE, type_name=".google.protobuf.Struct")
    add(order, "note", T.TYPE_MESSAGE, type_name=".google.protobuf.StringValue")
    entry = order.nested_type.add(name="StockEntry")
    entry.options.map_entry = True
    add(entry, "key", T.TYPE_STRING)
    add(entry, "value", T.TYPE_INT32)
    add(order, "stock", T.TYPE_MESSAGE, type_name=".shop.Order.StockEntry", repeated=True)
    order.oneof_decl.add(name="by")
    add(order, "card", T.TYPE_STRING, oneof=0)
    add(order, "cash", T.TYPE_INT32, oneof=0)
    file.message_type.add(name="Nothing")
    return file


def manifest(*files: FileDescriptorProto) -> Manifest:
    return Manifest(
        package="/service/shop", version="1.0.0", descriptors=FileDescriptorSet(file=files).SerializeToString()
    )


@pytest.fixture
def schema() -> Schema:
    feature = Feature(name="/service/shop/order", request_type="shop.Order", reply_type="shop.Nothing")
    return schema_of(manifest(everything()), feature)


def test_the_example_fills_every_field_and_parses_back(schema: Schema) -> None:
    document = example(schema)
    assert document["id"] == "1"
    assert document["email"] == "email"
    assert document["weight"] == 1.5
    assert document["paid"] is True
    assert document["colour"] == "RED"
    assert document["tags"] == ["tags"]
    assert document["placed"] == "2026-01-31T14:02:07Z"
    assert document["free"] == {"key": "value"}
    assert document["note"] == "value"
    assert document["stock"] == {"key": 1}
    assert document["card"] == "card"
    assert "cash" not in document
    again = parse_request(schema, json.dumps(document), "service/shop/order")
    assert document_of(schema, again) == document


def test_a_recursive_type_ends(schema: Schema) -> None:
    depth, at = 0, example(schema)
    while at.get("parts"):
        depth, at = depth + 1, at["parts"][0]
    assert 1 <= depth < 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "shop.Order"), ('{"idd": 1}', "idd"), ('{"id": "x"}', "id"), ("[]", "shop.Order"), ("", "shop.Order")],
)
def test_json_that_does_not_fit_is_told(schema: Schema, text: str, sentence: str) -> None:
    with pytest.raises(DoesNotFit, match=sentence) as raised:
        parse_request(schema, text, "service/shop/order")
    assert raised.value.hint == "see an example: h2o call service/shop/order"


def test_both_spellings_of_field_names_and_numbers_as_text(schema: Schema) -> None:
    assert parse_request(schema, '{"id": "7"}', "x") == parse_request(schema, '{"id": 7}', "x")


@pytest.mark.parametrize(
    ("descriptors", "request_type"),
    [
        (b"\xff\xff", "shop.Order"),
        (b"", "shop.Order"),
        (manifest(everything()).descriptors, "shop.Missing"),
        (manifest(FileDescriptorProto(name="a.proto", dependency=["b.proto"])).descriptors, "shop.Order"),
    ],
)
def test_hostile_descriptors(descriptors: bytes, request_type: str) -> None:
    feature = Feature(name="/service/shop/order", request_type=request_type, reply_type="shop.Nothing")
    with pytest.raises(HasNoForm, match="can't be read"):
        schema_of(Manifest(package="/service/shop", descriptors=descriptors), feature)


def test_our_own_contracts_have_examples() -> None:
    def closure(file: FileDescriptor) -> list[FileDescriptor]:
        return [each for dependency in file.dependencies for each in closure(dependency)] + [file]

    files: list[FileDescriptorProto] = []
    for file in closure(stats_pb2.DESCRIPTOR):
        copied = FileDescriptorProto.FromString(file.serialized_pb)
        if copied.name not in {each.name for each in files}:
            files.append(copied)
    for name in stats_pb2.DESCRIPTOR.message_types_by_name:
        schema = schema_of(
            manifest(*files), Feature(name="/service/x/y", request_type=f"h2o.v1.{name}", reply_type="h2o.v1.Ask")
        )
        document: dict[str, Any] = example(schema)
        assert document_of(schema, parse_request(schema, json.dumps(document), "x")) == document
