"""The bench on real processes: every figure that is promised is measured, and nothing outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench import cli, data_plane
from bench.figures import GOALS

ROOT = Path(__file__).parents[2]
TINY = data_plane.Plan(rounds=1, window_s=0.1, warm_up_s=0.05)
needs_nats = pytest.mark.skipif(find_spec("nats") is None, reason="NATS is an extra: pip install -e '.[bench]'")


def not_found(_program: str, path: str | None = None) -> None:
    """As shutil.which on a machine without *_program*."""


@needs_nats
def test_the_data_plane_measures_every_lane(tmp_path: Path) -> None:
    said: list[str] = []
    figures = {one.name: one for one in data_plane.run(tmp_path, TINY, said.append)}
    assert set(GOALS) - {"list_200_ms"} <= set(figures)
    for lane, server in (("sdk", "broker"), ("proxy", "proxy"), ("nats", "server")):
        for in_flight in data_plane.IN_FLIGHT:
            for name in ("per_s", "p50_us", "p99_us", f"{server}_cpu_us", "client_cpu_us", "worker_cpu_us"):
                assert figures[f"{lane}_{name}_{in_flight}"].value > 0


def test_without_nats_the_rest_runs_and_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.lanes.shutil.which", not_found)
    monkeypatch.setattr(data_plane, "IN_FLIGHT", (64,))
    said: list[str] = []
    names = {one.name for one in data_plane.run(tmp_path, TINY, said.append)}
    assert "sdk_vs_proxy_64" in names
    assert not [name for name in names if "nats" in name]
    assert any("pip install -e '.[bench]'" in line for line in said)


def test_list_is_timed_on_two_hundred_instances(tmp_path: Path) -> None:
    figures = {one.name: one for one in cli.run(tmp_path, 1, lambda _line: None)}
    assert figures["list_200_ms"].value > figures["python_alone_ms"].value > 0


@pytest.mark.long
@needs_nats
@pytest.mark.timeout(180)
def test_quick_ends_in_time_and_prints_one_object_a_line() -> None:
    started_s = time.monotonic()
    command = [sys.executable, "-m", "bench", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started_s < 2 * 45
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(one) == {"group", "name", "value", "unit", "goal", "holds"} for one in figures)
    assert set(GOALS) == {one["name"] for one in figures if one["goal"] is not None}
