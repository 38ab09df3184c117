"""One package in full: why, versions side by side, an hour of each, features, instances, hosts, callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.package_detail import package_lines
from h2o_console.rows.past_graphs import OF_PACKAGES
from h2o_console.tui.screens.past import PastScreen

if TYPE_CHECKING:
    from h2o_console.rows.places import Look, Place
    from h2o_console.tui.session import Session


class PackageScreen(PastScreen):
    """A package, live; its history is asked for when it is opened."""

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, OF_PACKAGES, place.key)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the packages."""
        return ("packages",)

    def news(self, now_s: float) -> int:
        """Raised by each answer about the past."""
        return self.past.update(self.session.store.hosts_of((self.place.key,)), now_s)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        store, name = self.session.store, self.place.key
        view = store.package(name, now_s, whole=True)
        if view is None:
            return ()
        versions = view.counts.versions
        changes = self.changes(name, {one.host for one in view.instances})
        calls = [call for call in store.calls(now_s) if call.package == name]
        return package_lines(
            view,
            self.session.told,
            store.times(name, now_s),
            width,
            self.past.lines(versions, width, changes),
            calls,
            ascii_only=self.session.ascii_only,
        )

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
