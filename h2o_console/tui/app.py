"""The console's application: owns the poller, the themes and the stack of screens. Read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from h2o_console.rows.cells import Tone
from h2o_console.rows.ranking import Sort, matches_text
from h2o_console.tui.screens.base import ConsoleScreen
from h2o_console.tui.screens.help import HelpScreen
from h2o_console.tui.screens.package import PackageScreen
from h2o_console.tui.screens.packages import PackagesScreen
from h2o_console.tui.screens.picker import Picker
from h2o_console.tui.themes import PALETTES

if TYPE_CHECKING:
    from h2o_console.feed.poller import Poller
    from h2o_console.tui.session import Session

_FLUSH_S = 0.25


class H2OConsole(App[int], inherit_bindings=False):
    """Packages first; every other screen stands on top of it."""

    TITLE = "h2o-console"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit_now", "quit", show=False, priority=True, system=True),
        Binding("1", "packages", "packages", show=False),
    ]

    def __init__(self, session: Session, poller: Poller | None = None, theme: str = "dark") -> None:
        super().__init__()
        self.session = session
        self._poller = poller
        self.ascii_only = session.ascii_only
        self._packages = PackagesScreen(session)
        for palette in PALETTES.values():
            self.register_theme(palette.theme)
        self.theme = PALETTES[theme].theme.name

    def on_mount(self) -> None:
        """Start asking, show the first view, and look four times a second for what changed."""
        self.push_screen(self._packages)
        if self._poller is not None:
            self.session.poller = self._poller
            self.run_worker(self._poller.run(), name="poller", exit_on_error=True)
        self.set_interval(_FLUSH_S, self.flush)
        self.call_after_refresh(self.flush)

    def flush(self) -> None:
        """Bring the screen that is seen up to date; the dirty set collects what came in between."""
        self.session.update()
        seen = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, ConsoleScreen)), None)
        if seen is not None and seen.is_mounted:
            seen.flush()

    def on_console_screen_ordered(self, event: ConsoleScreen.Ordered) -> None:
        """What a screen or the command line asks for."""
        orders = {
            "back": self._back,
            "filter": self._filter,
            "help": self._help,
            "open": self._open,
            "package": self._package,
            "packages": self._all_packages,
            "pick_sort": self._pick_sort,
            "quit": self._quit,
            "sort": self._sort,
            "theme": self._theme,
        }
        orders[event.action](event.rest)

    def _say(self, text: str, tone: Tone = Tone.NOTE) -> None:
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            screen.say(text, tone)

    def _back(self, _rest: str) -> None:
        if isinstance(self.screen, ConsoleScreen) and not isinstance(self.screen, PackagesScreen):
            self.pop_screen()
            self.call_after_refresh(self.flush)

    def _help(self, _rest: str) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.session))

    def _open(self, name: str) -> None:
        self._all_packages("")
        self.push_screen(PackageScreen(self.session, name))

    def _package(self, typed: str) -> None:
        rows = self.session.board.rows
        found = [key for key in rows if key == typed] or [key for key, row in rows.items() if typed in row.name]
        found = found or [key for key, row in rows.items() if matches_text(row.name, typed)]
        if len(found) == 1:
            self._open(found[0])
        elif found:
            self._say(f"{len(found)} packages match {typed!r}; type more of the name", Tone.WARN)
        else:
            self._say(f"no package matches {typed!r}", Tone.WARN)

    def _all_packages(self, _rest: str) -> None:
        while not isinstance(self.screen, PackagesScreen) and len(self.screen_stack) > 1:
            self.pop_screen()

    def _filter(self, text: str) -> None:
        self._all_packages("")
        self._packages.filter(text)

    def _sort(self, what: str) -> None:
        found = [sort for sort in Sort if sort.value.startswith(what)] if what else []
        if len(found) != 1:
            self._say(f"sort by one of: {', '.join(sort.value for sort in Sort)}", Tone.WARN)
            return
        self._all_packages("")
        self._packages.sort(found[0])

    def _pick_sort(self, current: str) -> None:
        choices = tuple((sort.value, sort.value) for sort in Sort)
        self.push_screen(Picker("sort by", choices, current), lambda picked: self._sort(picked) if picked else None)

    def _theme(self, name: str) -> None:
        if name not in PALETTES:
            self._say(f"themes: {', '.join(PALETTES)}", Tone.WARN)
            return
        self.theme = PALETTES[name].theme.name

    def _quit(self, _rest: str) -> None:
        self.exit(0)

    def action_quit_now(self) -> None:
        """Ctrl+c."""
        self.exit(0)

    def action_packages(self) -> None:
        """``1``."""
        self._all_packages("")
