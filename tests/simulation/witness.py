"""Sees every call from its question to its end, and what was executed for it; says when something can't be true."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

from h2o_core.errors import Code, Executed
from tests.simulation.agenda import MS
from tests.simulation.fleet import IDEMPOTENT

if TYPE_CHECKING:
    from tests.simulation.script import Task

LATEST_NS = 50 * MS
"""The SDK ends a call that much after its deadline."""


class Violated(AssertionError):
    """A property does not hold."""


def require(holds: bool, what: str) -> None:
    """Raises Violated unless it *holds*."""
    if not holds:
        raise Violated(what)


class Asked:
    """A call that was made. Its name on the wire is its payload."""

    __slots__ = (
        "asked_ns",
        "code",
        "deadline_ns",
        "doubled",
        "elsewhere",
        "ended_ns",
        "executed",
        "parent",
        "started",
        "story",
        "task",
        "told_not",
        "uid",
        "under_way_ns",
    )

    def __init__(self, uid: int, task: Task, asked_ns: int, deadline_ns: int, parent: Asked | None) -> None:
        self.uid = uid
        self.task = task
        self.asked_ns = asked_ns
        self.deadline_ns = deadline_ns
        self.parent = parent
        self.started: list[tuple[int, str]] = []
        """When, and by whom, a handler was started for it."""
        self.under_way_ns = 0
        """How long its frames were on wires and in kernels: what no broker can know of."""
        self.doubled = False
        """A hostile network has delivered a frame of it twice."""
        self.ended_ns = 0
        self.code = Code.OK
        self.executed = Executed.UNKNOWN
        self.elsewhere = False
        """When it was tried again, another host than the one where it failed had instances that could take it."""
        self.told_not = False
        """Somebody was told that it was not executed."""
        self.story: list[str] = []


class Witness:
    """All calls of a run."""

    def __init__(self, *, tells: bool) -> None:
        self.calls: list[Asked] = []
        self.outcomes: Counter[str] = Counter()
        self.tells = tells
        """Keep each call's story: what a failure is printed with."""
        self._digest = blake2b(digest_size=8)

    def asks(self, task: Task, now: int, deadline_ns: int, parent: Asked | None) -> Asked:
        """A call begins."""
        asked = Asked(len(self.calls), task, now, deadline_ns, parent)
        self.calls.append(asked)
        return asked

    def of(self, payload: bytes) -> Asked:
        """The call that a frame belongs to."""
        return self.calls[int(payload)]

    def starts(self, asked: Asked, who: str, now: int) -> None:
        """A handler is entered for it."""
        self.tell(asked, now, f"started by {who}")
        asked.started.append((now, who))
        if now > asked.deadline_ns + asked.under_way_ns:
            self.complain(asked, f"a handler started {(now - asked.deadline_ns) / MS:.3f} ms after its deadline")
        most = 2 if IDEMPOTENT[asked.task.feature] else 1
        if len(asked.started) > most and not asked.doubled:
            self.complain(asked, f"it was executed {len(asked.started)} times")
        if asked.elsewhere and not asked.doubled and who in {name for _, name in asked.started[:-1]}:
            self.complain(asked, "it was tried again by the same instance, and there are others")
        if asked.told_not and not asked.doubled:
            self.complain(asked, "it was executed after it was told not to have been")
        if asked.parent is not None and asked.deadline_ns > asked.parent.deadline_ns + asked.parent.under_way_ns:
            self.complain(asked, "it may take longer than the call that it is made for")

    def ends(self, asked: Asked, code: Code, executed: Executed, now: int) -> None:
        """Its caller has got the one answer."""
        self.tell(asked, now, f"ended: {code.name}, executed {executed.name}")
        if asked.ended_ns:
            self.complain(asked, "it ended twice")
        asked.ended_ns, asked.code, asked.executed = now, code, executed
        asked.told_not = executed is Executed.NO
        self.outcomes[code.name] += 1
        self._digest.update(f"{asked.uid} {code} {executed} {now};".encode())
        if executed is Executed.NO and asked.started and not asked.doubled:
            self.complain(asked, f"it is told not to have been executed, and was, by {asked.started[0][1]}")
        if executed is Executed.YES and not asked.started:
            self.complain(asked, "it is told to have been executed, and was not")
        if now > asked.deadline_ns + LATEST_NS:
            self.complain(asked, f"it ended {(now - asked.deadline_ns) / MS:.3f} ms after its deadline")

    def hears(self, asked: Asked, executed: Executed) -> None:
        """What its broker says of a call that its caller has given up."""
        if executed is Executed.NO:
            asked.told_not = True
            if asked.started and not asked.doubled:
                self.complain(asked, f"its broker says that it was not executed, and it was, by {asked.started[0][1]}")

    def tell(self, asked: Asked, now: int, what: str) -> None:
        """A line of its story."""
        if self.tells:
            asked.story.append(f"{(now - asked.asked_ns) / MS:10.3f} ms  {what}")

    def complain(self, asked: Asked, what: str) -> None:
        """Raises Violated, with the call's story."""
        left_ms = (asked.deadline_ns - asked.asked_ns) / MS
        msg = f"call {asked.uid} of {asked.task.feature}, {left_ms:.0f} ms: {what}"
        raise Violated("\n  ".join((msg, *asked.story)))

    def all_ended(self) -> None:
        """At the end: nobody waits any more; raises Violated."""
        for asked in self.calls:
            if not asked.ended_ns:
                self.complain(asked, "it never ended")

    @property
    def fingerprint(self) -> str:
        """The same for two runs in which the same happened."""
        return self._digest.hexdigest()
