"""How experiments stand: asked in a thread every few seconds, while a screen shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.board import Board
from h2o_console.rows.experiments import TrialRow, trial_rows
from h2o_console.tui.register_reading import why_not

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from h2o_console.commands.trials import Looked, Running
    from h2o_console.tui.register_reading import RegisterReader

EVERY_S: Final = 5.0


class Trials:
    """The last look (`looked`), when it came by the store's clock, and why there is no newer one (`why`, `hint`)."""

    def __init__(self, reader: Callable[[], RegisterReader | None]) -> None:
        self._reader = reader
        self._asked: Future[Looked] | None = None
        self._asked_s = float("-inf")
        self._rows: dict[str, TrialRow] = {}
        self._dirty: set[str] = set()
        self.looked: Looked | None = None
        self.looked_s = float("-inf")
        self.why = ""
        self.hint = ""
        self.board: Board[TrialRow] = Board(self._take_dirty, lambda key, _: self._rows.get(key), elsewhere_s=0.0)

    def running(self, package: str) -> Running | None:
        """The experiment of that package, by its true name."""
        return None if self.looked is None else self.looked.running.get(f"/{package}")

    def update(self, now_s: float) -> None:
        """A screen shows them: take what was answered, and ask again when it is time."""
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            if (error := asked.exception()) is not None:
                self.why, self.hint = why_not(error)
            else:
                self._take(asked.result(), now_s)
        if self._asked is None and now_s - self._asked_s >= EVERY_S:
            self._asked_s = now_s
            if (reader := self._reader()) is None:
                self.why, self.hint = "experiments can't be read from here", ""
            else:
                self._asked = reader.experiments()

    def _take(self, looked: Looked, now_s: float) -> None:
        self.looked, self.looked_s = looked, now_s
        self.why = self.hint = ""
        rows = {row.key: row for row in trial_rows(looked)}
        self._dirty |= self._rows.keys() | rows.keys()
        self._rows = rows

    def _take_dirty(self, _now_s: float) -> set[str]:
        taken, self._dirty = self._dirty, set()
        return taken
