"""How much a request matters when there is not room for all: one byte that travels with it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from h2o_core.envelope import TAG_PRIORITY, MalformedFrame, decode_fields


class Priority(IntEnum):
    """What is started first and shed last. The numbers are the wire's; they never change."""

    CRITICAL = 0
    NORMAL = 1
    SHEDDABLE = 2


_BY_BYTE: Final = {bytes((priority,)): priority for priority in Priority}


def priority_of(fields: bytes) -> Priority:
    """What a request's optional fields say of its priority.

    NORMAL when they say nothing, nothing that is known here, or do not parse: whoever writes nonsense gains nothing.
    """
    if not fields:
        return Priority.NORMAL
    try:
        return _BY_BYTE.get(decode_fields(fields).get(TAG_PRIORITY, b""), Priority.NORMAL)
    except MalformedFrame:
        return Priority.NORMAL
