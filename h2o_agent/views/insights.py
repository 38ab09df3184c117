"""What is wrong here, as insights find it from what this one host knows. Pure.

A host sees its own counters, what its own callers get, and the fleet as its broker sees it; it does not know what is
decided, nor what others count. So of the fleet it says nothing that every other agent would say as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.views.counts import code_name
from h2o_agent.views.hoststats import host_stats
from h2o_core.histogram import Histogram
from h2o_core.insights import reports
from h2o_core.insights.counts import Counts
from h2o_core.insights.finding import Kind
from h2o_core.insights.grouping import Group, triage
from h2o_core.insights.picture import Call, Instance, Measured, Picture, Served
from h2o_core.insights.reports import full

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from h2o_agent.recent import Window
    from h2o_agent.snapshot import Snapshot, Told
    from h2o_core.insights.picture import Host

_OF_THE_FLEET: Final = frozenset({Kind.GONE, Kind.LAST_ONE, Kind.NEWCOMER})
"""What every agent would say at once."""


def causes(snapshot: Snapshot) -> list[Group]:
    """What is wrong with this host, with what it serves, and with what its callers get."""
    return [
        one
        for one in triage(picture_of(snapshot))
        if one.cause.subject.host in {"", snapshot.host} and one.cause.kind not in _OF_THE_FLEET
    ]


def picture_of(snapshot: Snapshot) -> Picture:
    """All that this host can tell; nothing of how it was before, and nothing of what is decided."""
    said = host_stats(snapshot, "")
    told = None if snapshot.broker_problem() else snapshot.told
    lately = None if told is None else snapshot.lately
    hosts: tuple[Host, ...] = () if snapshot.leaving else (reports.host(said, "self"),)
    return Picture(
        now_s=snapshot.now_s,
        hosts=hosts,
        instances=() if told is None else tuple(_instances(told)),
        children=tuple(reports.children(said)),
        served=() if lately is None else tuple(_served(snapshot.host, lately)),
        measured=() if lately is None or told is None else tuple(_measured(snapshot.host, lately, told)),
        calls=() if lately is None else tuple(_calls(snapshot.host, lately)),
        waiting=tuple(reports.waiting(said.host, said.report.queues)),
        pools=tuple(reports.pools(said.report.pools)),
        alarms=tuple(reports.alarms(said.host, said.report.register)),
    )


def _instances(told: Told) -> Iterator[Instance]:
    here = {one.instance: one for one in told.report.instances}
    for host in told.picture.hosts:
        for one in host.instances:
            own = here.get(one.instance)
            state = own.state if own is not None else "ready"
            verdict = own.verdict if own is not None else ""
            up_s = told.report.now_s - one.started_s
            yield Instance(
                one.instance,
                one.package,
                one.version,
                host.host,
                state,
                verdict,
                one.routable,
                one.why,
                up_s,
            )


def _served(host: str, lately: Window) -> Iterator[Served]:
    versions: dict[tuple[str, str], tuple[dict[str, int], Histogram]] = {}
    for key, outcomes in lately.served.items():
        sums, times = versions.setdefault((full(key.package), key.version), ({}, Histogram()))
        for code, count in _named(outcomes).items():
            sums[code] = sums.get(code, 0) + count
        if key in lately.measured:
            times.merge(lately.measured[key])
    for (package, version), (outcomes, times) in versions.items():
        yield Served(package, version, host, Counts(outcomes, times, lately.over_s))


def _measured(host: str, lately: Window, told: Told) -> Iterator[Measured]:
    promised = {
        (manifest.version, feature.name): feature
        for manifest in told.picture.manifests
        for feature in manifest.features
    }
    for key, times in lately.measured.items():
        feature = promised.get((key.version, full(key.feature)))
        if feature is not None:
            counts = Counts(_named(lately.served.get(key, {})), times, lately.over_s)
            yield Measured(
                full(key.feature), key.version, host, counts, feature.mean_ms or None, feature.upper95_ms or None
            )


def _calls(host: str, lately: Window) -> Iterator[Call]:
    for key, outcomes in lately.asked.items():
        counts = Counts(_named(outcomes), span_s=lately.over_s)
        breaches = lately.breaches.get(key, 0)
        yield Call(full(key.caller), key.version, full(key.feature), host, counts, breaches=breaches)


def _named(outcomes: Mapping[int, int]) -> dict[str, int]:
    """By name."""
    return {code_name(code): count for code, count in outcomes.items()}
