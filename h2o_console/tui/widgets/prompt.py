"""The line at the bottom that takes a filter (``/``) or a command (``:``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


_PATIENCE_S: Final = 1.0
"""For letters that were typed before enter to have come into the line: they take microseconds."""
Told = Callable[[str, str], None]
"""Hears the mark and what stood in the line."""


class Prompt(Horizontal):
    """Hidden until it is opened; `mark` is ``/`` or ``:``.

    *entered* and *cancelled* are called, with the line closed, before the next key is looked at: what is pasted, or
    typed ahead over a slow line, goes where it would have gone key by key.
    """

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt Static { width: 2; padding-left: 1; color: $accent; background: $panel; text-style: bold; }
    Prompt Input, Prompt Input:focus { background: $panel; border: none; height: 1; padding: 0; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "run it", show=False, priority=True),
        Binding("escape", "cancel", "close", show=False, priority=True),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    class Typed(Message):
        """What stands in the line changed."""

        def __init__(self, mark: str, text: str) -> None:
            super().__init__()
            self.mark = mark
            self.text = text

    def __init__(self, completions: Callable[[str], Sequence[str]], entered: Told, cancelled: Told) -> None:
        super().__init__(id="prompt")
        self._completions = completions
        self._entered = entered
        self._cancelled = cancelled
        self.mark = "/"
        self._mark = Static("/", markup=False)
        self._input = Input(compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """The mark and the input."""
        yield self._mark
        yield self._input

    def open(self, mark: str, text: str = "") -> None:
        """Show it, and take the keys."""
        self.mark = mark
        self._mark.update(mark)
        with self.prevent(Input.Changed):
            self._input.value = text
        self.display = True
        self.screen.set_focus(self._input)  # at once; `focus()` would wait for its turn, and keys go elsewhere
        if mark == "/":
            self._input.select_all()  # typing replaces the filter that stood there, an arrow key edits it
        else:
            self._input.cursor_position = len(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell the screen what is being typed."""
        event.stop()
        self.post_message(self.Typed(self.mark, event.value))

    async def action_enter(self) -> None:
        """Close and tell."""
        await self._all_typed()
        self.display = False
        self._entered(self.mark, self._input.value)

    async def action_complete(self) -> None:
        """Tab: as far as all that it may become agree; the first of them when that is no step on."""
        await self._all_typed()
        typed = self._input.value
        offered = self._completions(typed) if self.mark == ":" else ()
        if not offered:
            return
        least, most = min(offered), max(offered)
        agreed = least[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(least, most, strict=False)))]
        self._input.value = agreed if len(agreed) > len(typed) else offered[0]
        self._input.cursor_position = len(self._input.value)

    async def action_cancel(self) -> None:
        """Close without effect."""
        await self._all_typed()
        self.display = False
        self._cancelled(self.mark, self._input.value)

    async def _all_typed(self) -> None:
        """Letters go through the line's own queue, keys like enter do not: wait until it has those before."""
        reached = asyncio.Event()
        self._input.call_later(reached.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await reached.wait()
