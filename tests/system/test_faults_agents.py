"""Agents killed and gone, crash loops: adopted and left without a lost request, and nothing runs twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.rounds import play, rounds_of

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.round import Round


@pytest.mark.parametrize("fault", rounds_of("agent"))
def test_the_round_holds(fault: Round, tmp_path: Path) -> None:
    play(fault, tmp_path)
