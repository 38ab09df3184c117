"""What the simulation reads in frames without parsing them whole: the call's name, which is its payload."""

from __future__ import annotations

from h2o_core.envelope import HEADER_BYTES


def payload_of(frame: bytes) -> bytes:
    """The payload of a whole frame."""
    blocks = sum(int.from_bytes(frame[at : at + 2], "big") for at in (20, 22, 24))
    return frame[HEADER_BYTES + blocks :]
