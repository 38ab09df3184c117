"""Callers that get no slot: which version has too few, who has them, and who is refused. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from h2o_core.figures import many, share, span
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST_HITS, STAYS
from h2o_core.insights.counts import OVERLOADED, surely
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.sums import grouped
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from h2o_core.insights.picture import Waiting
    from h2o_core.insights.sums import Sums

FLOOR: Final = 0.005
_NAMED: Final = 3


def find(sums: Sums) -> Iterator[Finding]:
    """By package: at the destination, at the origin, or in a queue, whoever says most."""
    waiting = grouped(sums.picture.waiting, lambda one: one.package)
    for package in sorted(sums.now.keys() | sums.called.keys() | waiting.keys()):
        counts = max(
            (each[package] for each in (sums.now, sums.called) if package in each),
            key=lambda each: surely(each.share(OVERLOADED)),
            default=None,
        )
        queues = waiting.get(package, [])
        refused = counts.share(OVERLOADED) if counts is not None else None
        if counts is None or refused is None or refused.hits < FEWEST_HITS:
            continue
        strength = surely(refused) / FLOOR
        if strength >= STAYS:
            yield Finding(
                Kind.STARVED,
                Subject(package),
                Severity.PAGE if surely(refused) >= 10 * FLOOR else Severity.TICKET,
                f"callers of {shown(package)} get no slot: {share(refused.value)} OVERLOADED ({refused.hits:,.0f} of"
                f" {refused.total:,.0f} in {span(counts.span_s)}){_slots(package, sums)}{_who(queues)}",
                (Evidence("overloaded share", refused.value, "", None, counts.span_s, counts.requests),),
                refused.value * counts.per_s,
                Trouble.ERRORS,
                actions.look("h2o stats --by host --window 10s {}", package, sentence="see who is full"),
                strength,
            )


def _slots(package: str, sums: Sums) -> str:
    known = [one for one in sums.ready(package) if one.slots is not None and one.in_flight is not None]
    if not known:
        return ""
    busy, slots = sum(one.in_flight or 0 for one in known), sum(one.slots or 0 for one in known)
    return f"; {busy} of {many(slots, 'slot')} busy"


def _who(queues: Sequence[Waiting]) -> str:
    refused: Counter[str] = Counter()
    for queue in queues:
        refused.update(queue.refused)
    named = sorted(refused.items(), key=lambda pair: (-pair[1], pair[0]))[:_NAMED]
    queued = sum(queue.queued for queue in queues)
    waits = f", {queued} wait" if queued else ""
    return waits + (f"; refused: {', '.join(f'{n} of {shown(who)}' for who, n in named)}" if named else "")
