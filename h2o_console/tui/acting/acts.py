"""Changes from the console: the menu, a form, the plan, the agreement, the register, and what came of it.

What is meant is frozen at the key press, as resources' keys; rows may be sorted and go as they like. Everything that
blocks runs in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from h2o_console.acting.choices import Choice, choices
from h2o_console.acting.deed import Deed, Do, Phase
from h2o_console.acting.request import undo_request
from h2o_console.commands.executor import Executor
from h2o_console.commands.failures import explained
from h2o_console.rows.cells import Tone
from h2o_console.tui.acting.arm import Arm
from h2o_console.tui.acting.dialog import Dialog
from h2o_console.tui.acting.menu import Menu
from h2o_console.tui.acting.offer import Offer
from h2o_console.tui.acting.planned import Planned
from h2o_console.tui.acting.typing import Typed
from h2o_console.tui.acting.watching import Watching
from h2o_core.audit import Entry
from h2o_core.io.changes import StaleChange
from h2o_core.plan.plan import CannotPlan
from h2o_core.times import clock

if TYPE_CHECKING:
    from h2o_console.acting.arming import Changing
    from h2o_console.acting.choices import Known, Meant
    from h2o_console.acting.request import Form, Request
    from h2o_console.commands.carrying import Prepared
    from h2o_console.tui.acting.background import Background
    from h2o_console.tui.acting.page import Page
    from h2o_console.tui.session import Session
    from h2o_core.audit import Author
    from h2o_core.insights.finding import Key
    from h2o_core.io.changes import Applied
    from h2o_core.notes import Note, Says
    from h2o_core.plan.plan import Plan

FRESH_S: Final = 900.0
"""One's own change is taken back by `u` for so long; later it is done in the journal."""


