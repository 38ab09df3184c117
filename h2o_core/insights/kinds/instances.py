"""Who is left of a package: none, one, too few that are well; instances that are out, and those that crash. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import many
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST_HITS
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.sums import grouped
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from h2o_core.insights.picture import Child, Instance
    from h2o_core.insights.sums import Sums

OUT: Final = {"ejected": "its broker keeps requests from it", "check failing": "a check of its own fails"}
PASSING: Final = frozenset({"starting", "leaving", "draining"})
"""States that pass by themselves."""


def find(sums: Sums) -> Iterator[Finding]:
    """Of all packages."""
    names = sums.instances.keys() | sums.picture.peaks.keys() | sums.called.keys()
    for package in sorted(names):
        yield from _left(package, sums)
        yield from _out(sums.instances.get(package, ()), sums)
    yield from _panics(sums)
    looping = (one for one in sums.picture.children if one.crash_loops)
    for package, children in grouped(looping, lambda one: one.package).items():
        yield _crashes(package, children, sums)


def _left(package: str, sums: Sums) -> Iterator[Finding]:
    instances, ready = sums.instances.get(package, ()), sums.ready(package)
    peak = sums.picture.peaks.get(package, 0)
    got = sums.called.get(package)
    wanted = got is not None and got.requests >= FEWEST_HITS and bool(sums.picture.instances)
    if not ready and (peak or wanted) and not any(one.state in PASSING for one in instances):
        was = f" (there were {peak})" if peak > 1 else ""
        unready = f": {len(instances)} registered, none takes requests" if instances else ""
        hurt = got.per_s if got is not None else 0.0
        yield Finding(
            Kind.GONE,
            Subject(package),
            Severity.PAGE,
            f"no instance of {shown(package)} is left{was}{unready}",
            (Evidence("ready instances", 0, against=peak or None),),
            hurt,
            Trouble.ERRORS,
            actions.look("h2o list {} -o wide", package, sentence="see what became of them"),
        )
    elif len(ready) == 1 and peak > 1 and len(instances) == 1:
        yield Finding(
            Kind.LAST_ONE,
            Subject(package, ready[0].version, ready[0].host),
            Severity.TICKET,
            f"one instance of {shown(package)} is left of {peak}, on {ready[0].host}",
            (Evidence("ready instances", 1, against=peak),),
            action=actions.look("h2o list {} -o wide", package, sentence="see what became of the others"),
        )


def _out(instances: Sequence[Instance], sums: Sums) -> Iterator[Finding]:
    """What an instance is out for; a host that says nothing says nothing of its instances."""
    for one in instances:
        why = "it does not answer its broker" if one.state == "suspect" else OUT.get(one.verdict, "")
        if why and one.host not in sums.silent:
            said = f" ({one.why})" if one.why else ""
            yield Finding(
                Kind.UNHEALTHY,
                Subject(one.package, one.version, one.host, instance=one.id),
                Severity.TICKET,
                f"an instance of {shown(one.package)} {one.version} on {one.host} is out: {why}{said}",
                action=actions.avoid(one.host, sums.picture.now_s),
            )


def _panics(sums: Sums) -> Iterator[Finding]:
    pools = [one for one in sums.picture.pools if one.panic]
    for (package, version), seen in grouped(pools, lambda one: (one.package, one.version)).items():
        worst = min(seen, key=lambda one: (one.healthy, -one.total))
        yield Finding(
            Kind.PANIC,
            Subject(package, version),
            Severity.PAGE,
            f"{worst.healthy} of {many(worst.total, 'instance')} of {shown(package)} {version} are healthy:"
            " health is ignored",
            (Evidence("healthy instances", worst.healthy, against=worst.total),),
            trouble=Trouble.ERRORS,
            action=actions.look("h2o list {} -o wide", package, sentence="see who is ill"),
        )


def _crashes(package: str, looping: Sequence[Child], sums: Sums) -> Finding:
    hosts = sorted({one.host for one in looping})
    where = f"on {hosts[0]}" if len(hosts) == 1 else f"on {many(len(hosts), 'host')}"
    first = min(looping, key=lambda one: (-one.failures, one.host, one.key))
    said = f": {first.why}" if first.why else ""
    left = len(sums.ready(package))
    return Finding(
        Kind.CRASHES,
        Subject(package, host=hosts[0] if len(hosts) == 1 else ""),
        Severity.TICKET if left else Severity.PAGE,
        f"{shown(package)} crashes again and again {where} ({first.failures} in a row){said};"
        f" {many(left, 'instance')} of it ready",
        (Evidence("deaths in a row", first.failures),),
        trouble=Trouble.ERRORS,
        action=actions.look("h2o logs {}", f"{first.host}/{first.key}", sentence="read its last words"),
    )
