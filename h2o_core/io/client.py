"""The client: calls features through the local broker, from coroutines and from threads.

::

    async with Client() as client:
        customer = await client.call("/service/customer/retrieve", CustomerId(id=1), Customer)

    with Client() as client:
        customer = client.call_sync("/service/customer/retrieve", CustomerId(id=1), Customer)

Calls made inside a handler carry its deadline, trace, sticky key, headers and priority on by themselves.
"""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from google.protobuf.message import EncodeError, Message

from h2o_core.envelope import ASK, decode, encode, encode_wish, with_route
from h2o_core.errors import Code, Executed
from h2o_core.io.ambient import AMBIENT
from h2o_core.io.answers import error_of, reply_of
from h2o_core.io.callsite import LARGEST_FRAME_BYTES, CallSite, Identity
from h2o_core.io.carried import fields_of_call
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.crossing import hand_over
from h2o_core.io.link import GRACE_NS, Link
from h2o_core.io.loops import LoopThread
from h2o_core.io.refusals import bad_request, too_large, too_late
from h2o_core.io.waiting import Ended
from h2o_core.names import InvalidName, parse_feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.envelope import RouteWish
    from h2o_core.pb.registration_pb2 import Welcome
    from h2o_core.pb.stats_pb2 import Ask
    from h2o_core.priorities import Priority

__all__ = ["Client", "Link"]

Reply = TypeVar("Reply", bound=Message)

DEFAULT_TIMEOUT_S: Final = 1.0
CONNECT_TIMEOUT_S: Final = 2.0
_NS: Final = 1_000_000_000
_MS_NS: Final = 1_000_000
_MAX_REMAINING_NS: Final = 0xFFFF_FFFF * _MS_NS
_LONGEST_S: Final = _MAX_REMAINING_NS / _NS
_MAX_SITES: Final = 4096
_STUCK_NS: Final = _NS
"""A thread waits this long beyond deadline and grace before it concludes that the loop does not run."""


