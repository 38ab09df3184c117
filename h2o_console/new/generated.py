"""Renames what protoc has generated, so that a new package runs before its author has a compiler. Pure.

Byte for byte what protoc 31.1 would generate from the renamed .proto (a test compares). The serialized descriptor
is parsed, renamed and serialized by protobuf itself; around it stand names and the places of messages in it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto

if TYPE_CHECKING:
    from h2o_console.new.words import Words

_SERIALIZED: Final = re.compile(r"(?<=AddSerializedFile\()b'.*'(?=\)\n)")
_PLACE: Final = re.compile(r"(?P<name>_globals\['_(?P<message>\w+)'\]\._serialized_(?P<end>start|end))=\d+")
_ESCAPES: Final = {10: r"\n", 13: r"\r", 9: r"\t", 34: r"\"", 39: r"\'", 92: r"\\"}


def renamed_module(text: str, words: Words) -> str:
    """A ``_pb2.py`` in *words*. Its messages are of one level, as the templates' are."""
    found = _SERIALIZED.search(text)
    assert found is not None, "a generated module without its descriptor"
    descriptor = _renamed(FileDescriptorProto.FromString(ast.literal_eval(found[0])), words)
    serialized = descriptor.SerializeToString()
    places: dict[tuple[str, str], int] = {}
    for message in descriptor.message_type:
        one = message.SerializeToString()
        start = serialized.index(one)
        places[message.name.upper(), "start"], places[message.name.upper(), "end"] = start, start + len(one)
    before, after = words.fill(text[: found.start()]), words.fill(text[found.end() :])
    after = _PLACE.sub(lambda found: f"{found['name']}={places[found['message'], found['end']]}", after)
    return f"{before}b'{_escaped(serialized)}'{after}"


def _renamed(descriptor: FileDescriptorProto, words: Words) -> FileDescriptorProto:
    descriptor.name = words.fill(descriptor.name)
    descriptor.package = words.fill(descriptor.package)
    for message in descriptor.message_type:
        message.name = words.fill(message.name)
        for field in message.field:
            field.type_name = words.fill(field.type_name)
            if not field.type_name:
                field.ClearField("type_name")
    return descriptor


def _escaped(data: bytes) -> str:
    """As protoc writes bytes: after a hexadecimal escape a digit needs one too, or it would be read as part of it."""
    parts: list[str] = []
    hexadecimal = False
    for byte in data:
        printable = 0x20 <= byte < 0x7F and not (hexadecimal and chr(byte) in "0123456789abcdefABCDEF")
        hexadecimal = byte not in _ESCAPES and not printable
        parts.append(_ESCAPES.get(byte) or (chr(byte) if printable else f"\\x{byte:02x}"))
    return "".join(parts)
