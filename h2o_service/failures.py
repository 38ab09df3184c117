"""How whatever a handler raised is told to its caller."""

from __future__ import annotations

import asyncio
import os
import traceback
from typing import TYPE_CHECKING, Final

from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.names import shown
from h2o_core.pb.answer_pb2 import Failure

if TYPE_CHECKING:
    from h2o_service.feature import Feature

MAX_MESSAGE_CHARS: Final = 2000
MAX_TRACEBACK_CHARS: Final = 16_000
DEV_VARIABLE: Final = "H2O_DEV"


def failure_of(error: BaseException, feature: Feature, at: str) -> tuple[Code, Executed, bytes]:
    """Code, executed and the Failure's bytes for what the handler of *feature* raised."""
    if isinstance(error, ApplicationError):
        if error.application_code in feature.errors:
            failure = Failure(
                message=_cut(error.message), application_code=error.application_code, detail=error.detail, at=at
            )
            return Code.APPLICATION, Executed.YES, failure.SerializeToString()
        message = _undeclared(error, feature)
    elif isinstance(error, H2OError):
        message = f"the call of {shown(error.feature)} inside the handler failed: {error.code.name}: {error.message}"
    elif isinstance(error, asyncio.CancelledError):
        message = "the handler cancelled itself: CancelledError left it although nobody cancelled the request"
    else:
        message = f"{type(error).__name__}: {error}"
    failure = Failure(message=_cut(message), at=at, traceback=_traceback(error))
    return Code.INTERNAL, Executed.YES, failure.SerializeToString()


def _traceback(error: BaseException) -> str:
    """For the caller's eyes in a fleet for development, which the agent says; elsewhere it stays in the log."""
    if os.environ.get(DEV_VARIABLE) != "1":
        return ""
    text = "".join(traceback.format_exception(error))
    return text.encode(errors="replace").decode()[-MAX_TRACEBACK_CHARS:]


def _undeclared(error: ApplicationError, feature: Feature) -> str:
    code = error.application_code
    name = shown(feature.name)
    if error.feature:
        return (
            f"the call of {shown(error.feature)} inside the handler ended with the application error {code!r}; "
            f"catch it, or declare it for {name} with errors=({code!r},)"
        )
    return f"the handler raised ApplicationError({code!r}), which {name} does not declare; add errors=({code!r},)"


def _cut(text: str) -> str:
    """Text that protobuf can carry, of a size that a terminal and a log can."""
    clean = text.encode(errors="replace").decode()
    return clean if len(clean) <= MAX_MESSAGE_CHARS else clean[: MAX_MESSAGE_CHARS - 1] + "…"
