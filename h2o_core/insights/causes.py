"""Does one finding explain another: in the same place, or through whom a package calls. Pure.

Within a package the narrower place explains the wider one if it has at least half of what suffers. Between packages
the calls decide: whoever fails explains its caller's failures if at least half of them are failed calls to it, and its
caller's slowness if at least half of the added time is spent waiting for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_core.insights.comparing import FEWEST_HITS
from h2o_core.insights.counts import (
    APPLICATION,
    FAULTS,
    UNSERVED,
    Counts,
    ended,
    less,
    longer_than,
    quantile,
    together,
)
from h2o_core.insights.finding import Finding, Kind, Subject, Trouble
from h2o_core.insights.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from h2o_core.insights.picture import Call, Served
    from h2o_core.insights.sums import Sums

ENOUGH: Final = 0.5
"""Half of the trouble is what a cause has to explain."""
_LEAST: Final = 0.05
_LEVELS: Final = 2
"""An api calls an orchestration, which calls a service: nobody is further away."""

_PLACES: Final = frozenset({Kind.HOST, Kind.INSTANCE, Kind.VERSION, Kind.UNHEALTHY})
_WIDE: Final = frozenset({Kind.FAILING, Kind.SLOW, Kind.STARVED, Kind.PROMISE, Kind.APPLICATION})
"""What is said of a package as a whole."""
_ILL: Final = frozenset({Kind.UNHEALTHY, Kind.PANIC, Kind.LAST_ONE})
_DOWN: Final = frozenset({Kind.BROKER, Kind.SILENT, Kind.LINK})
_THERE: Final = frozenset(
    {Kind.UNHEALTHY, Kind.CRASHES, Kind.DRIFT, Kind.EPOCH, Kind.REGISTER, Kind.CAPACITY, Kind.CLOCK}
)
"""What is said of a host, or of something on it."""
_BROKEN: Final = frozenset({Kind.GONE, Kind.UNSERVED, Kind.VERSION, Kind.INSTANCE, *_WIDE}) - {Kind.APPLICATION}
"""What can hurt a caller."""
_HURT: Final = frozenset({Kind.VERSION, Kind.INSTANCE, Kind.HOST, Kind.UNHEALTHY, Kind.PANIC, *_WIDE})
"""What can come from someone that is called."""
_SAME_PACKAGE: Final[frozenset[tuple[Kind, Kind]]] = frozenset(
    {
        (Kind.CRASHES, Kind.GONE),
        (Kind.CRASHES, Kind.UNSERVED),
        (Kind.CRASHES, Kind.LAST_ONE),
        (Kind.GONE, Kind.UNSERVED),
        (Kind.GONE, Kind.FAILING),
        (Kind.GONE, Kind.PANIC),
        (Kind.FAILING, Kind.SLOW),
        (Kind.FAILING, Kind.PROMISE),
        (Kind.FAILING, Kind.UNHEALTHY),
        (Kind.FAILING, Kind.PANIC),
        (Kind.SLOW, Kind.PROMISE),
        (Kind.SLOW, Kind.STARVED),
        (Kind.STARVED, Kind.UNSERVED),
        (Kind.PANIC, Kind.UNHEALTHY),
        (Kind.UNSERVED, Kind.LAST_ONE),
    }
)


def explained(cause: Finding, symptom: Finding, sums: Sums) -> float:
    """The part of *symptom* that *cause* explains, 0 … 1."""
    return max(_same_host(cause, symptom), _same_package(cause, symptom, sums), _called(cause, symptom, sums))


# ---------------------------------------------------------------------- one place


def _same_host(cause: Finding, symptom: Finding) -> float:
    if cause.kind is Kind.REGISTER and not cause.subject.host:
        return float(symptom.kind is Kind.EPOCH or (symptom.kind is Kind.REGISTER and bool(symptom.subject.host)))
    if not cause.subject.host or cause.subject.host != symptom.subject.host:
        return 0.0
    if cause.kind in _DOWN:
        return float(symptom.kind in _THERE - {Kind.CAPACITY, Kind.CLOCK})
    if cause.kind is Kind.HOST:
        return float(symptom.kind in {Kind.UNHEALTHY, Kind.CAPACITY, Kind.INSTANCE})
    return float(cause.kind is Kind.REGISTER and symptom.kind is Kind.EPOCH)


def _same_package(cause: Finding, symptom: Finding, sums: Sums) -> float:
    package = symptom.subject.package
    if cause.kind is Kind.VERSION and symptom.kind is Kind.TIERS and symptom.subject.caller == cause.subject.package:
        return 1.0
    if not package or (cause.kind is not Kind.HOST and cause.subject.package != package):
        return 0.0
    if (cause.kind, symptom.kind) in _SAME_PACKAGE:
        return 1.0
    if cause.kind is Kind.HOST and symptom.kind is Kind.UNSERVED:
        return _from_host(cause.subject.host, package, sums)
    if cause.kind in _PLACES and cause.kind is not Kind.UNHEALTHY and symptom.kind in _ILL:
        return float(_within(cause, symptom))
    if cause.kind is Kind.UNHEALTHY and symptom.kind is Kind.VERSION and _fails_elsewhere(cause, symptom, sums):
        return 0.0
    if cause.kind in _PLACES and (symptom.kind in _WIDE or _is_wider(cause, symptom)):
        return _part(cause, symptom, sums)
    return 0.0


def _is_wider(cause: Finding, symptom: Finding) -> bool:
    return symptom.kind is Kind.VERSION and cause.kind in {Kind.HOST, Kind.INSTANCE, Kind.UNHEALTHY}


def _fails_elsewhere(cause: Finding, symptom: Finding, sums: Sums) -> bool:
    """Its version fails at least half as often where the cause is not: an instance that is out is then one of many.

    Brokers eject the instances of a bad version one after the other, and the rest take over its requests.
    """
    rows = [row for row in sums.served.get(symptom.subject.package, ()) if row.version == symptom.subject.version]
    here = together(row.now for row in rows if _is_in(cause, row))
    there = together(row.now for row in rows if not _is_in(cause, row))
    failed = there.of(FAULTS)
    return failed >= FEWEST_HITS and 2 * failed * here.requests >= here.of(FAULTS) * there.requests


def _within(cause: Finding, symptom: Finding) -> bool:
    """What *symptom* names is not outside of what *cause* names."""
    pairs = ((cause.subject.version, symptom.subject.version), (cause.subject.host, symptom.subject.host))
    return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)


def _part(cause: Finding, symptom: Finding, sums: Sums) -> float:
    """How much of what suffers in the symptom's package suffers in the cause's place."""
    if cause.trouble is Trouble.SLOW and symptom.trouble is Trouble.ERRORS and symptom.kind is not Kind.STARVED:
        return 0.0
    package, version = symptom.subject.package, symptom.subject.version
    rows = [row for row in sums.served.get(package, ()) if not version or row.version == version]
    codes = APPLICATION if symptom.kind is Kind.APPLICATION else FAULTS
    whole = sums.versions.get((package, version)) if version else sums.now.get(package)
    return _in_place(cause, rows, whole, None if symptom.trouble is Trouble.SLOW else codes)


def _in_place(cause: Finding, rows: Sequence[Served], whole: Counts | None, codes: Collection[str] | None) -> float:
    """The part of the *codes* among *rows* that is of the cause's place; without codes, of what takes long.

    *whole*: all *rows* together.
    """
    inside = [row.now for row in rows if _is_in(cause, row)]
    if not inside or whole is None:
        return 0.0
    if codes is None:
        return _slow_part(together(inside), less(whole, inside))
    ended_so = sum(row.now.of(codes) for row in rows)
    return sum(one.of(codes) for one in inside) / ended_so if ended_so else 0.0


def _from_host(host: str, package: str, sums: Sums) -> float:
    """How many of those that nobody took were asked by that host."""
    calls = sums.calls.get(package, ())
    whole = sum(one.now.of(UNSERVED) for one in calls)
    return sum(one.now.of(UNSERVED) for one in calls if one.host == host) / whole if whole else 0.0


def _is_in(cause: Finding, row: Served) -> bool:
    subject = cause.subject
    return (not subject.host or row.host == subject.host) and (not subject.version or row.version == subject.version)


def _slow_part(inside: Counts, outside: Counts) -> float:
    """Of the requests beyond what is slow outside, less those that always are."""
    if not inside.times.count:
        return 0.0
    usual = quantile(Ranked(outside.times), 0.95)
    if usual is None:
        return 1.0
    here = max(0.0, longer_than(inside.times, usual.high_ns)) * inside.times.count
    there = longer_than(outside.times, usual.high_ns) * outside.times.count
    return here / (here + there) if here + there else 0.0


# ---------------------------------------------------------------------- who calls whom


def _called(cause: Finding, symptom: Finding, sums: Sums) -> float:
    """Through whom the symptom's package calls, and through whom those call in turn."""
    package = symptom.subject.package
    if symptom.kind not in _HURT or not package or package == cause.subject.package:
        return 0.0
    return _below(cause, symptom, sums, _LEVELS) if cause.kind in _BROKEN or cause.kind is Kind.HOST else 0.0


