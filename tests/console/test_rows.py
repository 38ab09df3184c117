"""What a package's row says: sentences, numbers, columns; as a table, without a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.callers import call_row
from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.features import feature_row
from h2o_console.rows.figures import age, line, millis, percent, rate, whole_percent
from h2o_console.rows.hosts import host_row
from h2o_console.rows.instances import instance_row
from h2o_console.rows.packages import PACKAGES, PackageRow, package_row
from h2o_console.rows.reasons import why
from h2o_console.rows.tables import Layout, head_line, layout, row_line
from h2o_console.rows.told import Told
from h2o_console.store.views import CallView, FeatureView, HostView, InstanceView, PackageView, SilentHost
from h2o_console.text import width as cells_of
from h2o_core.insights.finding import Action, Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.grouping import Group
from h2o_core.insights.standing import News
from h2o_core.versions import newest_first
from tests.console.still_fleet import insight_of, running


def instance(host: str = "host-1", **more: object) -> InstanceView:
    made = InstanceView(f"id-{host}", "1.0.0", host, "a", "ready", slots=64, in_flight=0, queued=0, outcomes={"OK": 50})
    return replace(made, **more)


def feature(name: str = "retrieve", **more: object) -> FeatureView:
    made = FeatureView(f"service/customer/{name}", "1.0.0", {"OK": 100}, p50_ms=5.0, p95_ms=9.0)
    return replace(made, **more)


WELL = Told(insight_of())
"""Somebody has looked, and found nothing."""
FINE = PackageView(
    "service/customer",
    **running(instance("host-1"), instance("host-2")),
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
    row = package_row(FINE, WELL)
    assert (row.glyph, row.reasons) == (Glyph.FINE, ())
    assert (row.instances, row.versions, row.traffic) == ("2", "1.0.0", "100")


FACTS: dict[str, tuple[PackageView, Glyph, str]] = {
    "the newest error of a failure": (
        replace(
            FINE,
            outcomes={"OK": 80, "INTERNAL": 15, "TIMEOUT": 5},
            features=(feature(outcomes={"OK": 80, "INTERNAL": 15}, last_error="no such table", error_age_s=3.0),),
        ),
        Glyph.FINE,
        "last error: retrieve: no such table (3s ago)",
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
        Glyph.FINE,
        "last error of any kind: retrieve: card_refused (3s ago)",
    ),
    "full slots, before anything is refused": (
        replace(FINE, **running(instance(in_flight=64, queued=3)), peak=1),
        Glyph.NOTE,
        "all 64 slots busy, 3 queued",
    ),
    "a package that is gone stays": (
        replace(FINE, **running(), peak=3, gone_s=12.0),
        Glyph.NOTE,
        "no instance left (was 3): the last one went 12s ago",
    ),
    "one that nobody runs or calls": (PackageView("service/old"), Glyph.NOTE, "no instance runs, nobody calls it"),
    "no stats at all": (
        replace(
            FINE,
            **running(instance("host-7", silent=True)),
            silent=(SilentHost("host-7", 14.0, "connection refused"),),
            peak=1,
        ),
        Glyph.UNKNOWN,
        "no stats for 14s from host-7: connection refused",
    ),
    "no stats of some": (
        replace(
            FINE,
            **running(instance("host-1"), instance("host-7", silent=True)),
            silent=(SilentHost("host-7", 14.0, ""),),
        ),
        Glyph.UNKNOWN,
        "no stats for 14s from host-7, 1 of 2 instances",
    ),
    "nothing has been heard yet": (
        replace(FINE, **running(instance(silent=True)), silent=(), peak=1),
        Glyph.UNKNOWN,
        "no stats yet",
    ),
    "none is ready": (
        replace(FINE, **running(instance("host-1", state="backoff", why="exit 1")), peak=1),
        Glyph.NOTE,
        "no instance is ready: host-1 backoff: exit 1",
    ),
    "one is starting": (
        replace(FINE, **running(instance("host-1"), instance("host-2", state="starting"))),
        Glyph.NOTE,
        "1 of 2 ready: host-2 starting",
    ),
    "one registered and not routable": (
        replace(FINE, **running(instance("host-1"), instance("host-2", routable=False, why="held: new version"))),
        Glyph.NOTE,
        "1 of 2 ready: host-2 not routable: held: new version",
    ),
    "chosen in spite of what is known of it": (
        replace(FINE, **running(instance("host-1", why="in spite of this, as only 1 of 3 are healthy: ejected"))),
        Glyph.NOTE,
        "health is ignored: host-1 gets requests in spite of this, as only 1 of 3 are healthy: ejected",
    ),
    "two versions": (
        replace(
            FINE,
            **running(instance("host-1"), instance("host-2", version="1.10.0")),
            features=(feature(outcomes={"OK": 75}), feature(version="1.10.0", outcomes={"OK": 25})),
        ),
        Glyph.NOTE,
        "2 versions: 1.10.0 25%, 1.0.0 75%",
    ),
    "callers that are wrong": (
        replace(FINE, outcomes={"OK": 90, "BAD_REQUEST": 10}),
        Glyph.FINE,
        "10.0% BAD_REQUEST: a caller sends what it does not take",
    ),
}


@pytest.mark.parametrize(("view", "glyph", "text"), FACTS.values(), ids=FACTS.keys())
def test_facts_that_need_no_judgement(view: PackageView, glyph: Glyph, text: str) -> None:
    row = package_row(view, WELL)
    assert (row.reasons[0].glyph, row.reasons[0].text) == (glyph, text)
    assert row.glyph is glyph


JUDGED: dict[str, PackageView] = {
    "failures": replace(FINE, outcomes={"OK": 20, "INTERNAL": 80}),
    "no slots": replace(FINE, outcomes={"OK": 20, "OVERLOADED": 80}),
    "a broken promise": replace(FINE, features=(feature(p95_ms=48.0, upper95_ms=20.0),)),
    "callers without an instance": replace(FINE, callers={"NO_ROUTE": 7}),
    "declared errors": replace(FINE, outcomes={"OK": 60, "APPLICATION": 40}),
    "one of three is left": replace(FINE, **running(instance("host-1")), peak=3),
    "an old error": replace(FINE, features=(feature(last_error="old", error_age_s=4000.0),)),
}


@pytest.mark.parametrize("view", JUDGED.values(), ids=JUDGED.keys())
def test_a_row_judges_nothing_by_itself(view: PackageView) -> None:
    assert (package_row(view, WELL).glyph, package_row(view, WELL).reasons) == (Glyph.FINE, ())


WORSE = Finding(
    Kind.VERSION,
    Subject("/service/customer", "2.4.0"),
    Severity.PAGE,
    "service/customer 2.4.0 is worse: 12 % INTERNAL (of 181 requests in 60 s), 2.3.1 0 %",
    hurt_per_s=3.5,
    action=Action("roll back to 2.3.1", "h2o rollback service/customer --to 2.3.1"),
)
SLOWED = Finding(
    Kind.SLOW,
    Subject("/service/customer"),
    Severity.TICKET,
    "service/customer is slow: p95 388 ms, before 40 ms (9.7 ×)",
)


def told(*groups: Group) -> Told:
    return Told(insight_of(*groups, since_s=1_770_000_000.0 - 133.0))


def test_a_cause_says_since_when_and_what_to_do() -> None:
    row = package_row(FINE, told(Group(WORSE)))
    assert row.glyph is Glyph.BROKEN
    assert row.hurt == 3.5
    assert row.reasons[0].whole == (
        "2.4.0 is worse: 12 % INTERNAL (of 181 requests in 60 s), 2.3.1 0 % (since 02:37)  → roll back to 2.3.1"
    )
    assert row.reasons[0].within(50) == "2.4.0 is worse: 12 % INTERN…  → roll back to 2.3.1"


def test_a_symptom_says_where_it_comes_from() -> None:
    down = replace(WORSE, subject=Subject("/service/geo", "1.1"))
    row = package_row(FINE, told(Group(down, (SLOWED,))))
    assert (row.glyph, [reason.text for reason in row.reasons]) == (
        Glyph.WARN,
        ["because of service/geo 1.1: is slow: p95 388 ms, before 40 ms (9.7 ×)"],
    )


FAILS = {"OK": 60, "INTERNAL": 40}
WORSE_BY_ERRORS = replace(WORSE, trouble=Trouble.ERRORS)


def test_what_fails_with_its_version_says_so_and_what_is_well_does_not() -> None:
    now = told(Group(WORSE_BY_ERRORS, (SLOWED,)))
    sentence = "service/customer 2.4.0 is worse: 12 % INTERNAL (of 181 requests in 60 s), 2.3.1 0 % (since 02:37)"
    new = {"package": "service/customer", "version": "2.4.0"}
    rows = {
        "a feature": feature_row(feature(outcomes=FAILS, **new), now),
        "an instance": instance_row(instance(outcomes=FAILS, **new), now),
        "a call": call_row(CallView("api/web", "1", "service/customer/retrieve", "service/customer", FAILS), now),
    }
    for name, row in rows.items():
        assert (row.glyph, [one.text for one in row.reasons]) == (Glyph.BROKEN, [sentence]), name
    well = (
        feature_row(feature(**new), now),
        feature_row(feature(outcomes=FAILS, package="service/customer"), now),
        instance_row(instance(**new), now),
        instance_row(instance(outcomes=FAILS, version="2.4.0", package="service/geo"), now),
        instance_row(instance(outcomes=FAILS, **new), told(Group(WORSE, (SLOWED,)))),
        call_row(CallView("api/web", "1", "service/customer/retrieve", "service/customer", {"OK": 100}), now),
    )
    assert {row.glyph for row in well} == {Glyph.FINE}


def test_a_host_whose_requests_fail_is_never_just_ok() -> None:
    view = HostView("host-2", "a", link="up", rps=1.0, outcomes=FAILS)
    row = host_row(view, WELL)
    assert (row.glyph, [one.text for one in row.reasons]) == (
        Glyph.NOTE,
        ["40 % of 100 requests here failed; :packages say why"],
    )
    assert host_row(replace(view, outcomes={"OK": 1000, "INTERNAL": 4}), WELL).reasons == ()


def test_the_worst_comes_first_and_a_finding_goes_before_its_fact() -> None:
    gone = Finding(Kind.GONE, Subject("/service/customer"), Severity.PAGE, "no instance of service/customer is left")
    view = replace(FINE, **running(instance("host-1", state="backoff"), instance(version="1.1.0", silent=True)))
    row = package_row(view, told(Group(SLOWED), Group(gone)))
    assert [(reason.glyph, reason.kind) for reason in row.reasons] == [
        (Glyph.BROKEN, Kind.GONE),
        (Glyph.WARN, Kind.SLOW),
        (Glyph.UNKNOWN, None),
        (Glyph.NOTE, None),
        (Glyph.NOTE, None),
    ]


def test_what_is_muted_is_not_told() -> None:
    insight = insight_of(Group(WORSE))
    muted = replace(insight, news=News((), (), (), muted=insight.news.groups))
    assert package_row(FINE, Told(muted)).reasons == ()


def test_before_anybody_has_looked_nothing_is_said_to_be_well() -> None:
    row = package_row(FINE, Told(None))
    assert why(row.reasons, 60) == ("looking…", Tone.DIM)
    assert why(package_row(FINE, WELL).reasons, 60) == ("ok", Tone.DIM)


def test_the_caller_s_mistakes_and_declared_errors_are_not_the_package_s() -> None:
    row = package_row(replace(FINE, outcomes={"OK": 10, "BAD_REQUEST": 5, "APPLICATION": 3, "CANCELLED": 2}), WELL)
    assert (row.failed, row.declared, row.requests) == (0, 3, 20)


def test_what_is_unknown_is_a_dash_and_grey_never_a_zero() -> None:
    silent = replace(
        FINE,
        **running(instance(silent=True)),
        silent=(SilentHost("host-1", 9.0),),
        outcomes={},
        rps=None,
        rps_line=(None,) * 10,
        p50_ms=None,
        p95_ms=None,
        p95_line=(),
    )
    cells = _by_head(package_row(silent, WELL), 160)
    for head in ("RPS", "p50", "p95 ms", "ERR%", "APP%", "TRAF%"):
        assert cells[head] == ("-", Tone.UNKNOWN), head
    assert set(cells["trend"][0]) == {"·"}


def test_numbers_of_only_some_hosts_are_grey() -> None:
    view = replace(FINE, silent=(SilentHost("host-2", 9.0),))
    cells = _by_head(package_row(view, WELL), 160)
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
    for row in (package_row(FINE, WELL), package_row(replace(FINE, name="日本語" * 20), WELL)):
        line_cells = row_line(row, columns).cells
        assert [cells_of(cell.text) for cell in line_cells] == [column.width + 1 for column in columns]
    assert len(head_line(columns).cells) == len(columns)


# hostile names


HOSTILE = "service/\x1b[31m\x1b]0;owned\x07[@click=app.quit]\u202e[/x]\nnext"


def test_nothing_hostile_reaches_a_cell() -> None:
    view = replace(
        FINE,
        name=HOSTILE,
        **running(instance(HOSTILE, version=HOSTILE, state="backoff", why=HOSTILE), instance(silent=True)),
        features=(feature(version=HOSTILE, last_error=HOSTILE, error_age_s=1.0),),
        outcomes={"OK": 1, "INTERNAL": 99},
        silent=(SilentHost(HOSTILE, 5.0, HOSTILE),),
    )
    row = package_row(view, WELL)
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
