"""From what agents and the register say to the picture that insights are drawn from. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.counting import between
from h2o_console.cli.reported import outcomes_of, sketch_of
from h2o_console.feed.answers import number, text
from h2o_core.insights import reports
from h2o_core.insights.counts import Counts, together
from h2o_core.insights.picture import Call, Host, Instance, Measured, Picture, Served
from h2o_core.insights.reports import full

if TYPE_CHECKING:
    from h2o_console.cli.reported import CallerCounts, HostCounts
    from h2o_console.feed import answers
    from h2o_core.insights.picture import Control
    from h2o_core.pb import host_pb2
    from h2o_core.pb.host_pb2 import History, HostStats
    from h2o_core.pb.stats_pb2 import InstanceReport

NOW_S: Final = 70.0
"""Points that began so long ago are of the last minute: they are 10 s long, and the last one is not whole yet."""
BEFORE_S: Final = 180.0
"""What is older than this is the past that the last minute is compared with."""


@dataclass(frozen=True, slots=True)
class Looked:
    """All that was read. `earlier` and `counts`: host → counters at the first and the last reading of the window.

    `unreachable`: host → why; `silent_s`: how long ago each was heard; `behind_s`: how long it is behind the epoch.
    `features`: as ``/features`` has them.
    """

    now_s: float
    instances: Sequence[answers.Instance]
    hosts: Sequence[answers.Host]
    features: Sequence[Mapping[str, Any]]
    stats: Mapping[str, HostStats]
    unreachable: Mapping[str, str]
    earlier: Mapping[str, HostCounts]
    counts: Mapping[str, HostCounts]
    histories: Mapping[str, History]
    silent_s: Mapping[str, float]
    behind_s: Mapping[str, float]
    control: Control | None


def picture_of(looked: Looked) -> Picture:
    """What insights need of it; what nobody said stays unknown."""
    speaking = {host: each for host, each in looked.stats.items() if each.HasField("report")}
    return Picture(
        now_s=looked.now_s,
        hosts=tuple(_host(one, looked) for one in looked.hosts),
        instances=tuple(_instances(looked, speaking)),
        children=tuple(child for each in looked.stats.values() for child in reports.children(each)),
        served=tuple(one for host, history in looked.histories.items() for one in _served(host, history)),
        measured=tuple(_measured(looked)),
        calls=tuple(_calls(looked)),
        waiting=tuple(one for each in speaking.values() for one in reports.waiting(each.host, each.report.queues)),
        pools=tuple(one for each in speaking.values() for one in reports.pools(each.report.pools)),
        alarms=tuple(one for each in speaking.values() for one in reports.alarms(each.host, each.report.register)),
        peaks=_peaks(looked.histories),
        control=looked.control,
    )


# ---------------------------------------------------------------------- hosts and what runs there


def _host(one: answers.Host, looked: Looked) -> Host:
    said = looked.stats.get(one.host)
    if said is not None:
        return reports.host(said, one.link, one.register, one.why, looked.behind_s.get(one.host))
    why = looked.unreachable.get(one.host, "") or one.why
    return Host(one.host, one.zone, looked.silent_s.get(one.host), why, one.link, one.register)


def _instances(looked: Looked, speaking: Mapping[str, HostStats]) -> Iterator[Instance]:
    reports = {one.instance: (one, each.report.now_s) for each in speaking.values() for one in each.report.instances}
    before = {one.id for each in looked.earlier.values() for one in each.instances}
    for one in looked.instances:
        if one.id:
            known = reports.get(one.id)
            told = one.id in before or known is not None
            yield _instance(one, known, known_there=told if one.host in speaking else None)


def _instance(
    one: answers.Instance, known: tuple[InstanceReport, float] | None, *, known_there: bool | None
) -> Instance:
    package, plain = full(one.package), (one.id, full(one.package), one.version, one.host, one.state)
    if known is None:
        return Instance(*plain, routable=one.routable, why=one.why, slots=one.slots, known_there=known_there)
    report, now_s = known
    return Instance(
        one.id,
        package,
        one.version,
        one.host,
        report.state or one.state,
        report.verdict,
        one.routable,
        report.verdict_why or one.why,
        max(0.0, now_s - report.started_s) if report.started_s else None,
        report.slots,
        report.in_flight,
        known_there,
    )


# ---------------------------------------------------------------------- what was counted


def _served(host: str, history: History) -> Iterator[Served]:
    for series in history.series:
        now = [point for point in series.points if point.t_s >= history.as_of_s - NOW_S]
        before = [point for point in series.points if point.t_s < history.as_of_s - BEFORE_S]
        if series.kind == "package":
            yield Served(series.package, series.version, host, _summed(now), _summed(before) if before else None)


def _summed(points: Iterable[host_pb2.Point]) -> Counts:
    """One after the other: their spans add up."""
    every = list(points)
    known = ((outcomes_of(point.outcomes), sketch_of(point.processing)) for point in every)
    counts = together(Counts(outcomes, times) for outcomes, times in known if times is not None)
    return Counts(counts.outcomes, counts.times, sum(point.covered_s for point in every))


def _peaks(histories: Mapping[str, History]) -> dict[str, int]:
    """Package → the most that were ready at one time, over all hosts."""
    ready: defaultdict[str, Counter[float]] = defaultdict(Counter)
    for history in histories.values():
        for series in history.series:
            for point in series.points:
                ready[series.package][point.t_s] += point.instances
    return {package: max(counts.values(), default=0) for package, counts in ready.items()}


def _measured(looked: Looked) -> Iterator[Measured]:
    promised = {
        (text(one, "name"), text(one, "version")): (number(one, "mean_ms"), number(one, "upper95_ms"))
        for one in looked.features
    }
    for one in between(looked.earlier, looked.counts):
        if one.tally is not None and one.span_s:
            feature, version = one.endpoint.feature, one.instance.version
            counts = Counts(one.tally.outcomes, one.tally.sketch, one.span_s)
            mean_ms, upper95_ms = promised.get((feature, version), (None, None))
            yield Measured(full(feature), version, one.instance.host, counts, mean_ms or None, upper95_ms or None)


def _calls(looked: Looked) -> Iterator[Call]:
    for host, later in looked.counts.items():
        before = looked.earlier.get(host)
        if before is None or before.as_of_s is None or later.as_of_s is None or later.as_of_s <= before.as_of_s:
            continue
        known = {(one.caller, one.version, one.feature): one for one in before.callers}
        span_s = later.as_of_s - before.as_of_s
        for one in later.callers:
            call = _call(host, known.get((one.caller, one.version, one.feature)), one, span_s)
            if call is not None:
                yield call


def _call(host: str, before: CallerCounts | None, now: CallerCounts, span_s: float) -> Call | None:
    """None: nothing happened, or the counter began anew."""
    had: Mapping[str, int] = before.outcomes if before is not None else dict[str, int]()
    more = {code: count - had.get(code, 0) for code, count in now.outcomes.items()}
    if any(count < 0 for count in more.values()) or now.times is None or not any(more.values()):
        return None
    try:
        times = now.times if before is None or before.times is None else now.times.since(before.times)
    except ValueError:
        return None
    breaches = now.breaches - (before.breaches if before is not None else 0)
    counts = Counts({code: count for code, count in more.items() if count}, times, span_s)
    return Call(full(now.caller), now.version, full(now.feature), host, counts, breaches=max(0, breaches))
