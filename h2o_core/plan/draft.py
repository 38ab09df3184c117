"""What a planner makes of an intent: the edits and what is said of them, before effect and guards are known. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_core.documents import InvalidDocument
from h2o_core.plan.plan import CannotPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_core.audit import Edit
    from h2o_core.verdicts import Guard

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """As in `plan.Plan`; `name` is what somebody types who forces it, `guards` are those that only the intent knows."""

    edits: tuple[Edit, ...]
    sentence: str
    command: str
    undo: str
    name: str
    remarks: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    until_s: float = 0.0
    undo_of: str = ""


def encoded(encode: Callable[[], bytes]) -> bytes:
    """A document's bytes; raises CannotPlan for what can't stand in one (a reason of two lines, 17 versions)."""
    try:
        return encode()
    except InvalidDocument as error:
        raise CannotPlan(error.sentence) from None


def later(at_s: float, now_s: float, flag: str) -> None:
    """Raises CannotPlan for a time (Unix; 0: none) that is not to come."""
    if at_s and at_s <= now_s:
        msg = f"{flag} is {now_s - at_s:,.0f} s in the past"
        raise CannotPlan(msg, f"say how long from now: {flag} 4h")


def no_match(typed: str, what: str, known: Iterable[str], hint: str) -> CannotPlan:
    """There is no such *what*; those that there are are named."""
    names = sorted(known)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    there = f"; there are {', '.join(names[:_MOST_NAMED])}{more}" if names else "; there is none"
    return CannotPlan(f"there is no {what} {typed!a:.80}{there}", hint, CannotPlan.Kind.NO_MATCH)
