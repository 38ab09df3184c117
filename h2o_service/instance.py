"""One instance's life with its broker: find it, register, stay registered, leave in order."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import HEARTBEAT, LEAVE, REGISTER, decode, encode
from h2o_core.errors import Code, H2OError
from h2o_core.io.answers import error_of
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.link import Link, Listener
from h2o_core.io.logs import identify
from h2o_core.io.timers import Timers
from h2o_core.io.waiting import Ended
from h2o_core.names import shown
from h2o_core.pb.registration_pb2 import Heartbeat, Register, Registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.pb.manifest_pb2 import Manifest
    from h2o_core.pb.registration_pb2 import Check
    from h2o_service.server import Server

_log = logging.getLogger("h2o.package")

HEARTBEAT_S: Final = 1.0
MAX_HEARTBEAT_BYTES: Final = 60_000
"""A broker takes no larger one."""
_JITTER_S: Final = 0.05
_REGISTER_TIMEOUT_NS: Final = 60_000_000_000
"""The broker writes the manifest into the register first. It dying meanwhile is noticed much earlier."""
_AGAIN_S: Final = 0.5
_FIRST_NOTE_S: Final = 1.0
_NEXT_NOTE_S: Final = 10.0
"""When to say that no broker is there."""
_TRANSIENT: Final = frozenset({Code.UNAVAILABLE, Code.OVERLOADED, Code.TIMEOUT, Code.OUTCOME_UNKNOWN})


class Instance(Listener):
    """The link, the registration on it, and the server behind it."""

    def __init__(self, manifest: Manifest, server: Server, checks: Callable[[], list[Check]]) -> None:
        self.id = ""
        """What the broker calls this instance; "" while it is not registered."""
        self.host = ""
        self.refusal: H2OError | None = None
        """Why the broker does not want this instance; then `ended` is set."""
        self.ended = asyncio.Event()
        """Set by `stop`, or by a refusal."""
        self._manifest = manifest
        self._server = server
        self._checks = checks
        self._previous = ""
        self._announced = False
        self._leaving = False
        self._found = asyncio.Event()
        self._left = asyncio.Event()
        self._registered = asyncio.Event()
        self._registering: asyncio.Task[None] | None = None
        # the hot ones go straight to the server
        self.requested = server.requested
        self.cancelled = server.cancelled

    def open(self, endpoint: str) -> Link:
        """Start to look for the broker at *endpoint*."""
        self.link = Link(endpoint, self)
        self._timers = Timers(self.link.loop)
        self._server.open(self.link.post)
        return self.link

    async def find(self) -> bool:
        """Wait for a broker, and say now and then that there is none; False when stopped before.

        It may be lost again by the time that the caller goes on: that is no stop.
        """
        self._timers.set("search", _FIRST_NOTE_S, self._note_search)
        await _first_of(self._found, self.ended)
        self._timers.drop("search")
        return not self.ended.is_set()

    def _note_search(self) -> None:
        _log.warning("waiting for a broker at %s; start one on this machine: h2o dev", self.link.endpoint)
        self._timers.set("search", _NEXT_NOTE_S, self._note_search)

    async def announce(self) -> bool:
        """Register, now and with every broker to come; False when refused or stopped before."""
        self._announced = True
        self._register_in(0)
        await _first_of(self._registered, self.ended)
        return not self.ended.is_set()

    def stop(self) -> None:
        """Ask for the end; `leave` does the rest."""
        self.ended.set()

    async def leave(self, grace_s: float) -> bool:
        """Take no new requests, let the running ones finish; True when nothing was left behind.

        With a broker, LEFT says so; without one, nobody waits for answers, and what runs may finish.
        """
        self._leaving = True
        self._timers.drop("heartbeat")
        until_ns = monotonic_ns() + int(grace_s * 1_000_000_000)
        if self._registering is not None:  # what the broker may have admitted already has to leave as well
            await asyncio.wait({self._registering}, timeout=grace_s)
        if self.id:
            self.link.post(encode(LEAVE, correlation=self.link.next_correlation()))
        while not self._left.is_set():
            if not self.id and not self._server.slots.busy:
                break
            if monotonic_ns() >= until_ns:
                return False
            await asyncio.sleep(0.01)
        return True

    def close(self) -> None:
        """Close the link."""
        self._timers.close()
        self.link.close()

    # --- what the link says -----------------------------------------------------------------------

    def found(self, incarnation: int) -> None:
        """A broker is there: be known to it."""
        del incarnation
        self._found.set()
        if self._announced:
            self._register_in(random.uniform(0, _JITTER_S))  # a host's instances must not all knock at once

    def lost(self) -> None:
        """Nothing of the old registration holds."""
        if self.id:
            _log.warning("the broker is gone; instance %s ended with it and will register again", self.id[:8])
        self._previous, self.id = self.id or self._previous, ""
        self._found.clear()
        self._registered.clear()
        self._timers.drop("heartbeat")
        self._server.abandoned()

    def left(self) -> None:
        """The answer to LEAVE."""
        self._left.set()

    # --- registration -----------------------------------------------------------------------------

    def _register_in(self, delay_s: float) -> None:
        self._timers.set("register", delay_s, self._register)

    def _register(self) -> None:
        if self._leaving or self.ended.is_set() or not self._found.is_set():
            return
        if self._registering is None or self._registering.done():
            self._registering = self.link.loop.create_task(self._register_once(), name="h2o register")

    async def _register_once(self) -> None:
        incarnation = self.link.incarnation
        register = Register(
            manifest=self._manifest,
            slots=self._server.slots.size,
            pid=os.getpid(),
            launch=os.environ.get("H2O_LAUNCH", ""),
            previous=self._previous,
            replace_manifest=True,  # heeded by a broker whose host file says `dev` alone
        )
        correlation = self.link.next_correlation()
        frame = encode(REGISTER, correlation=correlation, payload=register.SerializeToString())
        outcome = await self.link.submit(correlation, frame, monotonic_ns() + _REGISTER_TIMEOUT_NS)
        if self.link.incarnation != incarnation or incarnation == 0:
            self._register_in(random.uniform(0, _JITTER_S))  # lost meanwhile: the next broker, if it is there
        elif isinstance(outcome, Ended):
            self._register_in(_AGAIN_S)
        elif decode(outcome).code:
            self._refused(error_of(outcome, frame))
        else:
            self._admitted(Registered.FromString(decode(outcome).payload))

    def _admitted(self, registered: Registered) -> None:
        self.id = registered.instance
        self.host = registered.host
        self._server.at = f"instance {self.id[:8]}"
        self._registered.set()
        identify(self.id, self.host)
        package, version = shown(self._manifest.package), self._manifest.version
        _log.info("%s %s is instance %s on host %s", package, version, self.id[:8], self.host)
        self._heartbeat()

    def _refused(self, error: H2OError) -> None:
        if error.code in _TRANSIENT:
            _log.warning("not registered yet: %s", error.message)
            self._register_in(_AGAIN_S)
            return
        self.refusal = error
        self.ended.set()

    def _heartbeat(self) -> None:
        executing = self._server.slots.busy
        heartbeat = Heartbeat(executing=executing, checks=self._checks())
        if heartbeat.ByteSize() > MAX_HEARTBEAT_BYTES:
            _log.warning("the health checks say too much for a heartbeat; make them fewer, or their output shorter")
            heartbeat = Heartbeat(executing=executing)
        self.link.post(encode(HEARTBEAT, payload=heartbeat.SerializeToString()))
        self._timers.set("heartbeat", HEARTBEAT_S, self._heartbeat)


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of *events* is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
