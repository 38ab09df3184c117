"""One feature as its author declares it: name, types from the annotations, promises, errors, handler."""

from __future__ import annotations

import dis
import inspect
import math
import re
import typing
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.message import Message

from h2o_core.names import InvalidName, parse_feature
from h2o_service.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ERROR_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_EXAMPLE: Final = "async def retrieve(request: CustomerId) -> Customer: …"


@dataclass(frozen=True, slots=True)
class Promise:
    """What the author promises of a feature's times, in milliseconds; 0: nothing."""

    mean_ms: float = 0
    upper95_ms: float = 0


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One request type, one reply type, one handler."""

    name: str
    handler: Callable[[Any], Any]
    request_type: type[Message]
    reply_type: type[Message]
    idempotent: bool
    promise: Promise
    errors: frozenset[str]
    plain: bool
    """A plain `def`: it runs in a thread."""
    never_waits: bool
    """An `async def` without a single await: it needs no task, since nothing can come between."""


def declare(
    package: str,
    foo: str,
    handler: Callable[..., Any],
    *,
    idempotent: bool,
    promise: Promise,
    errors: Iterable[str],
) -> Feature:
    """Check a declaration and read the types off the annotations; raises DeclarationError."""
    name = _name(package, foo)
    request_type, reply_type = _types(handler)
    _check_promise(foo, promise)
    return Feature(
        name,
        handler,
        request_type,
        reply_type,
        idempotent,
        promise,
        _error_codes(foo, errors),
        plain=not inspect.iscoroutinefunction(handler),
        never_waits=_never_waits(handler),
    )


def _never_waits(handler: Callable[..., Any]) -> bool:
    """Whether *handler* is a coroutine function that can't suspend: whatever waits compiles to a YIELD_VALUE."""
    function = getattr(handler, "__func__", handler)  # a bound method's function
    if not (isinstance(function, FunctionType) and inspect.iscoroutinefunction(function)):
        return False  # compiled by other means than Python's own: its code says nothing
    return all(instruction.opname != "YIELD_VALUE" for instruction in dis.get_instructions(function))


def _name(package: str, foo: object) -> str:
    if not isinstance(foo, str):
        msg = f'a feature needs its name: write @package.feature("retrieve"), not {foo!r}'
        raise DeclarationError(msg)
    try:
        return parse_feature(f"{package}/{foo}")
    except InvalidName as error:
        msg = f'{error}; write @package.feature("retrieve") or ("address/update"): the package\'s name goes before it'
        raise DeclarationError(msg) from None


def _types(handler: Callable[..., Any]) -> tuple[type[Message], type[Message]]:
    title = getattr(handler, "__qualname__", repr(handler))
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        msg = f"{title} is a generator; a handler returns one reply: {_EXAMPLE}"
        raise DeclarationError(msg)
    parameters = list(inspect.signature(handler).parameters.values())
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if len(parameters) != 1 or parameters[0].kind not in positional:
        given = ", ".join(map(str, parameters))
        msg = f"{title} takes ({given}); a handler takes the request and nothing else: {_EXAMPLE}"
        raise DeclarationError(msg)
    try:
        hints = typing.get_type_hints(handler)
    except NameError as error:
        msg = (
            f"an annotation of {title} can't be resolved: {error}; import its type at module level, "
            f"not under `if TYPE_CHECKING:`"
        )
        raise DeclarationError(msg) from None
    request = _message_type(title, "request", hints.get(parameters[0].name))
    return request, _message_type(title, "reply", hints.get("return"))


def _message_type(title: str, role: str, hint: Any) -> type[Message]:
    if hint is None:
        msg = f"{title} does not say its {role}'s type; annotate both: {_EXAMPLE}"
        raise DeclarationError(msg)
    known = cast("object", hint)
    if isinstance(known, type) and known is not Message and issubclass(known, Message):
        return known
    msg = f"{title}'s {role} is {_named(hint)}, which is no generated protobuf message; write {_EXAMPLE}"
    raise DeclarationError(msg)


def _named(hint: object) -> str:
    return str(getattr(hint, "__name__", hint))


def _check_promise(foo: str, promise: Promise) -> None:
    for name, value in (("mean_ms", promise.mean_ms), ("upper95_ms", promise.upper95_ms)):
        if not (math.isfinite(value) and value >= 0):
            msg = f"{name}={value} of feature {foo!r} is no time; give milliseconds, or leave it out"
            raise DeclarationError(msg)


def _error_codes(foo: str, errors: Iterable[str]) -> frozenset[str]:
    if isinstance(errors, str):
        msg = f"errors={errors!r} of feature {foo!r} is one string; write errors=({errors!r},)"
        raise DeclarationError(msg)
    codes = list(errors)
    for code in codes:
        if not _ERROR_CODE.fullmatch(code):
            msg = f"{code!r} is no error code; write lower-case words such as 'not_found'"
            raise DeclarationError(msg)
    return frozenset(codes)
