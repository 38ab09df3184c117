"""Experiments: a list of the new versions that are compared, and one package's experiment in full."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from h2o_console.cli.experiment_page import sections_of
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.experiments import TRIALS, TrialRow, about
from h2o_console.rows.figures import age
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.rows.section_lines import section_lines
from h2o_console.text import pad, safe
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.tui.session import Session
    from h2o_console.tui.trials import Trials


class ExperimentsScreen(ListScreen[TrialRow]):
    """A line for each new version."""

    of = "comparisons"
    row_kind = Kind.EXPERIMENT
    hints: ClassVar[tuple[str, ...]] = ("open", "act", "type_filter", "help", "problems", "mark", "freeze", "quit")

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, TRIALS, session.trials.board)

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """Ask when it is time."""
        self.session.trials.update(now_s)
        super().update(now_s, size, cursor)

    def opens(self, key: str) -> Place | None:
        """The package's experiment, while it runs."""
        row = self.board.rows.get(key)
        return None if row is None else Place(Kind.EXPERIMENT, row.package)

    def called(self, row: TrialRow) -> str:
        """The version of the package."""
        return f"{row.name} {row.version}"

    def all_empty(self) -> Sequence[Cell]:
        """None runs, or nobody can say."""
        trials = self.session.trials
        if trials.looked is None:
            return _unknown(trials)
        if idle := trials.looked.idle:
            names = safe(", ".join(name.removeprefix("/") for name in idle), 200)
            return (
                Cell("No experiment compares anything.", Tone.PLAIN),
                Cell(f"with a name, and one version with weight: {names}", Tone.DIM),
            )
        return (
            Cell("No experiment runs.", Tone.PLAIN),
            Cell("begin one: h2o experiment start PACKAGE VERSION=10%", Tone.DIM),
        )

    def about(self, cursor: str) -> Sequence[Line]:
        """The sentence in full, and whose counts are missing."""
        row, looked = self.board.rows.get(cursor), self.session.trials.looked
        if row is None or looked is None:
            return ()
        silent = ", ".join(f"{host} ({why})" for host, why in sorted(looked.silent.items()))
        return about(row, safe(silent, 500), self.size)

    def position(self, visible: int) -> str:
        """How old it is, when it can't be had again."""
        return _old(self.session.trials, self.session.clock()) or super().position(visible)


class ExperimentScreen(DetailScreen):
    """What `h2o experiment status` shows of one."""

    every_s: ClassVar[float] = ONCE_A_SECOND
    hints: ClassVar[tuple[str, ...]] = ("open", "act", "back", "help", "freeze", "quit")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the experiments."""
        return ("experiments",)

    @property
    def settled(self) -> bool:
        """It was read, or can't be."""
        trials = self.session.trials
        return trials.looked is not None or bool(trials.why)

    def news(self, now_s: float) -> int:
        """Raised by each look."""
        self.session.trials.update(now_s)
        return hash(self.session.trials.looked_s)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """The sentences, and the sections of the page."""
        del now_s
        trials = self.session.trials
        looked, running = trials.looked, trials.running(self.place.key)
        if looked is None or running is None:
            return ()
        sentences, sections = sections_of(looked, running)
        lines = [
            Line(f"said:{at}:{row}", (Cell(pad(f"  {part}", width), Tone.NAME),), selectable=False)
            for at, sentence in enumerate(sentences)
            for row, part in enumerate(wrap(safe(sentence, 1000), max(width - 3, 10)))
        ]
        place = Place(Kind.PACKAGE, self.place.key)
        ways = Line("to", (Cell(pad(f"  package   {safe(self.place.key, 80)}", width), Tone.NAME),), opens=place)
        return (*lines, *(line for one in sections for line in section_lines(one, width)), Line("gap", ()), ways)

    def empty(self) -> Sequence[Cell]:
        """It ended, or nobody can say."""
        if self.session.trials.looked is None:
            return _unknown(self.session.trials)
        return (
            Cell(f"{safe(self.place.key, 80)} has no experiment that compares anything (any more).", Tone.WARN),
            Cell(f"begin one: h2o experiment start {safe(self.place.key, 80)} VERSION=10% · esc: back", Tone.DIM),
        )

    def position(self, visible: int) -> str:
        """How old it is, when it can't be had again."""
        return _old(self.session.trials, self.session.clock()) or super().position(visible)


def _unknown(trials: Trials) -> Sequence[Cell]:
    if trials.why:
        return Cell(f"{safe(trials.why, 300)}.", Tone.WARN), Cell(safe(trials.hint, 300) or "esc: back", Tone.DIM)
    return (Cell("Asking the register and all agents…", Tone.DIM),)


def _old(trials: Trials, now_s: float) -> str:
    if not trials.why or trials.looked is None:
        return ""
    return f"{age(max(0.0, now_s - trials.looked_s))} old: {safe(trials.why, 60)}"
