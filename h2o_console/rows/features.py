"""Feature views → rows, the columns of the Features view, and one feature in full. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_60S
from h2o_console.rows.call_lines import CALLERS, call_lines
from h2o_console.rows.cells import Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, millis
from h2o_console.rows.judged import JudgedRow, error_column, p50_column, p95_column, rate_column
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import Reason, errors, fails, reasons, slow_tone, why, worst
from h2o_console.rows.sections import Field, Grid, facts, outcomes_text, plain, title, verdict
from h2o_console.rows.shares import declared_share, failed_share
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column, name_column
from h2o_console.text import safe

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.views import CallView, FeatureView

WINDOW_S: Final = 60


@dataclass(frozen=True, slots=True)
class FeatureRow(JudgedRow):
    """One feature of one version as a line. `feature` and `package` are true names; `key` has the version, too."""

    feature: str = ""
    package: str = ""
    version: str = ""
    known: bool = True
    rps: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    upper95_ms: float | None = None
    requests: int = 0
    failed: int = 0
    declared: int = 0
    instances: int = 0
    last_error: str = ""

    @property
    def found_by(self) -> str:
        """Its name, with the package's, and its version."""
        return f"{self.feature} {self.version}"

    @property
    def ages(self) -> bool:
        """The last error says how long ago it was."""
        return bool(self.last_error)


def feature_row(view: FeatureView, told: Told) -> FeatureRow:
    """What there is to say of a feature."""
    found = feature_reasons(view, told)
    requests = sum(view.outcomes.values())
    return FeatureRow(
        key=view.key,
        name=safe(view.feature, 80) or "(no name)",
        glyph=worst(found),
        reasons=found,
        feature=view.feature,
        package=view.package,
        version=safe(view.version, 24),
        known=view.known,
        rps=requests / WINDOW_S if view.known else None,
        p50_ms=view.p50_ms,
        p95_ms=view.p95_ms,
        upper95_ms=view.upper95_ms,
        requests=requests,
        failed=errors(view.outcomes),
        declared=view.outcomes.get("APPLICATION", 0),
        instances=view.instances,
        last_error=_last_error(view),
    )


def _last_error(view: FeatureView) -> str:
    if not view.last_error or view.error_age_s is None:
        return ""
    return f"{age(view.error_age_s)} ago: {safe(view.last_error, 200)}"


def feature_reasons(view: FeatureView, told: Told) -> tuple[Reason, ...]:
    """All that is to say of it; empty when all is well."""
    said = told.of(Place(Kind.FEATURE, view.feature))
    mine = tuple(one for one in said if one.finding.subject.version in {"", view.version})
    if not mine and fails(view.outcomes):
        mine = told.failing_with(view.package, view.version)
    return reasons(mine, _unknown(view), looked=told.looked, name=f"{view.feature} {view.version}")


def _unknown(view: FeatureView) -> Iterator[Reason]:
    if not view.known:
        yield Reason(Glyph.UNKNOWN, "no fresh stats of any instance that serves it")


def _p95(row: FeatureRow, _: Canvas) -> Shown:
    return millis(row.p95_ms), slow_tone(row.reasons)


def _why(row: FeatureRow, on: Canvas) -> Shown:
    text, tone = why(row.reasons, on.width)
    if row.glyph is Glyph.FINE:
        return f"last error {row.last_error}" if row.last_error else text, tone
    return f"{text}; last error {row.last_error}" if row.last_error and row.failed else text, tone


def _by_name(row: FeatureRow) -> tuple[str, ...]:
    return (row.name,)


