"""A process that is a package: its loop, its signals, its exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from h2o_core.context import NoContext
from h2o_core.errors import H2OError
from h2o_core.io.logs import configure, own_resource
from h2o_core.io.loops import new_event_loop
from h2o_service.errors import DeclarationError
from h2o_service.runner import HookFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

_log = logging.getLogger("h2o.package")

EXIT_HOOK_FAILED: Final = 1
EXIT_MISCONFIGURED: Final = 2
EXIT_REFUSED: Final = 3


def run(package: str, version: str, serve: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], None]) -> None:
    """Run *serve* to its end; SIGTERM and SIGINT call *stop*. Raises SystemExit unless all went well."""
    title = f"{package} {version}"
    configure(own_resource(package, version))
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_main(serve, stop))
    except (DeclarationError, NoContext) as error:
        _exit(title, str(error), EXIT_MISCONFIGURED)
    except HookFailed as error:
        _log.error("start hook %s failed", error, exc_info=error.__cause__)
        _exit(title, f"start hook {error} failed: {error.__cause__!r}", EXIT_HOOK_FAILED)
    except H2OError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        _exit(title, f"the broker refused the registration: {error.message}{hint}", EXIT_REFUSED)


def settle() -> None:
    """What exists now lives as long as the process: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


async def _main(serve: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, _exit_at_once)
        loop.call_soon_threadsafe(stop)

    # not loop.add_signal_handler: a handler that holds the loop would hold these too
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    await serve()


def _exit_at_once(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _exit(title: str, sentence: str, code: int) -> None:
    sys.stderr.write(f"{title}: {sentence}\n")
    raise SystemExit(code)
