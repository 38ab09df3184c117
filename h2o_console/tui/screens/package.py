"""One package in full: why, versions × instances, features and outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.details import package_lines
from h2o_console.tui.screens.detail import DetailScreen


class PackageScreen(DetailScreen):
    """A package, live."""

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the packages."""
        return ("packages",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        view = self.session.store.package(self.place.key, now_s)
        if view is None:
            return ()
        times = self.session.store.times(self.place.key, now_s)
        return package_lines(view, times, width, ascii_only=self.session.ascii_only)

    def empty(self) -> Sequence[Cell]:
        """It went while somebody looked at it."""
        return (
            Cell("This package is gone, and nothing is remembered of it.", Tone.WARN),
            Cell("esc: back", Tone.DIM),
        )

    def look_at(self, visible: Sequence[str]) -> None:
        """Its hosts' numbers are wanted."""
        del visible
        self.session.look_at((self.place.key,))