class Client:
    """Calls features. One link to the local broker, shared by the coroutines and threads that use it."""

    NOT_OPEN = "this client is not open; write `async with Client() as client:` or `with Client() as client:`"

    def __init__(
        self, endpoint: str | None = None, *, program: str = "client", connect_timeout_s: float = CONNECT_TIMEOUT_S
    ) -> None:
        """*endpoint*: ``unix:/run/h2o/broker.sock``; None finds the broker by environment and context.

        *program* is what the broker shows for this client. Nothing is opened before ``async with`` or ``with``.
        """
        self._endpoint = endpoint
        self._program = program
        self._connect_timeout_s = connect_timeout_s
        self._identity = Identity()
        self._sites: dict[tuple[str, type[Any], type[Any]], CallSite] = {}
        self._link: Link | None = None
        self._own_thread: LoopThread | None = None
        self.welcome: Welcome | None = None
        """What the broker said of itself: host, zone, fleet, incarnation."""

    @property
    def first_request_id(self) -> str:
        """What its first call will be known by (32 hex digits)."""
        return self._identity.first

    # --- calling ----------------------------------------------------------------------------------

    async def call(  # noqa: PLR0913 - keywords, each with a meaning of its own
        self,
        feature: str,
        request: Message,
        reply_type: type[Reply],
        *,
        timeout_s: float | None = None,
        sticky_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        priority: Priority | None = None,
        wish: RouteWish | None = None,
    ) -> Reply:
        """Call *feature* and wait for its reply; raises H2OError (ApplicationError for declared outcomes).

        *timeout_s* (1 s without) is cut to what the request being handled has left. *sticky_key*: None carries
        that request's on, "" sends none. *headers* (lower-case names) are put over those that it carries;
        *priority*: None carries its on. *wish*: where alone it may be executed; for operators, a package's is
        FORBIDDEN. Cancelling the waiting task cancels the call.
        """
        carried = fields_of_call(feature, sticky_key, headers, priority)
        link = self._link
        if link is None or get_ident() != link.thread_ident:
            return await self._call_elsewhere(feature, request, reply_type, timeout_s, carried, wish)
        correlation = link.next_correlation()
        frame, deadline_ns = self._frame(correlation, feature, request, reply_type, timeout_s, carried)
        if wish is not None:
            frame = with_route(frame, encode_wish(wish))
        try:
            outcome = await link.submit(correlation, frame, deadline_ns)
        except asyncio.CancelledError:
            link.abandon(correlation)
            raise
        return reply_of(outcome, reply_type, frame)

    def call_sync(
        self,
        feature: str,
        request: Message,
        reply_type: type[Reply],
        *,
        timeout_s: float | None = None,
        sticky_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        priority: Priority | None = None,
    ) -> Reply:
        """As `call`, from a thread or a plain ``def`` handler. In a coroutine it raises and says to await."""
        _refuse_in_coroutine()
        link = self._opened()
        carried = fields_of_call(feature, sticky_key, headers, priority)
        frame, deadline_ns = self._frame(0, feature, request, reply_type, timeout_s, carried)
        handed = hand_over(link, frame, deadline_ns)
        patience_s = max(0, deadline_ns + GRACE_NS + _STUCK_NS - monotonic_ns()) / _NS
        try:
            outcome = handed.result(patience_s)
        except TimeoutError:
            stuck = "the event loop that owns this client's socket does not run; was it blocked or stopped?"
            outcome = Ended(Code.TIMEOUT, Executed.UNKNOWN, stuck)
        finally:
            handed.cancel()
        return reply_of(outcome, reply_type, frame)

    async def _call_elsewhere(
        self,
        feature: str,
        request: Message,
        reply_type: type[Reply],
        timeout_s: float | None,
        carried: bytes,
        wish: RouteWish | None,
    ) -> Reply:
        """A call from another loop than the link's."""
        link = self._opened()
        frame, deadline_ns = self._frame(0, feature, request, reply_type, timeout_s, carried)
        if wish is not None:
            frame = with_route(frame, encode_wish(wish))
        outcome = await asyncio.wrap_future(hand_over(link, frame, deadline_ns))
        return reply_of(outcome, reply_type, frame)

    async def ask(self, question: Ask, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> bytes:
        """Ask the local broker about itself: a BrokerReport's, Picture's or Manifest's bytes. Raises H2OError."""
        link = self._opened()
        frame = encode(ASK, payload=question.SerializeToString())
        deadline_ns = monotonic_ns() + int(timeout_s * _NS)
        outcome = await asyncio.wrap_future(hand_over(link, frame, deadline_ns))
        if isinstance(outcome, bytes) and not (answer := decode(outcome)).code:
            return answer.payload
        raise error_of(outcome, frame)

    # --- making the frame -------------------------------------------------------------------------

    def _frame(
        self,
        correlation: int,
        feature: str,
        request: Message,
        reply_type: type[Message],
        timeout_s: float | None,
        carried: bytes,
    ) -> tuple[bytes, int]:
        """The REQUEST and its deadline on the monotonic clock; raises H2OError for what can't be sent."""
        try:
            site = self._sites[feature, request.__class__, reply_type]
        except (KeyError, TypeError):  # TypeError: a message instance, which is not hashable, for its class
            site = self._new_site(feature, request, reply_type)
        now_ns = monotonic_ns()
        left_ns = _NS if timeout_s is None else int(timeout_s * _NS) if timeout_s < _LONGEST_S else _MAX_REMAINING_NS
        ambient = AMBIENT.get()
        if ambient is not None and ambient.deadline_ns - now_ns < left_ns:
            left_ns = ambient.deadline_ns - now_ns
        if left_ns <= 0:
            raise too_late(feature, timeout_s)
        try:
            payload = request.SerializeToString()
        except (EncodeError, ValueError) as error:
            raise bad_request(feature, f"the request can't be encoded: {error}") from None
        frame = site.frame(correlation, -(-left_ns // _MS_NS), ambient, carried, payload)
        if len(frame) > LARGEST_FRAME_BYTES:
            raise too_large(feature, len(payload))
        return frame, now_ns + left_ns

    def _new_site(self, feature: str, request: Message, reply_type: type[Message]) -> CallSite:
        if not isinstance(request, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            wrong = f"the request is a {type(request).__name__}, not a protobuf message"
            raise bad_request(feature, wrong, 'write client.call("…", CustomerId(id=1), Customer)')
        if not (isinstance(reply_type, type) and issubclass(reply_type, Message)):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            wrong = f"the third argument is {reply_type!r}; it has to be the class of the reply"
            raise bad_request(feature, wrong, 'write client.call("…", CustomerId(id=1), Customer)')
        try:
            parse_feature(feature)
        except InvalidName as error:
            raise bad_request(str(feature), str(error), "names look like /service/customer/retrieve") from None
        if len(self._sites) >= _MAX_SITES:
            self._sites.clear()  # a program that makes up names; they are cheap to make again
        site = CallSite(feature, type(request), reply_type, self._identity)
        self._sites[feature, type(request), reply_type] = site
        return site

    # --- opening and closing ----------------------------------------------------------------------

    def attach(self, link: Link | None) -> None:
        """Use *link* (None: no more), which somebody else opens and closes: a package shares one with its client."""
        self._link = link

    def _opened(self) -> Link:
        if self._link is None:
            raise RuntimeError(self.NOT_OPEN)
        return self._link

    async def _open(self) -> None:
        if self._link is not None:
            msg = "this client is open already"
            raise RuntimeError(msg)
        link = Link(self._endpoint or _found_broker())
        try:
            self.welcome = await link.greet(self._program, self._connect_timeout_s)
        except BaseException:
            link.close()
            raise
        self._link = link

    async def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    def __enter__(self) -> Self:
        _refuse_in_coroutine()
        thread = LoopThread()
        try:
            thread.run(self._open())
        except BaseException:
            thread.stop()
            raise
        self._own_thread = thread
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._own_thread = self._own_thread, None
        if thread is not None:
            thread.run(self._close())
            thread.stop()


def _found_broker() -> str:
    from h2o_core.io.context import find_broker  # noqa: PLC0415 - only who names no endpoint pays for TOML

    return find_broker()


def _refuse_in_coroutine() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = (
        "this would block the running event loop; in a coroutine write `async with Client() as client:` "
        "and `reply = await client.call(…)`"
    )
    raise RuntimeError(msg)
