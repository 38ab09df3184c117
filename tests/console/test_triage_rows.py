"""Findings as rows, as a pane, in full: what is said, how much of it, and that nothing unknown is called well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from h2o_console.rows.cells import Glyph, Line, Tone
from h2o_console.rows.evidence import evidence_text
from h2o_console.rows.finding_detail import Beside, finding_lines, subject_places
from h2o_console.rows.finding_keys import finding_key, key_of, named
from h2o_console.rows.places import Kind as Screen, Place
from h2o_console.rows.triage import FindingRow, finding_rows, found
from h2o_console.rows.triage_pane import Looked, about, pane_lines, quiet, summary
from h2o_console.store.insight import Insight
from h2o_console.store.views import FleetView, SilentHost
from h2o_console.text import width as cells_of
from h2o_core.insights.finding import Evidence, Finding, Key, Kind, Severity, Subject
from h2o_core.insights.standing import News
from tests.console import found_fleet
from tests.console.found_fleet import NOTES, NOW, incident
from tests.console.still_fleet import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterable

WELL = FleetView(fleet="h2o", hosts=3, answering=3, instances=9, picture_age_s=0.4)
PARTLY = replace(WELL, answering=2, silent=(SilentHost("host-3", 14.0, "no answer in 2 s"),))
NOTHING = Insight(News((), (), ()), {}, NOW, 1.0)


def text(lines: Iterable[Line]) -> str:
    return "\n".join("".join(cell.text for cell in line.cells) for line in lines)


def rows() -> tuple[FindingRow, ...]:
    return finding_rows(found_fleet.found(incident(), NOTES), NOTES, NOW)


@given(st.sampled_from(list(Kind)), st.builds(Subject, *[st.text(max_size=12)] * len(Subject._fields)))
def test_a_key_comes_back_as_it_was(kind: Kind, subject: Subject) -> None:
    assert key_of(finding_key(Key(kind, subject))) == Key(kind, subject)


@pytest.mark.parametrize("typed", ["", "moon|||||||", "failing", "failing|a", *HOSTILE])
def test_what_is_no_key_is_none(typed: str) -> None:
    assert key_of(typed) is None
    assert named(typed) == "finding"


def test_causes_come_first_with_what_they_explain_and_the_muted_last() -> None:
    made = rows()
    causes = [row for row in made if not row.cause]
    assert [row.name for row in causes] == ["host-3", "service/customer 2.4.0", "host-5", "host-6"]
    assert [row.muted for row in causes] == [False, False, False, True]
    assert sorted(made, key=lambda row: row.place) == list(made)
    for row in causes:
        assert row.explains == sum(one.cause == row.key for one in made)
    assert all(not row.action for row in made if row.cause), "a symptom has none"


def test_a_row_says_the_sentence_without_the_name_that_stands_beside_it() -> None:
    version = next(row for row in rows() if row.name == "service/customer 2.4.0")
    assert version.says.startswith("is worse: ")
    assert (version.severity, version.glyph, version.lasts) == ("PAGE", Glyph.BROKEN, "2m")
    assert (version.action, version.command) == (
        "roll back to 2.3.1",
        "h2o rollback service/customer --to 2.3.1",
    )
    disk = next(row for row in rows() if row.name == "host-5")
    assert disk.says == "disk 98 %"


def test_who_looks_after_it_and_until_when_it_is_muted() -> None:
    by_name = {row.name: row for row in rows()}
    assert by_name["host-5"].noted == "ada@host-1 looks after it since 02:39:00: INC-7"
    assert by_name["host-6"].noted == "muted by eva@host-1 until 04:10:00: the swap takes until four"
    assert by_name["host-3"].noted == ""


def test_a_filter_finds_a_cause_by_what_it_explains() -> None:
    host = next(row for row in rows() if row.name == "host-3")
    assert "service/payment" in host.found_by


# ---------------------------------------------------------------------- honest


def test_well_says_by_what() -> None:
    said = " ".join(cell.text for cell in quiet(NOTHING, Looked(WELL, 2.0, decided=True)))
    assert said == "All is well. Looked at 3 hosts, 9 instances, looked 2s ago."
    young = quiet(replace(NOTHING, compared=False), Looked(WELL, 2.0, decided=True))
    assert young[-1].text == "How it was before is not known yet: what is slower than it was is not seen."


@pytest.mark.parametrize(
    ("looked", "because"),
    [
        (Looked(PARTLY, 2.0, decided=True), "Nothing known of 1 host: host-3 (no answer in 2 s)."),
        (Looked(WELL, 2.0, decided=False), "Nothing known of what is decided"),
        (Looked(WELL, 40.0, decided=True), "The last look is 40s old."),
        (Looked(WELL, 2.0, decided=True, unreadable=("notes: not JSON\x1b[2J",)), "Not read: notes: not JSON."),
        (Looked(WELL, 2.0, decided=True, blind="its history is missing"), "Its history is missing."),
    ],
)
def test_what_was_not_looked_at_is_never_well(looked: Looked, because: str) -> None:
    for cells in (quiet(NOTHING, looked), summary(NOTHING, looked, 200).cells):
        said = " ".join(cell.text for cell in cells)
        assert "all is well" not in said.casefold()
        assert "as far as is known" in said
        assert Tone.GOOD not in {cell.tone for cell in cells}
    assert because in " ".join(cell.text for cell in quiet(NOTHING, looked))


def test_nobody_has_looked_yet() -> None:
    assert quiet(None, Looked(WELL, None, decided=True))[0].text == "Looking…"
    assert "looking" in summary(None, Looked(WELL, None, decided=True), 80).cells[0].text
    empty = quiet(NOTHING, Looked(FleetView(), 2.0, decided=True))
    assert "well" not in " ".join(cell.text for cell in empty), "a fleet that nobody has seen yet"


@pytest.mark.parametrize("width", [1, 20, 59, 100, 200])
def test_the_summary_is_as_wide_as_the_screen(width: int) -> None:
    line = summary(found_fleet.found(incident(), NOTES), Looked(PARTLY, 40.0, decided=False), width)
    assert sum(cells_of(cell.text) for cell in line.cells) == width


def test_the_summary_counts_causes_hurt_and_what_is_muted() -> None:
    said = text([summary(found_fleet.found(incident(), NOTES), Looked(WELL, 2.0, decided=True), 200)])
    assert said.startswith(" 3 causes of trouble, 8.8 requests/s hurt, 1 muted · 3 hosts, 9 instances, looked 2s ago")


# ---------------------------------------------------------------------- evidence


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            Evidence("failures share", 0.118, "", 0.0, 60.0, 181),
            "failures share 12 % against 0 % of 181 requests in 60 s",
        ),
        (Evidence("p95 duration", 105.2, "ms", 20.0), "p95 duration 105.2 ms against 20 ms"),
        (Evidence("silence", float("nan"), "s"), "silence -"),
    ],
)
def test_evidence_is_a_number_against_what(evidence: Evidence, said: str) -> None:
    assert evidence_text(evidence) == said


@pytest.mark.parametrize("height", [8, 16, 24, 48])
def test_the_pane_is_always_as_high_and_ends_with_the_command(height: int) -> None:
    insight = found_fleet.found(incident(), NOTES)
    for row in finding_rows(insight, NOTES, NOW):
        known = found(insight, row.key)
        assert known is not None
        lines = about(row, known.finding, known.group, NOW, (80, height))
        assert len(lines) == pane_lines(height)
        assert not lines or row.cause or row.command in text(lines)


def test_a_finding_in_full_leads_to_its_symptoms_and_to_whom_it_is_about() -> None:
    insight = found_fleet.found(incident(), NOTES)
    row = next(one for one in rows() if one.name == "service/customer 2.4.0")
    known = found(insight, row.key)
    assert known is not None
    lines = finding_lines(known, Beside(NOTES, found_fleet.journal()), NOW, 120)
    assert len({line.key for line in lines}) == len(lines)
    opens = [line.opens for line in lines if line.opens is not None]
    assert Place(Screen.ENTRY, "3f8a91c2d4e5f607") in opens, "the change before it"
    assert [place.kind for place in opens].count(Screen.FINDING) == row.explains
    assert opens[-1] == Place(Screen.PACKAGE, "service/customer")
    symptom = found(insight, next(one.key for one in rows() if one.cause == row.key))
    assert symptom is not None
    below = finding_lines(symptom, Beside(), NOW, 120)
    assert Place(Screen.FINDING, row.key) in [line.opens for line in below], "to its cause"
    assert "h2o rollback" not in text(below)


def test_whom_a_finding_is_about_can_be_opened() -> None:
    subject = Subject("/service/geo", "1.0", "host-1", "/service/geo/get", "ab12", "/api/website")
    one = Finding(Kind.TIERS, subject, Severity.TICKET, "s")
    assert [place.kind for place in subject_places(one)] == [
        Screen.INSTANCE,
        Screen.PACKAGE,
        Screen.HOST,
        Screen.FEATURE,
        Screen.CALLS,
    ]
    outside = Finding(Kind.TIERS, Subject("/service/geo", caller="operator"), Severity.TICKET, "s")
    assert [place.kind for place in subject_places(outside)] == [Screen.PACKAGE]


@pytest.mark.parametrize("width", [1, 30, 100])
def test_hostile_findings_are_inert(width: int) -> None:
    insight = found_fleet.hostile_insight()
    for row in finding_rows(insight, (), NOW):
        known = found(insight, row.key)
        assert known is not None
        lines = [*finding_lines(known, Beside(), NOW, width), *about(row, known.finding, known.group, NOW, (width, 40))]
        assert all(line.isprintable() for line in text(lines).splitlines())
