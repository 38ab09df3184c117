"""Every fault round of `script/bench faults` holds: one answer a request, nothing executed twice, who may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.faults.registry import ROUNDS
from bench.faults.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from bench.faults.round import Round


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(one, marks=[pytest.mark.long, pytest.mark.timeout(300)] if one.long else [], id=one.name)
        for one in ROUNDS
    ],
)
def test_the_round_holds(fault: Round, tmp_path: Path) -> None:
    with Stage(tmp_path, print, minutes=2) as stage:
        result = fault.run(stage)
    assert fault.verdict(result) == ()
