"""Group faults of the bench: which rounds are played, and what is left of those that don't hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.children import BenchError
from bench.faults import group
from bench.faults.result import Result
from bench.faults.round import Round
from tests.counting.account import Account

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.stage import Stage

WELL = Account(2, {"OK": 2}, 2, 0, 0.1, ())
PLAYED: list[str] = []


def fine(stage: Stage) -> Result:
    PLAYED.append(stage.directory.name)
    return Result(0.5, WELL, notes=("all is well",))


def bad(stage: Stage) -> Result:
    return Result(0.5, WELL, broken=("it came back as another",))


def unplayable(stage: Stage) -> Result:
    stage.wait(lambda: False, "pigs fly", within_s=0.01)
    raise AssertionError


@pytest.fixture(autouse=True)
def rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    PLAYED.clear()
    table = (
        *(Round("part_one", fine), Round("part_two", fine), Round("storm", fine, long=True)),
        *(Round("bad", bad), Round("unplayable", unplayable)),
    )
    monkeypatch.setattr(group, "ROUNDS", table)


@pytest.mark.parametrize(
    ("only", "quick", "played"),
    [("part", True, ["part_one", "part_two"]), ("two", False, ["part_two"]), ("storm", True, ["storm"])],
)
def test_rounds_are_chosen_by_a_part_of_their_name(tmp_path: Path, only: str, quick: bool, played: list[str]) -> None:
    said: list[str] = []
    figures = group.run(tmp_path, said.append, group.Wishes(only), quick=quick)
    assert played == PLAYED
    assert [one.name for one in figures if one.name.endswith("_recover_s")] == [f"{name}_recover_s" for name in played]
    assert any("all is well" in line for line in said)


def test_quick_leaves_out_the_long_ones_and_what_does_not_hold_is_told_beside_the_figures(tmp_path: Path) -> None:
    with pytest.raises(group.Broken) as failed:
        group.run(tmp_path, lambda _line: None, group.Wishes(), quick=True)
    assert PLAYED == ["part_one", "part_two"]
    assert "bad: it came back as another" in str(failed.value)
    assert "unplayable: not within 0.01 s: pigs fly" in str(failed.value)
    figures = {one.name: one.value for one in failed.value.figures}
    assert (figures["part_one_broken"], figures["bad_broken"]) == (0, 1)
    assert not [name for name in figures if name.startswith("unplayable")]


def test_a_round_that_there_is_not_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"'nothing'.*part_one, part_two, storm"):
        group.run(tmp_path, lambda _line: None, group.Wishes("nothing"), quick=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["faults", "--only", "nonsense"], "no fault round has 'nonsense' in its name; there are part_one, part_two"),
        (["--only", "broker"], "script/bench faults --only broker"),
    ],
)
def test_a_round_that_is_not_there_is_a_wrong_usage(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
