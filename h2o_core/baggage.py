"""What travels with a request through its whole tree: headers, and the versions that were chosen for it. Pure.

The bytes are docs/wire.md's fields 4 and 6. Sticky key and priority are fields that need no more than their value.
"""

from __future__ import annotations

from struct import Struct, error as StructError  # noqa: N812 - `error` alone says nothing here
from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import HEADER_NAME
from h2o_core.envelope import MalformedFrame
from h2o_core.names import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_HEADERS: Final = 32
MOST_HEADERS_BYTES: Final = 4096
MOST_ASSIGNMENTS: Final = 16
MOST_ASSIGNMENT_BYTES: Final = 1024
_VALUE_LENGTH: Final = Struct("!H")


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Names of lower-case letters, digits, - and _, in their order, each with its value. Raises ValueError."""
    parts: list[bytes] = []
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            msg = f"header {name!r}: a name is of lower-case letters, digits, - and _ (at most 63)"
            raise ValueError(msg)
        data = value.encode()
        if not value.isprintable() or len(data) > MOST_HEADERS_BYTES:
            msg = f"header {name}: a value is a printable text of at most {MOST_HEADERS_BYTES} bytes"
            raise ValueError(msg)
        parts += (bytes((len(name),)), name.encode(), _VALUE_LENGTH.pack(len(data)), data)
    encoded = b"".join(parts)
    if len(headers) > MOST_HEADERS or len(encoded) > MOST_HEADERS_BYTES:
        most = f"a request has at most {MOST_HEADERS} of {MOST_HEADERS_BYTES} bytes"
        msg = f"{len(headers)} headers of {len(encoded)} bytes; {most}"
        raise ValueError(msg)
    return encoded


def decode_headers(data: bytes) -> dict[str, str]:
    """The last one of a repeated name counts; raises MalformedFrame."""
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name_at = at + 1
            value_at = name_at + data[at] + _VALUE_LENGTH.size
            (length,) = _VALUE_LENGTH.unpack_from(data, value_at - _VALUE_LENGTH.size)
            at = value_at + length
            if at > len(data):
                raise IndexError
            headers[data[name_at : value_at - _VALUE_LENGTH.size].decode()] = data[value_at:at].decode()
    except (IndexError, StructError, UnicodeDecodeError):
        msg = f"header {len(headers) + 1} is cut off or not UTF-8"
        raise MalformedFrame(msg) from None
    return headers


def assignment_key(package: str) -> bytes:
    """How an assignment names a package: ``service.customer``."""
    return dotted(package).encode()


def assigned_version(assignment: bytes, key: bytes) -> str:
    """The version that a request tree has of the package with this `assignment_key`; empty for none."""
    if len(assignment) > MOST_ASSIGNMENT_BYTES:
        return ""
    for entry in assignment.split(b";", MOST_ASSIGNMENTS)[:MOST_ASSIGNMENTS]:
        name, _, version = entry.partition(b"=")
        if name == key:
            return version.decode(errors="replace")
    return ""


def with_assignment(assignment: bytes, package: str, version: str) -> bytes:
    """The assignment with one entry put in front; the oldest ones go when there is no room for all."""
    key = assignment_key(package)
    entries = [key + b"=" + version.encode()]
    entries += [entry for entry in assignment.split(b";") if entry and entry.partition(b"=")[0] != key]
    kept = entries[:MOST_ASSIGNMENTS]
    while len(kept) > 1 and sum(map(len, kept)) + len(kept) - 1 > MOST_ASSIGNMENT_BYTES:
        kept.pop()
    return b";".join(kept)
