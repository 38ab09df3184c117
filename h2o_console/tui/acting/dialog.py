"""The dialog of changes, over the frame: one screen for menu, form and plan, so that no key between them is lost.

A page is *painted* once Textual has written it to the terminal; when, is told to the page, which knows since when keys
are meant for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual._time import get_time
from textual.containers import Vertical
from textual.screen import ModalScreen

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.tui.acting.page import Page, Press
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Key, Paste, Resize

_WIDEST: Final = 100


class Dialog(ModalScreen[None]):
    """Shows one page after the other."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Dialog { align: center bottom; background: $background 60%; }
    Dialog Vertical { max-width: 100; width: 100%; height: auto; max-height: 100%; background: $panel; }
    Dialog LineList { background: $background; }
    """

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._head = Block(id="dialog-head", frame=True)
        self.list = LineList(self, id="dialog-lines", cursor=page.has_cursor)
        self._foot = Block(id="dialog-foot", frame=True)
        self._lines: dict[str, Line] = {}
        self._versions: dict[str, int] = {}
        self._painting: int | None = None
        self._page_painted: Page | None = None

    def compose(self) -> ComposeResult:
        """A head, the lines, what is asked."""
        with Vertical():
            yield self._head
            yield self.list
            yield self._foot

    def on_mount(self) -> None:
        """The page that it began with, or that came while it was made."""
        self.turn(self.page)

    def turn(self, page: Page) -> None:
        """Show another page from now on."""
        self.page = page
        if self.is_mounted:
            self._lines.clear()
            self.list.attach(self, has_cursor=page.has_cursor)
            self.bring_up()

    def bring_up(self) -> None:
        """Show what the page has to show now."""
        width, height = min(self.size.width, _WIDEST), self.size.height
        if not self.is_mounted or width < 1:
            return
        page = self.page
        foot = page.foot(width)
        self._foot.show(foot)
        fresh = {line.key: line for line in page.lines(width)}
        for key, line in fresh.items():
            if self._lines.get(key) != line:
                self._versions[key] = self._versions.get(key, 0) + 1
        self._lines = fresh
        self.list.styles.height = max(min(len(fresh), height - 1 - len(foot)), 1)
        self.list.show(tuple(fresh))
        self._head.show([Line("", (Cell(" "), *page.title(), *self._more()))])
        if (self._page_painted, self._painting) != (page, page.look):
            self._page_painted, self._painting = page, page.look
            self.call_after_refresh(self._painted, page, page.look)

    def _more(self) -> tuple[Cell, ...]:
        """What does not fit is said: nobody is to agree to half a plan without knowing."""
        last = round(self.list.scroll_offset.y) + int(self.list.styles.height.value if self.list.styles.height else 0)
        left = len(self._lines) - last
        return (Cell(f"   {left} more lines: ↓ pgdn", Tone.NOTE),) if left > 0 else ()

    def _painted(self, page: Page, look: int) -> None:
        page.painted(look, get_time())

    def version(self, key: str, /) -> int:
        """Of the key's line."""
        return self._versions.get(key, 0)

    def line(self, key: str, _width: int, /) -> Line:
        """The key's line, as it was brought up."""
        return self._lines.get(key) or Line(key, (), selectable=False)

    def on_resize(self, _event: Resize) -> None:
        """Another width."""
        self.call_after_refresh(self.bring_up)

    def on_key(self, event: Key) -> None:
        """All keys are the page's."""
        event.stop()
        event.prevent_default()
        character = event.character if event.character and event.is_printable else ""
        self.page.press(Press(event.key, character, event.time), self.list)
        self.bring_up()

    def on_paste(self, event: Paste) -> None:
        """What was pasted is never an answer."""
        event.stop()
        self.page.pasted(event.text)
        self.bring_up()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """A second click."""
        event.stop()
        self.page.picked(event.key)
        self.bring_up()
