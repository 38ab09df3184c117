"""Executes requests: coroutines as tasks on the loop, plain functions in threads, never more than slots.

Whatever a handler does (raise, return nonsense, call sys.exit, block), the caller gets one clear answer and
the package lives on.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from h2o_core.envelope import ANSWER, HEADER_BYTES, MalformedFrame, encode, request_parts
from h2o_core.errors import Code, Executed
from h2o_core.io.ambient import AMBIENT
from h2o_core.io.clock import monotonic_ns
from h2o_core.names import shown
from h2o_core.pb.answer_pb2 import Failure
from h2o_service.job import Job
from h2o_service.slots import REFUSE, START, Slots
from h2o_service.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from h2o_service.feature import Feature

_log = logging.getLogger("h2o.package")

_MS_NS: Final = 1_000_000
_NS: Final = 1_000_000_000
_LOG_EVERY_NS: Final = _NS
_EAGER: Final[dict[str, Any]] = {"eager_start": True} if sys.version_info >= (3, 12) else {}
"""Where the interpreter can, a handler that never waits costs no turn of the loop."""


class Server:
    """The handlers of one instance at work. Belongs to one loop; only `_in_thread` runs elsewhere."""

    def __init__(self, features: Iterable[Feature], slots: int) -> None:
        self.slots: Slots[Job] = Slots(slots)
        self.at = "instance"
        """Who made an answer, for people: the instance's id once it has one."""
        self._features = {feature.name.encode(): feature for feature in features}
        self._jobs: dict[int, Job] = {}
        self._threads = Threads(slots, "h2o-handler")
        self._returned: deque[tuple[Job, bytes]] = deque()
        self._collecting = False
        self._logged: dict[tuple[str, str], int] = {}

    def open(self, post: Callable[[bytes], None]) -> None:
        """Bind to the running loop and to *post*, which sends a frame to the broker."""
        self._loop = asyncio.get_running_loop()
        self._post = post
        self._context = copy_context()
        self._new_task = partial(asyncio.Task, loop=self._loop, **_EAGER)

    # --- what the broker says ---------------------------------------------------------------------

    def requested(self, frame: bytes) -> None:
        """Start the handler that *frame* asks for, or say at once why not; raises MalformedFrame."""
        flags, correlation, remaining_ms, route_len, name_len, fields_len = request_parts(frame)
        name_at = HEADER_BYTES + route_len
        fields_at = name_at + name_len
        payload_at = fields_at + fields_len
        if payload_at > len(frame):
            msg = f"the header promises {payload_at} bytes before the payload, the frame has {len(frame)}"
            raise MalformedFrame(msg)
        feature = self._features.get(frame[name_at:fields_at])
        if feature is None:
            self._unknown_feature(correlation, frame[name_at:fields_at])
            return
        job = Job(
            feature,
            correlation,
            frame[fields_at:payload_at],
            frame[HEADER_BYTES:name_at],
            frame[payload_at:],
            monotonic_ns() + remaining_ms * _MS_NS,
            flags,
        )
        if not remaining_ms:
            self._post(job.failure(Code.TIMEOUT, Executed.NO, "its deadline had passed when it came", self.at))
            return
        slots = self.slots
        if feature.never_waits and slots.busy < slots.size:
            # over before anybody could want its slot, or cancel it
            self._post(self._run_through(job))
            return
        admission = slots.arrive(job)
        if admission is REFUSE:
            full = f"all slots are taken ({slots.size}), and as many requests wait"
            self._post(job.failure(Code.OVERLOADED, Executed.NO, full, self.at))
            return
        self._jobs[correlation] = job
        if admission is START:
            self._start(job)

    def cancelled(self, correlation: int) -> None:
        """Nobody waits for this request any more: stop it where that is possible."""
        job = self._jobs.get(correlation)
        if job is None:
            return
        job.cancelled = True
        if self.slots.withdraw(job):
            del self._jobs[correlation]
            self._post(job.released())
        else:
            self._stop(job)

    def abandoned(self) -> None:
        """The broker is gone and all its requests have ended for their callers.

        What waits is dropped; what runs keeps its slot, may run until its deadline, and is answered no more:
        the next broker gives the same correlations to other requests.
        """
        jobs, self._jobs = self._jobs, {}
        now_ns = monotonic_ns()
        for job in jobs.values():
            job.cancelled = True
            if not self.slots.withdraw(job):
                self._loop.call_later(max(job.deadline_ns - now_ns, 0) / _NS, self._stop, job)

    def _stop(self, job: Job) -> None:
        """Cancel a running coroutine; a thread can't be stopped."""
        if job.task is None or job.task.done():
            return
        job.task.cancel()
        if not job.started:  # its coroutine will never be entered, so nothing in it can say that it ended
            self._finish(job, b"")

    def _unknown_feature(self, correlation: int, name: bytes) -> None:
        text = f"this instance has no feature {shown(name.decode(errors='replace'))}"
        payload = Failure(message=text, at=self.at).SerializeToString()
        self._post(encode(ANSWER, flags=Executed.NO, code=Code.NOT_FOUND, correlation=correlation, payload=payload))

    # --- running ----------------------------------------------------------------------------------

    def _start(self, job: Job) -> None:
        """*job* has a slot: from here on `_finish` is called exactly once."""
        feature = job.declared
        if feature.never_waits:
            self._finish(job, self._run_through(job))
            return
        try:
            request = feature.request_type.FromString(job.payload)
        except DecodeError:
            self._finish(job, self._not_parsed(job))
            return
        if feature.plain:
            self._threads.submit(partial(self._in_thread, job, request))
        else:
            job.task = self._new_task(self._run(job, request), name=feature.name)

    def _not_parsed(self, job: Job) -> bytes:
        wrong = f"the payload is not a {job.declared.request_type.DESCRIPTOR.full_name}: its bytes don't parse"
        return job.failure(Code.BAD_REQUEST, Executed.NO, wrong, self.at)

    async def _run(self, job: Job, request: Message) -> None:
        job.started = True
        AMBIENT.set(job)
        try:
            reply = await job.declared.handler(request)
        except GeneratorExit:
            raise  # the interpreter is tearing the loop down
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises, its caller gets an answer
            frame = job.released() if job.cancelled else self._raised(job, error)
        else:
            frame, wrong = job.answer(reply, self.at)
            if wrong:
                self._complain(job, wrong)
        self._finish(job, frame)

    def _run_through(self, job: Job) -> bytes:
        """A coroutine that never waits: from its first line to its last, without a task and a turn of the loop."""
        try:
            request = job.declared.request_type.FromString(job.payload)
        except DecodeError:
            return self._not_parsed(job)
        return self._context.copy().run(self._in_context, job, request)

    def _in_context(self, job: Job, request: Message) -> bytes:
        AMBIENT.set(job)
        coroutine = job.declared.handler(request)
        try:
            coroutine.send(None)
            coroutine.close()
            msg = "the handler waits, although nothing in its code does"
            raise RuntimeError(msg)
        except StopIteration as returned:
            frame, wrong = job.answer(returned.value, self.at)
            if wrong:
                self._complain(job, wrong)
            return frame
        except BaseException as error:  # noqa: BLE001 - as in _run
            return self._raised(job, error)

    def _in_thread(self, job: Job, request: Message) -> None:
        """In a handler's thread: run it, make its answer, hand that over to the loop."""
        job.started = True
        context = self._context.copy()
        frame = context.run(self._run_plain, job, request)
        self._returned.append((job, frame))
        if not self._collecting:
            self._collecting = True
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                self._loop.call_soon_threadsafe(self._collect)

    def _run_plain(self, job: Job, request: Message) -> bytes:
        AMBIENT.set(job)
        try:
            reply = job.declared.handler(request)
        except BaseException as error:  # noqa: BLE001 - as in _run
            return self._raised(job, error)
        frame, wrong = job.answer(reply, self.at)
        if wrong:
            self._complain(job, wrong)
        return frame

    def _collect(self) -> None:
        self._collecting = False
        while self._returned:
            self._finish(*self._returned.popleft())

    def _finish(self, job: Job, frame: bytes) -> None:
        """The handler returned: answer, and give the slot to who waits for it."""
        if self._jobs.get(job.correlation) is job:
            del self._jobs[job.correlation]
            self._post(job.released() if job.cancelled else frame)
        following = self.slots.leave()
        while following is not None and monotonic_ns() >= following.deadline_ns:
            self._jobs.pop(following.correlation, None)
            late = "its deadline passed while it waited for a slot"
            self._post(following.failure(Code.TIMEOUT, Executed.NO, late, self.at))
            following = self.slots.leave()
        if following is not None:
            self._loop.call_soon(self._start, following)  # not from here: the next may end as quickly, and so on

    # --- saying what went wrong -------------------------------------------------------------------

    def _raised(self, job: Job, error: BaseException) -> bytes:
        frame = job.raised(error, self.at)
        if frame[3] != Code.APPLICATION:
            self._complain(job, type(error).__name__, error)
        return frame

    def _complain(self, job: Job, what: str, error: BaseException | None = None) -> None:
        """Log it, so that its request id is found; the traceback once a second for each feature and kind."""
        key = job.feature, what
        now_ns = monotonic_ns()
        fresh = now_ns - self._logged.get(key, -_LOG_EVERY_NS) >= _LOG_EVERY_NS
        if fresh:
            if len(self._logged) > 1000:
                self._logged.clear()
            self._logged[key] = now_ns
        _log.error(
            "%s failed: %s (request %s)", shown(job.feature), what, job.request_id, exc_info=error if fresh else None
        )
