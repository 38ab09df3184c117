"""Findings from one second to the next: what opened, what goes on since when, what closed, who looks after it. Pure.

A list that people act on must not flicker. A finding opens at its full strength, stays open at six tenths of that, and
closes when it has been weaker for ten seconds. Its place in the order follows what it hurts in steps of a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_core.insights.comparing import STAYS
from h2o_core.insights.detecting import detect
from h2o_core.insights.finding import DEPTH, Key
from h2o_core.insights.grouping import group
from h2o_core.insights.notes import Says
from h2o_core.insights.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.insights.finding import Finding
    from h2o_core.insights.grouping import Group
    from h2o_core.insights.notes import Note
    from h2o_core.insights.picture import Picture

CLOSES_AFTER_S: Final = 10.0
STEP: Final = 1.25
"""How many times more, or less, it must hurt to change its place."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open finding. `seen_s`: when it was last strong enough; `placed_per_s`: the hurt that its place is of.

    `acknowledged`: somebody looks after it.
    """

    finding: Finding
    since_s: float
    seen_s: float
    placed_per_s: float
    acknowledged: Note | None = None


@dataclass(frozen=True, slots=True)
class News:
    """One look: the open groups in their order, without those that are muted, and what is new."""

    groups: tuple[Group, ...]
    opened: tuple[Finding, ...]
    closed: tuple[Finding, ...]
    muted: tuple[Group, ...] = ()


class Findings:
    """Shown a picture a second; remembers what is open. What people have said of it is in the register's notes."""

    def __init__(self) -> None:
        self.open: dict[Key, Standing] = {}
        self.mutes: dict[Key, Note] = {}
        self._notes: tuple[Note, ...] = ()
        self._closed: dict[Key, float] = {}

    def noted(self, notes: Iterable[Note]) -> None:
        """From the next look on *notes* hold, and no others.

        A mute holds until its end, whether or not its finding closes and opens again in between; whoever has
        acknowledged one looks after it until it closes.
        """
        self._notes = tuple(notes)
        keys = {one.key for one in self._notes}
        self._closed = {key: at_s for key, at_s in self._closed.items() if key in keys}

    def see(self, picture: Picture) -> News:
        """What is open now. Pictures come in the order of their times."""
        sums, now_s = Sums(picture), picture.now_s
        found = {one.key: one for one in detect(sums)}
        opened = [one for key, one in found.items() if key not in self.open and one.strength >= 1]
        for one in opened:
            self.open[one.key] = Standing(one, now_s, now_s, one.hurt_per_s)
        for key, standing in list(self.open.items()):
            if (again := found.get(key)) is not None and again.strength >= STAYS:
                placed = _placed(standing.placed_per_s, again.hurt_per_s)
                self.open[key] = replace(standing, finding=again, seen_s=now_s, placed_per_s=placed)
        over = [key for key, one in self.open.items() if now_s - one.seen_s >= CLOSES_AFTER_S]
        closed = [self.open.pop(key).finding for key in over]
        self._apply_notes(over, now_s)
        groups = sorted(group([one.finding for one in self.open.values()], sums), key=self._place)
        return News(
            tuple(one for one in groups if one.cause.key not in self.mutes),
            tuple(opened),
            tuple(closed),
            tuple(one for one in groups if one.cause.key in self.mutes),
        )

    def _apply_notes(self, closed: Iterable[Key], now_s: float) -> None:
        keys = {one.key for one in self._notes}
        self._closed |= {key: now_s for key in closed if key in keys}
        holding = [one for one in self._notes if one.until_s > now_s]
        self.mutes = {one.key: one for one in holding if one.says is Says.MUTED}
        acknowledged = {
            one.key: one
            for one in holding
            if one.says is Says.ACKNOWLEDGED and one.at_s > self._closed.get(one.key, float("-inf"))
        }
        for key, standing in self.open.items():
            if standing.acknowledged != acknowledged.get(key):
                self.open[key] = replace(standing, acknowledged=acknowledged.get(key))

    def _place(self, one: Group) -> tuple[float, int, int, tuple[str, ...]]:
        hurt = max(self.open[each.key].placed_per_s for each in (one.cause, *one.symptoms))
        return -hurt, -one.severity, DEPTH[one.cause.kind], tuple(one.cause.subject)


def _placed(before_per_s: float, now_per_s: float) -> float:
    """What it is ranked by: the old figure, until the new one is a step away."""
    near = before_per_s / STEP < now_per_s < before_per_s * STEP
    return before_per_s if near else now_per_s
