"""Instance views → rows, and the columns of the Instances view. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_1S, LAST_10S
from h2o_console.rows.cells import Tone
from h2o_console.rows.facts import check_facts, instance_facts
from h2o_console.rows.figures import UNKNOWN, age, size, whole
from h2o_console.rows.judged import JudgedRow, error_column, p95_column, rate_column, why_column
from h2o_console.rows.places import SHORT_ID, Kind, Place
from h2o_console.rows.reasons import Reason, errors, fails, reasons, worst
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column, most, name_column
from h2o_console.text import safe
from h2o_core.insights.finding import Kind as FindingKind
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.rows.told import Told
    from h2o_console.store.views import CheckView, InstanceView
    from h2o_core.insights.finding import Finding


@dataclass(frozen=True, slots=True)
class InstanceRow(JudgedRow):
    """An instance as a line. `package` and `host` are true names, as its key is."""

    package: str = ""
    host: str = ""
    version: str = ""
    zone: str = ""
    state: str = ""
    ready: bool = False
    silent: bool = False
    rps: float | None = None
    p95_ms: float | None = None
    requests: int = 0
    failed: int = 0
    slots: int | None = None
    in_flight: int | None = None
    queued: int | None = None
    up: str = UNKNOWN
    up_s: float | None = None
    cpu_pct: float | None = None
    rss_bytes: int | None = None
    restarts: int | None = None
    pid: int | None = None

    @property
    def found_by(self) -> str:
        """Package, version, host, id, state."""
        return f"{self.package} {self.version} {self.host} {self.key} {self.state}"


def instance_row(view: InstanceView, told: Told) -> InstanceRow:
    """What there is to say of an instance."""
    found = instance_reasons(view, told)
    child = view.child
    return InstanceRow(
        key=view.key,
        name=short(view),
        glyph=worst(found),
        reasons=found,
        package=view.package,
        host=view.host,
        version=safe(view.version, 24),
        zone=safe(view.zone, 20),
        state=safe(shown_state(view), 12),
        ready=view.ready,
        silent=view.silent,
        rps=view.rps,
        p95_ms=view.p95_ms,
        requests=sum(view.outcomes.values()),
        failed=errors(view.outcomes),
        slots=view.slots,
        in_flight=view.in_flight,
        queued=view.queued,
        up=UNKNOWN if view.up_s is None else age(view.up_s),
        up_s=None if view.up_s is None or not math.isfinite(view.up_s) else round(view.up_s, -1),
        cpu_pct=None if child is None or not math.isfinite(child.cpu_pct or 0.0) else child.cpu_pct,
        rss_bytes=None if child is None or child.rss_bytes is None else child.rss_bytes >> 20 << 20,
        restarts=None if child is None else child.restarts,
        pid=view.pid if view.pid is not None or child is None else child.pid,
    )


def instance_reasons(view: InstanceView, told: Told, checks: Iterable[CheckView] = ()) -> tuple[Reason, ...]:
    """All that is to say of an instance; of one that crashes again and again, what is said of its package."""
    found = told.of(Place(Kind.INSTANCE, view.key))
    found += tuple(one for one in told.of(Place(Kind.HOST, view.host)) if _is_among(view, one.finding))
    if view.child is not None and view.child.crash_loops:
        found += tuple(
            one for one in told.of(Place(Kind.PACKAGE, view.package)) if one.finding.kind is FindingKind.CRASHES
        )
    if not found and fails(view.outcomes):
        found = told.failing_with(view.package, view.version)
    return reasons(found, (*instance_facts(view), *check_facts(checks)), looked=told.looked)


def _is_among(view: InstanceView, finding: Finding) -> bool:
    """It is said of several instances of a version on a host, which are not told apart."""
    subject = finding.subject
    alike = (shown(subject.package), subject.version) == (view.package, view.version)
    return finding.kind is FindingKind.INSTANCE and not subject.instance and alike


def short(view: InstanceView) -> str:
    """Its id as it is shown; of a child that has none, what its agent calls it."""
    if view.id:
        return safe(view.id, 40)[:SHORT_ID]
    return "(none)"


def shown_state(view: InstanceView) -> str:
    """Its state; one that is ready and takes no requests is not routable."""
    return view.state if view.ready or view.state != "ready" else "unroutable"


def _state(row: InstanceRow, _: Canvas) -> Shown:
    return row.state, Tone.UNKNOWN if row.silent else Tone.GOOD if row.ready else Tone.WARN


def _busy(row: InstanceRow, _: Canvas) -> Shown:
    if row.in_flight is None and row.slots is None:
        return UNKNOWN, Tone.UNKNOWN
    full = row.slots is not None and row.in_flight is not None and row.in_flight >= row.slots > 0
    busy = UNKNOWN if row.in_flight is None else str(row.in_flight)
    return f"{busy}/{UNKNOWN if row.slots is None else row.slots}", Tone.WARN if full else Tone.PLAIN


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _by_package(row: InstanceRow) -> tuple[str, ...]:
    return (row.package, row.key)


INSTANCES: Final[Table[InstanceRow]] = Table(
    (
        glyph_column(),
        Column("INSTANCE", lambda row, _: (row.name, Tone.NAME), 8, "its id; any unique beginning may be typed"),
        name_column(
            "PACKAGE",
            lambda row: (safe(row.package, 80), Tone.NAME),
            by=lambda row: (row.package, row.version, row.host, row.key),
        ),
        Column(
            "VERSION",
            lambda row, _: (row.version or UNKNOWN, Tone.PLAIN),
            7,
            goes=4,
            least=NARROW,
            grows=lambda width: 16 if width >= 120 else 10,
            sort="version",
            by=lambda row: (row.version, row.package, row.host),
            ascending=True,
        ),
        Column(
            "HOST",
            lambda row, _: (safe(row.host, 40), Tone.PLAIN),
            6,
            goes=1,
            least=NARROW,
            grows=lambda width: width // 8,
            sort="host",
            by=lambda row: (row.host, row.package, row.key),
            ascending=True,
        ),
        Column("ZONE", lambda row, _: (row.zone or UNKNOWN, Tone.DIM), 6, goes=12, least=NARROW, wide=True),
        Column("STATE", _state, 9, goes=3, least=NARROW),
        rate_column("requests a second, mean of the last 10 s", _by_package, goes=5, over=LAST_10S),
        p95_column("time from the broker to it and back, ms, all features, last 60 s", _by_package, goes=2),
        error_column("failed by the package's or the platform's fault, last 60 s", _by_package),
        Column(
            "BUSY",
            _busy,
            7,
            "slots that work on a request, of all it has",
            right=True,
            goes=6,
            least=NARROW,
            sort="busy",
            by=lambda row: (most(row.in_flight), row.package, row.key),
        ),
        Column(
            "CPU%",
            lambda row, _: (whole(row.cpu_pct), Tone.PLAIN),
            4,
            "of one core, over the last seconds",
            right=True,
            goes=8,
            least=NARROW,
            sort="cpu",
            by=lambda row: (most(row.cpu_pct), row.package, row.key),
            over=LAST_1S,
        ),
        Column(
            "MEM",
            lambda row, _: (size(row.rss_bytes), Tone.PLAIN),
            5,
            "resident memory of its process",
            right=True,
            goes=7,
            least=NARROW,
            sort="memory",
            by=lambda row: (most(row.rss_bytes), row.package, row.key),
        ),
        Column(
            "UP",
            lambda row, _: (row.up, Tone.DIM),
            4,
            right=True,
            goes=9,
            least=NARROW,
            sort="age",
            by=lambda row: (most(row.up_s), row.package, row.key),
        ),
        Column(
            "QUEUE",
            lambda row, _: (_count(row.queued), Tone.PLAIN),
            5,
            right=True,
            goes=11,
            least=NARROW,
            wide=True,
        ),
        Column(
            "RESTARTS",
            lambda row, _: (_count(row.restarts), Tone.WARN if row.restarts else Tone.DIM),
            8,
            "of this child by its agent",
            right=True,
            goes=10,
            least=120,
            sort="restarts",
            by=lambda row: (most(row.restarts), row.package, row.key),
        ),
        Column("PID", lambda row, _: (_count(row.pid), Tone.DIM), 7, right=True, goes=13, least=NARROW, wide=True),
        why_column(),
    ),
    worst=lambda row: (-row.glyph, -row.hurt, row.package, row.host, row.key),
)
