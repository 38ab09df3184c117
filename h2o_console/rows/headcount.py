"""How many packages are how, for the header of every screen: without making their rows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.rows.packages import package_reasons
from h2o_console.rows.reasons import worst

if TYPE_CHECKING:
    from h2o_console.rows.cells import Glyph
    from h2o_console.rows.told import Told
    from h2o_console.store.views import PackageView

_SOON_S: Final = 0.9
_PER_S: Final = 1250
"""Instances that are counted in a second, at most."""


class Headcount:
    """`glyphs`: how many packages are how, by what is told of them and what is the case.

    *briefs* gives all packages; what is measured of them need not be there.
    """

    def __init__(self, briefs: Callable[[float], Iterable[PackageView]]) -> None:
        self.glyphs: Mapping[Glyph, int] = {}
        self._briefs = briefs
        self._told: Told | None = None
        self._counted_s = float("-inf")
        self._every_s = _SOON_S

    def update(self, told: Told, now_s: float) -> None:
        """Count again when something else is *told*, and else the more rarely, the more there is to count."""
        if told is self._told and now_s - self._counted_s < self._every_s:
            return
        views = list(self._briefs(now_s))
        self.glyphs = Counter(worst(package_reasons(view, told)) for view in views)
        self._told, self._counted_s = told, now_s
        self._every_s = max(_SOON_S, sum(view.counts.total for view in views) / _PER_S)
