"""Which findings are about a package, a host, an instance or a feature: the worst first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.rows.places import Kind, Place
from h2o_core.insights.finding import Trouble
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

    def failing_with(self, package: str, version: str = "") -> tuple[Said, ...]:
        """The worst of what is said of failures of all of *package*, or of its *version* ("" for any).

        For a part of it that fails, and of which nothing is said by itself.
        """
        whole = (one for one in self.of(Place(Kind.PACKAGE, package)) if _is_of_all(one.finding, package))
        return tuple(one for one in whole if not version or one.finding.subject.version in {"", version})[:1]

    def keys(self, kind: Kind) -> set[str]:
        """Of which places of that kind there is something to say."""
        return {key for of, key in self._of if of is kind}


class Telling:
    """What is told now, and of which packages it may be something else than before."""

    def __init__(self) -> None:
        self.told = Told(None)
        self._changed: set[str] = set()

    def tell(self, told: Told) -> None:
        """From now on this is told."""
        self._changed |= self.told.keys(Kind.PACKAGE) | told.keys(Kind.PACKAGE)
        self.told = told

    def take_changed(self) -> set[str]:
        """Names of packages whose row may have changed since the last call; forgets them."""
        changed, self._changed = self._changed, set()
        return changed


def _is_of_all(finding: Finding, package: str) -> bool:
    """Its requests fail, and it is said of no narrower place than a version."""
    subject = finding.subject
    narrower = subject.host or subject.instance or subject.feature or subject.caller
    return finding.trouble is Trouble.ERRORS and shown(subject.package) == package and not narrower


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
