"""Health checks: a package's own observations, made at their intervals and sent with each heartbeat.

A check returns None or a `Reading` when all is well, raises `CheckWarning` for what deserves a look, and
anything else when it fails. It is never asked twice at the same time, and the last result stands until the
next; one that does not return is itself a failure.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.pb.registration_pb2 import Check
from h2o_service.errors import DeclarationError
from h2o_service.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OUTPUT_CHARS: Final = 500
_NS: Final = 1_000_000_000


class Severity(StrEnum):
    """Whom a failing check concerns: nobody now, somebody today, somebody at once."""

    NOTE = "note"
    TICKET = "ticket"
    PAGE = "page"


class CheckWarning(Exception):
    """Raised by a check: it works, and deserves a look; the text says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a check measured, such as `Reading(12, "ms")`; *output* is for people."""

    observed: float
    unit: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check as its author declares it."""

    name: str
    function: Callable[[], Any]
    interval_s: float
    timeout_s: float
    severity: Severity


_SEVERITIES: Final = {
    Severity.NOTE: Check.Severity.NOTE,
    Severity.TICKET: Check.Severity.TICKET,
    Severity.PAGE: Check.Severity.PAGE,
}


def declare_check(
    name: object, function: Callable[..., Any], interval_s: float, timeout_s: float | None, severity: str
) -> CheckSpec:
    """Check a declaration; raises DeclarationError. Without a *timeout_s* it may take its interval."""
    if not isinstance(name, str) or not name:
        msg = f'a check needs its name: write @package.check("store", interval_s=5), not {name!r}'
        raise DeclarationError(msg)
    if inspect.signature(function).parameters:
        msg = f"check {name!r} takes parameters; write `async def {name}() -> None:` or `def {name}() -> None:`"
        raise DeclarationError(msg)
    if interval_s <= 0 or (timeout_s is not None and timeout_s <= 0):
        msg = f"check {name!r}: interval_s and timeout_s are seconds above 0"
        raise DeclarationError(msg)
    try:
        return CheckSpec(name, function, interval_s, timeout_s or interval_s, Severity(severity))
    except ValueError:
        msg = f'check {name!r}: severity is "note", "ticket" or "page", not {severity!r}'
        raise DeclarationError(msg) from None


class Checks:
    """Runs the checks of one instance on its loop and remembers their last results."""

    def __init__(self, specs: list[CheckSpec]) -> None:
        self._specs = specs
        self._results: dict[str, Check] = {}
        self._tasks: list[asyncio.Task[None]] = []
        plain = [spec for spec in specs if not inspect.iscoroutinefunction(spec.function)]
        self._threads = Threads(len(plain), "h2o-check")

    def start(self) -> None:
        """Run each check now, and then at its interval."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._repeat(spec), name=f"check {spec.name}") for spec in self._specs]

    async def stop(self) -> None:
        """Stop them, and wait until they have."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def results(self) -> list[Check]:
        """The last result of each check that has one, in order of declaration."""
        return [self._results[spec.name] for spec in self._specs if spec.name in self._results]

    async def _repeat(self, spec: CheckSpec) -> None:
        while True:
            started_ns = monotonic_ns()
            await self._once(spec)
            took_s = (monotonic_ns() - started_ns) / _NS
            await asyncio.sleep(max(spec.interval_s - took_s, 0.01))

    async def _once(self, spec: CheckSpec) -> None:
        """One round; it ends when the function returns, but its failure to do so is known at the time-out."""
        running = asyncio.ensure_future(self._run(spec))
        try:
            done, _ = await asyncio.wait({running}, timeout=spec.timeout_s)
            if not done:
                self._note(spec, Check.Status.FAIL, f"has not returned for {spec.timeout_s:g} s")
                if inspect.iscoroutinefunction(spec.function):
                    running.cancel()
                await asyncio.wait({running})
                return  # its late result says nothing of now; the time-out stands until the next round
        except asyncio.CancelledError:
            running.cancel()
            raise
        self._judge(spec, running)

    async def _run(self, spec: CheckSpec) -> object:
        if inspect.iscoroutinefunction(spec.function):
            return await spec.function()
        loop = asyncio.get_running_loop()
        returned: asyncio.Future[object] = loop.create_future()
        self._threads.submit(partial(_call, spec.function, returned, loop))
        return await returned

    def _judge(self, spec: CheckSpec, ended: asyncio.Future[object]) -> None:
        if ended.cancelled():
            self._note(spec, Check.Status.FAIL, "CancelledError left the check")
            return
        error = ended.exception()
        if isinstance(error, CheckWarning):
            self._note(spec, Check.Status.WARN, str(error))
        elif error is not None:
            self._note(spec, Check.Status.FAIL, f"{type(error).__name__}: {error}")
        else:
            reading = ended.result()
            self._note(spec, Check.Status.PASS, "", reading if isinstance(reading, Reading) else None)

    def _note(self, spec: CheckSpec, status: Check.Status, output: str, reading: Reading | None = None) -> None:
        text = reading.output if reading else output
        self._results[spec.name] = Check(
            name=spec.name,
            status=status,
            severity=_SEVERITIES[spec.severity],
            output=text.encode(errors="replace").decode()[:MAX_OUTPUT_CHARS],
            observed=reading.observed if reading else 0,
            unit=reading.unit if reading else "",
            time_s=unix_s(),
        )


def _call(function: Callable[[], Any], returned: asyncio.Future[object], loop: asyncio.AbstractEventLoop) -> None:
    """In a thread: run the check, and hand what came of it to the loop."""

    def settle(result: object, error: BaseException | None) -> None:
        if returned.done():
            return
        if error is None:
            returned.set_result(result)
        else:
            returned.set_exception(error)

    result: object = None
    failure: BaseException | None = None
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - whatever it raises is the check's verdict
        failure = error if not isinstance(error, StopIteration) else RuntimeError("StopIteration left the check")
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle, result, failure)
