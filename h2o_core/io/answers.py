"""The raw frame of an answer, or the link's own ending, → the reply or the error that a caller sees."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, TypedDict, TypeVar

from google.protobuf.message import DecodeError, Message

from h2o_core.envelope import (
    HEADER_BYTES,
    TAG_REQUEST_ID,
    AnswerRoute,
    MalformedFrame,
    answer_parts,
    decode,
    decode_answer_route,
    decode_fields,
)
from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.pb.answer_pb2 import Failure

if TYPE_CHECKING:
    from h2o_core.envelope import Frame
    from h2o_core.io.waiting import Outcome

Reply = TypeVar("Reply", bound=Message)


def reply_of(outcome: Outcome, reply_type: type[Reply], request: bytes) -> Reply:
    """The reply to the frame *request*; raises the H2OError that *outcome* stands for."""
    if isinstance(outcome, bytes):
        try:
            code, route_len, name_len, fields_len = answer_parts(outcome)
            payload_at = HEADER_BYTES + route_len + name_len + fields_len
            if not code and payload_at <= len(outcome):
                return reply_type.FromString(outcome[payload_at:])
        except struct.error:
            pass  # error_of says what is wrong with it
        except DecodeError:
            message = f"the reply is not a {reply_type.DESCRIPTOR.full_name}: its bytes don't parse"
            raise H2OError(message, executed=Executed.YES, **_about(request)) from None
    raise error_of(outcome, request)


def error_of(outcome: Outcome, request: bytes) -> H2OError:
    """The error that a failed *outcome* of the frame *request* stands for, with all that is known of it."""
    about = _about(request)
    if not isinstance(outcome, bytes):
        return H2OError(outcome.message, code=outcome.code, executed=outcome.executed, hint=outcome.hint, **about)
    try:
        frame = decode(outcome)
        route = decode_answer_route(frame.route) if frame.route else AnswerRoute(0, 0, 0, 0, 0, "", "", "")
        return _error(frame, Failure.FromString(frame.payload), route, about)
    except (MalformedFrame, DecodeError, ValueError) as error:
        return H2OError(f"the broker's answer can't be read: {error}", code=Code.OUTCOME_UNKNOWN, **about)


class _About(TypedDict):
    feature: str
    request_id: str


def _about(request: bytes) -> _About:
    """What the caller itself knows of its request."""
    frame = decode(request)
    request_id = decode_fields(frame.fields).get(TAG_REQUEST_ID, b"")
    return {"feature": frame.name.decode(), "request_id": request_id.hex()}


def _error(frame: Frame, failure: Failure, route: AnswerRoute, about: _About) -> H2OError:
    code = Code(frame.code)
    where: dict[str, str] = {
        "host": route.host,
        "instance": route.instance,
        "version": route.version,
        "hint": failure.hint,
        "at": failure.at,
        "traceback": failure.traceback,
        "feature": about["feature"],
        "request_id": about["request_id"],
    }
    if code is Code.APPLICATION:
        return ApplicationError(failure.application_code, failure.message, detail=failure.detail, **where)
    message = failure.message or "no reason was given"
    return H2OError(message, code=code, executed=frame.executed, **where)