FEATURES: Final[Table[FeatureRow]] = Table(
    (
        glyph_column(),
        name_column("FEATURE", lambda row: (row.name, Tone.NAME)),
        Column(
            "VERSION",
            lambda row, _: (row.version, Tone.DIM),
            7,
            "each version that runs, or was called in the last minute, has a line",
            goes=5,
            least=NARROW,
            grows=lambda width: 16 if width >= 120 else 10,
        ),
        rate_column("requests a second, mean of the last 60 s", _by_name, goes=2, over=LAST_60S),
        p50_column(lambda row, _: (millis(row.p50_ms), Tone.PLAIN)),
        p95_column("time from the broker to the instance and back, ms, last 60 s", _by_name, goes=1, show=_p95),
        Column(
            "PROMISED",
            lambda row, _: (millis(row.upper95_ms), Tone.DIM),
            8,
            "the 95th percentile that the package declares (upper95), ms",
            right=True,
            goes=3,
            least=90,
            sort="promise",
            by=lambda row: (-(row.p95_ms / row.upper95_ms) if row.p95_ms and row.upper95_ms else 1.0, row.name),
        ),
        error_column("failed by the package's or the platform's fault, last 60 s", _by_name),
        Column(
            "APP%",
            lambda row, _: declared_share(row.declared, row.requests),
            5,
            "application errors that the package declares, last 60 s",
            right=True,
            goes=7,
            least=NARROW,
            over=LAST_60S,
        ),
        Column(
            "INST",
            lambda row, _: (str(row.instances) if row.known else UNKNOWN, Tone.DIM),
            4,
            "instances that serve it",
            right=True,
            goes=8,
            least=120,
        ),
        Column("WHY, LAST ERROR", _why, 14, "the worst finding, else its last error of any kind", short="WHY"),
    ),
    worst=lambda row: (-row.glyph, -row.hurt, -row.failed, row.name, row.version),
)

_VERSIONS: Final = (
    Field("VERSION", 7),
    Field("INST", 4, 4, right=True),
    Field("REQS", 7, 2, right=True),
    Field("mean", 5, 5, right=True),
    Field("p50", 5, 5, right=True),
    Field("p95 ms", 6, right=True),
    Field("PROMISED", 8, 3, right=True),
    Field("ERR%", 5, right=True),
    Field("APP%", 5, 6, right=True),
    Field("OUTCOMES", 16),
)


def feature_lines(views: Sequence[FeatureView], calls: Sequence[CallView], width: int, told: Told) -> tuple[Line, ...]:
    """One feature in full: *views* are its versions, *calls* its callers'."""
    found = [reason for view in views for reason in _named(view, told, several=len(views) > 1)]
    return (
        *verdict(sorted(found, key=lambda reason: -reason.glyph), width),
        *_versions(views, told, width),
        *_errors(views, width),
        *_callers(calls, width),
    )


def _named(view: FeatureView, told: Told, *, several: bool) -> Iterator[Reason]:
    for reason in feature_reasons(view, told):
        before = f"{safe(view.version, 24)}: " if several else ""
        yield replace(reason, text=f"{before}{reason.text}")


def _versions(views: Sequence[FeatureView], told: Told, width: int) -> Iterator[Line]:
    yield from title(f"VERSIONS, {LAST_60S}", width)
    if not views:
        return
    yield from facts("of", (("package", safe(views[0].package, 80), Tone.NAME),), width)
    grid = Grid.fitting(_VERSIONS, {"VERSION": [safe(view.version, 24) for view in views]}, width)
    yield from grid.heads()
    for view in views:
        requests, failed = sum(view.outcomes.values()), errors(view.outcomes)
        declared = view.outcomes.get("APPLICATION", 0)
        values = (
            (safe(view.version, 24), Tone.NAME),
            (str(view.instances) if view.known else UNKNOWN, Tone.PLAIN),
            (str(requests) if view.known else UNKNOWN, Tone.PLAIN),
            (millis(view.measured_mean_ms), Tone.PLAIN),
            (millis(view.p50_ms), Tone.PLAIN),
            (millis(view.p95_ms), slow_tone(feature_reasons(view, told))),
            (millis(view.upper95_ms), Tone.DIM),
            failed_share(failed, requests),
            declared_share(declared, requests),
            (outcomes_text(view.outcomes), Tone.DIM),
        )
        yield grid.line(f"version:{view.version}", values, Place(Kind.PACKAGE, view.package))


def _errors(views: Sequence[FeatureView], width: int) -> Iterator[Line]:
    told = [view for view in views if view.last_error]
    if not told:
        return
    yield from title("LAST ERROR, of any kind", width)
    for view in told:
        yield plain(f"error:{view.version}", f"  {safe(view.version, 24)}  {_last_error(view)}", Tone.PLAIN, width)


def _callers(calls: Sequence[CallView], width: int) -> Iterator[Line]:
    yield from title(CALLERS, width)
    if not calls:
        yield plain("none:callers", "  nobody has called it", Tone.UNKNOWN, width)
        return
    yield from call_lines(calls, width, lambda call: Place(Kind.CALLS, call.package))
