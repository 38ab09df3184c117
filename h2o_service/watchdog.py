"""Finds the handler that holds the event loop, while it does so: a thread that looks at the loop's stack.

A held loop answers no PING; its broker stops choosing the instance, and callers see TIMEOUT. Nothing on the
loop itself could tell why.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Final

from h2o_core.io import link
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.pb.registration_pb2 import Check

_log = logging.getLogger("h2o.package")

HELD_NS: Final = 250_000_000
_BEAT_S: Final = 0.1
REMEMBERED_S: Final = 30
_NS: Final = 1_000_000_000


class Watchdog:
    """Watches the loop of the thread that makes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ident = get_ident()
        self._beaten_ns = monotonic_ns()
        self._stopped = Event()
        self._handle: asyncio.TimerHandle | None = None
        self._warning = ""
        self._warned_s = 0.0
        self._thread = Thread(target=self._watch, name="h2o-watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stopped.set()
        if self._handle is not None:
            self._handle.cancel()
        if self._thread.is_alive():
            self._thread.join(1)

    def check(self) -> Check:
        """The built-in check `event_loop`: WARN for a while after the loop was held."""
        now_s = unix_s()
        recent = self._warning if now_s - self._warned_s < REMEMBERED_S else ""
        status = Check.Status.WARN if recent else Check.Status.PASS
        return Check(name="event_loop", status=status, severity=Check.Severity.TICKET, output=recent, time_s=now_s)

    def _beat(self) -> None:
        self._beaten_ns = monotonic_ns()
        self._handle = self._loop.call_later(_BEAT_S, self._beat)

    def _watch(self) -> None:
        reported_ns = 0
        while not self._stopped.wait(_BEAT_S):
            beaten_ns = self._beaten_ns
            held_ns = monotonic_ns() - beaten_ns
            if held_ns > HELD_NS and beaten_ns != reported_ns:
                reported_ns = beaten_ns  # once for each time it is held
                self._report(held_ns)

    def _report(self, held_ns: int) -> None:
        frame = sys._current_frames().get(self._ident)  # noqa: SLF001 - the documented way to see another thread
        if frame is None:
            return
        culprit = _culprit(traceback.extract_stack(frame))
        if not culprit:
            return  # the whole process stood still, or the machine is too busy: nobody to blame in here
        self._warning = f"the event loop was held for {held_ns / _NS:.1f} s {culprit}"
        self._warned_s = unix_s()
        _log.warning("%s; await there, or make the handler a plain `def`, which runs in a thread", self._warning)


def _culprit(stack: traceback.StackSummary) -> str:
    """The handler (or hook, or task) and the line it stands at; "" when the loop itself is all there is."""
    called = [at + 1 for at, each in enumerate(stack) if _is_loop(each)]
    author = stack[called[-1] :] if called else stack
    if not author:
        return ""
    innermost = author[-1]
    return f"in {author[0].name} at {innermost.filename}:{innermost.lineno} ({innermost.line})"


def _is_loop(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(_LOOP) or frame.filename.endswith("selectors.py")


_LOOP: Final = (str(Path(asyncio.__file__).parent), str(Path(__file__).parent), str(Path(link.__file__).parent))
"""Where the frames of the loop, of this package and of its link come from: nobody to blame for holding it."""
