"""Changes from the console, and how they begin: by the menu, a form, an undo, a note of a finding.

What is meant is frozen at the key press, as resources' keys; rows may be sorted and go as they like. How one goes on
is in `deeds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from h2o_console.acting.choices import Choice, choices
from h2o_console.acting.request import undo_request
from h2o_console.commands.executor import Executor
from h2o_console.commands.failures import explained
from h2o_console.rows.cells import Tone
from h2o_console.tui.acting.arm import Arm
from h2o_console.tui.acting.deeds import Deeds
from h2o_console.tui.acting.menu import Menu
from h2o_console.tui.acting.offer import Offer
from h2o_console.tui.acting.stage import Stage
from h2o_console.tui.acting.typing import Typed
from h2o_core.times import clock

if TYPE_CHECKING:
    from h2o_console.acting.arming import Changing
    from h2o_console.acting.choices import Known, Meant
    from h2o_console.acting.request import Form, Request
    from h2o_console.tui.acting.background import Background
    from h2o_console.tui.acting.dialog import Dialog
    from h2o_console.tui.session import Session
    from h2o_core.audit import Entry
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Note, Says
    from h2o_core.io.changes import Applied


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
        self._say = say
        self._executor = (session.executor or Executor)(changing, session.clock)
        self._stage = Stage(show)
        self._deeds = Deeds(session, changing, self._executor, background, self._stage, say, copy)

    # what is seen of it beside the dialog

    @property
    def line(self) -> str:
        """For the status line: what is being written or watched, "" when nothing is."""
        return "a change is being written" if self._deeds.writing else self._deeds.watching.line

    @property
    def writing(self) -> bool:
        """Whether it is in the register is not known yet."""
        return self._deeds.writing

    @property
    def stands(self) -> tuple[Applied, ...]:
        """Written, and not known to be applied by all."""
        return self._deeds.watching.stands

    def tick(self) -> None:
        """Several times a second: arming lapses, the dialog is brought up to date."""
        self._deeds.tick()

    # how it begins

    def menu(self, meant: Meant, known: Known, more: Sequence[Offer]) -> None:
        """What can be done with *meant*; *more*: what the screen itself offers."""
        if self._deeds.busy():
            return
        taken = {one.letter for one in more}
        offers = [self._offer(one) for one in choices(meant, known) if one.letter not in taken]
        name = f"{meant.name}: what is to be done?"
        self._stage.turn(Menu(name, [*more, *offers], meant.besides, self._deeds.close))

    def _offer(self, choice: Choice) -> Offer:
        if not choice.forms:
            return Offer(choice.letter, choice.does, None, choice.why)
        if choice.asks:
            return Offer(choice.letter, choice.does, lambda: self._fill(choice.forms[0]))
        return Offer(choice.letter, choice.does, lambda: self._begin(choice.forms))

    def _begin(self, forms: Sequence[Form]) -> None:
        self.act(*(form.filled(self._session.wall()) for form in forms))

    def _fill(self, form: Form) -> None:
        self._stage.turn(Typed(form, self._session.wall, self.act, self._deeds.close))

    def act(self, *requests: Request) -> None:
        """Show the plan of each, one after the other."""
        if self._deeds.busy():
            return
        self._deeds.begin(requests)

    def undo(self, entry: Entry) -> None:
        """Take *entry* back."""
        now_s = self._session.wall()
        self.act(undo_request(entry, self._changing.actor, f"{clock(entry.at_s, now_s)} UTC"))

    def undo_own(self, others: Iterable[Entry]) -> bool:
        """Take one's own last fresh change back; False when there is none. *others*: what the journal holds besides."""
        entry = self._deeds.own.to_take_back(others, self._changing.actor, self._session.wall())
        if entry is not None:
            self.undo(entry)
        return entry is not None

    def when_armed(self, what: str, then: Callable[[], None]) -> None:
        """Do *then* at once when armed; else offer to arm for *what* first."""
        if self._changing.armed(self._session.clock()):
            self._deeds.close()
            then()
        elif not self._deeds.busy():
            self._stage.turn(Arm(what, lambda: self._armed(then), self._deeds.close))

    def _armed(self, then: Callable[[], None]) -> None:
        self._changing.arm(self._session.clock())
        self._deeds.close()
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
        self._deeds.then_leave(leave)
