"""The order of a list: sorted, filtered, still while somebody types; and the lines around it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.cells import Glyph, Line
from h2o_console.rows.headline import Place, banner, header_line, no_packages, nothing_matches
from h2o_console.rows.package_detail import package_lines
from h2o_console.rows.packages import PACKAGES, PackageRow
from h2o_console.rows.places import Wanted
from h2o_console.rows.ranking import MOVE_S, STILL_S, Ranking, matches_text
from h2o_console.rows.reasons import Reason
from h2o_console.rows.told import Told
from h2o_console.store.views import FeatureView, FleetView, InstanceView, PackageView, SilentHost
from h2o_console.text import width as cells_of
from h2o_console.tui.commands.command import Command
from h2o_console.tui.commands.registry import COMMANDS, Unknown, understand
from tests.console.still_fleet import running


def row(name: str, glyph: Glyph = Glyph.FINE, *, rps: float | None = 1.0, hurt: int = 0) -> PackageRow:
    why = (Reason(glyph, "why", hurt_per_s=hurt),) if glyph else ()
    return PackageRow(name, name, glyph, why, "1", "1.0.0", "100", rps=rps)


def rows(*made: PackageRow) -> dict[str, PackageRow]:
    return {one.key: one for one in made}


TROUBLE = rows(
    row("b"), row("a"), row("note", Glyph.NOTE), row("less", Glyph.BROKEN, hurt=1), row("more", Glyph.BROKEN, hurt=9),
    row("dark", Glyph.UNKNOWN), row("warn", Glyph.WARN),
)  # fmt: skip


def test_the_worst_is_on_top_and_equals_go_by_name() -> None:
    ranking = Ranking(PACKAGES)
    ranking.update(TROUBLE, "", 0.0)
    assert ranking.order == ("more", "less", "warn", "dark", "note", "a", "b")


def test_an_unknown_number_sorts_below_every_known_one() -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted("requests"), rows(row("zero", rps=0.0), row("dark", rps=None), row("busy", rps=9.0)), 0.0)
    assert ranking.order == ("busy", "zero", "dark")


def test_rows_move_only_every_five_seconds() -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted("requests"), rows(row("a", rps=2.0), row("b", rps=1.0)), 0.0)
    turned = rows(row("a", rps=1.0), row("b", rps=2.0))
    ranking.update(turned, "", MOVE_S - 0.1)
    assert ranking.order == ("a", "b")
    ranking.update(turned, "", MOVE_S)
    assert ranking.order == ("b", "a")


def test_rows_do_not_move_under_a_finger() -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted("requests"), rows(row("a", rps=2.0), row("b", rps=1.0)), 0.0)
    turned = rows(row("a", rps=1.0), row("b", rps=2.0))
    for second in range(1, 30):
        ranking.touched(float(second))
        ranking.update(turned, "", second + 0.9)
    assert ranking.order == ("a", "b")
    ranking.update(turned, "", 29 + STILL_S)
    assert ranking.order == ("b", "a")


@given(st.lists(st.sets(st.sampled_from("abcdefgh")), max_size=20))
def test_between_rankings_what_stays_stays_in_its_order(steps: list[set[str]]) -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted("name"), rows(row("d"), row("b")), 0.0)
    for number, names in enumerate(steps):
        before = ranking.order
        ranking.touched(float(number))
        ranking.update(rows(*map(row, sorted(names))), "", float(number))
        assert set(ranking.order) == names
        assert [key for key in before if key in names] == list(ranking.order[: len(names & set(before))])


def test_a_row_that_the_filter_hides_is_not_kept_for_the_cursor() -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted(filter="zzz"), TROUBLE, 0.0)
    ranking.update(TROUBLE, "more", 1.0)
    ranking.update(TROUBLE, "more", 100.0)
    assert ranking.order == ()


def test_problems_only_keeps_the_row_under_the_cursor() -> None:
    ranking = Ranking(PACKAGES)
    ranking.want(Wanted(problems=True), TROUBLE, 0.0)
    assert ranking.order == ("more", "less", "warn", "dark")
    healed = {**TROUBLE, "warn": row("warn"), "less": row("less")}
    ranking.update(healed, "warn", 100.0)
    assert ranking.order == ("more", "dark", "warn")
    ranking.update(healed, "dark", 200.0)
    assert ranking.order == ("more", "dark")


@pytest.mark.parametrize(
    ("text", "typed", "found"),
    [
        ("service/customer", "", True),
        ("service/customer", "cust", True),
        ("service/customer", "scust", True),
        ("service/customer", "SCust", True),
        ("service/customer", "s cust", True),
        ("service/customer", "tsuc", False),
        ("service/customer", "!", True),
        ("service/customer", "!cust", False),
        ("service/customer", "!scust", True),
    ],
)
def test_filters(text: str, typed: str, found: bool) -> None:
    assert matches_text(text, typed) is found


# header, banner, empty list

FLEET = FleetView(fleet="h2o", hosts=96, answering=96, instances=612, register="connected", data_age_s=0.8)
GLYPHS = Counter(row.glyph for row in TROUBLE.values())
PLACE = Place("prod", ("packages", "service/customer"), "14:02:07 UTC")


def text_of(line: Line) -> str:
    return "".join(cell.text for cell in line.cells)


def test_the_header_at_full_width() -> None:
    shown = text_of(header_line(PLACE, FLEET, GLYPHS, 160))
    left, right = shown[:45].rstrip(), shown[60:].strip()
    assert left == " PROD  h2o > packages > service/customer"
    assert right == "96 hosts  612 inst  x2 !1 ~1 ?1  zk ok  data 0.8s  READ-ONLY  14:02:07 UTC"


@given(st.integers(1, 250), st.booleans(), st.text(max_size=60))
def test_a_header_is_as_wide_as_the_screen(width: int, frozen: bool, name: str) -> None:
    place = Place(name, ("packages", name), "14:02:07 UTC", 3.0 if frozen else None)
    line = header_line(place, replace(FLEET, fleet=name, answering=2), GLYPHS, width)
    assert cells_of(text_of(line)) <= width
    assert text_of(line).isprintable()
    if width >= 40:
        assert cells_of(text_of(line)) == width
        assert "x2 !1" in text_of(line)


@pytest.mark.parametrize(
    ("fleet", "said"),
    [
        (
            replace(FLEET, register="silent", silent_s=14.0, register_hosts=96),
            "ZooKeeper silent for 14s: brokers route",
        ),
        (replace(FLEET, register="silent", silent_s=14.0, register_hosts=2), "on 2 of 96 hosts"),
        (replace(FLEET, trouble="refused", agent="unix:/a", picture_age_s=31.0), "no agent answers"),
        (replace(FLEET, agent="10.0.0.2:8100", detour="unix:/a: refused"), "asking 10.0.0.2:8100 instead of unix:/a"),
        (replace(FLEET, silent=(SilentHost("host-3", 14.0, "refused"),)), "no stats for 14s from host-3: refused"),
    ],
)
def test_a_trouble_of_the_whole_fleet_is_one_sentence(fleet: FleetView, said: str) -> None:
    cell = banner(fleet)
    assert cell is not None
    assert said in cell.text


def test_no_trouble_no_banner() -> None:
    assert banner(FLEET) is None


@pytest.mark.parametrize(
    ("fleet", "said"),
    [
        (FleetView(), "Asking the agent"),
        (FleetView(trouble="no such socket", agent="unix:/a"), "h2o dev"),
        (FleetView(trouble="down", agent="unix:/a", hint="start it: systemctl"), "start it: systemctl"),
        (FleetView(picture_age_s=1.0), "h2o hosts"),
        (FleetView(hosts=3, picture_age_s=1.0), "script/demo"),
    ],
)
def test_an_empty_list_says_what_to_type(fleet: FleetView, said: str) -> None:
    assert said in " ".join(cell.text for cell in no_packages(fleet))


def test_a_list_that_hides_all_its_rows_says_which_key_shows_them() -> None:
    assert "esc clears the filter" in nothing_matches("hosts", filtered=True)[-1].text
    assert "p shows all hosts" in nothing_matches("hosts", filtered=False)[-1].text


# details


@given(st.integers(20, 240), st.text(max_size=40))
def test_details_fit_every_width_and_say_nothing_hostile(width: int, evil: str) -> None:
    view = PackageView(
        "service/" + evil,
        **running(
            InstanceView("7f3a" + evil, "1" + evil, evil, evil, "ready"),
            InstanceView("", "2", "h", "", "backoff", why=evil),
        ),
        features=(FeatureView(evil, "1" + evil, {"OK": 3, evil: 2}, last_error=evil, error_age_s=1.0),),
        outcomes={"OK": 3, evil: 2},
        callers={"NO_ROUTE": 3, evil: 1},
    )
    lines = package_lines(view, Told(None), {}, width)
    assert len({line.key for line in lines}) == len(lines)
    for line in lines:
        assert cells_of(text_of(line)) <= width
        assert text_of(line).isprintable()


def test_details_name_the_share_that_was_measured() -> None:
    view = PackageView(
        "service/customer",
        **running(InstanceView("a", "1.0", "host-1", "a", "ready"), InstanceView("b", "2.0", "host-2", "a", "ready")),
        features=tuple(FeatureView("service/customer/get", f"{at}.0", {"OK": 5 - 2 * at}) for at in (1, 2)),
        outcomes={"OK": 4},
    )
    shown = [text_of(line).strip() for line in package_lines(view, Told(None), {}, 120)]
    versions = {line.split()[0]: line.split()[1:4] for line in shown if line.startswith(("1.0 ", "2.0 "))}
    assert versions == {"1.0": ["1", "75", "3"], "2.0": ["1", "25", "1"]}, "instances, TRAF%, requests"


# commands


@pytest.mark.parametrize(
    ("typed", "action", "rest"),
    [
        ("q", "quit", ""),
        ("quit", "quit", ""),
        ("pac", "", ""),
        ("sor p95", "sort", "p95"),
        ("package cust", "package", "cust"),
        ("th light", "theme", "light"),
        ("sort  p95", "sort", "p95"),
    ],
)
def test_commands(typed: str, action: str, rest: str) -> None:
    understood = understand(typed)
    if action:
        assert isinstance(understood, tuple)
        assert (understood[0].id, understood[1]) == (action, rest)
    else:
        assert isinstance(understood, Unknown)
        assert understood.why == "no command 'pac'; try :packages, :package"


@given(st.text(max_size=30))
def test_whatever_is_typed_is_understood_or_answered(typed: str) -> None:
    understood = understand(typed)
    assert isinstance(understood, Unknown) or isinstance(understood[0], Command)


def test_no_two_commands_share_a_name() -> None:
    names = [name for command in COMMANDS for name in command.names]
    assert len(set(names)) == len(names)
