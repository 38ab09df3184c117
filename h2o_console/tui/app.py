"""The console's application: owns the feed, the themes and the frame. Read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.registry import COMMANDS
from h2o_console.tui.frame import Frame
from h2o_console.tui.journey import Journey
from h2o_console.tui.themes import PALETTES

if TYPE_CHECKING:
    from h2o_console.feed.thread import FeedThread
    from h2o_console.tui.session import Session

_FLUSH_S = 0.25


class H2OConsole(App[int], inherit_bindings=False):
    """Packages first; every other place is reached from there."""

    TITLE = "h2o-console"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit_now", "quit", show=False, priority=True, system=True),
    ]

    def __init__(self, session: Session, feed: FeedThread | None = None, theme: str = "dark") -> None:
        super().__init__()
        self.session = session
        self._feed = feed
        self.ascii_only = session.ascii_only
        session.keys = session.keys or {command.id: command.keys for command in COMMANDS}
        self.journey = Journey(Place(Kind.PACKAGES))
        self.frame = Frame(session, self.journey, self.wear)
        for palette in PALETTES.values():
            self.register_theme(palette.theme)
        self.theme = PALETTES[theme].theme.name

    def on_mount(self) -> None:
        """Start asking, show the first view, and look four times a second for what changed."""
        self.push_screen(self.frame)
        if self._feed is not None:
            self.session.poller = self._feed
            self._feed.start()
        self.set_interval(_FLUSH_S, self.flush)
        self.call_after_refresh(self.flush)

    def on_unmount(self) -> None:
        """Ask no longer."""
        if self._feed is not None:
            self._feed.stop()

    def flush(self) -> None:
        """Bring what is seen up to date; the dirty set collects what came in between."""
        if self._feed is not None and self._feed.error is not None:
            raise self._feed.error
        self.session.update()
        if self.frame.is_mounted:
            self.frame.flush()

    def wear(self, theme: str) -> None:
        """Change the theme."""
        self.theme = PALETTES[theme].theme.name

    def action_quit_now(self) -> None:
        """Ctrl+c, whatever has the keys."""
        self.exit(0)
