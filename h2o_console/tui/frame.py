"""The frame around every screen: header, banner, the list, its foot, the status line, the line to type in.

One widget tree for all screens: going somewhere puts other lines into it, so the next key finds it ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.headline import Place as Headed, banner, header_line
from h2o_console.text import clip, pad, safe, width as cells_of
from h2o_console.tui.commands.command import Group, bindings, key_shown
from h2o_console.tui.commands.registry import BY_ID, COMMANDS, Unknown, completions, hints, understand
from h2o_console.tui.screens.listing import ListScreen
from h2o_console.tui.screens.picker import Picker
from h2o_console.tui.screens.table import SCREENS
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList
from h2o_console.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key, Resize

    from h2o_console.rows.places import Place
    from h2o_console.tui.commands.command import Command
    from h2o_console.tui.journey import Journey
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

_NOTICE_S = 5.0


class Frame(Screen[None], inherit_bindings=False):
    """Shows the screen of the place where the journey is; `flush` is called four times a second."""

    # Priority: a key is done before the next one is looked at, so what is typed fast goes where it belongs.
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, priority=True)]

    def __init__(self, session: Session, journey: Journey, wear: Callable[[str], None]) -> None:
        super().__init__()
        self.session = session
        self.journey = journey
        self._wear = wear
        self._seen = self._arrived()
        self._fresh = True
        self._shape = -1
        self._header = Block(id="header", frame=True)
        self._banner = Block(id="banner")
        self._heads = Block(id="heads")
        self._list = LineList(self._seen, id="list")
        self._foot = Block(id="foot", frame=True)
        self._status = Block(id="status", frame=True)
        self._choices = Block(id="choices", frame=True)
        self._prompt = Prompt(lambda typed: completions(typed, self))
        self._notice: tuple[Cell, float] | None = None

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield from (self._header, self._banner, self._heads, self._list, self._foot, self._status)
        yield from (self._choices, self._prompt)

    def on_mount(self) -> None:
        """The list has the keys."""
        self._put_lines()
        self._list.focus()

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
            self._seen, self._fresh, self._shape = self._arrived(), True, -1
            self._put_lines()
        self.flush()

    def _put_lines(self) -> None:
        began = self._seen.began
        self._list.attach(self._seen, cursor=began.cursor, top=began.top, has_cursor=self._seen.has_cursor)

    def flush(self) -> None:
        """Bring everything up to date; nothing but ages moves while the picture is frozen."""
        width, height = self.size
        if not width:
            return
        session, seen = self.session, self._seen
        if session.frozen_at_s is None or self._fresh:
            seen.scrolled(self._list.visible_keys)
            seen.update(session.clock(), (width, height), self._list.cursor)
            self._fresh = False
        elif isinstance(seen, ListScreen):
            seen.lay_out(session.clock(), (width, height))
        if seen.shape != self._shape:
            self._shape = seen.shape
            self._list.forget()
        headed = Headed(session.context, self._trail(), session.utc(), session.frozen_s)
        self._header.show([header_line(headed, session.fleet, session.board.rows.values(), width)])
        trouble = banner(session.fleet)
        told = trouble is not None and height >= 10
        self._banner.show([Line("", (Cell(pad(f" {trouble.text}", width), trouble.tone),))] if trouble and told else [])
        self._heads.show(seen.heads())
        self._list.show(seen.order, seen.empty())
        if seen.ends_at:
            self._list.end_at(seen.ends_at)
        self._foot.show(seen.foot(self._list.cursor))
        self._status.show([self._status_line(width)])
        seen.look_at(self._list.visible_keys)

    def _trail(self) -> tuple[str, ...]:
        above = tuple(place.key or place.kind.value for place in self.journey.trail[:-1])
        return (*(above or self._seen.crumbs), self._seen.crumb)

    # the status line

    def say(self, text: str, tone: Tone = Tone.NOTE) -> None:
        """Show a sentence in the status line for a while."""
        self._notice = (Cell(text, tone), self.session.clock() + _NOTICE_S)
        if self.is_mounted and self.size.width:
            self._status.show([self._status_line(self.size.width)])

    def _status_line(self, width: int) -> Line:
        right = self._seen.position(len(self._list.visible_keys))
        room = width - cells_of(right) - 3
        if self._notice is not None and self.session.clock() > self._notice[1]:
            self._notice = None
        if self._notice is not None:
            left = [Cell(" " + clip(safe(self._notice[0].text), width - 2), self._notice[0].tone)]
            room, right = width - 1, ""
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
        self._seen.touched()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is being typed, keys are letters; only leaving is not. A key means what it means here."""
        if action != "command" or parameters == ("quit",):
            return True
        return not self._prompt.display and BY_ID[str(parameters[0])].means_something(self._seen)

    def action_command(self, name: str) -> None:
        """A key was pressed."""
        command = BY_ID[name]
        self._seen.touched()
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
        self._list.focus()

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        """Filter while it is being typed; show what a command may become."""
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

    def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """Run a command."""
        self._asked()
        if event.mark == ":" and event.text.strip():
            understood = understand(event.text)
            if isinstance(understood, Unknown):
                self.say(understood.why, Tone.WARN)
            else:
                self._run(understood[0].id, understood[1])

    def on_prompt_cancelled(self, event: Prompt.Cancelled) -> None:
        """Esc in the filter line clears the filter."""
        self._asked()
        if event.mark == "/":
            self._run(self._seen.filter_by, "")

    def _run(self, name: str, rest: str) -> None:
        command = BY_ID[name]
        self._seen.touched()
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
        self.flush()

    def pick(self, title: str, choices: Mapping[str, str], current: str, then: Callable[[str], None]) -> None:
        """Let the person pick one; *then* hears which."""

        def picked(key: str | None) -> None:
            if key:
                then(key)
                self.flush()

        self.app.push_screen(Picker(title, tuple(choices.items()), current), picked)  # pyright: ignore[reportUnknownMemberType] - App is generic in its result only

    def wear(self, theme: str) -> None:
        """Change the theme."""
        self._wear(theme)

    def leave(self) -> None:
        """Quit."""
        self.keep()
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
        self._seen.touched()
        self.flush()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """A second click."""
        self.enter(event.key)
