"""A process that asks its host's broker, as the SDK does: one outcome a question, whatever becomes of the broker."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    PING,
    PONG,
    REQUEST,
    Frame,
    decode,
    encode,
)
from h2o_core.errors import Code, Executed
from tests.simulation.agenda import MS
from tests.simulation.fleet import TYPES
from tests.simulation.witness import LATEST_NS, require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.agenda import Agenda
    from tests.simulation.script import Task
    from tests.simulation.streams import End, Stream
    from tests.simulation.witness import Asked, Witness

PATIENCE_NS = 250 * MS
"""How long a question waits for a broker to be there (h2o_core.io.line)."""
SEEK_NS = 30 * MS


class Door(Protocol):
    """A broker, to the processes of its host."""

    def accept(self, process: End) -> Stream:
        """A process connects."""
        ...


class World(Protocol):
    """What a process knows of the world."""

    seed: int
    agenda: Agenda
    witness: Witness
    late: int

    @property
    def brokers(self) -> Mapping[str, Door]:
        """By host, those that live."""
        ...

    def serial(self) -> int:
        """A number that was not used before."""
        ...


class Question:
    """Asked and not ended yet. `sent`: a broker was given it."""

    __slots__ = ("asked", "done", "frame", "sent")

    def __init__(self, asked: Asked, frame: bytes, done: Callable[[Code], None]) -> None:
        self.asked = asked
        self.frame = frame
        self.done = done
        self.sent = False


class Process:
    """A client; `Instance` is one that also serves."""

    def __init__(self, world: World, host: str, name: str) -> None:
        self.world = world
        self.host = host
        self.name = name
        self.lives = True
        self.stream: Stream | None = None
        self.questions: dict[int, Question] = {}
        self.answered: set[int] = set()
        """What the broker behind this stream has answered: it may do so once."""
        self.given_up: dict[int, Asked] = {}
        """Ended by the SDK itself; what the broker says of them is looked at all the same."""
        self._last = 0
        self.dice = Random(f"{world.seed}/{name}/{world.serial()}")
        self.seek()

    # ------------------------------------------------------------------ its broker

    def seek(self) -> None:
        """Find a broker, now or soon."""
        if not self.lives or self.stream is not None:
            return
        broker = self.world.brokers.get(self.host)
        if broker is None:
            self.world.agenda.after(SEEK_NS + self.dice.randrange(SEEK_NS), self.seek)
            return
        self.stream = broker.accept(self)
        self.answered.clear()
        self.found()
        for correlation, question in list(self.questions.items()):
            if not question.sent:
                self._send(correlation, question)

    def found(self) -> None:
        """A broker is there."""

    def lost(self) -> None:
        """It is gone."""

    def heard(self, stream: Stream, frame: bytes, sent_ns: int) -> None:
        """The broker says something."""
        if stream is not self.stream or not self.lives:
            return
        parsed = decode(frame)
        if parsed.type == ANSWER:
            self._answer(parsed)
        elif parsed.type == PING:
            stream.up(encode(PONG, payload=bytes(8) + parsed.payload[8:]))
        else:
            self.told(parsed, sent_ns)

    def told(self, frame: Frame, sent_ns: int) -> None:
        """A frame that is no answer."""
        del sent_ns
        require(frame.type != REQUEST, f"{self.name}, who is no instance, got a request")

    def over(self, stream: Stream) -> None:
        """The broker is gone: what it was given and has not answered is unknown."""
        if stream is not self.stream:
            return
        self.stream = None
        self.given_up.clear()
        for correlation, question in list(self.questions.items()):
            if question.sent:
                self._end(correlation, Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
        self.lost()
        self.seek()

    # ------------------------------------------------------------------ questions

    def ask(
        self,
        task: Task,
        parent: Asked | None,
        deadline_ns: int,
        done: Callable[[Code], None],
        *,
        fields: bytes = b"",
    ) -> int:
        """Call a feature; *done(code)* at its one end. Returns its correlation."""
        now = self.world.agenda.now
        asked = self.world.witness.asks(task, now, deadline_ns, parent)
        self._last += 1
        correlation = self._last
        frame = encode(
            REQUEST,
            correlation=correlation,
            types=TYPES,
            name=task.feature.encode(),
            fields=fields,
            payload=str(asked.uid).encode(),
        )
        question = self.questions[correlation] = Question(asked, frame, done)
        self.world.witness.tell(asked, now, f"asked by {self.name} on {self.host}")
        self.world.agenda.at(deadline_ns + LATEST_NS, self._too_late, correlation)
        if self.stream is not None:
            self._send(correlation, question)
        else:
            self.world.agenda.after(PATIENCE_NS, self._nobody_there, correlation)
        return correlation

    def _send(self, correlation: int, question: Question) -> None:
        """With the time that is left now."""
        assert self.stream is not None
        remaining_ms = (question.asked.deadline_ns - self.world.agenda.now) // MS
        if remaining_ms <= 0:
            self._end(correlation, Code.TIMEOUT, Executed.NO)
            return
        question.sent = True
        self.stream.up(question.frame[:8] + remaining_ms.to_bytes(4, "big") + question.frame[12:])

    def abandon(self, correlation: int) -> None:
        """The answer is not wanted any more: the broker is told."""
        question = self.questions.get(correlation)
        if question is not None:
            self.given_up[correlation] = question.asked
            self._end(correlation, Code.CANCELLED, Executed.UNKNOWN)
            self._cancel(correlation)

    def _cancel(self, correlation: int) -> None:
        if self.stream is not None:
            self.stream.up(encode(CANCEL, correlation=correlation))

    def _nobody_there(self, correlation: int) -> None:
        question = self.questions.get(correlation)
        if question is not None and not question.sent:
            self._end(correlation, Code.UNAVAILABLE, Executed.NO)

    def _too_late(self, correlation: int) -> None:
        question = self.questions.get(correlation)
        if question is None:
            return
        self.world.late += question.sent
        self.given_up[correlation] = question.asked
        self._end(correlation, Code.TIMEOUT, Executed.UNKNOWN if question.sent else Executed.NO)
        self._cancel(correlation)

    def _answer(self, frame: Frame) -> None:
        require(frame.correlation not in self.answered, f"{self.name} got a second answer to {frame.correlation}")
        self.answered.add(frame.correlation)
        if frame.correlation in self.questions:
            self._end(frame.correlation, Code(frame.code), frame.executed)
        elif (given_up := self.given_up.pop(frame.correlation, None)) is not None:
            self.world.witness.hears(given_up, frame.executed)

    def _end(self, correlation: int, code: Code, executed: Executed) -> None:
        question = self.questions.pop(correlation)
        self.world.witness.ends(question.asked, code, executed, self.world.agenda.now)
        question.done(code)

    def die(self) -> None:
        """The process is gone; its questions end with it, and nobody is told."""
        self.lives = False
        for correlation in list(self.questions):
            question = self.questions.pop(correlation)
            self.world.witness.ends(question.asked, Code.OUTCOME_UNKNOWN, Executed.UNKNOWN, self.world.agenda.now)
        if self.stream is not None:
            self.stream.process_ends()
            self.stream = None
