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

_UNTOLD_S: Final = 1.9
"""How often while nobody has looked yet."""
_ANYWAY_S: Final = 15.0
"""Although nobody has looked again: what stands there is no older."""


class Headcount:
    """`glyphs`: how many packages are how, by what is told of them and what is the case.

    *briefs* gives all packages; what is measured of them need not be there.
    """

    def __init__(self, briefs: Callable[[float], Iterable[PackageView]]) -> None:
        self.glyphs: Mapping[Glyph, int] = {}
        self._briefs = briefs
        self._told: Told | None = None
        self._counted_s = float("-inf")

    def update(self, told: Told, now_s: float) -> None:
        """Count again when somebody has looked: the more instances there are, the more rarely that is."""
        age_s = now_s - self._counted_s
        if told is self._told and age_s < (_ANYWAY_S if told.looked else _UNTOLD_S):
            return
        self.glyphs = Counter(worst(package_reasons(view, told)) for view in self._briefs(now_s))
        self._told, self._counted_s = told, now_s
