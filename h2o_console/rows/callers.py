"""Who calls whom → rows, and the columns of the Callers view: counted where the calls come from. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_60S
from h2o_console.rows.call_lines import against_tiers
from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.features import WINDOW_S
from h2o_console.rows.figures import millis
from h2o_console.rows.judged import JudgedRow, error_column, p50_column, p95_column, rate_column
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import Reason, errors, fails, reasons, why, worst
from h2o_console.rows.sections import outcomes_text
from h2o_console.rows.tables import Canvas, Column, Shown, Table, glyph_column, name_column
from h2o_console.text import safe
from h2o_core.insights.finding import Kind as FindingKind
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.rows.told import Told
    from h2o_console.store.views import CallView


@dataclass(frozen=True, slots=True)
class CallRow(JudgedRow):
    """What one caller got from one feature, as a line. `caller` and `package` are true names."""

    caller: str = ""
    version: str = ""
    feature: str = ""
    package: str = ""
    requests: int = 0
    failed: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    hosts: int = 0
    outcomes: str = ""

    @property
    def found_by(self) -> str:
        """Both ends."""
        return f"{self.caller} {self.feature}"

    @property
    def ages(self) -> bool:
        """Nothing says since when."""
        return False

    @property
    def rps(self) -> float:
        """Mean of the last minute."""
        return self.requests / WINDOW_S


def call_row(view: CallView, told: Told) -> CallRow:
    """What there is to say of it."""
    edge = view.caller, view.package
    said = tuple(
        one
        for one in told.of(Place(Kind.CALLS, view.package))
        if (shown(one.finding.subject.caller), shown(one.finding.subject.package)) == edge
    )
    if not said and fails(view.outcomes):
        said = told.failing_with(view.package)
    found = reasons(said, _forbidden(view), looked=told.looked)
    return CallRow(
        key=view.key,
        name=safe(view.caller, 80) or "(nobody)",
        glyph=worst(found),
        reasons=found,
        caller=view.caller,
        version=safe(view.version, 24),
        feature=safe(view.feature, 80),
        package=view.package,
        requests=sum(view.outcomes.values()),
        failed=errors(view.outcomes),
        p50_ms=view.p50_ms,
        p95_ms=view.p95_ms,
        hosts=view.hosts,
        outcomes=outcomes_text(Counter(view.outcomes)),
    )


def _forbidden(view: CallView) -> Iterator[Reason]:
    if against := against_tiers(view.forbidden, view.breaches):
        yield Reason(Glyph.NOTE, against, FindingKind.TIERS)


def _why(row: CallRow, on: Canvas) -> Shown:
    if row.glyph is Glyph.FINE:
        return row.outcomes, Tone.DIM
    text, tone = why(row.reasons, on.width)
    return f"{text}  {row.outcomes}", tone


def _by_name(row: CallRow) -> tuple[str, ...]:
    return (row.name,)


CALLS: Final[Table[CallRow]] = Table(
    (
        glyph_column(),
        name_column("CALLER", lambda row: (row.name, Tone.NAME), "the package that calls; operator: no package"),
        Column("VERSION", lambda row, _: (row.version, Tone.DIM), 7, "the caller's", goes=6, least=120, wide=True),
        Column(
            "CALLS",
            lambda row, _: (row.feature, Tone.PLAIN),
            8,
            "the feature",
            goes=0,
            least=0,
            grows=lambda width: width * 3 // 10,
            sort="feature",
            by=lambda row: (row.feature, row.name),
            ascending=True,
        ),
        rate_column(
            "calls a second, mean of the last 60 s, counted where they come from", _by_name, goes=2, over=LAST_60S
        ),
        p50_column(lambda row, _: (millis(row.p50_ms), Tone.PLAIN)),
        p95_column("as the caller sees it, brokers and queue included, ms, last 60 s", _by_name, goes=3),
        error_column(
            "failed by the callee's or the platform's fault, what never reached an instance included, last 60 s",
            _by_name,
            goes=1,
        ),
        Column("HOSTS", lambda row, _: (str(row.hosts), Tone.DIM), 5, "it calls from", right=True, goes=5, least=100),
        Column(
            "WHY, OUTCOMES",
            _why,
            14,
            "the worst finding, and what the caller got by code",
            short="OUTCOMES",
            over=LAST_60S,
        ),
    ),
    worst=lambda row: (-row.glyph, -row.hurt, -row.failed, row.name, row.feature),
)
