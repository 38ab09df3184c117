"""One package in full: why, versions × instances, features and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.details import package_lines
from h2o_console.tui.screens.base import ConsoleScreen
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from h2o_console.tui.session import Session


class PackageScreen(ConsoleScreen):
    """A package, live, by its true name."""

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session)
        self._package = name
        self._lines: dict[str, Line] = {}
        self._versions: dict[str, int] = {}
        self.list = LineList(self, id="package")

    @property
    def trail(self) -> tuple[str, ...]:
        """With the package's name."""
        return "packages", self._package

    def body(self) -> Iterable[Widget]:
        """The list alone."""
        return (self.list,)

    def focus_body(self) -> None:
        """The list takes the keys."""
        self.list.focus()

    def on_mount(self) -> None:
        """Start with the list."""
        self.list.focus()
        self.flush()

    def version(self, key: str) -> int:
        """Of the key's line."""
        return self._versions.get(key, 0)

    def line(self, key: str, _width: int) -> Line:
        """The key's line, made for the width of the last flush."""
        return self._lines.get(key) or Line(key, (), selectable=False)

    def flush_body(self) -> None:
        """Make the lines anew, and paint those that changed."""
        session = self.session
        if session.frozen_at_s is not None and self._lines:
            return
        now_s = session.clock()
        view = session.store.package(self._package, now_s)
        gone = (Cell("This package is gone, and nothing is remembered of it.", Tone.WARN), Cell("esc: back", Tone.DIM))
        if view is None:
            self._lines = {}
            self.list.show((), gone)
            return
        times = session.store.times(self._package, now_s)
        lines = package_lines(view, times, self.size.width, ascii_only=session.ascii_only)
        fresh = {line.key: line for line in lines}
        for key, line in fresh.items():
            if self._lines.get(key) != line:
                self._versions[key] = self._versions.get(key, 0) + 1
        self._lines = fresh
        self.list.show(tuple(fresh))
        session.look_at((self._package,))

    def position(self) -> str:
        """Whether there is more below."""
        hidden = len(self.list.order) - len(self.list.visible_keys)
        return f"{hidden} lines more by scrolling" if hidden > 0 else ""
