"""A package as a whole: it fails, is slower than it was, declares more errors, or nobody serves it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import share, span
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST_HITS, STAYS, What, slower, worse
from h2o_core.insights.counts import APPLICATION, FAILURES, UNSERVED, Counts, surely
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject, Trouble
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.insights.sums import Sums

FAILING_FLOOR: Final = 0.005
"""Surely one request in two hundred fails: below that is the noise that every fleet lives with."""
BROKEN_SHARE: Final = 0.05
UNSERVED_FLOOR: Final = 0.002


def find(sums: Sums) -> Iterator[Finding]:
    """In the order in which they hurt a caller."""
    for package, now in sums.now.items():
        before = sums.before.get(package)
        yield from _failing(package, now, before)
        if before is not None:
            yield from _slow(package, now, before)
            yield from _application(package, now, before)
    for package, got in sums.called.items():
        yield from _unserved(package, got)


def _failing(package: str, now: Counts, before: Counts | None) -> Iterator[Finding]:
    failures = now.share(FAILURES)
    strength = surely(failures) / FAILING_FLOOR
    if failures.hits < FEWEST_HITS or strength < STAYS:
        return
    past = None if before is None or not before.requests else before.share(FAILURES).value
    was = "" if past is None else f", before {share(past)}"
    counted = f"{failures.hits:,.0f} of {failures.total:,.0f} requests in {span(now.span_s)}"
    yield Finding(
        Kind.FAILING,
        Subject(package),
        Severity.PAGE if surely(failures) >= BROKEN_SHARE else Severity.TICKET,
        f"{shown(package)} fails: {share(failures.value)} {now.leading(FAILURES)} ({counted}){was}",
        (Evidence("failure share", failures.value, "", past, now.span_s, now.requests),),
        failures.value * now.per_s,
        Trouble.ERRORS,
        actions.look("h2o logs {} --since 10m --severity ERROR", package, sentence="read its errors"),
        strength,
    )


def _slow(package: str, now: Counts, before: Counts) -> Iterator[Finding]:
    found = slower(now, before)
    if found is not None:
        yield Finding(
            Kind.SLOW,
            Subject(package),
            Severity.TICKET,
            f"{shown(package)} is slow: {found.words}, before {found.other}",
            (found.evidence,),
            found.hurt_per_s,
            Trouble.SLOW,
            actions.look("h2o stats --by host --window 10s {}", package, sentence="see where"),
            found.strength,
        )


def _application(package: str, now: Counts, before: Counts) -> Iterator[Finding]:
    for found in worse(now, before):
        if found.what is What.APPLICATION:
            declared = now.share(APPLICATION)
            yield Finding(
                Kind.APPLICATION,
                Subject(package),
                Severity.TICKET,
                f"{shown(package)} declares more errors: {share(declared.value)} of {declared.total:,.0f} requests"
                f" in {span(now.span_s)}, before {found.other}",
                (found.evidence,),
                found.hurt_per_s,
                Trouble.ERRORS,
                actions.look("h2o stats --by version --window 10s {}", package, sentence="see which version"),
                found.strength,
            )


def _unserved(package: str, got: Counts) -> Iterator[Finding]:
    refused = got.share(UNSERVED)
    strength = surely(refused) / UNSERVED_FLOOR
    if refused.hits < FEWEST_HITS or strength < STAYS:
        return
    yield Finding(
        Kind.UNSERVED,
        Subject(package),
        Severity.PAGE,
        f"callers of {shown(package)} get {got.leading(UNSERVED)}: {share(refused.value)}"
        f" ({refused.hits:,.0f} of {refused.total:,.0f} in {span(got.span_s)})",
        (Evidence("unserved share", refused.value, "", None, got.span_s, got.requests),),
        refused.value * got.per_s,
        Trouble.ERRORS,
        actions.look("h2o why {}", package, sentence="see why nobody is chosen"),
        strength,
    )
