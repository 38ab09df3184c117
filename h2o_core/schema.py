"""Message types from a manifest's descriptors: JSON in, messages out, and a filled example of any type. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import Default, DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from h2o_core.pb.manifest_pb2 import Feature, Manifest

_DEEPEST: Final = 4
_EXAMPLE_TIME_S: Final = 1_769_868_127
_LISTS: Final = frozenset({"google.protobuf.ListValue", "google.protobuf.Value"})
_FLOATS: Final = frozenset({FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT})


class DoesNotFit(ValueError):
    """What was written is no such message, and the sentence says where; `hint`: what to type instead."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


class HasNoForm(ValueError):
    """What a package registered or answered has no form here; `hint`: what to type instead."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Schema:
    """The two types of a feature, and the pool that knows whatever they contain."""

    pool: DescriptorPool
    request: type[Message]
    reply: type[Message]


def schema_of(manifest: Manifest, feature: Feature) -> Schema:
    """Build the types of *feature*; raises HasNoForm when the manifest does not hold them."""
    pool = DescriptorPool()
    try:
        files = {file.name: file for file in FileDescriptorSet.FromString(manifest.descriptors).file}
        added: set[str] = set()
        for name in files:
            _add_with_dependencies(pool, name, files, added)
        request = GetMessageClass(pool.FindMessageTypeByName(feature.request_type))
        reply = GetMessageClass(pool.FindMessageTypeByName(feature.reply_type))
    except (KeyError, TypeError, ValueError, DecodeError, RecursionError) as error:
        msg = f"the registered types of {feature.name.removeprefix('/')} can't be read: {error}"
        hint = f"register {manifest.package.removeprefix('/')} anew, under another version"
        raise HasNoForm(msg, hint) from None
    return Schema(pool, request, reply)


def _add_with_dependencies(
    pool: DescriptorPool, name: str, files: Mapping[str, FileDescriptorProto], added: set[str]
) -> None:
    """Google's own types may be left out of a manifest: every protobuf brings them. Raises KeyError, TypeError."""
    if name in added:
        return
    added.add(name)
    file = files.get(name) or FileDescriptorProto.FromString(Default().FindFileByName(name).serialized_pb)
    for dependency in file.dependency:
        _add_with_dependencies(pool, dependency, files, added)
    pool.AddSerializedFile(file.SerializeToString())


def loaded(text: str, type_name: str, feature: str) -> Any:
    """JSON → its own types, for who sends them on without the message; raises DoesNotFit as `parse_request` does."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"the JSON is not a {type_name}: Failed to load JSON: {error}."
        raise DoesNotFit(msg, f"see an example: h2o call {feature}") from None


def parse_request(schema: Schema, text: str, feature: str) -> Message:
    """JSON → a request; raises DoesNotFit."""
    request = schema.request()
    try:
        if text.lstrip().startswith("[") and schema.request.DESCRIPTOR.full_name not in _LISTS:
            msg = "it is a list"  # which json_format would take for a request without fields
            raise json_format.ParseError(msg)
        json_format.Parse(text, request, descriptor_pool=schema.pool)
    except json_format.ParseError as error:
        msg = f"the JSON is not a {schema.request.DESCRIPTOR.full_name}: {error}"
        raise DoesNotFit(msg, f"see an example: h2o call {feature}") from None
    return request


def document_of(schema: Schema, message: Message) -> dict[str, Any]:
    """A message as JSON's own types, with the field names of its .proto, empty fields too.

    Raises HasNoForm for what JSON has no form for, such as an Any of an unknown type.
    """
    try:
        return json_format.MessageToDict(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=schema.pool,
        )
    except (TypeError, ValueError, json_format.Error) as error:
        msg = f"a {message.DESCRIPTOR.full_name} came that JSON has no form for: {error}"
        raise HasNoForm(msg, "call it from a program: docs/packages.md") from None


def example(schema: Schema) -> dict[str, Any]:
    """A request with something in each field: of a oneof the first, of a recursive type four levels."""
    message = schema.request()
    _fill(message, 0)
    return document_of(schema, message)


def _fill(message: Any, depth: int) -> None:
    descriptor: Descriptor = message.DESCRIPTOR
    if _fill_well_known(message, descriptor.full_name):
        return
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[0] is not field and oneof.fields[0].name != field.name:
            continue
        if field.message_type is None:
            _fill_scalar(message, field)
        elif depth < _DEEPEST:
            _fill_message(message, field, depth)


def _fill_scalar(message: Any, field: FieldDescriptor) -> None:
    value = _scalar(field)
    if _is_repeated(message, field):
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _fill_message(message: Any, field: FieldDescriptor, depth: int) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        entries = getattr(message, field.name)
        if value.message_type is None:
            entries[_scalar(key)] = _scalar(value)
        else:
            _fill(entries[_scalar(key)], depth + 1)
    elif _is_repeated(message, field):
        _fill(getattr(message, field.name).add(), depth + 1)
    else:
        inner = getattr(message, field.name)
        inner.SetInParent()
        _fill(inner, depth + 1)


def _is_repeated(message: Any, field: FieldDescriptor) -> bool:
    """`FieldDescriptor.is_repeated` is younger than the oldest protobuf we run on, `label` warns on the newest."""
    return hasattr(getattr(message, field.name), "extend")


def _scalar(field: FieldDescriptor) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return b"\0" if field.type == FieldDescriptor.TYPE_BYTES else field.name
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return True
    if field.enum_type is not None:
        values = field.enum_type.values
        return values[min(1, len(values) - 1)].number
    return 1.5 if kind in _FLOATS else 1


def _fill_well_known(message: Any, full_name: str) -> bool:
    """Types whose JSON is not that of their fields."""
    if full_name == "google.protobuf.Timestamp":
        message.seconds = _EXAMPLE_TIME_S
    elif full_name == "google.protobuf.Duration":
        message.seconds = 1
    elif full_name == "google.protobuf.FieldMask":
        message.paths.append("name")
    elif full_name == "google.protobuf.Struct":
        message.fields["key"].string_value = "value"
    elif full_name == "google.protobuf.Value":
        message.string_value = "value"
    elif full_name == "google.protobuf.ListValue":
        message.values.add().string_value = "value"
    else:
        return full_name == "google.protobuf.Any"
    return True
