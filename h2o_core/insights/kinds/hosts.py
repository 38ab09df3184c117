"""A host against the fleet, as a server and as a caller, always like for like; or one of its instances. Pure.

What runs on a host and what it calls differ from host to host, so a host is compared within one version of a package,
or one call, alone. One package that is worse while others on the host are well is its instance's trouble, not the
host's; and a caller of such an instance on the same host suffers from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_core.experiment.proportions import Share
from h2o_core.figures import many
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST, Bar, What, Worse, worse
from h2o_core.insights.counts import FAILURES, Counts, ended, together
from h2o_core.insights.finding import Finding, Kind, Severity, Subject
from h2o_core.insights.picture import Call
from h2o_core.insights.sums import grouped
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from h2o_core.insights.picture import Served
    from h2o_core.insights.sums import Sums

_Key = TypeVar("_Key", bound=tuple[str, ...])
PAGE_PART: Final = 0.05
"""Of the requests that a finding is of: from here on somebody is to get up."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One comparison of a host with all others. `elsewhere`: what fails there; `worse` None: it is not."""

    row: Served | Call
    elsewhere: Share
    worse: Worse | None


def find(sums: Sums) -> Iterator[Finding]:
    """Hosts that are worse than the others, and instances that are worse than their version's others."""
    served = _by_host(sums.alike, sums.versions)
    spoken = (one for one in sums.picture.calls if one.host not in sums.silent)
    called = _by_host(grouped(spoken, lambda one: one.key), sums.picture.sums)
    for host in sorted(served.keys() | called.keys()):
        yield from _judged(host, served.get(host, []), called.get(host, []), sums)


def _by_host(groups: Mapping[_Key, Sequence[Served | Call]], sums: Mapping[_Key, Counts]) -> dict[str, list[_Part]]:
    """What could be compared: both sides have enough. *sums*: what is added up already."""
    parts: list[_Part] = []
    for key, group in groups.items():
        if len(group) > 1 and any(row.host and row.now.requests >= FEWEST for row in group):
            parts += _compared(group, sums.get(key) or together(row.now for row in group))
    return grouped(parts, lambda part: part.row.host)


def _compared(group: Sequence[Served | Call], whole: Counts) -> Iterator[_Part]:
    """Each host of a group with the others of it."""
    requests, failed = whole.requests, whole.of(FAILURES)
    bar = Bar.of(whole, max(row.now.timed.count for row in group if row.host))
    for row in group:
        mine = row.now.requests
        if row.host and mine >= FEWEST and requests - mine >= FEWEST:
            elsewhere = Share(max(0, failed - row.now.of(FAILURES)), requests - mine)
            yield _Part(row, elsewhere, bar.worst(row.now, whole))


def _judged(host: str, served: Sequence[_Part], called: Sequence[_Part], sums: Sums) -> Iterator[Finding]:
    bad = [part for part in served if part.worse is not None]
    ill = {part.row.package for part in bad}
    reached = [part for part in called if part.row.package not in ill]
    if _reaches_badly(reached):
        beyond = [part for part in reached if part.worse is not None]
        if beyond:
            yield _host(host, [*bad, *beyond], "as a caller", sums)
        else:
            yield from _added_up(host, reached, sums)
        return
    roots = [part for part in bad if not _calls_any(part.row.package, ill - {part.row.package}, host, sums)]
    if not roots:
        return
    well = {part.row.package for part in served} - ill
    several = len({part.row.package for part in roots}) > 1
    if (several and len(ill) >= len(well)) or not well:
        yield _host(host, roots, "", sums)
    else:
        for part in roots:
            yield _instance(part, sums)


def _added_up(host: str, called: Sequence[_Part], sums: Sums) -> Iterator[Finding]:
    """Too little in each call to tell, and enough in all together: as many would have failed elsewhere.

    The others' shares, weighted as this host calls (direct standardisation, Rothman, Modern Epidemiology, 3).
    """
    now = ended(part.row.now for part in called)
    expected = sum(part.elsewhere.value * part.row.now.requests for part in called) / now.requests
    elsewhere = sum(part.elsewhere.total for part in called)
    reference = Counts({"OK": round((1 - expected) * elsewhere), "INTERNAL": round(expected * elsewhere)})
    found = next((one for one in worse(now, reference) if one.what is What.FAILURES), None)
    if found is not None:
        yield Finding(
            Kind.HOST,
            Subject(host=host),
            Severity.PAGE if found.hurt_per_s >= PAGE_PART * now.per_s else Severity.TICKET,
            f"{host} is worse than the others as a caller: of all its calls {found.words}, elsewhere {found.other}",
            (found.evidence,),
            found.hurt_per_s,
            found.trouble,
            actions.drain(host, sums.picture.now_s),
            found.strength,
        )


def _reaches_badly(called: Sequence[_Part]) -> bool:
    """More fails, or takes longer, than elsewhere in most of its calls, to several packages."""
    more = [part for part in called if part.worse is not None or _failed(part.row.now) > part.elsewhere.value]
    return len(more) * 2 > len(called) and len({part.row.package for part in more}) > 1


def _failed(counts: Counts) -> float:
    return counts.share(FAILURES).value


def _calls_any(package: str, others: set[str], host: str, sums: Sums) -> bool:
    """On that host."""
    return any(call.caller == package and call.host == host for other in others for call in sums.calls.get(other, ()))


def _ranked(parts: Sequence[_Part]) -> list[tuple[_Part, Worse]]:
    """The worst first."""
    known = [(part, part.worse) for part in parts if part.worse is not None]
    return sorted(known, key=lambda pair: (-min(1.0, pair[1].strength), -pair[1].hurt_per_s, pair[0].row.key))


def _host(host: str, parts: Sequence[_Part], role: str, sums: Sums) -> Finding:
    ranked = _ranked(parts)
    first, most = ranked[0]
    others = {part.row.package for part, _ in ranked} - {first.row.package}
    more = f", and {many(len(others), 'other package')}" if others else ""
    as_what = f" {role}" if role else ""
    of = f"calls to {shown(first.row.feature)}" if role and isinstance(first.row, Call) else shown(first.row.package)
    hurt = sum(one.hurt_per_s for _, one in ranked)
    whole = sum(part.row.now.per_s for part, _ in ranked)
    return Finding(
        Kind.HOST,
        Subject(host=host),
        Severity.PAGE if hurt >= PAGE_PART * whole else Severity.TICKET,
        f"{host} is worse than the other hosts{as_what}: {of} {most.words}, elsewhere {most.other}{more}",
        tuple(replace(one.evidence, name=f"{one.evidence.name} of {shown(part.row.package)}") for part, one in ranked),
        hurt,
        most.trouble,
        actions.drain(host, sums.picture.now_s),
        max(one.strength for _, one in ranked),
    )


def _instance(part: _Part, sums: Sums) -> Finding:
    row, found = part.row, part.worse
    assert found is not None
    package, version = row.package, row.version
    ids = [one.id for one in sums.instances.get(package, ()) if (one.host, one.version) == (row.host, version)]
    return Finding(
        Kind.INSTANCE,
        Subject(package, version, row.host, instance=ids[0] if len(ids) == 1 else ""),
        Severity.PAGE if found.hurt_per_s >= PAGE_PART * row.now.per_s else Severity.TICKET,
        f"{shown(package)} {version} on {row.host} is worse than its others: {found.words}, elsewhere {found.other};"
        f" the rest of {row.host} is well",
        (found.evidence,),
        found.hurt_per_s,
        found.trouble,
        actions.avoid(row.host, sums.picture.now_s),
        found.strength,
    )