def _below(cause: Finding, symptom: Finding, sums: Sums, levels: int) -> float:
    """Over all that it calls: the part that is theirs, times the part of that which is the cause's."""
    part = 0.0
    for callee, calls in sums.callees.get(symptom.subject.package, {}).items():
        theirs = _of_cause(cause, callee, symptom, sums)
        if levels > 1 and theirs < ENOUGH:
            theirs = max(theirs, _below(cause, replace(symptom, subject=Subject(callee)), sums, levels - 1))
        share = _edge_part(calls, symptom, sums) if theirs else 0.0  # few callees have to do with the cause
        if share >= _LEAST:
            part += share * theirs
    return min(1.0, part)


def _of_cause(cause: Finding, callee: str, symptom: Finding, sums: Sums) -> float:
    """How much of what suffers in *callee* is the cause's: all, if it speaks of that package, or its place's."""
    if cause.kind is not Kind.HOST and cause.subject.package != callee:
        return 0.0
    errors = symptom.trouble is Trouble.ERRORS or symptom.kind in _ILL
    if not errors and cause.kind is Kind.UNSERVED:
        return 0.0
    rows = sums.served.get(callee, ())
    if cause.kind not in _PLACES or not rows:
        return float(cause.kind is not Kind.HOST)
    return _in_place(
        cause, rows, sums.now.get(callee), FAULTS if errors and cause.trouble is not Trouble.SLOW else None
    )


