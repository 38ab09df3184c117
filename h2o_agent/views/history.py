"""`/history`: what was asked, checked; and the answer as JSON. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from h2o_agent.history.answering import KINDS, MINUTE_S, Query
from h2o_agent.history.tally import counts_of, histogram_of
from h2o_agent.views.counts import code_name, quantiles, sketch
from h2o_agent.views.head import SCHEMA, Json, milliseconds, moment
from h2o_core.names import from_operator, shown
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.pb.host_pb2 import History, Point, Series, Vitals

_RESOLUTION: Final = re.compile(r"([0-9]{1,4})s")
_LONGEST_S: Final = 3600


class BadQuery(ValueError):
    """The sentence says what to write instead."""


def query(parameters: Mapping[str, str]) -> Query:
    """What the URL asks for; raises BadQuery."""
    resolution_s = _resolution_s(parameters.get("resolution", "10s"))
    kind = parameters.get("kind", "")
    package = parameters.get("package", "")
    if kind and kind not in KINDS:
        msg = f"kind={kind[:20]} is none; there are {', '.join(KINDS)}"
        raise BadQuery(msg)
    package = from_operator(package) if package else ""
    return Query(resolution_s, kind, package, _since_s(parameters.get("since", "")))


def _resolution_s(said: str) -> int:
    found = _RESOLUTION.fullmatch(said)
    seconds = int(found[1]) if found else 0
    if seconds in {1, 10} or (MINUTE_S <= seconds <= _LONGEST_S and seconds % MINUTE_S == 0):
        return seconds
    msg = f"resolution={said[:20]} is none; there are 1s, 10s, 60s, and whole minutes up to {_LONGEST_S}s"
    raise BadQuery(msg)


def _since_s(said: str) -> float:
    if not said:
        return 0.0
    try:
        since_s: float | None = float(said)
    except ValueError:
        since_s = unix_s(said)
    if since_s is None or not 0 <= since_s < 1e11:
        msg = f"since={said[:40]} is no time; write Unix seconds, or 2026-11-27T20:15:00Z"
        raise BadQuery(msg)
    return since_s


def document(history: History) -> Json:
    """As JSON."""
    return {
        "schema": SCHEMA,
        "host": history.host,
        "as_of": moment(history.as_of_s),
        "resolution_s": history.resolution_s,
        "truncated": history.truncated,
        "lost_minutes": history.lost_minutes,
        "refused_bytes": history.refused_bytes,
        "series": [_series(series) for series in history.series],
    }


def _series(series: Series) -> Json:
    return {
        "kind": series.kind,
        "package": shown(series.package),
        "version": series.version,
        "points": [_point(point) for point in series.points],
    }


def _point(point: Point) -> Json:
    said: Json = {"t": moment(point.t_s), "covered_s": point.covered_s}
    if point.HasField("vitals"):
        return {**said, "vitals": _vitals(point.vitals)}
    return {
        **said,
        "outcomes": {code_name(code): count for code, count in counts_of(point.outcomes).items()},
        **quantiles(histogram_of(point.processing), 0.5, 0.95, 0.99),
        "sketch": sketch(point.processing),
        "instances": point.instances,
        "in_flight": point.in_flight,
        "queued": point.queued,
    }


def _vitals(vitals: Vitals) -> Json:
    return {
        "cpu_pct": milliseconds(vitals.cpu_pct),
        "steal_pct": milliseconds(vitals.steal_pct),
        "cores": vitals.cores or None,
        "load1": round(vitals.load1, 2),
        "memory_total_bytes": vitals.memory_total_bytes or None,
        "memory_available_bytes": vitals.memory_available_bytes if vitals.memory_total_bytes else None,
        "disk_total_bytes": vitals.disk_total_bytes or None,
        "disk_available_bytes": vitals.disk_available_bytes if vitals.disk_total_bytes else None,
        "clock_skew_s": round(vitals.clock_skew_s, 3) if vitals.clock_skew_known else None,
        "log_lines_dropped": vitals.log_lines_dropped,
    }
