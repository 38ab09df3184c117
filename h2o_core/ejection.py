"""When an instance is taken out and how it comes back: a table of states, evidence in, a verdict out. Pure.

Its destination broker keeps one `Standing` for each instance. Answers are evidence; who may go is decided with the
whole version in view (`health.may_eject`), so a standing only says that it deserves it. Out for 30 s × times
in a row (at most 300 s, ±10 %: a pool that fell together does not come back together), and back through one probe.
All times are monotonic nanoseconds; figures: TRAFFIC.md "Choosing an instance".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from h2o_core.health import Sign, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NS: Final = 1_000_000_000
SLOT_NS: Final = _NS
NO_PROBE: Final = -1
_HAIR: Final = 1e-9
"""Ten points are ten points, whatever floating point makes of 0.8 - 0.1."""


class State(StrEnum):
    """Where an instance stands."""

    IN = "in"
    OUT = "out"
    WAITING = "waiting"
    """Its time is over: the next request for it is the probe."""
    PROBING = "probing"
    """One request is at it, and decides."""


class Event(StrEnum):
    """What can happen to a standing."""

    EJECT = "eject"
    DUE = "due"
    PROBE = "probe"
    PASSED = "passed"
    FAILED = "failed"
    VOID = "void"
    """The probe ended in a way that says nothing of the instance: its caller cancelled it, or was at fault."""
    PARDON = "pardon"
    """More are out than may be, and it is not among those that stay out."""


TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (State.IN, Event.EJECT): State.OUT,
    (State.OUT, Event.DUE): State.WAITING,
    (State.OUT, Event.PARDON): State.IN,
    (State.WAITING, Event.PROBE): State.PROBING,
    (State.WAITING, Event.PARDON): State.IN,
    (State.PROBING, Event.PASSED): State.IN,
    (State.PROBING, Event.FAILED): State.OUT,
    (State.PROBING, Event.VOID): State.OUT,
    (State.PROBING, Event.PARDON): State.IN,
}

_VERDICTS: Final[Mapping[State, Verdict]] = {
    State.IN: Verdict.OK,
    State.OUT: Verdict.EJECTED,
    State.WAITING: Verdict.PROBING,
    State.PROBING: Verdict.EJECTED,  # nobody else is to try it until that one is back
}


class InvalidTransition(Exception):
    """An event that the table does not have for this state; the sentence carries what led there."""

    def __init__(self, standing: Standing, event: Event) -> None:
        history = ", ".join(f"{at / _NS:.3f} {what} → {to}" for at, what, to in standing.story)
        super().__init__(f"{event} in state {standing.state}; before: {history or 'nothing'}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is forgiven, and for how long it is not."""

    run: int = 5
    """Failures in a row that are too many."""
    least_share: float = 0.80
    """Below this share of successes, and…"""
    points_below: float = 0.10
    """…this much below the pool's median: what all of them suffer from is not the fault of one."""
    least_requests: int = 20
    window_slots: int = 10
    """Seconds that the share looks back."""
    first_s: float = 30.0
    most_s: float = 300.0
    spread: float = 0.10
    forgive_s: float = 60.0
    """One of the times in a row is forgotten for each such stay in the pool without another ejection."""
    void_s: float = 1.0
    """After a probe that told nothing; without a pause a caller that cancels everything would be a stream of probes."""


DEFAULT: Final = Policy()


