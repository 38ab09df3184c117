"""Group ``console`` of the bench on a small fleet: every promised figure is measured, on the console as it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bench.console import group
from bench.figures import GOALS
from bench.simulator.fleet import Size

if TYPE_CHECKING:
    from pathlib import Path

TINY = group.Plan(Size(hosts=4, instances=10, packages=40, processes=1), runs=1, settle_s=3.0, quiet_s=2.0, keys=60)


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform != "linux", reason="threads' CPU time is read from /proc")
def test_the_console_is_measured_in_front_of_a_simulated_fleet(tmp_path: Path) -> None:
    said: list[str] = []
    figures = {one.name: one.value for one in group.run(tmp_path, TINY, said.append)}
    assert {name for name in GOALS if name.startswith(("first_screen", "cpu_", "key_p95", "quiet_"))} <= set(figures)
    assert 0 < figures["cpu_ui_pct"] < figures["cpu_all_pct"]
    assert figures["cpu_home_pct"] > 0
    assert 0 < figures["key_p50_ms"] <= figures["key_p95_ms"] <= figures["key_max_ms"]
    assert figures["quiet_bytes_per_s"] > 0
    assert figures["rss_mib"] > 10
    assert "run 1 of 1" in said[-1]
