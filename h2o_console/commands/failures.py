"""What can go wrong with a change, in a sentence and what to type next."""

from __future__ import annotations

from typing import Final

from h2o_console.asking.register import NoRegister
from h2o_console.commands.carrying import NotApplied
from h2o_console.commands.executor import ReadOnly
from h2o_console.commands.mistake import Mistake
from h2o_core.documents import InvalidDocument
from h2o_core.io.changes import Refused, StaleChange
from h2o_core.io.context import NoContext
from h2o_core.plan.plan import CannotPlan

FAILURES: Final = (CannotPlan, Refused, StaleChange, InvalidDocument, NotApplied, NoContext, NoRegister, ReadOnly)
"""What `Planner`, `Carrier` and `Executor` raise."""


def explained(error: BaseException) -> tuple[str, str]:
    """(sentence, what to type next or "") of one of `FAILURES`; of another error, that it is the program's."""
    match error:
        case CannotPlan() | NoRegister() | Mistake():
            return error.sentence, error.hint
        case Refused():
            return str(error), f"look at it: {error.plan.command} --dry-run"
        case InvalidDocument():
            return str(
                error
            ), "brokers read in it what changes; write it anew by hand, with a number above its last one"
        case StaleChange() | NotApplied() | NoContext() | ReadOnly():
            return str(error), ""
        case _:
            return f"the program stumbled: {error!r}", ""
