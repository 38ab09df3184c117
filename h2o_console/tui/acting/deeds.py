"""Changes, one after the other: each is planned, shown, agreed to, written and watched.

What is agreed to is the very plan that is on the screen. Everything that blocks runs in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from h2o_console.acting.deed import Deed, Do, Phase
from h2o_console.acting.own import Own
from h2o_console.commands.failures import explained
from h2o_console.rows.cells import Tone
from h2o_console.tui.acting.planned import Planned
from h2o_console.tui.acting.typing import Typed
from h2o_console.tui.acting.watching import Watching
from h2o_core.io.changes import StaleChange
from h2o_core.plan.plan import CannotPlan

if TYPE_CHECKING:
    from h2o_console.acting.arming import Changing
    from h2o_console.acting.request import Request
    from h2o_console.commands.carrying import Prepared
    from h2o_console.commands.executor import Executor
    from h2o_console.tui.acting.background import Background
    from h2o_console.tui.acting.stage import Stage
    from h2o_console.tui.acting.watching import Say
    from h2o_console.tui.session import Session
    from h2o_core.io.changes import Applied


class Deeds:
    """Of one console. *say* puts a sentence into the status line, *copy* a text away."""

    def __init__(
        self,
        session: Session,
        changing: Changing,
        executor: Executor,
        background: Background,
        stage: Stage,
        say: Say,
        copy: Callable[[str], None],
    ) -> None:
        self._session = session
        self._changing = changing
        self._executor = executor
        self._background = background
        self._stage = stage
        self._say = say
        self._copy = copy
        self.watching = Watching(executor, background, say)
        self.own = Own()
        self._deed: Deed | None = None
        self._prepared: Prepared | None = None
        self._left: list[Request] = []
        self._count = 0
        self._leaving: Callable[[], None] | None = None

    @property
    def writing(self) -> bool:
        """Whether it is in the register is not known yet."""
        return self._deed is not None and self._deed.phase is Phase.WRITING

    def busy(self) -> bool:
        """As `writing`, and says so to whoever wants to begin something else."""
        if self.writing:
            self._say("one moment: a change is being written, and what came of it is worth knowing", Tone.WARN)
        return self.writing

    def tick(self) -> None:
        """Several times a second: arming lapses, the dialog is brought up to date."""
        self._changing.plan_open = self._deed is not None
        armed = self._changing.armed(self._session.clock())
        if self._deed is not None:
            self._deed.armed(armed)
        self._stage.bring_up()

    def begin(self, requests: Sequence[Request]) -> None:
        """Show the plan of each, one after the other."""
        self._left, self._count = list(requests), len(requests)
        self._next()

    def close(self) -> None:
        """Leave whatever is shown, without a decision."""
        self._deed = None
        self._prepared = None
        self._changing.plan_open = False
        self._stage.dismiss()

    def then_leave(self, leave: Callable[[], None]) -> None:
        """Call *leave* once what is being written is written, or not."""
        self._leaving = leave
        self._stage.dismiss()
        self._say("one moment: it is being written, and whether it was is worth knowing", Tone.WARN)

    def _next(self) -> None:
        if not self._left:
            self.close()
            return
        self._prepare(Deed(self._left.pop(0)))

    def _prepare(self, deed: Deed) -> None:
        deed.armed(self._changing.armed(self._session.clock()))
        if deed is not self._deed or not isinstance(self._stage.page, Planned):
            at = self._count - len(self._left)
            of = f"{at} of {self._count}" if self._count > 1 else ""
            self._deed = deed
            self._stage.turn(Planned(deed, of, lambda do: self._do(deed, do), self._copy))
        self._changing.plan_open = True
        request, number = deed.request, deed.number

        def came(prepared: Prepared) -> None:
            if deed.came(number, prepared.plan):
                self._prepared = prepared
                if isinstance(page := self._stage.page, Planned):
                    page.silent = prepared.observed.silent
                self.tick()

        def failed(error: Exception) -> None:
            over = isinstance(error, CannotPlan)
            if deed.failed(number, *explained(error), may_over=over):
                self.tick()

        self._background.run("plan", lambda: self._executor.prepare(request), came, failed)

    def _do(self, deed: Deed, do: Do) -> None:
        match do:
            case Do.LEAVE:
                self._leave(deed)
            case Do.ARM:
                self._changing.arm(self._session.clock())
                self.tick()
            case Do.EXECUTE:
                self._execute(deed)
            case Do.EDIT:
                self._edit(deed)
            case Do.AGAIN | Do.OVER:
                self._prepare(deed)
            case Do.NOTHING | Do.THROWN_AWAY:
                pass

    def _edit(self, deed: Deed) -> None:
        form = deed.request.form
        if form is None:
            return
        wall = self._session.wall
        self._stage.turn(Typed(form, wall, lambda request: self._edited(deed, request), lambda: self._back(deed)))

    def _edited(self, deed: Deed, request: Request) -> None:
        deed.asked_otherwise(request)
        self._prepare(deed)

    def _back(self, deed: Deed) -> None:
        """The form was left: the plan is made anew, since the old one was not on the screen meanwhile."""
        deed.asked_otherwise(deed.request)
        self._prepare(deed)

    def _execute(self, deed: Deed) -> None:
        prepared, agreed, number = self._prepared, deed.agreed, deed.number
        if prepared is None or agreed is None or agreed.plan is not prepared.plan:
            msg = "what was agreed to is not what was shown"
            raise AssertionError(msg)

        def execute() -> Applied:
            return self._executor.execute(agreed.request, prepared, force=agreed.force)

        def done(applied: Applied) -> None:
            deed.written(number)
            self._written(deed, prepared, applied)

        def failed(error: Exception) -> None:
            self._failed(deed, number, error)

        self._background.run("write", execute, done, failed)

    def _written(self, deed: Deed, prepared: Prepared, applied: Applied) -> None:
        if applied.change_id:
            plan = applied.plan or prepared.plan
            author = self._changing.author(deed.request.reason)
            at_s = self._session.wall()
            self.own.add(applied, plan, author, at_s)
            self._say(f"change {applied.change_id[:8]} is epoch {applied.epoch}; u takes it back", Tone.GOOD)
            self.watching.begin(prepared, applied)
        else:
            self._say("nothing was written: all of it stands there already", Tone.NOTE)
        self._deed = None
        if self._leaving is not None:
            self._leaving()
        else:
            self._next()

    def _failed(self, deed: Deed, number: int, error: Exception) -> None:
        sentence, hint = explained(error)
        if self._stage.page is None or self._leaving is not None:
            self._deed = None
            self._say(f"the change failed: {sentence}", Tone.BAD)
            if self._leaving is not None:
                self._leaving()
        elif isinstance(error, StaleChange):
            if deed.stale(number, sentence):
                self._prepare(deed)
        elif deed.failed(number, sentence, hint):
            self.tick()

    def _leave(self, deed: Deed) -> None:
        """Without a decision; what is being written goes on, and is told in the status line."""
        left, self._left = len(self._left), []
        if deed.phase is Phase.WRITING:
            self._say("it is being written, and goes on; what came of it is told here", Tone.WARN)
            self._stage.dismiss()
            return
        if self._count > 1:
            done = self._count - left - 1
            self._say(f"{done} of {self._count} were decided, the others were left", Tone.NOTE)
        self.close()
