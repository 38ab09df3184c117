"""Which findings are about a package, a host, an instance or a feature: the worst first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.rows.places import Kind, Place
from h2o_core.insights.grouping import rank
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_console.store.insight import Insight
    from h2o_core.insights.finding import Finding, Subject
    from h2o_core.insights.grouping import Group
    from h2o_core.insights.standing import Standing


@dataclass(frozen=True, slots=True)
class Said:
    """A finding in its group: its cause, or a symptom of that. `standing`: since when it is open, and more."""

    finding: Finding
    group: Group
    standing: Standing | None = None

    @property
    def is_cause(self) -> bool:
        """It has an action; a symptom has a cause to go to."""
        return self.finding.key == self.group.cause.key


class Told:
    """One insight by what it is about, without what is muted. `looked` is False while nobody has looked yet."""

    def __init__(self, insight: Insight | None) -> None:
        self.looked = insight is not None
        self._of: defaultdict[tuple[Kind, str], list[Said]] = defaultdict(list)
        for group in insight.news.groups if insight is not None else ():
            for finding in (group.cause, *group.symptoms):
                said = Said(finding, group, insight.standing.get(finding.key) if insight is not None else None)
                for kind, name in _about(finding.subject):
                    self._of[kind, name].append(said)
        for found in self._of.values():
            found.sort(key=lambda one: (-one.finding.severity, *rank(one.finding)))

    def of(self, place: Place) -> tuple[Said, ...]:
        """What there is to say of what the place shows; nothing of whole lists."""
        return tuple(self._of.get((place.of or place.kind, place.key), ()))

    def about(self) -> dict[tuple[Kind, str], tuple[Said, ...]]:
        """All of it, by kind of place and its key."""
        return {key: tuple(found) for key, found in self._of.items()}


def _about(subject: Subject) -> Iterator[tuple[Kind, str]]:
    for package in dict.fromkeys((subject.package, subject.caller)):
        if package:
            yield Kind.PACKAGE, shown(package)
            yield Kind.CALLS, shown(package)
    if subject.host:
        yield Kind.HOST, subject.host
    if subject.instance:
        yield Kind.INSTANCE, subject.instance
        yield Kind.INSTANCE, f"{subject.host}/{subject.instance}"  # a process that has not registered
    if subject.feature:
        yield Kind.FEATURE, shown(subject.feature)
