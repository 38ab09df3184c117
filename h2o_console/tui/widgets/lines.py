"""A list of lines under a cursor, fast with thousands: only what is visible is made, only what changed is painted.

The cursor is a key, never a row number: it stays on its resource when rows are sorted anew. When its resource
vanishes nothing is selected until a key is pressed; the cursor never slips onto another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from h2o_console.rows.cells import Cell, Line
from h2o_console.text import clip, width as cells_of
from h2o_console.tui.commands.command import bindings
from h2o_console.tui.commands.moving import MOVES, MOVING, MOVING_KEYS
from h2o_console.tui.themes import ascii_of, palette_of, theme_of
from h2o_console.tui.widgets.block import changed_spans, painted

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.events import Click, Resize
    from textual.strip import Strip


class Source(Protocol):
    """Where lines come from."""

    def version(self, key: str, /) -> int:
        """Raised by whatever changes the key's line."""
        ...

    def line(self, key: str, width: int, /) -> Line:
        """The key's line, at most *width* cells."""
        ...


@dataclass(frozen=True, slots=True)
class _Painted:
    version: int
    look: tuple[int, bool, str]
    """Width, selected, theme."""
    line: Line
    strip: Strip


class LineList(ScrollView, can_focus=True):
    """Shows `order`, the keys of a `Source`; without a cursor the same keys scroll."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineList { height: 1fr; overflow-x: hidden; scrollbar-size: 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MOVING, MOVING_KEYS, priority=False)]

    class Opened(Message):
        """Enter, or a second click, on a key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """The cursor was moved with the mouse."""

    def __init__(self, source: Source, *, id: str, cursor: bool = True) -> None:
        super().__init__(id=id)
        self._source = source
        self._has_cursor = cursor
        self._order: tuple[str, ...] = ()
        self._at: dict[str, int] = {}
        self._cache: dict[str, _Painted] = {}
        self._shown: dict[int, _Painted] = {}
        """By line of the screen, what was painted there."""
        self._empty: tuple[Cell, ...] = ()
        self._saying: tuple[Cell, ...] = ()
        """The same, in lines."""
        self._last_at = 0
        self._touched = False
        self._top: int | None = None
        self._left = ""
        self.cursor = ""

    # what is shown

    def attach(self, source: Source, *, cursor: str = "", top: int = 0, has_cursor: bool = True) -> None:
        """Show another source from now on, with the cursor on a key of it and *top* as the first line."""
        self._source, self._has_cursor = source, has_cursor
        self._order, self._at, self._empty, self._saying = (), {}, (), ()
        self._cache.clear()
        self._shown.clear()
        self.cursor, self._touched, self._top, self._last_at = cursor, bool(cursor), top, 0
        self._left = cursor

    @property
    def order(self) -> tuple[str, ...]:
        """The keys, from the top."""
        return self._order

    @property
    def visible_keys(self) -> tuple[str, ...]:
        """The keys on screen."""
        first = round(self.scroll_offset.y)
        return self._order[first : first + self.size.height]

    def show(self, order: Sequence[str], empty: Sequence[Cell] = ()) -> None:
        """Show these keys, or *empty* when there are none; paints what is visible and changed."""
        before, was_visible = self._order, self.cursor in self.visible_keys
        if before != order:
            self._order = tuple(order)
            self._at = {key: at for at, key in enumerate(self._order)}
            self._cache = {key: painted for key, painted in self._cache.items() if key in self._at}
        if len(before) != len(self._order):
            self.virtual_size = Size(0, len(self._order))
        if self._has_cursor and self.cursor not in self._at and self._order and not self._touched:
            self.cursor = next((key for key in self._order if self._source.line(key, 1).selectable), "")
        if self._top is not None and self._order:
            self.scroll_to(y=self._top, animate=False, immediate=True)
        if self.cursor in self._at:
            self._last_at = self._at[self.cursor]
            if (was_visible or self._top is not None) and self._touched:
                self._keep_visible()
        if self._top is not None and self._order:
            self.call_after_refresh(self._scroll_back, self._source, self._top)
            self._top = None
            self.refresh()
            return
        if not self._order and (before or self._empty != tuple(empty)):
            self._say(tuple(empty), anew=bool(before))
            return
        self._paint_changes()

    def _say(self, empty: tuple[Cell, ...], *, anew: bool) -> None:
        """Why there is no line. What says so all the time, with an age in it, is painted only where it differs."""
        before, self._empty = self._saying, empty
        width = self.size.width
        self._saying = tuple(Cell(part, one.tone) for one in empty for part in wrap(one.text, max(width - 2, 10)))
        if anew or len(before) != len(self._saying):
            self.refresh()
            return
        first = self._saying_from()
        differ = [at for at, (was, now) in enumerate(zip(before, self._saying, strict=True)) if was != now]
        if differ:
            self.refresh(*(Region(0, first + at, width, 1) for at in differ))

    def _saying_from(self) -> int:
        return max((self.size.height - len(self._saying)) // 3, 0)

    def _scroll_back(self, source: Source, top: int) -> None:
        """Once more, when the lines around the list have their heights."""
        if source is self._source and self.cursor == self._left:
            self.scroll_to(y=top, animate=False, immediate=True)

    def _paint_changes(self) -> None:
        """What looks different from what each line showed when it was painted last, also where another key is now."""
        regions: list[Region] = []
        width = self.size.width
        for y, at in enumerate(range(round(self.scroll_offset.y), round(self.scroll_offset.y) + self.size.height)):
            known = self._shown.get(y)
            fresh = self._current(self._order[at]) if at < len(self._order) else None
            if known is fresh:
                continue
            if known is None or fresh is None or known.look != fresh.look:
                regions.append(Region(0, y, width, 1))
            else:
                regions += [Region(x, y, cells, 1) for x, cells in changed_spans(known.line, fresh.line)]
                self._shown[y] = fresh if known.line.cells == fresh.line.cells else known
        if regions:
            self.refresh(*regions)

    def _current(self, key: str) -> _Painted:
        """The key's line, from the cache when it is still true."""
        known = self._cache.get(key)
        look = self.size.width, key == self.cursor, theme_of(self)
        if known is None or known.look != look or known.version != self._source.version(key):
            known = self._make(key)
        return known

    def _make(self, key: str) -> _Painted:
        palette = palette_of(self)
        width, selected = self.size.width, key == self.cursor
        line = self._source.line(key, width)
        strip = painted(line, palette.selected if selected else palette.plain, width, ascii_only=ascii_of(self))
        made = _Painted(self._source.version(key), (width, selected, theme_of(self)), line, strip)
        self._cache[key] = made
        return made

    def render_line(self, y: int) -> Strip:
        """One visible line, from the cache when it is still true."""
        at = y + round(self.scroll_offset.y)
        if at >= len(self._order):
            self._shown.pop(y, None)
            return self._blank(y)
        shown = self._shown[y] = self._current(self._order[at])
        return shown.strip

    def _blank(self, y: int) -> Strip:
        palette, width = palette_of(self), self.size.width
        wrapped, at = self._saying, y - self._saying_from()
        cells: tuple[Cell, ...] = ()
        if not self._order and 0 <= at < len(wrapped):
            text = clip(wrapped[at].text, width)
            cells = (Cell(" " * ((width - cells_of(text)) // 2)), Cell(text, wrapped[at].tone))
        return painted(Line("", cells), palette.plain, width, ascii_only=ascii_of(self))

    def forget(self) -> None:
        """Everything may look different now (another width, another layout)."""
        self._cache.clear()
        self._shown.clear()
        self._say(self._empty, anew=True)

    # the cursor

    def select(self, key: str) -> None:
        """Put the cursor on *key*."""
        before, self.cursor = self.cursor, key
        self._touched = True
        if key in self._at:
            self._last_at = self._at[key]
            self._keep_visible()
        first = round(self.scroll_offset.y)
        for changed in {before, key} & self._at.keys():
            self.refresh(Region(0, self._at[changed] - first, self.size.width, 1))

    def end_at(self, key: str) -> None:
        """Put the cursor on *key*, the last line, and that one at the bottom."""
        if key != self.cursor:
            self.select(key)
        self.scroll_to(y=len(self._order), animate=False, immediate=True, force=True)  # the list may just have grown

    def move(self, by: int) -> None:
        """One line down (1) or up (-1), over what can't be selected."""
        if not self._has_cursor:
            self.scroll_to(y=round(self.scroll_offset.y) + by, animate=False)
            return
        at = self._at.get(self.cursor)
        if at is None:  # its resource is gone: the first stroke takes the one that moved up in its place
            at = self._last_at - 1 if by > 0 else self._last_at
        self._go(at + by, by)

    def page(self, by: int) -> None:
        """A screen down or up."""
        if not self._has_cursor:
            self.scroll_to(y=round(self.scroll_offset.y) + by * self.size.height, animate=False)
            return
        at = self._at.get(self.cursor, self._last_at) + by * max(self.size.height - 1, 1)
        self._go(min(max(at, 0), len(self._order) - 1), by)

    def edge(self, by: int) -> None:
        """To the first (-1) or the last (1)."""
        if not self._has_cursor:
            self.scroll_to(y=len(self._order) if by > 0 else 0, animate=False)
            return
        self._go(len(self._order) - 1 if by > 0 else 0, -by)

    def _go(self, at: int, by: int) -> None:
        """To the line at *at*, or the next one in that direction that can be selected."""
        self._touched = True
        while 0 <= at < len(self._order) and not self._selectable(self._order[at]):
            at += by
        if 0 <= at < len(self._order):
            self.select(self._order[at])
        if by < 0 and not any(self._selectable(key) for key in self._order[: self._at.get(self.cursor, 0)]):
            self.scroll_to(y=0, animate=False)

    def _selectable(self, key: str) -> bool:
        return self._source.line(key, self.size.width).selectable

    def _keep_visible(self) -> None:
        at, first, height = self._at[self.cursor], round(self.scroll_offset.y), self.size.height
        if at < first:
            self.scroll_to(y=at, animate=False)
        elif at >= first + height:
            self.scroll_to(y=at - height + 1, animate=False)

    def action_command(self, name: str) -> None:
        """A key, where no frame took it before."""
        if name in MOVES:
            MOVES[name](self)
        else:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: Click) -> None:
        """Select; a second click on the same line opens it."""
        at = event.y + round(self.scroll_offset.y)
        if self._has_cursor and at < len(self._order) and self._selectable(self._order[at]):
            self.select(self._order[at])
            self.post_message(self.Moved())
            if event.chain == 2:
                self.post_message(self.Opened(self.cursor))

    def on_resize(self, _event: Resize) -> None:
        """Textual paints everything anew; the cursor stays in sight."""
        self._say(self._empty, anew=True)
        if self.cursor in self._at and self._touched:
            self._keep_visible()
