"""Package views → rows, and the columns of the Packages view: what it says, without a terminal.

Pure. Sparklines go under 120 columns, p50 under 90, all but glyph, name, ERR% and WHY under 60.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_10S, LAST_60S
from h2o_console.rows.board import Board
from h2o_console.rows.cells import Tone
from h2o_console.rows.facts import package_facts
from h2o_console.rows.figures import UNKNOWN, line, millis, rate, whole_percent
from h2o_console.rows.judged import JudgedRow, error_column, p50_column, p95_column, rate_column, why_column
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import Reason, errors, reasons, slow_tone, worst
from h2o_console.rows.shares import declared_share, failed_share
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column, name_column
from h2o_console.text import safe
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.fleet import Store
    from h2o_console.store.views import PackageView

_NAME_CELLS: Final = 80
_VERSION_CELLS: Final = 24


@dataclass(frozen=True, slots=True)
class PackageRow(JudgedRow):
    """A package as a line of the screen.

    `partial`: some of its hosts are silent, so the numbers are those of the others, and are shown grey.
    """

    instances: str
    versions: str
    traffic: str
    rps: float | None = None
    rps_line: tuple[float | None, ...] = ()
    p50_ms: float | None = None
    p95_ms: float | None = None
    p95_line: tuple[float | None, ...] = ()
    requests: int = 0
    failed: int = 0
    declared: int = 0
    partial: bool = False


def package_row(view: PackageView, told: Told) -> PackageRow:
    """What there is to say of a package."""
    found = package_reasons(view, told)
    versions, traffic = _versions(view)
    return PackageRow(
        key=view.name,
        name=safe(view.name, _NAME_CELLS) or "(no name)",
        glyph=worst(found),
        reasons=found,
        instances=_instances(view),
        versions=versions,
        traffic=traffic,
        rps=view.rps,
        rps_line=view.rps_line,
        p50_ms=view.p50_ms,
        p95_ms=view.p95_ms,
        p95_line=view.p95_line,
        requests=sum(view.outcomes.values()),
        failed=errors(view.outcomes),
        declared=view.outcomes.get("APPLICATION", 0),
        partial=bool(view.silent),
    )


def package_reasons(view: PackageView, told: Told) -> tuple[Reason, ...]:
    """All that is to say of a package."""
    said = told.of(Place(Kind.PACKAGE, view.name))
    return reasons(said, package_facts(view), looked=told.looked, name=view.name)


def package_board(store: Store, told: Callable[[], Told], changed: Callable[[], set[str]]) -> Board[PackageRow]:
    """The rows of all packages that *store* knows, with what is *told* of them; *changed*: of which that may be new."""
    made_of: dict[str, tuple[PackageView, Told, PackageRow]] = {}

    def made(name: str, now_s: float) -> PackageRow | None:
        view, said = store.package(name, now_s), told()
        if view is None:
            made_of.pop(name, None)
            return None
        known = made_of.get(name)
        if known is None or known[0] is not view or known[1] is not said:
            known = made_of[name] = view, said, package_row(view, said)
        return known[2]

    return Board(lambda now_s: store.take_dirty(now_s) | changed(), made)


def _instances(view: PackageView) -> str:
    counts = view.counts
    return str(counts.ready) if counts.ready == counts.total else f"{counts.ready}/{counts.total}"


def _versions(view: PackageView) -> tuple[str, str]:
    """The versions that run, the newest first, and their shares of the measured requests."""
    running = dict.fromkeys(view.counts.versions, 0)
    for feature in view.features:
        if feature.version in running:
            running[feature.version] += sum(feature.outcomes.values())
    ordered = newest_first(running)
    if not ordered:
        return UNKNOWN, UNKNOWN
    more = f" +{len(ordered) - 2}" if len(ordered) > 2 else ""
    names = " ".join(safe(version, _VERSION_CELLS) for version in ordered[:2]) + more
    total = sum(running.values())
    if not total or not view.known:
        return names, UNKNOWN
    return names, "/".join(whole_percent(running[version], total) for version in ordered[:2])


def _quiet(row: PackageRow, text: str, tone: Tone = Tone.PLAIN) -> Shown:
    """Numbers of which a part is missing are grey."""
    return text, Tone.UNKNOWN if row.partial and tone is Tone.PLAIN else tone


def _p95(row: PackageRow, _: Canvas) -> Shown:
    return _quiet(row, millis(row.p95_ms), slow_tone(row.reasons))


def _err(row: PackageRow, _: Canvas) -> Shown:
    return _quiet(row, *failed_share(row.failed, row.requests))


def _line_cells(width: int) -> int:
    return 10 if width >= 150 else 5


def _ready(row: PackageRow) -> int:
    head, _, _ = row.instances.partition("/")
    return int(head) if head.isdecimal() else 0


def _by_name(row: PackageRow) -> tuple[str, ...]:
    return (row.name,)


PACKAGES: Final[Table[PackageRow]] = Table(
    (
        glyph_column(),
        name_column("PACKAGE", lambda row: (row.name, Tone.NAME)),
        Column(
            "INST",
            lambda row, _: _quiet(row, row.instances, Tone.WARN if "/" in row.instances else Tone.PLAIN),
            5,
            "instances that take requests; 2/3: of three, two do",
            right=True,
            goes=3,
            least=NARROW,
            sort="instances",
            by=lambda row: (-_ready(row), row.name),
        ),
        Column(
            "VERSION",
            lambda row, _: (row.versions, Tone.PLAIN),
            7,
            "versions that run, the newest first",
            goes=6,
            least=NARROW,
            grows=lambda width: 16 if width >= 120 else 12,
        ),
        Column(
            "TRAF%",
            lambda row, _: _quiet(row, row.traffic),
            6,
            "each version's share of the requests, measured over 60 s (not a weight that was set)",
            right=True,
            goes=8,
            least=NARROW,
            over=LAST_60S,
        ),
        rate_column(
            "requests a second, mean of the last 10 s; the graph: last 60 s",
            _by_name,
            goes=2,
            over=LAST_10S,
            show=lambda row, _: _quiet(row, rate(row.rps)),
        ),
        Column(
            "trend",
            lambda row, on: (line(row.rps_line, on.width, ascii_only=on.ascii_only), Tone.GRAPH),
            5,
            goes=7,
            least=120,
            grows=_line_cells,
            fills=True,
            over=LAST_60S,
        ),
        p50_column(lambda row, _: _quiet(row, millis(row.p50_ms))),
        p95_column(
            "time from the broker to the instance and back, ms, all features, last 60 s", _by_name, goes=1, show=_p95
        ),
        Column(
            "trend",
            lambda row, on: (line(row.p95_line, on.width, ascii_only=on.ascii_only), Tone.GRAPH),
            5,
            goes=5,
            least=120,
            grows=_line_cells,
            fills=True,
            over=LAST_60S,
        ),
        error_column(
            "failed by the package's or the platform's fault, last 60 s (BAD_REQUEST is the caller's)",
            _by_name,
            show=_err,
        ),
        Column(
            "APP%",
            lambda row, _: _quiet(row, *declared_share(row.declared, row.requests)),
            5,
            "application errors that the package declares, last 60 s",
            right=True,
            goes=9,
            least=NARROW,
            over=LAST_60S,
        ),
        why_column(),
    ),
    worst=lambda row: (-row.glyph, -row.hurt, row.name),
)
