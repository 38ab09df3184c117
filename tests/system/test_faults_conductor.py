"""The conductor killed, stopped and leaving: one successor each time, and what was due meanwhile is done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.rounds import play, rounds_of

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.round import Round


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", rounds_of("conductor"))
def test_the_round_holds(fault: Round, tmp_path: Path) -> None:
    play(fault, tmp_path)
