"""The disk that logs are on is full: lines are lost and counted, requests are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.ensemble import why_no_mount
from tests.support.rounds import play, rounds_of

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.round import Round


@pytest.mark.parametrize("fault", rounds_of("logs"))
@pytest.mark.skipif(bool(why_no_mount()), reason=why_no_mount() or "it can be mounted")
def test_the_round_holds(fault: Round, tmp_path: Path) -> None:
    play(fault, tmp_path)
