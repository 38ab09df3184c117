"""One request inside an instance, from its frame to the frame that answers it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import EncodeError, Message

from h2o_core.envelope import ANSWER, RELEASED, WIRE, encode
from h2o_core.errors import Code, Executed
from h2o_core.io.ambient import Ambient
from h2o_core.io.callsite import LARGEST_FRAME_BYTES
from h2o_core.pb.answer_pb2 import Failure
from h2o_service.failures import failure_of

if TYPE_CHECKING:
    import asyncio

    from h2o_service.feature import Feature

_OK: Final = bytes((WIRE, ANSWER, Executed.YES, Code.OK))
_OK_HEAD: Final = struct.Struct("!4sI20x").pack  # nothing before the payload: all lengths are 0


class Job(Ambient):
    """What a handler and the calls inside it see of the request, and what the server has to know."""

    __slots__ = ("cancelled", "correlation", "declared", "payload", "started", "task")

    def __init__(
        self,
        declared: Feature,
        correlation: int,
        fields: bytes,
        route: bytes,
        payload: bytes,
        deadline_ns: int,
        flags: int,
    ) -> None:
        # Ambient's own attributes, set here: one call less for each request
        self.feature = declared.name
        self.deadline_ns = deadline_ns
        self._fields = fields
        self._route = route
        self._flags = flags
        self._parsed = None
        self._carried = None
        self.declared = declared
        self.correlation = correlation
        self.payload = payload
        self.task: asyncio.Task[None] | None = None
        self.started = False
        """The handler has been entered."""
        self.cancelled = False
        """Nobody waits for the answer any more."""

    def answer(self, reply: Any, at: str) -> tuple[bytes, str]:
        """The frame for what the handler returned, and what is wrong with it ("" for nothing)."""
        reply_type = self.declared.reply_type
        if reply.__class__ is not reply_type:
            wrong = f"the handler returned {_named(reply)}, declared is {reply_type.DESCRIPTOR.full_name}"
            return self.failure(Code.INTERNAL, Executed.YES, wrong, at), wrong
        try:
            frame = _OK_HEAD(_OK, self.correlation) + reply.SerializeToString()
        except (EncodeError, ValueError) as error:
            wrong = f"the reply can't be encoded: {error}"
            return self.failure(Code.INTERNAL, Executed.YES, wrong, at), wrong
        if len(frame) > LARGEST_FRAME_BYTES:
            wrong = f"the reply has {len(frame):,} bytes with its header; a frame holds {LARGEST_FRAME_BYTES:,}"
            return self.failure(Code.INTERNAL, Executed.YES, wrong, at), wrong
        return frame, ""

    def raised(self, error: BaseException, at: str) -> bytes:
        """The frame for what the handler raised."""
        try:
            code, executed, payload = failure_of(error, self.declared, at)
        except Exception as broken:  # noqa: BLE001 - an exception whose own __str__ raises must not cost a slot
            wrong = f"{type(error).__name__}, which can't be told: {type(broken).__name__}"
            return self.failure(Code.INTERNAL, Executed.YES, wrong, at)
        return self._failed(code, executed, payload)

    def failure(self, code: Code, executed: Executed, message: str, at: str) -> bytes:
        """The frame for what went wrong around the handler."""
        return self._failed(code, executed, Failure(message=message, at=at).SerializeToString())

    def released(self) -> bytes:
        """The frame that gives the slot back when nobody wants the answer."""
        return encode(RELEASED, correlation=self.correlation)

    def _failed(self, code: Code, executed: Executed, payload: bytes) -> bytes:
        return encode(ANSWER, flags=executed, code=code, correlation=self.correlation, payload=payload)


def _named(reply: object) -> str:
    return reply.DESCRIPTOR.full_name if isinstance(reply, Message) else type(reply).__qualname__
