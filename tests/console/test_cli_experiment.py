"""The pages of `h2o experiment status`, from counts alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from h2o_console.cli.experiment_page import all_page, one_page
from h2o_console.cli.failures import Exit
from h2o_console.cli.output import Style, to_json
from h2o_console.cli.printing import Page
from h2o_console.commands.trials import Looked, Running
from h2o_core.control.traffic import Traffic
from h2o_core.experiment.arms import Arm, Counted
from h2o_core.experiment.judging import judge
from h2o_core.plan.situation import Decided
from tests.support.trials import NEW, STABLE, Call, counted, part, shares

NOW_S = 1600.0
PACKAGE = "/service/customer"


def looked(found: Counted, *, reason: str = "INC-7", silent: dict[str, str] | None = None) -> Looked:
    document = Traffic(
        PACKAGE,
        STABLE,
        found.stage.weights,
        salt=found.stage.salt,
        experiment=found.stage.experiment,
        owner="ann",
        reason=reason,
        review_s=NOW_S + 7200,
    )
    running = Running(document, found, judge(found, 0.01, NOW_S), ())
    return Looked(Decided(7), {PACKAGE: running}, (), silent or {}, NOW_S)


def text(page: Page, cells: int | None = 80) -> str:
    assert page.text is not None
    return page.text(Style(cells=cells))


def document(page: Page) -> dict[str, Any]:
    return json.loads(to_json(page.document))


def page_of(found: Looked) -> Page:
    return one_page("test", found, found.running[PACKAGE])


WORSE = counted(
    Arm(part(Call(key=b"c%d" % at) for at in range(900)), shares(1800, 18)),
    Arm(part(Call(key=b"d%d" % at) for at in range(100)), shares(200, 18)),
)


def test_versions_stand_side_by_side_at_80_columns() -> None:
    found = looked(WORSE)
    said = text(page_of(found))
    assert all(len(line) <= 80 for line in said.splitlines())
    lines = [line.split() for line in said.splitlines()]
    assert said.startswith("2.0.0 is worse: errors 6.0 % against 0.7 %\n\nExperiment checkout of service/customer\n")
    assert ["decided", "by", "ann:", "INC-7"] in lines
    assert ["1.0.0", "90%", "90%", "2,700", "33%", "0.7%", "0.0%"] in [line[:7] for line in lines]
    assert ["2.0.0", "10%", "10%", "300", "33%", "6.0%", "0.0%"] in [line[:7] for line in lines]
    assert "+5.3 (+2.4 … +10.4)" in said


def test_scripts_read_the_same_and_the_exit_code_tells() -> None:
    found = looked(WORSE, silent={"host-3": "no agent"})
    page = page_of(found)
    told = document(page)
    assert page.exit_code is Exit.FAILED
    (against,) = told["against"]
    assert (against["version"], against["verdict"]) == (NEW, "worse")
    assert against["sentence"] == "2.0.0 is worse: errors 6.0 % against 0.7 %"
    assert [(arm["version"], arm["requests"], arm["errors"]) for arm in told["arms"]] == [
        (STABLE, 2700, 18),
        (NEW, 300, 18),
    ]
    assert told["unreachable"] == [{"host": "host-3", "error": "no agent"}]
    assert page.names == [STABLE, NEW]


@pytest.mark.parametrize(
    ("found", "silent", "code"),
    [
        (counted(Arm(random=shares(2700, 27)), Arm(random=shares(300, 3))), {}, Exit.OK),
        (counted(Arm(random=shares(2700, 27)), Arm(random=shares(300, 3))), {"host-3": "gone"}, Exit.PARTIAL),
        (counted(Arm(random=shares(820)), Arm(random=shares(180))), {"host-3": "gone"}, Exit.FAILED),
    ],
)
def test_exit_codes(found: Counted, silent: dict[str, str], code: Exit) -> None:
    one = looked(found, silent=silent)
    assert page_of(one).exit_code is all_page("test", one).exit_code is code


def test_nothing_counted_yet_is_a_page_too() -> None:
    page = page_of(looked(counted(Arm(), Arm())))
    said = text(page)
    assert "needs 4,657 more requests of 2.0.0; it has had none so far" in said.replace("\n", " ")
    assert document(page)["against"][0]["durations"]["factor"] is None


def test_what_was_left_out_and_who_is_silent_is_said() -> None:
    found = looked(counted(Arm(random=shares(900)), Arm(random=shares(100)), broken=12), silent={"host-9": "gone"})
    said = text(page_of(found))
    assert "12 for want of an instance" in said
    assert "host-9" in said


def test_a_hostile_reason_stays_text() -> None:
    said = text(page_of(looked(WORSE, reason="\x1b[2J\u202eevil\nrm -rf")))
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_the_list_has_a_line_for_each_new_version() -> None:
    page = all_page("test", looked(WORSE))
    (row,) = page.rows
    assert row == (
        "service/customer",
        "checkout",
        "1.0.0 90%, 2.0.0 10%",
        "10m",
        "worse",
        "2.0.0 is worse: errors 6.0 % against 0.7 %",
    )
    assert page.names == ["service/customer"]
