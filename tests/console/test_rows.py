"""What a package's row says: sentences, numbers, columns; as a table, without a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.figures import age, line, millis, percent, rate, whole_percent
from h2o_console.rows.packages import PACKAGES, PackageRow, package_row
from h2o_console.rows.reasons import FEWEST, Kind, reasons
from h2o_console.rows.tables import Layout, head_line, layout, row_line
from h2o_console.store.views import FeatureView, InstanceView, PackageView, SilentHost
from h2o_console.text import width as cells_of
from h2o_core.versions import newest_first


def instance(host: str = "host-1", **more: object) -> InstanceView:
    made = InstanceView(f"id-{host}", "1.0.0", host, "a", "ready", slots=64, in_flight=0, queued=0, outcomes={"OK": 50})
    return replace(made, **more)


def feature(name: str = "retrieve", **more: object) -> FeatureView:
    made = FeatureView(f"service/customer/{name}", "1.0.0", {"OK": 100}, p50_ms=5.0, p95_ms=9.0)
    return replace(made, **more)


FINE = PackageView(
    "service/customer",
    instances=(instance("host-1"), instance("host-2")),
    features=(feature(),),
    outcomes={"OK": 100},
    rps=1.7,
    rps_line=(1.0,) * 10,
    p50_ms=5.0,
    p95_ms=9.0,
    p95_line=(9.0,) * 10,
    peak=2,
)


def test_a_healthy_package_has_nothing_against_it() -> None:
    row = package_row(FINE)
    assert (row.glyph, row.reasons) == (Glyph.FINE, ())
    assert (row.instances, row.versions, row.traffic) == ("2", "1.0.0", "100")


CASES: dict[str, tuple[PackageView, Kind, Glyph, str]] = {
    "a failing one names code, share, and the newest error": (
        replace(
            FINE,
            outcomes={"OK": 80, "INTERNAL": 15, "TIMEOUT": 5},
            features=(feature(outcomes={"OK": 80, "INTERNAL": 15}, last_error="no such table", error_age_s=3.0),),
        ),
        Kind.FAILING,
        Glyph.BROKEN,
        "INTERNAL 20.0% (15 of 20): retrieve: no such table (3s ago)",
    ),
    "a little failing is a warning": (
        replace(FINE, outcomes={"OK": 98, "TIMEOUT": 2}),
        Kind.FAILING,
        Glyph.WARN,
        "TIMEOUT 2.00% (2)",
    ),
    "two failures of ten are no outage": (
        replace(FINE, outcomes={"OK": 8, "TIMEOUT": 2}),
        Kind.FAILING,
        Glyph.WARN,
        "TIMEOUT 20.0% (2)",
    ),
    "failures on one host name it": (
        replace(
            FINE,
            instances=(instance("host-1", outcomes={"OK": 50}), instance("host-2", outcomes={"INTERNAL": 50})),
            outcomes={"OK": 50, "INTERNAL": 50},
        ),
        Kind.FAILING,
        Glyph.BROKEN,
        "INTERNAL 50.0% (50), only host-2",
    ),
    "failures of one version name it": (
        replace(
            FINE,
            instances=(
                instance("host-1", outcomes={"OK": 50}),
                instance("host-2", version="2.0.0", outcomes={"OK": 20, "INTERNAL": 30}),
            ),
            features=(feature(), feature(version="2.0.0")),
            outcomes={"OK": 70, "INTERNAL": 30},
        ),
        Kind.FAILING,
        Glyph.BROKEN,
        "INTERNAL 30.0% (30), only 2.0.0 host-2",
    ),
    "an error that may be a declared one is not told as the failure's": (
        replace(
            FINE,
            outcomes={"OK": 80, "INTERNAL": 1, "APPLICATION": 9},
            features=(
                feature(outcomes={"INTERNAL": 1, "APPLICATION": 9}, last_error="card_refused", error_age_s=3.0),
                feature("other", outcomes={"APPLICATION": 9}, last_error="not this one", error_age_s=1.0),
            ),
        ),
        Kind.FAILING,
        Glyph.WARN,
        "INTERNAL 1.11% (1), last error of any kind: retrieve: card_refused (3s ago)",
    ),
    "an old error is not told as if it were new": (
        replace(
            FINE,
            outcomes={"OK": 98, "TIMEOUT": 2},
            features=(feature(outcomes={"TIMEOUT": 2}, last_error="old", error_age_s=4000.0),),
        ),
        Kind.FAILING,
        Glyph.WARN,
        "TIMEOUT 2.00% (2)",
    ),
    "overload says how full the slots are": (
        replace(
            FINE,
            instances=(instance("host-1", in_flight=64, queued=9), instance("host-2", in_flight=64, queued=1)),
            outcomes={"OK": 990, "OVERLOADED": 10},
        ),
        Kind.OVERLOADED,
        Glyph.WARN,
        "OVERLOADED 10 times in 60 s: 128 of 128 slots busy, 10 queued",
    ),
    "full slots are worth a warning before anything is refused": (
        replace(FINE, instances=(instance(in_flight=64, queued=3),), peak=1),
        Kind.OVERLOADED,
        Glyph.WARN,
        "all slots busy: 64 of 64 slots busy, 3 queued",
    ),
    "a broken promise says which": (
        replace(FINE, features=(feature(p95_ms=48.0, upper95_ms=20.0),)),
        Kind.SLOW,
        Glyph.WARN,
        "p95 2.4x its promise: retrieve 48 ms, promised 20",
    ),
    "a package that is gone stays": (
        replace(FINE, instances=(), peak=3, gone_s=12.0),
        Kind.GONE,
        Glyph.BROKEN,
        "no instance left (was 3): the last one went 12s ago",
    ),
    "one that nobody runs or calls is no alarm": (
        PackageView("service/old"),
        Kind.GONE,
        Glyph.NOTE,
        "no instance runs, nobody calls it",
    ),
    "callers without an instance": (
        PackageView("service/old", callers={"NO_ROUTE": 7}),
        Kind.UNSERVED,
        Glyph.BROKEN,
        "callers got NO_ROUTE 7 times in 60 s",
    ),
    "no stats at all": (
        replace(
            FINE,
            instances=(instance("host-7", silent=True),),
            silent=(SilentHost("host-7", 14.0, "connection refused"),),
            peak=1,
        ),
        Kind.SILENT,
        Glyph.UNKNOWN,
        "no stats for 14s from host-7: connection refused",
    ),
    "no stats of some": (
        replace(
            FINE,
            instances=(instance("host-1"), instance("host-7", silent=True)),
            silent=(SilentHost("host-7", 14.0, ""),),
        ),
        Kind.SILENT,
        Glyph.UNKNOWN,
        "no stats for 14s from host-7, 1 of 2 instances",
    ),
    "nothing has been heard yet": (
        replace(FINE, instances=(instance(silent=True),), silent=(), peak=1),
        Kind.SILENT,
        Glyph.UNKNOWN,
        "no stats yet",
    ),
    "the last of three": (
        replace(FINE, instances=(instance("host-1"),), peak=3),
        Kind.LAST_ONE,
        Glyph.WARN,
        "one instance left of 3: host-1",
    ),
    "none is ready": (
        replace(FINE, instances=(instance("host-1", state="backoff", why="exit 1"),), peak=1),
        Kind.NOT_READY,
        Glyph.BROKEN,
        "no instance is ready: host-1 backoff: exit 1",
    ),
    "one crashes": (
        replace(FINE, instances=(instance("host-1"), instance("host-2", state="backoff", why="exit 1"))),
        Kind.NOT_READY,
        Glyph.WARN,
        "1 of 2 ready: host-2 backoff: exit 1",
    ),
    "one is starting": (
        replace(FINE, instances=(instance("host-1"), instance("host-2", state="starting"))),
        Kind.NOT_READY,
        Glyph.NOTE,
        "1 of 2 ready: host-2 starting",
    ),
    "one registered and not routable": (
        replace(FINE, instances=(instance("host-1"), instance("host-2", routable=False, why="held: new version"))),
        Kind.NOT_READY,
        Glyph.WARN,
        "1 of 2 ready: host-2 not routable: held: new version",
    ),
    "chosen in spite of what is known of it": (
        replace(FINE, instances=(instance("host-1", why="in spite of this, as only 1 of 3 are healthy: ejected"),)),
        Kind.PANIC,
        Glyph.WARN,
        "health is ignored: host-1 gets requests in spite of this, as only 1 of 3 are healthy: ejected",
    ),
    "two versions": (
        replace(
            FINE,
            instances=(instance("host-1"), instance("host-2", version="1.10.0")),
            features=(feature(outcomes={"OK": 75}), feature(version="1.10.0", outcomes={"OK": 25})),
        ),
        Kind.VERSIONS,
        Glyph.NOTE,
        "2 versions: 1.10.0 25%, 1.0.0 75%",
    ),
    "a version that gets nothing": (
        replace(FINE, instances=(instance("host-1"), instance("host-2", version="2.0.0"))),
        Kind.VERSIONS,
        Glyph.NOTE,
        "2.0.0 runs without traffic (1 instances)",
    ),
    "callers that are wrong": (
        replace(FINE, outcomes={"OK": 90, "BAD_REQUEST": 10}),
        Kind.BAD_REQUESTS,
        Glyph.NOTE,
        "10.0% BAD_REQUEST: a caller sends what it does not take",
    ),
    "declared errors": (
        replace(FINE, outcomes={"OK": 60, "APPLICATION": 40}),
        Kind.APPLICATION,
        Glyph.NOTE,
        "40.0% declared application errors",
    ),
}


@pytest.mark.parametrize(("view", "kind", "glyph", "text"), CASES.values(), ids=CASES.keys())
def test_the_worst_finding(view: PackageView, kind: Kind, glyph: Glyph, text: str) -> None:
    worst = reasons(view)[0]
    assert (worst.kind, worst.glyph, worst.text) == (kind, glyph, text)
    assert package_row(view).glyph is glyph


def test_the_caller_s_mistakes_and_declared_errors_are_not_the_package_s() -> None:
    row = package_row(replace(FINE, outcomes={"OK": 10, "BAD_REQUEST": 5, "APPLICATION": 3, "CANCELLED": 2}))
    assert (row.failed, row.declared, row.requests) == (0, 3, 20)


def test_a_handful_of_requests_judges_no_promise() -> None:
    few = feature(p95_ms=48.0, upper95_ms=20.0, outcomes={"OK": FEWEST - 1})
    assert reasons(replace(FINE, features=(few,))) == ()


def test_the_worst_comes_first() -> None:
    view = replace(
        FINE,
        instances=(instance("host-1"),),
        peak=2,
        outcomes={"OK": 50, "INTERNAL": 50},
        features=(feature(p95_ms=48.0, upper95_ms=20.0),),
    )
    assert [reason.kind for reason in reasons(view)] == [Kind.FAILING, Kind.SLOW, Kind.LAST_ONE]


def test_what_is_unknown_is_a_dash_and_grey_never_a_zero() -> None:
    silent = replace(
        FINE,
        instances=(instance(silent=True),),
        silent=(SilentHost("host-1", 9.0),),
        outcomes={},
        rps=None,
        rps_line=(None,) * 10,
        p50_ms=None,
        p95_ms=None,
        p95_line=(),
    )
    cells = _by_head(package_row(silent), 160)
    for head in ("RPS", "p50", "p95 ms", "ERR%", "APP%", "TRAF%"):
        assert cells[head] == ("-", Tone.UNKNOWN), head
    assert set(cells["trend"][0]) == {"·"}


def test_numbers_of_only_some_hosts_are_grey() -> None:
    view = replace(FINE, silent=(SilentHost("host-2", 9.0),))
    cells = _by_head(package_row(view), 160)
    assert cells["RPS"] == ("1.7", Tone.UNKNOWN)


def _by_head(row: PackageRow, width: int) -> dict[str, tuple[str, Tone]]:
    columns = laid_out(width, 20, 8)
    cells = row_line(row, columns).cells
    return {placed.column.head: (cell.text.strip(), cell.tone) for placed, cell in zip(columns, cells, strict=True)}


def laid_out(width: int, name: int, version: int, *, wide: bool = False) -> Layout[PackageRow]:
    longest = [{"PACKAGE": name, "VERSION": version}.get(column.head, 0) for column in PACKAGES.columns]
    return layout(PACKAGES, width, longest, wide=wide)


def heads(columns: Layout[PackageRow]) -> list[str]:
    return [placed.column.head for placed in columns]


# columns


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (160, set[str]()),
        (119, {"trend"}),
        (89, {"trend", "p50"}),
    ],
)
def test_what_goes_when_it_gets_narrow(width: int, gone: set[str]) -> None:
    shown = set(heads(laid_out(width, 18, 8)))
    assert not shown & gone
    assert {"", "PACKAGE", "ERR%", "WHY"} <= shown


def test_under_sixty_only_glyph_name_errors_and_why_stay() -> None:
    assert heads(laid_out(59, 30, 12)) == ["", "PACKAGE", "ERR%", "WHY"]


def test_wide_shows_more_columns_and_longer_names() -> None:
    usual, wide = laid_out(100, 60, 12), laid_out(100, 60, 12, wide=True)
    assert usual[1].width == 30
    assert wide[1].width == 50
    assert len(heads(laid_out(89, 18, 12, wide=True))) > len(heads(laid_out(89, 18, 12)))


@given(st.integers(20, 300), st.integers(1, 90), st.integers(1, 40))
def test_columns_fill_the_width_and_never_more(width: int, name: int, version: int) -> None:
    for wide in (False, True):
        columns = laid_out(width, name, version, wide=wide)
        assert sum(column.width + 1 for column in columns) - 1 == width
        assert columns[-1].column.head == "WHY"


@given(st.integers(20, 300))
def test_a_line_is_as_wide_as_its_columns(width: int) -> None:
    columns = laid_out(width, 30, 12)
    for row in (package_row(FINE), package_row(replace(FINE, name="日本語" * 20))):
        line_cells = row_line(row, columns).cells
        assert [cells_of(cell.text) for cell in line_cells] == [column.width + 1 for column in columns]
    assert len(head_line(columns).cells) == len(columns)


# hostile names


HOSTILE = "service/\x1b[31m\x1b]0;owned\x07[@click=app.quit]\u202e[/x]\nnext"


def test_nothing_hostile_reaches_a_cell() -> None:
    view = replace(
        FINE,
        name=HOSTILE,
        instances=(instance(HOSTILE, version=HOSTILE, state="backoff", why=HOSTILE), instance(silent=True)),
        features=(feature(version=HOSTILE, last_error=HOSTILE, error_age_s=1.0),),
        outcomes={"OK": 1, "INTERNAL": 99},
        silent=(SilentHost(HOSTILE, 5.0, HOSTILE),),
    )
    row = package_row(view)
    shown = "".join(cell.text for cell in row_line(row, laid_out(300, 80, 24)).cells)
    shown += "".join(reason.text for reason in row.reasons)
    assert row.key == HOSTILE
    assert shown.isprintable()
    assert "\u202e" not in shown


# figures


@given(st.floats(0, 1e12))
def test_numbers_fit_their_columns(value: float) -> None:
    assert len(rate(value)) <= 5
    assert len(millis(min(value, 1e8))) <= 5


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_no_share_is_rounded_to_nothing_or_to_all(part: int, more: int) -> None:
    whole = part + more
    assert (percent(part, whole) == "0") == (part == 0)
    assert percent(part, whole) != "100"
    assert whole_percent(part, whole) != "100"
    assert len(percent(part, whole)) <= 5


def test_a_line_tells_zero_from_unknown() -> None:
    assert line((0.0, None, 4.0), 3) == "▁·█"
    assert line((None, None), 2) == "··"
    assert line((1.0,) * 10, 5) == "▅▅▅▅▅"
    assert line((0.0, None, 4.0), 3, ascii_only=True).isascii()


def test_ages_and_versions_read_as_people_count() -> None:
    assert [age(value) for value in (0.2, 14.4, 119, 300, 9000, 500_000)] == ["0.2s", "14s", "119s", "5m", "2h", "6d"]
    versions = dict.fromkeys(["1.9.0", "1.10.0", "1.10.0-rc1", "banana", "2.0"], 0)
    assert newest_first(versions) == ["2.0", "1.10.0", "1.10.0-rc1", "1.9.0", "banana"]
