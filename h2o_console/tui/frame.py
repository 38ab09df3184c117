"""The frame around every screen: header, banner, the list, its foot, the status line, the line to type in.

One widget tree for all screens: going somewhere puts other lines into it, so the next key finds it ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.binding import BindingsMap
from textual.screen import Screen

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.headline import Place as Headed, banner, header_line, mode
from h2o_console.text import clip, pad, safe, width as cells_of
from h2o_console.tui.acting.background import Background
from h2o_console.tui.acting.meaning import chosen, known, meant, mends
from h2o_console.tui.commands.command import Group, bindings, key_shown
from h2o_console.tui.commands.registry import BY_ID, COMMANDS, Unknown, completions, hints, understand
from h2o_console.tui.commands.replay import played
from h2o_console.tui.copying import copy
from h2o_console.tui.pointing import on_crumbs, on_heads
from h2o_console.tui.screens.listing import list_of
from h2o_console.tui.screens.palette import Palette
from h2o_console.tui.screens.picker import Picker
from h2o_console.tui.screens.table import SCREENS
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList
from h2o_console.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Key, Resize

    from h2o_console.acting.request import Request
    from h2o_console.rows.places import Place
    from h2o_console.tui.acting.acts import Acts
    from h2o_console.tui.acting.dialog import Dialog
    from h2o_console.tui.commands.command import Command
    from h2o_console.tui.journey import Journey
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session
    from h2o_core.insights.finding import Key as FindingKey
    from h2o_core.insights.notes import Says
    from h2o_core.io.changes import Applied

_NOTICE_S = 5.0
_OUTCOME_S = 20.0
_ODD_S = 60.0
_RESTLESS_S = 2.0


class Frame(Screen[None], inherit_bindings=False):
    """Shows the screen of the place where the journey is; `flush` is called four times a second."""

    def __init__(
        self, session: Session, journey: Journey, wear: Callable[[str], None], remember: Callable[[], str]
    ) -> None:
        super().__init__()
        # Priority: a key is done before the next one is looked at, so what is typed fast goes where it belongs.
        self._bindings = BindingsMap(bindings(COMMANDS, session.keys, priority=True))
        self.session = session
        self.journey = journey
        self._wear = wear
        self._remember = remember
        self._seen = self._arrived()
        self._told = False
        self._began_s = self._touched_s = session.clock()
        self._fresh = True
        self._shape = -1
        self._jumps = 0 if session.replaying is None else session.replaying.jumps
        self._header = Block(id="header", frame=True)
        self._banner = Block(id="banner")
        self._heads = Block(id="heads")
        self._list = LineList(self._seen, id="list")
        self._foot = Block(id="foot", frame=True)
        self._status = Block(id="status", frame=True)
        self._choices = Block(id="choices", frame=True)
        self._prompt = Prompt(lambda typed: completions(typed, self), self._entered, self._cancelled)
        self._notice: tuple[Cell, float] | None = None
        self._acts: Acts | None = None

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield from (self._header, self._banner, self._heads, self._list, self._foot, self._status)
        yield from (self._choices, self._prompt)

    def on_mount(self) -> None:
        """The list has the keys."""
        self._put_lines()
        self._list.focus()
        wanted = self._seen.began.wanted
        if wanted.filter or wanted.problems:
            self.say("rows are left out as you left it the last time; esc shows all")

    def on_unmount(self) -> None:
        """Nothing is read for nobody."""
        self.session.tails.keep(())

    # the place on screen

    @property
    def seen(self) -> ConsoleScreen:
        """The screen that is seen."""
        return self._seen

    @property
    def list(self) -> LineList:
        """Its lines."""
        return self._list

    def _arrived(self) -> ConsoleScreen:
        place = self.journey.place
        return SCREENS[place.kind](self.session, place, self.journey.look)

    @property
    def idle_s(self) -> float:
        """How long nobody has done anything."""
        return self.session.clock() - self._touched_s

    @property
    def restless(self) -> bool:
        """More may have to be painted than what a second brings, although no row has changed."""
        return self._fresh or self.idle_s < _RESTLESS_S or list_of(self._seen) is None

    def renew(self) -> bool:
        """Bring the rows of a list up to now, unless frozen; True when one of them changed."""
        listed = list_of(self._seen)
        return listed is not None and self.session.frozen_at_s is None and listed.renew(self.session.clock())

    def _touch(self) -> None:
        self._touched_s = self.session.clock()
        self._seen.touched()

    def keep(self) -> None:
        """Remember how the screen that is seen looks."""
        self.journey.keep(self._seen.left(self._list.cursor, round(self._list.scroll_offset.y)), self._seen.place)

    def open(self, place: Place) -> None:
        """Go down to *place*."""
        self.journey.open(place)
        self.show()

    def show(self) -> None:
        """The journey went on: other lines, at once."""
        if self.journey.place != self._seen.place:
            self.keep()
            self.session.tails.keep(self.journey.trail)
            if (why := self._remember()) and not self._told:
                self._told = True
                self.say(f"this view can't be remembered for the next start: {why}", Tone.WARN)
            self._seen, self._fresh, self._shape = self._arrived(), True, -1
            self._put_lines()
        self.flush()

    def _put_lines(self) -> None:
        began = self._seen.began
        self._list.attach(self._seen, cursor=began.cursor, top=began.top, has_cursor=self._seen.has_cursor)

    def flush(self) -> None:
        """Bring everything up to date; nothing but ages moves while the picture is frozen."""
        if self._acts is not None:
            self._acts.tick()
        self._follow_leaps()
        size = (self.size.width, self.size.height)
        if not size[0]:
            return
        fresh = self.session.frozen_at_s is None or self._fresh or not self._seen.settled
        if fresh:
            self._seen.scrolled(self._list.visible_keys)
            self._seen.update(self.session.clock(), size, self._list.cursor)
            self._fresh = False
        self._show(at_end=fresh)

    def _follow_leaps(self) -> None:
        """What a screen has gathered until now is of no use after a leap in a recording."""
        playing = self.session.replaying
        if playing is not None and playing.jumps != self._jumps:
            self._jumps = playing.jumps
            self.keep()
            self._seen, self._fresh, self._shape = self._arrived(), True, -1
            self._put_lines()

    def _show(self, *, at_end: bool = False) -> None:
        """Paint what is known and looks different; a key that only moves the cursor needs no more.

        *at_end*: a list that is to stay at its end goes there; never for a key, which may have led away from it.
        """
        width, height = self.size
        if not width:
            return
        session, seen = self.session, self._seen
        if (listed := list_of(seen)) is not None:
            listed.lay_out(session.clock(), (width, height))
        if seen.shape != self._shape:
            self._shape = seen.shape
            self._list.forget()
        may, others = mode(session.changing, session.clock()), session.changes.others(session.me)
        headed = Headed(session.context, self._trail(), session.utc(), session.frozen_s, may, played(session), others)
        self._header.show([header_line(headed, session.fleet, seen.glyphs, width)])
        told = [cell for cell in (banner(session.fleet), self._mistakes()) if cell is not None]
        shown = [Line("", (Cell(pad(f" {cell.text}", width), cell.tone),)) for cell in told]
        self._banner.show(shown if height >= 10 else [])
        self._heads.show(seen.heads())
        self._list.show(seen.order, seen.empty())
        if at_end and seen.ends_at:
            self._list.end_at(seen.ends_at)
        self._foot.show(seen.foot(self._list.cursor))
        self._status.show([self._status_line(width)])
        seen.look_at(self._list.visible_keys)

    def _mistakes(self) -> Cell | None:
        """What is wrong in the person's own files, for the first minute; the help has all of it."""
        odd = list(self.session.odd)
        if not odd or self.session.clock() - self._began_s > _ODD_S:
            return None
        more = f"  (and {len(odd) - 1} more: ?)" if len(odd) > 1 else ""
        return Cell(f"{safe(odd[0], 200)}{more}", Tone.WARN)

    def _trail(self) -> tuple[str, ...]:
        above = tuple(place.crumb for place in self.journey.trail[:-1]) or self._seen.crumbs
        crumb = self._seen.crumb
        # What stands behind a resource's own screen begins with its name: once is enough.
        return (*(above[:-1] if above and crumb.startswith(f"{above[-1]} ") else above), crumb)

    # the status line

    def say(self, text: str, tone: Tone = Tone.NOTE) -> None:
        """Show a sentence in the status line for a while."""
        self._say(text, tone, _NOTICE_S)

    def _tell(self, text: str, tone: Tone) -> None:
        """What came of a change stays longer."""
        self._say(text, tone, _OUTCOME_S)

    def _say(self, text: str, tone: Tone, for_s: float) -> None:
        self._notice = (Cell(text, tone), self.session.hand_s() + for_s)
        if self.is_mounted and self.size.width:
            self._status.show([self._status_line(self.size.width)])

    def _status_line(self, width: int) -> Line:
        right = self._seen.position(len(self._list.visible_keys))
        room = width - cells_of(right) - 3
        if self._notice is not None and self.session.hand_s() > self._notice[1]:
            self._notice = None
        if self._notice is not None:
            left = [Cell(" " + clip(safe(self._notice[0].text), width - 2), self._notice[0].tone)]
            room, right = width - 1, ""
        elif self._acts is not None and self._acts.line:
            left = [Cell(" " + clip(safe(self._acts.line), max(room - 1, 0)), Tone.NOTE)]
        else:
            left = self._hints(room)
        used = sum(cells_of(cell.text) for cell in left)
        return Line("", (*left, Cell(" " * max(room - used, 0)), Cell(f" {clip(right, width - 2)} ", Tone.DIM)))

    def _hints(self, room: int) -> list[Cell]:
        cells: list[Cell] = []
        for command in hints(self._seen):
            keys = self.session.keys.get(command.id, ())
            key = key_shown(keys[0]) if keys and command.id != "quit" else f":{command.names[0]}"
            room -= cells_of(key) + cells_of(command.hint) + 3
            if room < 0:
                break
            cells += [Cell(f" {key}", Tone.KEY), Cell(f" {command.hint} ", Tone.DIM)]
        return cells

    def on_resize(self, _event: Resize) -> None:
        """Another width: lay everything out again."""
        self.call_after_refresh(self.flush)

    # commands

    def on_key(self, _event: Key) -> None:
        """A key that means nothing, or a letter that is being typed: rows stand still all the same."""
        self._touch()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is being typed, keys are letters; only leaving is not. A key means what it means here."""
        if action != "command" or parameters == ("quit",):
            return True
        return not self._prompt.display and BY_ID[str(parameters[0])].means_something(self._seen)

    def action_command(self, name: str) -> None:
        """A key was pressed."""
        command = BY_ID[name]
        self._touch()
        if command.means_something(self._seen):
            command.run(self, "")
            self._settle(command)

    def ask(self, mark: str, text: str = "") -> None:
        """Let the person type."""
        self._status.display = False
        self._prompt.open(mark, text)

    def _asked(self) -> None:
        self._status.display = True
        self._choices.show([])
        self.set_focus(self._list)  # at once: the next key is looked at before `focus()` has its turn

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        """Filter while it is being typed; show what a command may become."""
        if not self._prompt.display:  # it was closed meanwhile, which has done all of it
            return
        if event.mark == "/":
            self._run(self._seen.filter_by, event.text.strip())
        else:
            self._choices.show(self._offered(event.text))

    def _offered(self, typed: str) -> list[Line]:
        width = self.size.width
        offered = completions(typed, self)
        if not offered or (len(offered) == 1 and offered[0] == typed) or self.size.height < 10:
            return []
        shown = "  ".join(safe(text.rpartition(" ")[2], 40) for text in offered[:40])
        return [Line("", (Cell(pad(f" {shown}", width), Tone.DIM),))]

    def _entered(self, mark: str, text: str) -> None:
        """Run a command; a filter is there already, but for its last letters."""
        self._asked()
        if mark == "/":
            self._run(self._seen.filter_by, text.strip())
        elif text.strip():
            understood = understand(text)
            if isinstance(understood, Unknown):
                self.say(understood.why, Tone.WARN)
            else:
                self._run(understood[0].id, understood[1])

    def _cancelled(self, mark: str, _: str) -> None:
        """Esc in the filter line clears the filter."""
        self._asked()
        if mark == "/":
            self._run(self._seen.filter_by, "")

    def _run(self, name: str, rest: str) -> None:
        command = BY_ID[name]
        self._touch()
        if command.means_something(self._seen):
            command.run(self, rest)
            self._settle(command)
        else:
            self.say(f"this screen has nothing to {command.names[0]}", Tone.WARN)

    def _settle(self, command: Command) -> None:
        """What a command did is seen at once; another choice of rows that hides the cursor's puts it on the first."""
        order = self._seen.order
        if command.group is Group.LIST and order and self._list.cursor not in order:
            self._list.select(order[0])
        if list_of(self._seen) is not None:
            self._show()  # rows are brought up to date by the clock alone: a key never waits for thousands of them
        else:
            self.flush()

    def pick(self, title: str, choices: Mapping[str, str], current: str, then: Callable[[str], None]) -> None:
        """Let the person pick one; *then* hears which."""

        def picked(key: str | None) -> None:
            if key:
                then(key)
                self.flush()

        self.app.push_screen(Picker(title, tuple(choices.items()), current), picked)  # pyright: ignore[reportUnknownMemberType] - App is generic in its result only

    def palette(self) -> None:
        """All commands that mean something here."""
        here = [one for one in COMMANDS if one.id != "palette" and one.means_something(self._seen)]
        keys = {one: " ".join(map(key_shown, pressed)) for one, pressed in self.session.keys.items()}

        def picked(name: str | None) -> None:
            if name is not None:
                self._picked(BY_ID[name])

        self.app.push_screen(Palette(here, keys), picked)  # pyright: ignore[reportUnknownMemberType] - as below

    def _picked(self, command: Command) -> None:
        if command.takes and command.names and not command.keys:
            self.ask(":", f"{command.names[0]} ")
        else:
            self._run(command.id, "")

    def copy(self, text: str) -> None:
        """To the clipboard, and say where it went."""
        self.run_worker(self._copy(text), name="copy", exclusive=True)

    async def _copy(self, text: str) -> None:
        self.say(*await copy(text, self.app.copy_to_clipboard))  # pyright: ignore[reportUnknownMemberType] - as below

    def later(self, work: Callable[[], tuple[str, Tone]]) -> None:
        """Do *work* where no key waits for it, and say what it returns."""
        self.run_worker(self._later(work), name="later")

    async def _later(self, work: Callable[[], tuple[str, Tone]]) -> None:
        self.say(*await asyncio.to_thread(work))

    # changes

    def act(self, *requests: Request) -> None:
        """Show the plan of each, one after the other, and carry out what is agreed to."""
        if (acts := self._changing()) is not None:
            acts.act(*requests)

    def menu(self) -> None:
        """What can be done with what is marked, or under the cursor."""
        if (acts := self._changing()) is not None:
            cursor = self._list.cursor
            places = chosen(self._seen, cursor)
            about = meant(self.session, self._seen, places)
            if not places and (gone := self._seen.gone(cursor)):
                self.say(gone, Tone.WARN)
                return
            more = [*self._seen.actions(cursor, self), *mends(self.session, places, self.act)]
            acts.menu(about, known(self.session, about.packages), more)

    def undo(self) -> None:
        """Take back the change under the cursor, or one's own last one."""
        acts = self._changing()
        if acts is None:
            return
        entry = self._seen.entry(self._list.cursor)
        if entry is not None:
            acts.undo(entry)
        elif not acts.undo_own(self.session.changes.entries):
            self.say("you have changed nothing in the last 15 min that stands; others' changes: the journal", Tone.WARN)

    def note(self, key: FindingKey, says: Says, until_s: float, reason: str) -> None:
        """Say so of a finding, once this console may change something."""
        if (acts := self._changing()) is not None:
            acts.note(key, says, until_s, reason)

    def when_armed(self, what: str, then: Callable[[], None]) -> None:
        """Do *then* once this console may change something."""
        if (acts := self._changing()) is not None:
            acts.when_armed(what, then)

    def _changing(self) -> Acts | None:
        changing = self.session.changing
        if changing is None:
            self.say(self.session.unchanging, Tone.WARN)
        elif self._acts is None:
            from h2o_console.tui.acting.acts import Acts  # noqa: PLC0415 - kazoo, which only a change needs

            background = Background(self.app)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - as below
            self._acts = Acts(self.session, changing, background, self._push, self._tell, self.copy)
        return self._acts

    def _push(self, dialog: Dialog) -> None:
        self.app.push_screen(dialog)  # pyright: ignore[reportUnknownMemberType] - as above

    def wear(self, theme: str) -> None:
        """Change the theme."""
        self._wear(theme)

    @property
    def stands(self) -> tuple[Applied, ...]:
        """Changes that are written, and not known to be applied by all."""
        return () if self._acts is None else self._acts.stands

    def leave(self) -> None:
        """Quit; what is being written is waited for, since whether it was is worth knowing."""
        if self._acts is not None and self._acts.writing:
            self._acts.then_leave(self.leave)
            return
        self.keep()
        self._remember()
        self.app.exit(0)  # pyright: ignore[reportUnknownMemberType] - as above

    def enter(self, key: str) -> None:
        """Open what the line called *key* stands for."""
        place = self._seen.opens(key)
        if place is not None:
            self.open(place)
        elif gone := self._seen.gone(key):
            self.say(gone, Tone.WARN)

    # the mouse

    def on_line_list_moved(self, _event: LineList.Moved) -> None:
        """The cursor moved: other findings."""
        self._touch()
        self.flush()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """A second click."""
        self.enter(event.key)

    def on_block_clicked(self, event: Block.Clicked) -> None:
        """A click on a head sorts, one on a crumb goes there."""
        if event.block is self._heads:
            self._touch()
            if (command := on_heads(self, event.x)) is not None:
                self._settle(command)
        elif event.block is self._header and not self._prompt.display:
            self._touch()
            on_crumbs(self, self._header.lines[event.y], event.x)
