"""`/metrics`: everything of one snapshot in Prometheus' text format or in OpenMetrics. Pure.

prometheus_client writes the text; its global registry and its own process metrics have no part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from h2o_agent.metrics import host, traffic
from h2o_agent.views import health, insights
from h2o_agent.views.instances import child_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from h2o_agent.metrics.totals import Totals
    from h2o_agent.snapshot import Snapshot

TEXT: Final = "text/plain"
OPENMETRICS: Final = "application/openmetrics-text"
CONTENT_TYPES: Final = {
    TEXT: "text/plain; version=0.0.4; charset=utf-8",
    OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


class Collector:
    """What prometheus_client asks for metrics."""

    def __init__(self, snapshot: Snapshot, totals: Totals, version: str) -> None:
        self._snapshot = snapshot
        self._totals = totals
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """All of them; of requests nothing while the broker does not answer."""
        snapshot = self._snapshot
        yield from host.agent(snapshot, self._version)
        broker = () if snapshot.broker is None else (snapshot.broker,)
        yield from host.children((*broker, *snapshot.children))
        yield from host.server(snapshot)
        yield host.health(health.findings(snapshot))
        yield host.findings(insights.causes(snapshot))
        told = snapshot.told
        if told is None or snapshot.broker_problem():
            return
        yield from host.broker(told)
        registered = {one.launch for one in told.report.instances}
        unregistered = [
            (child.package, child_state(child))
            for child in snapshot.children
            if not child.token or child.token not in registered
        ]
        yield from traffic.instances(snapshot, told.report, unregistered)
        yield from traffic.assignments(told.report)
        yield from traffic.served(self._totals.served(told.report))
        yield from traffic.asked(self._totals.asked(told.report))


def exposition(snapshot: Snapshot, totals: Totals, version: str, form: str) -> bytes:
    """The text in *form*, TEXT or OPENMETRICS."""
    collector = Collector(snapshot, totals, version)
    if form == TEXT:
        return generate_latest(collector)
    return cast("bytes", openmetrics.generate_latest(collector))  # pyright: ignore[reportUnknownMemberType] - untyped