class Standing:
    """One instance's evidence and state; only `handle` changes the state.

    On a request's path a success costs one addition: ``if code or standing.alert: standing.heed(…)``,
    ``else: standing.well += 1``.
    """

    __slots__ = (
        "_dice",
        "_ended",
        "_forgiven_ns",
        "_policy",
        "_slot_ns",
        "alert",
        "due_ns",
        "ill",
        "probe",
        "reason",
        "run",
        "since_ns",
        "state",
        "story",
        "times",
        "well",
    )

    def __init__(self, now_ns: int, dice: Callable[[], float], policy: Policy = DEFAULT) -> None:
        """*dice* returns [0, 1)."""
        self._policy = policy
        self._dice = dice
        self.state = State.IN
        self.since_ns = now_ns
        self.due_ns = 0
        """When its time is over; 0: it is not out."""
        self.times = 0
        """Ejections in a row."""
        self.run = 0
        """Failures in a row."""
        self.alert = False
        """A success is more than one more success: it ends a run, or it is not in."""
        self.well = 0
        self.ill = 0
        """In the slot that is not over yet."""
        self.probe = NO_PROBE
        """The request that decides, while there is one."""
        self.reason = ""
        """What it was ejected for last, for people; a probe that fails adds nothing to it."""
        self.story: deque[tuple[int, Event, State]] = deque(maxlen=16)
        self._ended: deque[tuple[int, int]] = deque(maxlen=policy.window_slots)
        self._slot_ns = now_ns
        self._forgiven_ns = now_ns

    # ------------------------------------------------------------------ evidence

    def heed(self, sign: Sign, request: int, now_ns: int) -> bool:
        """What came of *request*. True: so many failed in a row that it deserves to be ejected.

        While it is out only its probe counts: the rest was sent before, or because health is ignored.
        """
        if self.state is not State.IN:
            if self.state is State.PROBING and request == self.probe:
                self._probed(sign, now_ns)
            return False
        if sign is Sign.NOTHING:
            return False
        if sign is Sign.WELL:
            self.well += 1
            self.run = 0
        else:
            self.ill += 1
            if sign is Sign.ILL:
                self.run += 1
        self.alert = self.run > 0
        return self.run >= self._policy.run

    def _probed(self, sign: Sign, now_ns: int) -> None:
        if sign is Sign.WELL:
            self.handle(Event.PASSED, now_ns)
        elif sign is Sign.NOTHING:
            self.handle(Event.VOID, now_ns)
        else:
            self.handle(Event.FAILED, now_ns)

    @property
    def requests(self) -> int:
        """How many the share is made of."""
        return sum(well + ill for well, ill in self._ended)

    @property
    def share(self) -> float | None:
        """Successes of all that counted in the last ten whole seconds; None: too few to tell."""
        requests = self.requests
        if requests < self._policy.least_requests:
            return None
        return sum(well for well, _ in self._ended) / requests

    def is_poor(self) -> bool:
        """Its share is low enough for the pool's median to be asked."""
        share = self.share
        return self.state is State.IN and share is not None and share < self._policy.least_share

    def is_worse_than(self, pools_median: float) -> bool:
        """Low, and by that much lower than the others' that it deserves to be ejected."""
        share = self.share
        return self.is_poor() and share is not None and share <= pools_median - self._policy.points_below + _HAIR

    # ------------------------------------------------------------------ time

    def tick(self, now_ns: int) -> bool:
        """What time alone brings about. True: a second is over, and the share is another."""
        if self.due_ns and now_ns >= self.due_ns:
            self.handle(Event.DUE, now_ns)
        forgive_ns = round(self._policy.forgive_s * _NS)
        while self.times and self.state is State.IN and now_ns - self._forgiven_ns >= forgive_ns:
            self.times -= 1
            self._forgiven_ns += forgive_ns
        over = (now_ns - self._slot_ns) // SLOT_NS
        if over < 1:
            return False
        self._ended.append((self.well, self.ill))
        self._ended.extend([(0, 0)] * min(over - 1, self._policy.window_slots))
        self.well = self.ill = 0
        self._slot_ns += over * SLOT_NS
        return True

    # ------------------------------------------------------------------ state

    def handle(self, event: Event, now_ns: int, *, reason: str = "", request: int = NO_PROBE) -> None:
        """One event; raises InvalidTransition. *reason* of an EJECT, *request* of a PROBE."""
        after = TABLE.get((self.state, event))
        if after is None:
            raise InvalidTransition(self, event)
        self.story.append((now_ns, event, after))
        self.state = after
        self.since_ns = now_ns
        self.due_ns = 0
        self.probe = request
        if event is Event.PARDON:
            self.times -= 1
        if after is State.IN:
            self._start_afresh(now_ns)
        elif event is Event.VOID:
            self.due_ns = now_ns + round(self._policy.void_s * _NS)
        elif after is State.OUT:
            self.times += 1
            self.reason = reason or self.reason
            self.due_ns = now_ns + self._sentence_ns()
        self.alert = after is not State.IN

    def _start_afresh(self, now_ns: int) -> None:
        """What was seen before is not held against it a second time."""
        self._ended.clear()
        self.well = self.ill = self.run = 0
        self._slot_ns = self._forgiven_ns = now_ns

    def _sentence_ns(self) -> int:
        policy = self._policy
        whole_s = min(policy.most_s, policy.first_s * self.times)
        return round(whole_s * (1 + policy.spread * (2 * self._dice() - 1)) * _NS)

    @property
    def verdict(self) -> Verdict:
        """For the wire, as far as answers decide: CHECK_FAILING is what the instance says of itself."""
        return _VERDICTS[self.state]

    def run_text(self) -> str:
        """Why a run of failures ejects it."""
        return f"{self.run} requests in a row failed"

    def share_text(self, pools_median: float) -> str:
        """Why its share ejects it."""
        share = self.share if self.share is not None else 0.0
        return (
            f"{share:.0%} of {self.requests} requests in {self._policy.window_slots} s succeeded, "
            f"the pool's median is {pools_median:.0%}"
        )