class Acts:
    """Of one console. *show* puts a dialog on the screen, *say* a sentence into the status line, *copy* a text away."""

    def __init__(
        self,
        session: Session,
        changing: Changing,
        background: Background,
        show: Callable[[Dialog], None],
        say: Callable[[str, Tone], None],
        copy: Callable[[str], None],
    ) -> None:
        self._session = session
        self._changing = changing
        self._background = background
        self._show = show
        self._say = say
        self._copy = copy
        self._executor = (session.executor or Executor)(changing, session.clock)
        self._watching = Watching(self._executor, background, say)
        self._dialog: Dialog | None = None
        self._deed: Deed | None = None
        self._prepared: Prepared | None = None
        self._left: list[Request] = []
        self._count = 0
        self._own: list[Entry] = []
        self._leaving: Callable[[], None] | None = None

    # what is seen of it beside the dialog

    @property
    def line(self) -> str:
        """For the status line: what is being written or watched, "" when nothing is."""
        deed = self._deed
        if deed is not None and deed.phase is Phase.WRITING:
            return "a change is being written"
        return self._watching.line

    @property
    def writing(self) -> bool:
        """Whether it is in the register is not known yet."""
        return self._deed is not None and self._deed.phase is Phase.WRITING

    @property
    def stands(self) -> tuple[Applied, ...]:
        """Written, and not known to be applied by all."""
        return self._watching.stands

    def tick(self) -> None:
        """Several times a second: arming lapses, the dialog is brought up to date."""
        self._changing.plan_open = self._deed is not None
        armed = self._changing.armed(self._session.clock())
        if self._deed is not None:
            self._deed.armed(armed)
        if self._dialog is not None:
            self._dialog.bring_up()

    # how it begins

    def menu(self, meant: Meant, known: Known, more: Sequence[Offer]) -> None:
        """What can be done with *meant*; *more*: what the screen itself offers."""
        if self._busy():
            return
        taken = {one.letter for one in more}
        offers = [self._offer(one) for one in choices(meant, known) if one.letter not in taken]
        name = f"{meant.name}: what is to be done?"
        self._turn(Menu(name, [*more, *offers], meant.besides, self._close))

    def _offer(self, choice: Choice) -> Offer:
        if not choice.forms:
            return Offer(choice.letter, choice.does, None, choice.why)
        if choice.asks:
            return Offer(choice.letter, choice.does, lambda: self._fill(choice.forms[0]))
        return Offer(choice.letter, choice.does, lambda: self._begin(choice.forms))

    def _begin(self, forms: Sequence[Form]) -> None:
        self.act(*(form.filled(self._session.wall()) for form in forms))

    def _fill(self, form: Form) -> None:
        self._turn(Typed(form, self._session.wall, self.act, self._close))

    def act(self, *requests: Request) -> None:
        """Show the plan of each, one after the other."""
        if self._busy():
            return
        self._left, self._count = list(requests), len(requests)
        self._next()

    def undo(self, entry: Entry) -> None:
        """Take *entry* back."""
        now_s = self._session.wall()
        self.act(undo_request(entry, self._changing.actor, f"{clock(entry.at_s, now_s)} UTC"))

    def undo_own(self, others: Iterable[Entry]) -> bool:
        """Take one's own last fresh change back; False when there is none. *others*: what the journal holds besides.

        An undo is no change to be undone: once more goes one further back.
        """
        now_s = self._session.wall()
        every = {one.change_id: one for one in (*self._own, *others) if one.author.actor == self._changing.actor}
        undone = {one.undo_of for one in every.values()}
        fresh = [one for one in every.values() if now_s - one.at_s < FRESH_S and not one.undo_of]
        stands = [one for one in fresh if one.change_id not in undone]
        if stands:
            self.undo(max(stands, key=lambda one: one.epoch))
        return bool(stands)

    def when_armed(self, what: str, then: Callable[[], None]) -> None:
        """Do *then* at once when armed; else offer to arm for *what* first."""
        if self._changing.armed(self._session.clock()):
            self._close()
            then()
        elif not self._busy():
            self._turn(Arm(what, lambda: self._armed(then), self._close))

    def _armed(self, then: Callable[[], None]) -> None:
        self._changing.arm(self._session.clock())
        self._close()
        then()

    def note(self, key: Key, says: Says, until_s: float, reason: str) -> None:
        """Say so of a finding, in the register, for everybody; *until_s* 0 takes it back."""

        def done(note: Note) -> None:
            until = f" until {clock(note.until_s, self._session.wall())} UTC" if note.until_s else ""
            said = f"{note.subject} is {says.value} by {note.owner}{until}" if until_s else f"{key.subject}: taken back"
            self._say(said, Tone.GOOD)

        def failed(error: Exception) -> None:
            self._say(f"not {says.value}: {explained(error)[0]}", Tone.BAD)

        def write() -> None:
            work = partial(self._executor.note, key, says, until_s, reason)
            self._background.run("note", work, done, failed)

        self.when_armed("say so of a finding", write)

    def then_leave(self, leave: Callable[[], None]) -> None:
        """Call *leave* once what is being written is written, or not."""
        self._leaving = leave
        self._dismiss()
        self._say("one moment: it is being written, and whether it was is worth knowing", Tone.WARN)

    def _busy(self) -> bool:
        if self.writing:
            self._say("one moment: a change is being written, and what came of it is worth knowing", Tone.WARN)
        return self.writing

    # one change

    def _next(self) -> None:
        if not self._left:
            self._close()
            return
        self._prepare(Deed(self._left.pop(0)))

    def _prepare(self, deed: Deed) -> None:
        deed.armed(self._changing.armed(self._session.clock()))
        if deed is not self._deed or self._dialog is None or not isinstance(self._dialog.page, Planned):
            at = self._count - len(self._left)
            of = f"{at} of {self._count}" if self._count > 1 else ""
            self._deed = deed
            self._turn(Planned(deed, of, lambda do: self._do(deed, do), self._copy))
        self._changing.plan_open = True
        request, number = deed.request, deed.number

        def came(prepared: Prepared) -> None:
            if deed.came(number, prepared.plan):
                self._prepared = prepared
                if self._dialog is not None and isinstance(self._dialog.page, Planned):
                    self._dialog.page.silent = prepared.observed.silent
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
        self._turn(Typed(form, wall, lambda request: self._edited(deed, request), lambda: self._back(deed)))

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
            self._own.append(_entry(applied, plan, author, at_s))
            self._say(f"change {applied.change_id[:8]} is epoch {applied.epoch}; u takes it back", Tone.GOOD)
            self._watching.begin(prepared, applied)
        else:
            self._say("nothing was written: all of it stands there already", Tone.NOTE)
        self._deed = None
        if self._leaving is not None:
            self._leaving()
        else:
            self._next()

    def _failed(self, deed: Deed, number: int, error: Exception) -> None:
        sentence, hint = explained(error)
        if self._dialog is None or self._leaving is not None:
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
            self._dismiss()
            return
        if self._count > 1:
            done = self._count - left - 1
            self._say(f"{done} of {self._count} were decided, the others were left", Tone.NOTE)
        self._close()

    # the dialog

    def _turn(self, page: Page) -> None:
        if self._dialog is not None:
            self._dialog.turn(page)
            return
        self._dialog = Dialog(page)
        self._show(self._dialog)

    def _close(self) -> None:
        self._deed = None
        self._prepared = None
        self._changing.plan_open = False
        self._dismiss()

    def _dismiss(self) -> None:
        if self._dialog is not None:
            dialog, self._dialog = self._dialog, None
            dialog.dismiss(None)


def _entry(applied: Applied, plan: Plan, author: Author, at_s: float) -> Entry:
    """As it stands in the audit, where it can't be read back yet."""
    sentence, undo_of = plan.sentence, plan.undo_of
    return Entry(applied.epoch, applied.change_id, at_s, author, plan.edits, sentence, undo_of=undo_of)
