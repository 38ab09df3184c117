"""Calls features for operators who are elsewhere, or whose call is to be in the journal: with the host's own broker."""

from __future__ import annotations

import hmac
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from h2o_core.calls import Call, Outcome
from h2o_core.documents import InvalidDocument
from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.io import calls as journal
from h2o_core.io.calling import ANYWHERE, Asked, call, find
from h2o_core.io.client import Client
from h2o_core.io.clock import unix_s
from h2o_core.io.off_loop import off_loop
from h2o_core.io.registry import RegisterError
from h2o_core.names import shown
from h2o_core.schema import example, parse_request

if TYPE_CHECKING:
    from collections.abc import Generator

    from google.protobuf.message import Message

    from h2o_core.audit import Author
    from h2o_core.io.calling import Found
    from h2o_core.io.registry import Registry

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 32
LONGEST_S: Final = 600.0
_LONGEST_WORD: Final = 64
_PROGRAM: Final = "h2o call, by the agent"


class Busy(Exception):
    """So many calls are being made that no more is begun."""


class NoJournal(Exception):
    """The call would have to be in the journal, and can't be: it was not made. The sentence says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made: `reply` in JSON's types, or the `error`. `unwritten` says why its end is not journalled."""

    found: Found
    request_id: str
    reply: Any
    error: H2OError | None
    journal: str
    unwritten: str


class Caller:
    """One a host."""

    def __init__(self, endpoint: str, host: str, registry: Registry, key: bytes) -> None:
        """*endpoint*: the host's broker. *key*: what requests' digests are made with (`access.journal_key`)."""
        self._endpoint = endpoint
        self._host = host
        self._registry = registry
        self._key = key
        self._busy = 0

    @property
    def fleet(self) -> str:
        """Whose features it calls."""
        return self._registry.paths.fleet

    async def look(self, asked: Asked) -> tuple[Found, Any]:
        """What is known of it, and an example of its request; raises what `calling.find` raises, and Busy."""
        with self._one_more():
            async with Client(self._endpoint, program=_PROGRAM) as client:
                found = await find(client, asked)
        return found, example(found.types)

    async def make(self, asked: Asked, text: str, author: Author, *, journalled: bool) -> Made:
        """Call with the request *text* (JSON), in the journal if that is due and *journalled*.

        Raises what `calling.find` raises, DoesNotFit, Busy and NoJournal: then nothing was called.
        """
        with self._one_more():
            async with Client(self._endpoint, program=_PROGRAM) as client:
                found = await find(client, asked)
                # a megabyte of JSON takes a second; health and liveness are not to wait for that
                request = await off_loop(
                    partial(parse_request, found.types, text, shown(found.feature.name)), "request"
                )
                entry = self._entry(client.first_request_id, found, request, author)
                path = await self._begin(entry) if found.is_journalled and journalled else ""
                reply, error = await _called(client, asked, found, request)
        unwritten = await self._complete(path, error) if path else ""
        self._tell(entry, found, path, error)
        return Made(found, entry.request_id, reply, error, path, unwritten)

    @contextmanager
    def _one_more(self) -> Generator[None]:
        if self._busy >= MOST_AT_ONCE:
            msg = f"{MOST_AT_ONCE} calls are being made by this agent, which is the most"
            raise Busy(msg)
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def _entry(self, request_id: str, found: Found, request: Message, author: Author) -> Call:
        payload = request.SerializeToString(deterministic=True)
        digest = hmac.digest(self._key, payload, sha256).hex()
        where = found.where or ANYWHERE
        return Call(
            request_id,
            unix_s(),
            author,
            self._host,
            found.feature.name,
            len(payload),
            digest,
            where.host,
            where.version,
            where.instance,
        )

    async def _begin(self, entry: Call) -> str:
        try:
            return await journal.begin(self._registry, entry)
        except (RegisterError, InvalidDocument) as error:
            msg = f"it may change data, and could not be journalled, so it was not called: {error}"
            raise NoJournal(msg) from None

    async def _complete(self, path: str, error: H2OError | None) -> str:
        try:
            await journal.complete(self._registry, path, _outcome(error))
        except (RegisterError, InvalidDocument) as problem:
            return str(problem)
        return ""

    def _tell(self, entry: Call, found: Found, path: str, error: H2OError | None) -> None:
        """In the agent's own log as well: there it is when there is no journal."""
        if not found.is_journalled:
            return
        log.log(
            logging.INFO if path else logging.WARNING,
            "call %s of %s by %s (%s, %s): %s; %s",
            entry.request_id,
            shown(entry.feature),
            entry.author.actor,
            "verified" if entry.author.verified else "claimed",
            entry.author.origin,
            "OK" if error is None else error.code.name,
            path or "not journalled, as was asked",
        )


async def _called(client: Client, asked: Asked, found: Found, request: Message) -> tuple[Any, H2OError | None]:
    """(reply, error): one of them."""
    try:
        return await call(client, asked, found, request), None
    except H2OError as error:
        return None, error


def _outcome(error: H2OError | None) -> Outcome:
    if error is None:
        return Outcome(unix_s(), Code.OK, Executed.YES)
    code = error.application_code if isinstance(error, ApplicationError) else ""
    known = (code, error.host, error.instance, error.version)
    return Outcome(unix_s(), error.code, error.executed, *map(_word, known))


def _word(text: str) -> str:
    """What a package or another host chose; "" for what has no place in a document."""
    return text if text.isprintable() and len(text) <= _LONGEST_WORD else ""
