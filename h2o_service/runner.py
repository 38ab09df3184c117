"""One run of a package: start hooks, registration, requests, leaving, stop hooks."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from h2o_service.context import CLIENT
from h2o_service.health import Checks, CheckSpec
from h2o_service.instance import Instance
from h2o_service.server import Server
from h2o_service.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.io.client import Client
    from h2o_core.pb.manifest_pb2 import Manifest
    from h2o_core.pb.registration_pb2 import Check
    from h2o_service.feature import Feature

    Hook = Callable[[], Any]

_log = logging.getLogger("h2o.package")


class HookFailed(Exception):
    """An on_start hook raised; the cause is the reason."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a package has declared, at the moment it starts to run."""

    manifest: Manifest
    features: tuple[Feature, ...]
    checks: tuple[CheckSpec, ...]
    start_hooks: tuple[Hook, ...]
    stop_hooks: tuple[Hook, ...]
    slots: int
    client: Client


class Runner:
    """Runs a program once, on the running loop."""

    def __init__(self, program: Program, grace_s: float) -> None:
        self._program = program
        self._grace_s = grace_s
        self._server = Server(program.features, program.slots)
        self._checks = Checks(list(program.checks))
        self._watchdog = Watchdog(asyncio.get_running_loop())
        self._instance = Instance(program.manifest, self._server, self._results)

    def stop(self) -> None:
        """Leave in order."""
        self._instance.stop()

    async def serve(self, endpoint: str | None, on_ready: Callable[[], None]) -> None:
        """Until stopped; raises H2OError when the broker refuses, HookFailed when a start hook does."""
        client = self._program.client
        CLIENT.set(client)  # before the link: what its reader starts inherits this context
        client.attach(self._instance.open(endpoint or _found_broker()))
        try:
            if await self._instance.find():
                await self._between_hooks(on_ready)
        finally:
            client.attach(None)
            self._instance.close()

    async def _between_hooks(self, on_ready: Callable[[], None]) -> None:
        try:
            for hook in self._program.start_hooks:
                await _start(hook)
            self._watchdog.start()
            self._checks.start()
            await self._attend(on_ready)
        finally:
            self._watchdog.stop()
            await self._checks.stop()
            for hook in reversed(self._program.stop_hooks):
                await _stop(hook)

    async def _attend(self, on_ready: Callable[[], None]) -> None:
        if await self._instance.announce():
            on_ready()
            await self._instance.ended.wait()
        if self._instance.refusal is not None:
            raise self._instance.refusal
        if not await self._instance.leave(self._grace_s):
            _log.warning("left after %g s with requests still running", self._grace_s)

    def _results(self) -> list[Check]:
        return [self._watchdog.check(), *self._checks.results()]


async def _start(hook: Hook) -> None:
    try:
        await _call(hook)
    except Exception as error:
        raise HookFailed(_name(hook)) from error


async def _stop(hook: Hook) -> None:
    try:
        await _call(hook)
    except Exception:  # noqa: BLE001 - the others have things to close too
        _log.exception("stop hook %s failed", _name(hook))


async def _call(hook: Hook) -> None:
    returned = hook()
    if inspect.isawaitable(returned):
        await returned


def _name(hook: Hook) -> str:
    return getattr(hook, "__qualname__", repr(hook))


def _found_broker() -> str:
    from h2o_core.io.context import find_broker  # noqa: PLC0415 - as in h2o_core.io.client

    return find_broker()
