"""A package's author says how many instances it takes; an operator who leaves fewer has to mean it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_console.dev.plan import HostPlan
from tests.support.fleet import ECHO, running
from tests.system.test_cli_fleet import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.dev.fleet import Fleet

WANTS_TWO = replace(ECHO, env={**ECHO.env, "ECHO_MIN_AVAILABLE": "2"})


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = tuple(HostPlan(f"host-{number}", "a", (WANTS_TWO,)) for number in (1, 2, 3))
    with running(tmp_path_factory.mktemp("least"), hosts) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(fleet, capsys, monkeypatch)


def test_fewer_than_its_author_wants_are_left_by_force_alone(operator: Operator) -> None:
    assert operator.types("drain", "host-3", "-y")[0] == 0
    code, _, err = operator.types("drain", "host-2", "-y")
    assert code == 6
    assert "service/echo wants at least 2 instances; 1 would be left" in err
    code, _, err = operator.types("drain", "host-2", "--force", "--confirm", "host-2")
    assert code == 0, err
