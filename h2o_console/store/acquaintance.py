"""Which instances the register lists for a host, and which the host itself has named: since when, until when. Pure.

The two are read at different moments, so that they differ for some seconds whenever an instance comes or goes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

PATIENCE_S: Final = 30.0
"""So long after an instance has left its host it may still be listed without anything being wrong."""
_LATER_S: Final = 2.0
"""A host that was read so long after it was listed should know the instance."""


@dataclass(slots=True)
class Acquaintance:
    """`listed_s`: instance → since when it is listed; `lost_s`: when its host did not name it any more."""

    listed_s: dict[str, float] = field(default_factory=dict[str, float])
    lost_s: dict[str, float] = field(default_factory=dict[str, float])

    def lists(self, ids: Collection[str], now_s: float) -> None:
        """The register lists these now, and no others."""
        self.listed_s = {one: self.listed_s.get(one, now_s) for one in ids}
        self.lost_s = {one: at_s for one, at_s in self.lost_s.items() if one in ids}

    def lost(self, instance: str, now_s: float) -> None:
        """Its host has just stopped naming it; nothing when it was not listed."""
        if instance in self.listed_s:
            self.lost_s[instance] = now_s

    def left(self, instance: str, now_s: float) -> bool:
        """It has gone, and the register's list is older than that, as far as can be told."""
        return now_s - self.lost_s.get(instance, float("-inf")) < PATIENCE_S

    def unknown_there(self, instance: str, read_s: float | None) -> bool:
        """Its host, read at *read_s*, should have named it by then."""
        listed_s = self.listed_s.get(instance)
        return read_s is not None and listed_s is not None and read_s - listed_s > _LATER_S
