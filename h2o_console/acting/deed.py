"""One change at a plan's dialog, from the wish to the register: which keys mean what, and when they mean nothing. Pure.

What somebody agrees to is the plan that they have seen: a key that was pressed before that plan had been on the screen
for 300 ms was not meant for it, however late it is looked at, and is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from h2o_core.plan.plan import Ask

if TYPE_CHECKING:
    from h2o_console.acting.request import Request
    from h2o_core.plan.plan import Plan

UNSEEN_S: Final = 0.3
_LONGEST_NAME: Final = 500


class Phase(Enum):
    """Where it stands."""

    PREPARING = "preparing"
    SHOWN = "shown"
    WRITING = "writing"
    FAILED = "failed"
    OVER = "over"


class Asks(Enum):
    """What the person is asked for, as much as the plan does."""

    NOTHING = "nothing"
    """There is no plan, or nothing to decide in it."""
    ARM = "arm"
    ENTER = "enter"
    YES = "yes"
    NAME = "name"


_AGREES: Final = {Asks.YES: "y", Asks.ENTER: "enter"}


class Do(Enum):
    """What a key asks for."""

    NOTHING = "nothing"
    THROWN_AWAY = "thrown away"
    LEAVE = "leave"
    ARM = "arm"
    EXECUTE = "execute"
    EDIT = "edit"
    AGAIN = "again"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is to be carried out: this plan, for this request. `force`: the name was typed against a guard."""

    request: Request
    plan: Plan
    force: bool


class Deed:
    """Asked for by *request*. What is of an earlier plan (`number`), or picture of it (`look`), means nothing.

    `meanwhile`: why it was planned again, in a sentence. `why`, `hint`: what failed, and what to type.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.phase = Phase.PREPARING
        self.number = 1
        self.look = 1
        self.plan: Plan | None = None
        self.agreed: Agreed | None = None
        self.meanwhile = ""
        self.why = ""
        self.hint = ""
        self.typed = ""
        self.may_over = False
        self._seen_s: float | None = None
        self._armed = False

    @property
    def asks(self) -> Asks:
        """What is asked for now."""
        plan = self.plan
        if self.phase is not Phase.SHOWN or plan is None or not plan.edits:
            return Asks.NOTHING
        if not self._armed:
            return Asks.ARM
        if plan.refused or plan.friction.ask is Ask.NAME:
            return Asks.NAME
        return Asks.YES if plan.friction.ask is Ask.YES or self.request.whose else Asks.ENTER

    # what comes

    def came(self, number: int, plan: Plan) -> bool:
        """The plan was made; False when it is not the one that is waited for."""
        if number != self.number or self.phase is not Phase.PREPARING:
            return False
        self.phase, self.plan = Phase.SHOWN, plan
        self._unseen()
        return True

    def failed(self, number: int, why: str, hint: str, *, may_over: bool = False) -> bool:
        """It could not be planned, or not be written. *may_over*: what `Request.over` asks for would help."""
        if number != self.number or self.phase not in {Phase.PREPARING, Phase.WRITING}:
            return False
        self.phase, self.why, self.hint, self.plan = Phase.FAILED, why, hint, None
        self.may_over = may_over and self.request.over is not None
        self._unseen()
        return True

    def stale(self, number: int, meanwhile: str) -> bool:
        """It would not do the same any more, and nothing was written: it is to be planned again, and shown again."""
        if number != self.number or self.phase is not Phase.WRITING:
            return False
        self._again(meanwhile)
        return True

    def written(self, number: int) -> bool:
        """It is in the register."""
        if number != self.number or self.phase is not Phase.WRITING:
            return False
        self.phase = Phase.OVER
        return True

    def painted(self, look: int, now_s: float) -> None:
        """That look of it is on the screen since *now_s*, by the clock of `press`."""
        if look == self.look and self._seen_s is None:
            self._seen_s = now_s

    def armed(self, armed: bool) -> None:  # noqa: FBT001 - its only argument
        """May something be changed? When that changes another question is asked, which is to be seen first."""
        if armed != self._armed:
            self._armed = armed
            if self.phase is Phase.SHOWN:
                self._unseen()

    def asked_otherwise(self, request: Request) -> None:
        """It was typed anew."""
        self.request = request
        self._again("")

    # what is pressed

    def press(self, key: str, character: str, at_s: float) -> Do:
        """A key that was pressed at *at_s*, whenever it is looked at; *character* is "" for what can't be printed.

        Leaving is always meant: it harms nothing.
        """
        if key == "escape":
            return Do.LEAVE
        unseen = self._seen_s is None or at_s < self._seen_s + UNSEEN_S
        if unseen or self.phase not in {Phase.SHOWN, Phase.FAILED}:
            return Do.THROWN_AWAY
        if key == "tab" and self.request.form is not None:
            return Do.EDIT
        if self.phase is Phase.FAILED:
            return self._after_failure(key)
        return self._name(key, character) if self.asks is Asks.NAME else self._answer(key)

    def _answer(self, key: str) -> Do:
        if key == _AGREES.get(self.asks):
            return self._execute()
        if key == "a" and self.asks is Asks.ARM:
            return Do.ARM
        return Do.LEAVE if key == "q" or (key == "enter" and self.asks is Asks.NOTHING) else Do.NOTHING

    def _after_failure(self, key: str) -> Do:
        if key == "r":
            self._again("")
            return Do.AGAIN
        if key == "o" and self.may_over and self.request.over is not None:
            self.request = self.request.over
            self._again("")
            return Do.OVER
        return Do.LEAVE if key in {"enter", "q"} else Do.NOTHING

    def _name(self, key: str, character: str) -> Do:
        assert self.plan is not None, "a name is asked for a plan alone"
        if key == "enter":
            return self._execute() if self.typed.strip() == self.plan.friction.name else Do.NOTHING
        if key == "backspace":
            self.typed = self.typed[:-1]
        elif character.isprintable() and len(self.typed) < _LONGEST_NAME:
            self.typed += character
        return Do.NOTHING

    def _execute(self) -> Do:
        assert self.plan is not None, "only a plan is carried out"
        self.agreed = Agreed(self.request, self.plan, force=bool(self.plan.refused))
        self.phase = Phase.WRITING
        return Do.EXECUTE

    def _again(self, meanwhile: str) -> None:
        self.number += 1
        self.phase, self.plan, self.agreed, self.meanwhile = Phase.PREPARING, None, None, meanwhile
        self.why, self.hint, self.may_over = "", "", False
        self._unseen()

    def _unseen(self) -> None:
        """Something else is to be looked at: what was typed until now was for what stood there before."""
        self.look += 1
        self._seen_s, self.typed = None, ""
