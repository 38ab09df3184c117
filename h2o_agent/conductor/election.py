"""One agent's part in the election of the conductor: a table of states, events in, instructions out. Pure.

ZooKeeper's recipe: each candidate has one ephemeral sequential node and watches the one before it, and here its own,
which somebody may remove; the lowest conducts.
A lower one than one's own can't appear any more, so whoever has once seen that its node is the lowest conducts for as
long as that node is there: each of its transactions checks just that.

Every connection begins with a look at all candidates, since the answer to one's own creation may have been lost, and
a node that is left over from this session would stand before all others and never conduct. What the register answers
carries the serial number of the instruction that asked: an answer to an earlier one is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_core.election import candidates_of, is_of

if TYPE_CHECKING:
    from h2o_core.election import Candidate


class State(StrEnum):
    """Where a candidate is."""

    AWAY = "away"
    """There is no session to stand with, or nobody can say whether it still is."""
    LOOKING = "looking"
    """It has asked who the candidates are."""
    STANDING = "standing"
    """Its node is being made."""
    WAITING = "waiting"
    """For the one before it to go."""
    LEADING = "leading"
    LEAVING = "leaving"
    """Its node is being removed."""
    OUT = "out"
    """It does not stand, on purpose: its host is drained or leaves."""


class Event(StrEnum):
    """What can happen to a candidate."""

    CONNECTED = "connected"
    LOST = "lost"
    FIRST = "first"
    BEHIND = "behind"
    ABSENT = "absent"
    SURPLUS = "surplus"
    """It looked, and has a node that it does not want."""
    CLEAR = "clear"
    """It looked, and has none, which is as it should be."""
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    WITHDRAW = "withdraw"
    RETURN = "return"


_ANYWHERE: Final = {Event.CONNECTED: State.LOOKING, Event.LOST: State.AWAY}
TABLE: Final[Mapping[tuple[State, Event], State]] = {
    **{(state, event): to for state in State for event, to in _ANYWHERE.items()},
    (State.AWAY, Event.WITHDRAW): State.AWAY,
    (State.AWAY, Event.RETURN): State.AWAY,
    (State.LOOKING, Event.FIRST): State.LEADING,
    (State.LOOKING, Event.BEHIND): State.WAITING,
    (State.LOOKING, Event.ABSENT): State.STANDING,
    (State.LOOKING, Event.SURPLUS): State.LEAVING,
    (State.LOOKING, Event.CLEAR): State.OUT,
    (State.LOOKING, Event.FAILED): State.LOOKING,
    (State.LOOKING, Event.WITHDRAW): State.LOOKING,
    (State.LOOKING, Event.RETURN): State.LOOKING,
    (State.STANDING, Event.DONE): State.LOOKING,
    (State.STANDING, Event.FAILED): State.LOOKING,
    (State.STANDING, Event.WITHDRAW): State.STANDING,
    (State.STANDING, Event.RETURN): State.STANDING,
    (State.WAITING, Event.GONE): State.LOOKING,
    (State.WAITING, Event.WITHDRAW): State.LEAVING,
    (State.WAITING, Event.RETURN): State.WAITING,
    (State.LEADING, Event.GONE): State.LOOKING,
    (State.LEADING, Event.WITHDRAW): State.LEAVING,
    (State.LEADING, Event.RETURN): State.LEADING,
    (State.LEAVING, Event.DONE): State.LOOKING,
    (State.LEAVING, Event.FAILED): State.LOOKING,
    (State.LEAVING, Event.WITHDRAW): State.LEAVING,
    (State.LEAVING, Event.RETURN): State.LEAVING,
    (State.OUT, Event.RETURN): State.LOOKING,
    (State.OUT, Event.WITHDRAW): State.OUT,
}


@dataclass(frozen=True, slots=True)
class Look:
    """List the candidates, after a pause when the last try of anything failed; answer with `looked` or `failed`."""

    serial: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Stand:
    """Make a node of this session; answer with `done`, or `failed` also when nobody knows whether it was made."""

    serial: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove these nodes, which may be gone already; answer with `done` or `failed`."""

    serial: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Tell with `gone` when this node is not there or goes; the end of the connection ends the watch."""

    name: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Conduct, as this candidate, until told to yield."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Yield:
    """Do nothing more as conductor: another may lead, or be about to."""


Instruction: TypeAlias = Look | Stand | Remove | Watch | Lead | Yield


class InvalidTransition(Exception):
    """An event that the table does not have for this state; the sentence carries what led there."""

    def __init__(self, state: State, event: Event, story: Iterable[tuple[Event, State]]) -> None:
        history = ", ".join(f"{what} → {to}" for what, to in story)
        super().__init__(f"{event} in state {state}; before: {history or 'nothing'}")


class Election:
    """A candidate. Each method takes one event and returns what is to be done, in order."""

    def __init__(self, *, stands: bool = True) -> None:
        """*stands*: it wants to conduct, as soon as it can."""
        self.state = State.AWAY
        self.own: Candidate | None = None
        """Its node, as seen last; only while it waits or leads."""
        self._stands = stands
        self._session = 0
        self._serial = 0
        self._watched: frozenset[str] = frozenset()
        self._story: deque[tuple[Event, State]] = deque(maxlen=12)

    @property
    def leading(self) -> bool:
        """It conducts, as far as it knows."""
        return self.state is State.LEADING

    # ------------------------------------------------------------------ events

    def connected(self, session: int) -> list[Instruction]:
        """There is a connection with this session, new or the same as before."""
        self._session = session
        return self._step(Event.CONNECTED)

    def lost(self) -> list[Instruction]:
        """The register does not answer: the session may be over, and another one conduct."""
        return self._step(Event.LOST)

    def looked(self, serial: int, names: Iterable[str]) -> list[Instruction]:
        """The candidates' nodes. What is left over of one's own beside the first of them goes."""
        if serial != self._serial or self.state is not State.LOOKING:
            return []
        candidates = candidates_of(names)
        own = [one for one in candidates if is_of(one, self._session)]
        if not self._stands:
            return self._step(Event.SURPLUS if own else Event.CLEAR, names=tuple(one.name for one in own))
        if not own:
            return self._step(Event.ABSENT)
        surplus = [Remove(0, tuple(one.name for one in own[1:]))] if own[1:] else []
        place = candidates.index(own[0])
        before = candidates[place - 1].name if place else own[0].name
        self.own, self._watched = own[0], frozenset({own[0].name, before})
        return [*surplus, *self._step(Event.BEHIND if place else Event.FIRST)]

    def done(self, serial: int) -> list[Instruction]:
        """The node is made, or removed."""
        asked = {State.STANDING, State.LEAVING}
        return self._step(Event.DONE) if serial == self._serial and self.state in asked else []

    def failed(self, serial: int) -> list[Instruction]:
        """The register refused, or did not answer; the connection may be the same still."""
        asked = {State.LOOKING, State.STANDING, State.LEAVING}
        return self._step(Event.FAILED) if serial == self._serial and self.state in asked else []

    def gone(self, name: str) -> list[Instruction]:
        """A node that was watched is not there."""
        return self._step(Event.GONE) if name in self._watched else []

    def withdraw(self) -> list[Instruction]:
        """Stand no more, and let another conduct at once."""
        self._stands = False
        names = () if self.own is None else (self.own.name,)
        return self._step(Event.WITHDRAW, names=names)

    def rejoin(self) -> list[Instruction]:
        """Stand again, behind all others."""
        self._stands = True
        return self._step(Event.RETURN)

    # ------------------------------------------------------------------ the table

    def _step(self, event: Event, *, names: tuple[str, ...] = ()) -> list[Instruction]:
        before = self.state
        to = TABLE.get((before, event))
        if to is None:
            raise InvalidTransition(before, event, self._story)
        self.state = to
        self._story.append((event, to))
        if to is before and event not in {Event.CONNECTED, Event.FAILED}:
            return []
        yields: list[Instruction] = [Yield()] if before is State.LEADING else []
        return yields + self._entered(event, names)

    def _entered(self, event: Event, names: tuple[str, ...]) -> list[Instruction]:
        if self.state not in {State.WAITING, State.LEADING}:
            self.own, self._watched = None, frozenset()
            self._serial += 1
        match self.state:
            case State.LOOKING:
                return [Look(self._serial, paused=event is Event.FAILED)]
            case State.STANDING:
                return [Stand(self._serial)]
            case State.LEAVING:
                return [Remove(self._serial, names)]
            case State.WAITING:
                return self._watches()
            case State.LEADING:
                assert self.own is not None
                return [Lead(self.own), *self._watches()]
            case State.AWAY | State.OUT:
                return []

    def _watches(self) -> list[Instruction]:
        return [Watch(name) for name in sorted(self._watched)]
