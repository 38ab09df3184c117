"""Findings under their deepest cause, the most hurt first: what an operator reads. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_core.figures import many, span
from h2o_core.insights.causes import ENOUGH, explained
from h2o_core.insights.detecting import detect
from h2o_core.insights.finding import DEPTH, Finding, Key, Severity
from h2o_core.insights.sums import Sums
from h2o_core.names import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_core.insights.picture import Changed, Picture

LATELY_S: Final = 900.0
"""Changes of the last 15 minutes are worth a word."""


@dataclass(frozen=True, slots=True)
class Group:
    """A cause and what it explains, the most hurt first. `changed`: the last change of control that touched it lately.

    A symptom has no action: its cause has.
    """

    cause: Finding
    symptoms: tuple[Finding, ...] = ()
    changed: Changed | None = None

    @property
    def hurt_per_s(self) -> float:
        """Requests a second that suffer, by whichever of them has the most: their counts overlap."""
        return max(one.hurt_per_s for one in (self.cause, *self.symptoms))

    @property
    def severity(self) -> Severity:
        """The worst of them."""
        return max(one.severity for one in (self.cause, *self.symptoms))

    def sentence(self, now_s: float) -> str:
        """The cause, what was changed before, and how much it explains."""
        changed = ""
        if self.changed is not None:
            who = f" by {self.changed.actor}" if self.changed.actor else ""
            ago = span(max(0.0, now_s - self.changed.at_s))
            changed = f"; epoch {self.changed.epoch}{who} changed it {ago} ago"
        more = f"; explains {many(len(self.symptoms), 'finding')}" if self.symptoms else ""
        return f"{self.cause.sentence}{changed}{more}"


def triage(picture: Picture) -> tuple[Group, ...]:
    """What is wrong, in the order in which it is to be looked at; empty when all is well."""
    sums = Sums(picture)
    return group([one for one in detect(sums) if one.strength >= 1], sums)


def group(findings: Sequence[Finding], sums: Sums) -> tuple[Group, ...]:
    """*findings* under their causes; the order in which they come makes no difference."""
    ordered = sorted(findings, key=rank)
    parents = _parents(ordered, sums)
    members: dict[Key, list[Finding]] = {one.key: [] for one in ordered if one.key not in parents}
    for one in ordered:
        if one.key in parents:
            members[_root(one.key, parents)].append(replace(one, action=None))
    groups = [Group(one, tuple(members[one.key]), _changed(one, sums.picture)) for one in ordered if one.key in members]
    return tuple(sorted(groups, key=_rank))


def rank(one: Finding) -> tuple[float, int, int, tuple[str, ...]]:
    """Requests hurt a second, then severity, then depth; names at last, so that equals don't change places."""
    return -one.hurt_per_s, -one.severity, DEPTH[one.kind], tuple(one.subject)


def _rank(one: Group) -> tuple[float, int, int, tuple[str, ...]]:
    return -one.hurt_per_s, -one.severity, DEPTH[one.cause.kind], tuple(one.cause.subject)


def _parents(ordered: Sequence[Finding], sums: Sums) -> dict[Key, Key]:
    """Each finding's direct cause, as far as there is one; never in a circle."""
    parents: dict[Key, Key] = {}
    for symptom in ordered:
        for cause in _causes(symptom, ordered, sums):
            if _root(cause.key, parents) != symptom.key:
                parents[symptom.key] = cause.key
                break
    return parents


def _causes(symptom: Finding, findings: Iterable[Finding], sums: Sums) -> list[Finding]:
    """What explains half of it, or belongs to several that do together; the one that explains most first."""
    parts = [(explained(one, symptom, sums), one) for one in findings if one.key != symptom.key]
    known = sorted(((part, one) for part, one in parts if part), key=lambda pair: (-pair[0], rank(pair[1])))
    apart: dict[str, float] = {}  # findings of one package or host speak of the same requests
    for part, one in known:
        apart.setdefault(one.subject.package or one.subject.host, part)
    if sum(apart.values()) < ENOUGH:
        return []
    return [one for _, one in known]


def _root(key: Key, parents: Mapping[Key, Key]) -> Key:
    while key in parents:
        key = parents[key]
    return key


def _changed(one: Finding, picture: Picture) -> Changed | None:
    if picture.control is None:
        return None
    paths = {f"control/traffic/{dotted(one.subject.package)}"} if one.subject.package else set[str]()
    if one.subject.host:
        paths.add(f"control/hosts/{one.subject.host}")
    lately = [
        change
        for change in picture.control.changes
        if picture.now_s - LATELY_S <= change.at_s and paths & set(change.paths)
    ]
    return max(lately, key=lambda change: change.epoch, default=None)
