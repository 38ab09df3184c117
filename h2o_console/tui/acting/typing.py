"""A form: a line for each thing that may be typed; tab completes it, enter goes on, and at last to the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from h2o_console.acting.editing import Typing
from h2o_console.commands.mistake import Mistake
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.plan_lines import paragraph
from h2o_console.text import pad, safe, width as cells_of
from h2o_console.tui.acting.page import Page, Press, asked

if TYPE_CHECKING:
    from h2o_console.acting.request import Form, Request
    from h2o_console.tui.commands.lines import Lines

_HEAD: int = 14


class Typed(Page):
    """*wall*: Unix seconds. *done* hears the request, *leave* that nothing is wanted."""

    def __init__(
        self, form: Form, wall: Callable[[], float], done: Callable[[Request], None], leave: Callable[[], None]
    ) -> None:
        self._form = form
        self._wall = wall
        self._done = done
        self._leave = leave
        self._lines = [Typing.begun(one.value) for one in form.fields]
        self._at = 0
        self._wrong: Mistake | None = None

    def title(self) -> Sequence[Cell]:
        """What it is."""
        return (Cell(safe(self._form.title, 200), Tone.NAME),)

    def lines(self, width: int) -> Sequence[Line]:
        """Each field; under the one that is typed in what it takes."""
        found: list[Line] = []
        head = min(_HEAD, width // 3)
        for at, (field, typed) in enumerate(zip(self._form.fields, self._lines, strict=True)):
            here = at == self._at
            label = Cell(pad(f" {'>' if here else ' '} {field.name}", head), Tone.KEY if here else Tone.DIM)
            found.append(Line(f"field:{at}", (label, *_shown(typed, width - head, here=here)), selectable=False))
            if here and field.hint:
                indent = " " * head
                found += paragraph(f"hint:{at}", field.hint, Tone.DIM, width, indent, indent)
        return found

    def foot(self, width: int) -> Sequence[Line]:
        """What is wrong, or how it goes on."""
        if self._wrong is not None:
            hint = f": {self._wrong.hint}" if self._wrong.hint else ""
            return list(paragraph("wrong", f"{self._wrong.sentence}{hint}", Tone.WARN, width, " ", " "))
        last = self._at == len(self._lines) - 1
        goes = "enter shows the plan" if last else "enter goes on"
        return [asked(goes, "esc leaves · tab completes · ↑↓", Tone.KEY, width)]

    def press(self, pressed: Press, lines: Lines) -> None:
        """Letters are typed."""
        del lines
        self._wrong = None
        field, typed = self._form.fields[self._at], self._lines[self._at]
        match pressed.key:
            case "escape":
                self._leave()
            case "enter":
                self._next()
            case "up" | "down":
                self._at = min(max(self._at + (1 if pressed.key == "down" else -1), 0), len(self._lines) - 1)
            case "tab":
                self._lines[self._at] = typed.completed(field.offers)
            case _:
                self._lines[self._at] = typed.pressed(pressed.key, pressed.character)

    def pasted(self, text: str) -> None:
        """Into the line that is typed in."""
        self._lines[self._at] = self._lines[self._at].put(text)

    def _next(self) -> None:
        if self._at < len(self._lines) - 1:
            self._at += 1
            return
        typed = {one.name: line.text for one, line in zip(self._form.fields, self._lines, strict=True)}
        try:
            request = self._form.make(typed, self._wall())
        except Mistake as error:
            self._wrong = error
        else:
            self._done(request)


def _shown(typed: Typing, width: int, *, here: bool) -> tuple[Cell, ...]:
    """The end of it that fits, with the place of the next character."""
    if not here:
        return (Cell(pad(safe(typed.text, width), width)),)
    before, after = safe(typed.text[: typed.at], 2000), safe(typed.text[typed.at :], 2000)
    while cells_of(before) > width - 2:
        before = before[1:]
    at, rest = (after[0], after[1:]) if after else (" ", "")
    left = max(width - cells_of(before) - cells_of(at), 0)
    return Cell(before), Cell(at, Tone.TITLE), Cell(pad(rest, left))
