"""Group control of the bench: rounds are found by themselves, instances behave as they are told, parts add up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.children import BenchError
from bench.control import group
from bench.control.behaviour import ALL, WELL, Behaviour, Behaviours, write
from bench.control.round import Round, figure
from bench.control.trial import Window
from bench.faults.group import Broken
from h2o_core.errors import Code

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.stage import Stage
    from bench.figures import Figure


def test_every_module_beside_the_others_is_a_round() -> None:
    names = [one.name for one in group.chosen("", quick=False)]
    assert {"background", "bad", "choose", "cold", "slow"} <= set(names)
    assert len(names) == len(set(names))
    assert {one.name for one in group.chosen("", quick=True)} < set(names)
    assert [one.name for one in group.chosen("cold", quick=True)] == ["cold"]


def test_a_round_without_processes_is_measured_and_told(tmp_path: Path) -> None:
    said: list[str] = []
    figures = {one.name: one for one in group.run(tmp_path, True, said.append, "choose")}
    assert {"choose_us", "choose_new_us", "chances_us"} == set(figures)
    assert all(one.value > 0 and one.group == "control" for one in figures.values())
    assert "choose_us" in said[-1]


def test_what_can_t_be_played_is_told_beside_the_figures_of_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unplayable(stage: Stage, _quick: bool) -> list[Figure]:
        stage.wait(lambda: False, "pigs fly", within_s=0.01)
        raise AssertionError

    def these(_only: str, *, quick: bool) -> list[Round]:
        assert quick
        return [Round("one", unplayable), Round("two", lambda _stage, _quick: [figure("kept", 1.0)])]

    monkeypatch.setattr(group, "chosen", these)
    with pytest.raises(Broken, match="pigs fly") as caught:
        group.run(tmp_path, True, print)
    assert [one.name for one in caught.value.figures] == ["kept"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["control", "--only", "no such round"], "there are apply, background, bad"),
        (["logs", "--only", "slow"], "--only names rounds of groups control and faults"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_nobody_is_chosen_by_no_name() -> None:
    with pytest.raises(BenchError, match="no control round"):
        group.chosen("nothing", quick=False)


def test_instances_behave_as_the_file_says_and_follow_it(tmp_path: Path) -> None:
    path = tmp_path / "behaviour.json"
    behaviours = Behaviours(path)
    assert behaviours.of("i1") == WELL
    write(path, {"i1": Behaviour(slower=10), ALL: Behaviour(failing=0.01)})
    assert behaviours.of("i1") == Behaviour(slower=10)
    assert behaviours.of("i2") == Behaviour(failing=0.01)
    write(path, {})
    assert behaviours.of("i1") == WELL


def test_parts_are_multiples_of_an_equal_one() -> None:
    window = Window(Counter({("a", Code.OK): 60, ("a", Code.INTERNAL): 20, ("b", Code.OK): 20}), 4)
    assert (window.requests, window.of("a"), window.part("a"), window.part("b")) == (100, 80, 3.2, 0.8)
    assert window.largest_part() == 3.2
    assert window.largest_part(["a"]) == 0.8
    assert window.failed_pct() == 20
    assert Window(Counter(), 0).failed_pct() == 0
