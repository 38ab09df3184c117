"""Who calls against the tier rules, and whether that is refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.figures import many, span
from h2o_core.insights import actions
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.sums import grouped
from h2o_core.names import InvalidName, package_of, shown, tier_breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.insights.sums import Sums


def find(sums: Sums) -> Iterator[Finding]:
    """By caller and the package that it should not call."""
    calls = [one for one in sums.picture.calls if one.breaches]
    control = sums.picture.control
    refused = control is None or control.tiers != "warn"
    for (caller, package), rows in grouped(calls, lambda one: (one.caller, package_of(one.feature))).items():
        breaches = sum(row.breaches for row in rows)
        over_s = max(row.now.span_s for row in rows)
        what = "refused" if refused else "let pass while the fleet's tiers say warn"
        yield Finding(
            Kind.TIERS,
            Subject(package, caller=caller),
            Severity.TICKET if refused else Severity.NOTE,
            f"{many(breaches, 'call')} in {span(over_s)} against the tier rules, {what}: {_rule(caller, package)}",
            (Evidence("breaches", breaches, over_s=over_s),),
            breaches / over_s if refused and over_s else 0.0,
            Trouble.ERRORS if refused else Trouble.NONE,
            actions.look("h2o describe {}", caller, sentence="see what it calls"),
        )


def _rule(caller: str, package: str) -> str:
    try:
        return tier_breach(caller, package) or f"{shown(caller)} calls {shown(package)}"
    except (InvalidName, ValueError, KeyError):
        return f"{shown(caller)} calls {shown(package)}"