def _edge_part(calls: Sequence[Call], symptom: Finding, sums: Sums) -> float:
    """How much of what suffers in the symptom's package is these *calls* of it."""
    version, host = symptom.subject.version, symptom.subject.host

    def meant(one: Call | Served) -> bool:
        return (not version or one.version == version) and (not host or one.host == host)

    calls = [one for one in calls if meant(one)]
    rows = [one for one in sums.served.get(symptom.subject.package, ()) if meant(one)]
    edge, own = [one.now for one in calls], [one.now for one in rows]
    if not any(one.requests for one in edge) or not any(one.requests for one in own):
        return 0.0
    if symptom.trouble is Trouble.ERRORS or symptom.kind in _ILL:
        return _failed_part(ended(edge), ended(own), symptom)
    past = _Spent.of(one.before for one in calls), _Spent.of(one.before for one in rows)
    return _waited_part((_Spent.of(edge), _Spent.of(own)), past)


def _failed_part(edge: Counts, own: Counts, symptom: Finding) -> float:
    """Failed calls for each failure of its own."""
    codes = FAULTS | APPLICATION if symptom.kind is Kind.APPLICATION else FAULTS
    suffered = _per_request(own, own.of(codes))
    failed = _per_request(own, edge.of(FAULTS) * own.span_s / edge.span_s if edge.span_s else 0.0)
    return min(1.0, failed / suffered) if suffered else 0.0


@dataclass(frozen=True, slots=True)
class _Spent:
    """How long requests took, all of them."""

    requests: int
    sum_ns: int
    span_s: float

    @staticmethod
    def of(counts: Iterable[Counts | None]) -> _Spent:
        """Side by side, as `together`."""
        known = [one for one in counts if one is not None]
        span_s = max((one.span_s for one in known), default=0.0)
        return _Spent(sum(one.requests for one in known), sum(one.times.sum_ns for one in known), span_s)


def _waited_part(now: tuple[_Spent, _Spent], before: tuple[_Spent, _Spent]) -> float:
    """The part of the added time of a request that is added time of its calls."""
    own, waited = _time_ns(now[1], now[1]), _time_ns(now[0], now[1])
    if before[0].requests and before[1].requests:
        own -= _time_ns(before[1], before[1])
        waited -= _time_ns(before[0], before[1])
    return min(1.0, waited / own) if own > 0 else 0.0


def _time_ns(spent: _Spent, requests: _Spent) -> float:
    """Time for each of *requests*."""
    scale = requests.span_s / spent.span_s if spent.span_s else 0.0
    return _per_request(requests, spent.sum_ns * scale)


def _per_request(requests: Counts | _Spent, amount: float) -> float:
    return amount / requests.requests if requests.requests else 0.0
