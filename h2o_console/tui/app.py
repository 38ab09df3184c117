"""The console's application: owns the feed, the themes and the frame. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual._compositor import ChopsUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Resize

from h2o_console.rows.past import SPANS
from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.registry import KEYS
from h2o_console.tui.frame import Frame
from h2o_console.tui.journey import Journey
from h2o_console.tui.memory import Memory
from h2o_console.tui.narrow import Narrow
from h2o_console.tui.pauses import Pauses
from h2o_console.tui.themes import PALETTES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

    from h2o_console.feed.thread import FeedThread
    from h2o_console.recording.player import Player
    from h2o_console.tui.session import Session

HOME = Place(Kind.TRIAGE)


class H2OConsole(App[int], inherit_bindings=False):
    """Triage first; every other place is reached from there.

    *memory* is what was remembered from the last time, *remember* hears what to keep for the next,
    and says why it can't. *home*: where everything begins.
    """

    TITLE = "h2o-console"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit_now", "quit", show=False, priority=True, system=True),
    ]

    def __init__(
        self,
        session: Session,
        feed: FeedThread | Player | None = None,
        theme: str = "dark",
        refresh_s: float = 0.25,
        memory: Memory | None = None,
        remember: Callable[[Memory], str] = lambda _: "",
        home: Place = HOME,
    ) -> None:
        super().__init__()
        self.session = session
        self._feed = feed
        self._refresh_s = refresh_s
        self._remember = remember
        self._pauses = Pauses()
        self._second = 0
        self.ascii_only = session.ascii_only
        session.keys = session.keys or KEYS
        memory = memory or Memory()
        session.span = SPANS[memory.span]
        self.journey = _begun(home, memory)
        self.frame = Frame(session, self.journey, self.wear, self._keep)
        for palette in PALETTES.values():
            self.register_theme(palette.theme)
        self.theme = PALETTES[theme].theme.name

    def on_mount(self) -> None:
        """Start asking, show the first view, and look four times a second for what changed."""
        self.push_screen(self.frame)
        if self._feed is not None:
            self._pauses.begin(self.session.clock())
            self.session.poller = self._feed
            self._feed.start()
        self.set_interval(self._refresh_s, self.tick)
        self.call_after_refresh(self.flush)

    def on_unmount(self) -> None:
        """Ask no longer."""
        if self._feed is not None:
            self._feed.stop()
        self._pauses.end()

    def tick(self) -> None:
        """Now and then: where nothing has changed and nobody does anything, ages and clock are all that moves."""
        self._fit()
        second = int(self.session.wall())
        self.session.update()
        if self.frame.renew() or second != self._second or self.frame.restless:
            self._second = second
            self.flush()

    def _fit(self) -> None:
        """Have the terminal's size, also when nobody was told of it.

        Textual 8.2 hands a new size on after 8 ms, by a timer that never fires when the process has to wait for its
        turn as long as that between two of the timer's lines; from then on no size is handed on at all.
        """
        if self.screen.outer_size != self.size:
            self.screen.post_message(Resize(self.size, self.size))

    def flush(self) -> None:
        """Bring what is seen up to date; the dirty set collects what came in between."""
        if self._feed is not None and self._feed.error is not None:
            raise self._feed.error
        self.session.update()
        if self.frame.is_mounted:
            self.frame.flush()
        self._pauses.tick(self.session.clock(), self.frame.idle_s)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        narrow = Narrow(renderable) if isinstance(renderable, ChopsUpdate) else renderable
        super()._display(screen, narrow)  # pyright: ignore[reportUnknownMemberType] - Screen is generic in its result only

    def wear(self, theme: str) -> None:
        """Change the theme."""
        self.theme = PALETTES[theme].theme.name

    def _keep(self) -> str:
        return self._remember(Memory(self.journey.trail[0], self.journey.looks(), self.session.span.name))

    def action_quit_now(self) -> None:
        """Ctrl+c, whatever has the keys."""
        self.frame.leave()


def _begun(home: Place, memory: Memory) -> Journey:
    """At the first view, or on top of it the one that was last seen."""
    journey = Journey(home)
    for place, look in memory.looks.items():
        journey.keep(look, place)
    if memory.view is not None:
        journey.view(memory.view)
    return journey
