"""A version against the others of its package: those that run beside it, or the one that it has replaced. Pure.

Places that are bad by themselves are left out: a version that happens to run there is not to blame. With several
candidates the one that calls a broken package is sorted out later, by causes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import span
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST, Worse, worst
from h2o_core.insights.counts import Counts, less, together
from h2o_core.insights.finding import Finding, Kind, Severity, Subject
from h2o_core.insights.kinds.hosts import PAGE_PART
from h2o_core.insights.sums import grouped
from h2o_core.names import shown
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from h2o_core.insights.finding import Action
    from h2o_core.insights.picture import Served
    from h2o_core.insights.sums import Sums


_WELL: Final = frozenset({"", "ok"})


def find(sums: Sums, places: Collection[tuple[str, str]]) -> Iterator[Finding]:
    """*places*: (package, host) that are bad whatever the version; a package of "" stands for all of them there."""
    for package, rows in sums.served.items():
        if len({row.version for row in rows}) > 1:
            yield from _of(package, rows, places, sums)


def _of(package: str, rows: Sequence[Served], places: Collection[tuple[str, str]], sums: Sums) -> Iterator[Finding]:
    split = grouped(rows, lambda row: (package, row.host) in places or ("", row.host) in places)
    by_version, bad = (grouped(split.get(is_bad, ()), lambda row: row.version) for is_bad in (False, True))
    if len(by_version) < 2:
        return
    now = {
        version: less(sums.versions[package, version], [row.now for row in bad.get(version, ())])
        for version in by_version
    }
    for version in newest_first(now):
        beside = [other for other in now if other != version and now[other].requests >= FEWEST]
        if beside:
            reference, when = together(now[other] for other in beside), ""
        else:
            beside, reference = _replaced(version, by_version)
            when = " before"
        found = worst(now[version], reference)
        if found is not None:
            names = ", ".join(newest_first(beside)) + when
            yield _finding(package, version, found, names, now, sums)


def _replaced(version: str, by_version: Mapping[str, Sequence[Served]]) -> tuple[list[str], Counts]:
    """Who had the traffic before, while *version* had none; its own past says otherwise."""
    own = together(row.before for row in by_version[version])
    if own.requests >= FEWEST:
        return [], Counts()
    before = {other: together(row.before for row in group) for other, group in by_version.items() if other != version}
    had = [other for other, counts in before.items() if counts.requests >= FEWEST]
    return had, together(before[other] for other in had)


def _finding(package: str, version: str, found: Worse, names: str, now: Mapping[str, Counts], sums: Sums) -> Finding:
    over = f" (of {now[version].requests:,} requests in {span(now[version].span_s)})"
    severe = found.hurt_per_s >= PAGE_PART * now[version].per_s and found.what is not found.what.APPLICATION
    return Finding(
        Kind.VERSION,
        Subject(package, version),
        Severity.PAGE if severe else Severity.TICKET,
        f"{shown(package)} {version} is worse: {found.words}{over}, {names} {found.other}",
        (found.evidence,),
        found.hurt_per_s,
        found.trouble,
        _action(package, version, sums),
        found.strength,
    )


def _action(package: str, version: str, sums: Sums) -> Action:
    """Back to the newest older one that has instances; what is the oldest gives way to the newest."""
    running = (one for one in sums.instances.get(package, ()) if one.state == "ready" and one.verdict in _WELL)
    others = {one.version for one in running if one.version != version}
    if not others:
        return actions.look("h2o describe {}", package)
    ranked = newest_first([version, *others])
    older = ranked[ranked.index(version) + 1 :]
    return actions.roll_back(package, older[0]) if older else actions.all_to(package, ranked[0])
