"""Errors of a call that is refused before anything is sent: what is wrong, and what to write."""

from __future__ import annotations

from typing import Final

from h2o_core.errors import Code, Executed, H2OError
from h2o_core.io.callsite import LARGEST_FRAME_BYTES

MAX_STICKY_BYTES: Final = 1024


def bad_request(feature: str, message: str, hint: str = "") -> H2OError:
    """Name, types or size can't be; *hint* says what to write."""
    return H2OError(message, code=Code.BAD_REQUEST, executed=Executed.NO, feature=feature, hint=hint)


def too_large(feature: str, payload_bytes: int) -> H2OError:
    """The request does not fit into a frame."""
    return bad_request(
        feature,
        f"the request has {payload_bytes:,} bytes; a frame holds {LARGEST_FRAME_BYTES:,} with its name and fields",
        "send it in parts, or put it into storage and send where it is",
    )


def too_late(feature: str, timeout_s: float | None) -> H2OError:
    """No time is left, by the caller's own word or by the deadline of the request being handled."""
    if timeout_s is not None and timeout_s <= 0:
        message = f"timeout_s={timeout_s} leaves no time; nothing was sent"
    else:
        message = "the request being handled has no time left for this call; nothing was sent"
    return H2OError(message, code=Code.TIMEOUT, executed=Executed.NO, feature=feature)


def sticky_bytes(feature: str, sticky_key: str) -> bytes:
    """The key as it is sent; raises H2OError BAD_REQUEST when it is too long."""
    sticky = sticky_key.encode()
    if len(sticky) > MAX_STICKY_BYTES:
        raise bad_request(feature, f"the sticky key has {len(sticky)} bytes, at most {MAX_STICKY_BYTES} are carried")
    return sticky
