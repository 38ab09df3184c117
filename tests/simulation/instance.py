"""An instance as the SDK makes it: registers with each broker that it finds, and runs handlers in its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from h2o_core.baggage import with_assignment
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    LEAVE,
    LEFT,
    REGISTER,
    REGISTERED,
    RELEASED,
    REQUEST,
    REQUEST_ASSIGNED,
    TAG_ASSIGNMENT,
    Frame,
    decode_fields,
    encode,
    encode_fields,
)
from h2o_core.errors import Code, Executed
from h2o_core.manifests import manifest_from_package_version
from h2o_core.pb.registration_pb2 import Register, Registered
from h2o_service.slots import Admission, Slots
from tests.simulation.agenda import MS, US
from tests.simulation.fleet import MANIFESTS
from tests.simulation.process import SEEK_NS, Process, World
from tests.simulation.witness import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.fleet import ProcessSpec
    from tests.simulation.streams import Stream
    from tests.simulation.witness import Asked

SLOWER = 10


class Agents(World, Protocol):
    """The world, with the agents that look after instances."""

    def crash(self, instance: Instance) -> None:
        """Its process has died of itself."""

    def gone(self, instance: Instance) -> None:
        """It has left in order."""


class Job:
    """A request that was given to an instance, until its handler has returned."""

    __slots__ = ("asked", "cancelled", "child", "correlation", "deadline_ns", "fields", "known", "over", "rest")

    def __init__(self, asked: Asked, correlation: int, deadline_ns: int, fields: bytes) -> None:
        self.asked = asked
        self.correlation = correlation
        self.deadline_ns = deadline_ns
        self.cancelled = False
        self.known = True
        """The broker that sent it is there, and waits for its answer or release."""
        self.over = False
        self.fields = fields
        """What its calls carry on."""
        self.rest = list(asked.task.children)
        self.child = 0
        """Correlation of the call that it waits for."""


class Instance(Process):
    """Of one package at one version."""

    def __init__(self, world: Agents, host: str, name: str, spec: ProcessSpec) -> None:
        self.agents = world
        self.spec = spec
        self.slots: Slots[Job] = Slots(spec.slots)
        self.jobs: dict[int, Job] = {}
        """Of the broker that is there now."""
        self.id = ""
        self.fails = self.slow = self.hung = self.leaving = False
        self._backlog: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        super().__init__(world, host, name)

    # ------------------------------------------------------------------ its broker

    def seek(self) -> None:
        """One that hangs looks for nobody."""
        if self.hung:
            self.world.agenda.after(SEEK_NS, self.seek)
        else:
            super().seek()

    def found(self) -> None:
        """Register with it."""
        assert self.stream is not None
        register = Register(
            manifest=manifest_from_package_version(MANIFESTS[self.spec.package, self.spec.version]),
            slots=self.spec.slots,
            pid=1,
        )
        self._last += 1
        self.stream.up(encode(REGISTER, correlation=self._last, payload=register.SerializeToString()))

    def lost(self) -> None:
        """What waits is dropped; what runs may run until its deadline, and nobody wants to hear of it."""
        self.id = ""
        jobs, self.jobs = self.jobs, {}
        for job in jobs.values():
            job.known, job.cancelled = False, True
            if not self.slots.withdraw(job):
                self._later(max(0, job.deadline_ns - self.world.agenda.now), self._stop, job)
        if self.leaving:
            self.agents.gone(self)

    def told(self, frame: Frame, sent_ns: int) -> None:
        """A request, or what becomes of one."""
        if frame.type == REQUEST:
            self._requested(frame, sent_ns)
        elif frame.type == CANCEL:
            job = self.jobs.get(frame.correlation)
            if job is not None:
                self._cancelled(job)
        elif frame.type == REGISTERED:
            self.id = Registered.FromString(frame.payload).instance
            if self.leaving:
                self.leave()
        elif frame.type == LEFT:
            require(not self.jobs, f"{self.name} may go, and has requests")
            self.agents.gone(self)

    def leave(self) -> None:
        """Take nothing new, finish, go."""
        self.leaving = True
        if self.stream is not None and self.id:
            self.stream.up(encode(LEAVE))

    # ------------------------------------------------------------------ handlers

    def _requested(self, frame: Frame, sent_ns: int) -> None:
        world, now = self.world, self.world.agenda.now
        asked = world.witness.of(frame.payload)
        asked.under_way_ns += now - sent_ns
        require(frame.correlation not in self.jobs, f"{self.name} got a correlation twice")
        require(
            len(self.jobs) < self.spec.slots, f"{self.name} got more requests than it has slots ({self.spec.slots})"
        )
        require(not self.leaving or bool(self.id), f"{self.name} got a request after it had left")
        job = Job(asked, frame.correlation, now + frame.remaining_ms * MS, self._carried_on(frame))
        admission = self.slots.arrive(job)
        if admission is Admission.REFUSE:
            self._say(encode(ANSWER, flags=Executed.NO, code=Code.OVERLOADED, correlation=job.correlation))
            return
        self.jobs[job.correlation] = job
        if admission is Admission.START:
            self._start(job)

    def _carried_on(self, frame: Frame) -> bytes:
        """Key and priority as they came; to the chosen versions its own is added, if weights or rules chose it."""
        if not frame.flags & REQUEST_ASSIGNED:
            return frame.fields
        fields = decode_fields(frame.fields)
        fields[TAG_ASSIGNMENT] = with_assignment(fields.get(TAG_ASSIGNMENT, b""), self.spec.package, self.spec.version)
        return encode_fields(fields)

    def _start(self, job: Job) -> None:
        asked = job.asked
        self.world.witness.starts(asked, f"{self.name} {self.id} on {self.host}", self.world.agenda.now)
        if asked.task.crash:
            self.agents.crash(self)
            return
        if self.fails:
            self._later(100 * US, self._finish, job, Code.INTERNAL)
            return
        work_ns = asked.task.work_ms * MS * (SLOWER if self.slow else 1)
        self._later(work_ns + self.dice.randrange(100 * US), self._go_on, job)

    def _go_on(self, job: Job) -> None:
        """Work is done: call what there is to call, and end."""
        if job.over:
            return
        now = self.world.agenda.now
        if not job.rest or job.cancelled:
            self._finish(job, job.asked.task.ending)
            return
        task = job.rest.pop(0)
        deadline_ns = min(now + task.timeout_ms * MS, job.deadline_ns)
        if deadline_ns <= now:
            self._finish(job, Code.INTERNAL)
            return
        job.child = self.ask(
            task, job.asked, deadline_ns, lambda _: self._later(0, self._go_on, job), fields=job.fields
        )

    def _cancelled(self, job: Job) -> None:
        job.cancelled = True
        if self.slots.withdraw(job):
            del self.jobs[job.correlation]
            job.over = True
            self._say(encode(RELEASED, correlation=job.correlation))
        elif not job.asked.task.plain:
            self._stop(job)

    def _stop(self, job: Job) -> None:
        if not job.over and not job.asked.task.plain:
            child, job.rest = job.child, []
            self._finish(job, Code.CANCELLED)
            self.abandon(child)

    def _finish(self, job: Job, code: Code) -> None:
        """The handler has returned: answer, and start who waits."""
        if job.over or not self.lives:
            return
        job.over = True
        if self.jobs.get(job.correlation) is job:
            del self.jobs[job.correlation]
            if job.cancelled:
                self._say(encode(RELEASED, correlation=job.correlation))
            else:
                self._say(encode(ANSWER, flags=Executed.YES, code=code, correlation=job.correlation))
        following = self.slots.leave()
        while following is not None and self.world.agenda.now >= following.deadline_ns:
            self.jobs.pop(following.correlation, None)
            following.over = True
            self._say(encode(ANSWER, flags=Executed.NO, code=Code.TIMEOUT, correlation=following.correlation))
            following = self.slots.leave()
        if following is not None:
            self._start(following)

    def _say(self, frame: bytes) -> None:
        if self.stream is not None:
            self.stream.up(frame)

    # ------------------------------------------------------------------ trouble

    def _later(self, ns: int, call: Callable[..., None], *arguments: object) -> None:
        self.world.agenda.after(ns, self._due, call, arguments)

    def _due(self, call: Callable[..., None], arguments: tuple[object, ...]) -> None:
        if self.hung:
            self._backlog.append((call, arguments))
        elif self.lives:
            call(*arguments)

    def hang(self) -> None:
        """Do nothing, read nothing."""
        self.hung = True
        if self.stream is not None:
            self.stream.reads = False

    def recover(self) -> None:
        """Whatever was wrong is over; what hung goes on where it was."""
        self.fails = self.slow = False
        if not self.hung:
            return
        self.hung = False
        backlog, self._backlog = self._backlog, []
        for call, arguments in backlog:
            self._due(call, arguments)
        stream: Stream | None = self.stream
        if stream is not None and self.lives:
            stream.read_again()
