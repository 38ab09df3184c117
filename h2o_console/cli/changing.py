"""How every command that decides something goes: plan, show, ask, apply, wait; Ctrl-C leaves what was decided."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from h2o_console.asking.register import NoRegister
from h2o_console.cli.agreeing import agree
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.plan_page import plan_document, plan_text
from h2o_console.cli.printing import Page, show
from h2o_console.cli.progress import Progress, progress, some
from h2o_console.cli.register import check_register
from h2o_console.cli.remarks import tell
from h2o_console.cli.remembered import remember_changes
from h2o_console.commands.author import author_of
from h2o_console.commands.carrying import Carrier
from h2o_console.commands.failures import FAILURES, explained
from h2o_console.feed.answers import SCHEMA
from h2o_core.io.changes import Refused, StaleChange
from h2o_core.io.context import NoContext
from h2o_core.plan.plan import CannotPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator

    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading
    from h2o_console.cli.output import Style
    from h2o_console.commands.applied import Everybody
    from h2o_console.commands.carrying import Prepared, Wish
    from h2o_core.io.changes import Applied

Result = TypeVar("Result")


class Afterwards(Protocol):
    """What is waited for once all brokers apply a change."""

    def __call__(self, carrier: Carrier, prepared: Prepared, shown: Progress) -> tuple[Exit, dict[str, Any]]:
        """The code that the command leaves with if all else went well, and what it adds to the JSON."""
        ...


class Change:
    """One change, from the wish to the last broker. *command*: how it is called, ``h2o drain``."""

    def __init__(self, command: str, told: Reading, how: How) -> None:
        """Raises CommandFailed when no ZooKeeper is meant."""
        self.context = told.context()
        check_register(self.context)
        self._told = told
        self._how = how
        self.author = author_of(command, how.reason)
        self.carrier = Carrier(self.context, self.author, told.timeout_s)

    def run(self, wish: Wish, *, afterwards: Afterwards | None = None, again: str = "", whose: str = "") -> Exit:
        """Raises CommandFailed when it is not applied.

        *again*: what shows how it stands, the same command without it. *whose*: said before it is asked.
        """
        prepared = failing(partial(self.carrier.prepare, wish))
        how, plan = self._how, prepared.plan
        if how.dry_run:
            self._show(prepared, dry_run=True)
            return Exit.REFUSED if plan.refused else Exit.OK
        asked = False
        if plan.edits:
            asked = agree(plan, prepared.observed.silent, how, self._told, whose=whose)
        with _uninterrupted() as interrupted:
            applied = failing(partial(self.carrier.execute, prepared, wish, force=how.force))
        stands = self._stands(applied, again or plan.command)
        if interrupted():
            return self._detached(stands)
        try:
            code, more = self._wait(prepared, applied, afterwards)
        except KeyboardInterrupt:
            return self._detached(stands)
        self._finish(prepared, applied, more, asked=asked)
        return code

    def _stands(self, applied: Applied, again: str) -> list[str]:
        """What somebody is told who goes away; *again* is what they type to see how it stands."""
        if not applied.change_id:
            return [f"nothing was changed by this command; look again: {again}"]
        remember_changes(self.context, [applied.change_id])
        undo = f"undo: h2o undo {applied.change_id[:8]}"
        return [f"change {applied.change_id} stands (epoch {applied.epoch}), and is being applied", again, undo]

    def _detached(self, stands: list[str]) -> Exit:
        sentence, *rest = stands
        tell(sentence, f"look again: {'; '.join(rest)}" if rest else "")
        return Exit.INTERRUPTED

    def _wait(self, prepared: Prepared, applied: Applied, afterwards: Afterwards | None) -> tuple[Exit, dict[str, Any]]:
        if not self._how.wait:
            if applied.change_id:
                tell(f"epoch {applied.epoch} is written; whether brokers apply it was not waited for")
            return Exit.OK, {}
        with progress() as shown:
            everybody = self.carrier.wait(
                prepared, applied, self._how.acknowledge, lambda count, late: shown.tell(_far(count, late, applied))
            )
            shown.clear()
            tell(everybody.sentence(applied.epoch), _acknowledge(everybody))
            code = Exit.PARTIAL if everybody.behind else Exit.OK
            more = _everybody(everybody)
            if afterwards is not None:
                last, added = afterwards(self.carrier, prepared, shown)
                code, more = code or last, more | added
        return code, more

    def _finish(self, prepared: Prepared, applied: Applied, more: dict[str, Any], *, asked: bool) -> None:
        said: dict[str, Any] = {"epoch": applied.epoch, "change_id": applied.change_id or None, **more}
        if applied.change_id:
            tell(f"change {applied.change_id} is epoch {applied.epoch}; undo: h2o undo {applied.change_id[:8]}")
        self._show(prepared, again=not asked, **said)

    def _show(self, prepared: Prepared, *, again: bool = True, dry_run: bool = False, **more: Any) -> None:
        """The plan; in a table not *again* when it was shown to be agreed to."""
        plan, silent = prepared.plan, prepared.observed.silent
        document = {
            "schema": SCHEMA,
            "fleet": self.context.fleet,
            "dry_run": dry_run,
            **plan_document(plan, silent),
            **more,
        }

        def text(style: Style) -> str:
            return plan_text(plan, silent, style) if again else ""

        change_id: str = more.get("change_id") or ""
        show(lambda: Page((), (), document, [change_id], text=text), self._told)


def _everybody(everybody: Everybody) -> dict[str, Any]:
    return {
        "brokers": everybody.hosts,
        "behind": dict(everybody.behind),
        "acknowledged": dict(everybody.acknowledged),
    }


def _acknowledge(everybody: Everybody) -> str:
    if not everybody.behind:
        return ""
    hosts = " ".join(f"--acknowledge {host}" for host in everybody.behind)
    return f"what is off for certain routes nothing; say that you know it: the same command with {hosts}"


def _far(count: int, late: Collection[str], applied: Applied) -> str:
    every = count + len(late)
    behind = f", {some(list(late))} behind" if late else ""
    return f"{count}/{every} brokers apply epoch {applied.epoch}{behind}"


def failing(work: Callable[[], Result]) -> Result:
    """What *work* returns; what can go wrong ends the command with its code, and says what to type."""
    try:
        return work()
    except FAILURES as error:
        sentence, hint = explained(error)
        stale = "look again, and decide again: the same with --dry-run" if isinstance(error, StaleChange) else ""
        raise CommandFailed(_code(error), sentence, hint or stale) from None


def _code(error: Exception) -> Exit:
    match error:
        case CannotPlan():
            return Exit.NO_MATCH if error.kind is CannotPlan.Kind.NO_MATCH else Exit.USAGE
        case NoRegister():
            return Exit.USAGE if error.misnamed else Exit.UNREACHABLE
        case Refused():
            return Exit.REFUSED
        case StaleChange():
            return Exit.STALE
        case NoContext():
            return Exit.USAGE
        case _:
            return Exit.FAILED


@contextmanager
def _uninterrupted() -> Generator[Callable[[], bool]]:
    """Ctrl-C while the block lasts is remembered: half a minute of not knowing is worse than a second of waiting."""
    came: list[int] = []

    def remember(number: int, _frame: object) -> None:
        came.append(number)
        tell("one moment: it is being written, and whether it was is worth knowing")

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)
