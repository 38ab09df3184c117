"""Every feature of the fleet, or of one package: measured against promised; and one feature in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.features import FEATURES, FeatureRow, feature_lines
from h2o_console.rows.findings import findings
from h2o_console.rows.headline import nothing_known
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.text import safe
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen
from h2o_console.tui.screens.listing import ListScreen
from h2o_core.names import package_of, shown

if TYPE_CHECKING:
    from h2o_console.tui.session import Session


class FeaturesScreen(ListScreen[FeatureRow]):
    """Features, live."""

    of = "features"

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, FEATURES, session.features)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """A narrowed list stands behind the whole one."""
        return ("features",) if self.place.key else ()

    def belongs(self, row: FeatureRow) -> bool:
        """Of the package that the place names."""
        return row.package == self.place.key

    def called(self, row: FeatureRow) -> str:
        """A feature has a row for each version."""
        return f"{row.name} {row.version}"

    def opens(self, key: str) -> Place | None:
        """The feature, with all its versions."""
        row = self.board.rows.get(key)
        return None if row is None else Place(Kind.FEATURE, row.feature)

    def all_empty(self) -> Sequence[Cell]:
        """Whose fault it is."""
        return nothing_known(self.session.fleet) or (
            Cell("No feature is known.", Tone.PLAIN),
            Cell("a package's features are known when it has registered", Tone.DIM),
        )

    def about(self, cursor: str) -> Sequence[Line]:
        """All findings of the feature under the cursor."""
        row = self.board.rows.get(cursor)
        return () if row is None else findings(self.called(row), row.glyph, row.reasons, self.size)

    def watch(self, visible: Sequence[str]) -> None:
        """The packages of the features on screen."""
        rows = self.board.rows
        self.session.look_at(dict.fromkeys(rows[key].package for key in visible if key in rows))


class FeatureScreen(DetailScreen):
    """One feature of all its versions, and who calls it."""

    every_s: ClassVar[float] = ONCE_A_SECOND

    hints: ClassVar[tuple[str, ...]] = ("open", "act", "back", "help", "freeze", "quit")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the features."""
        return ("features",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        store, name = self.session.store, self.place.key
        views = [view for view in store.features(now_s) if view.feature == name]
        calls = [call for call in store.calls(now_s) if call.feature == name]
        return feature_lines(views, calls, width, self.session.told) if views or calls else ()

    def empty(self) -> Sequence[Cell]:
        """It went while somebody looked at it."""
        name = safe(self.place.key, 80)
        return Cell(f"No version of {name} runs, and nobody calls it.", Tone.WARN), Cell("esc: back", Tone.DIM)

    def look_at(self, visible: Sequence[str]) -> None:
        """Its package's hosts' numbers are wanted."""
        del visible
        self.session.look_at((shown(package_of(f"/{self.place.key}")),))
