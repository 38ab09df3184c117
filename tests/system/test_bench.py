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
from bench.children import Children
from bench.comparisons import LANES_AT
from bench.cpu import cpu_s
from bench.figures import GOALS
from bench.lanes import start_sdk

ROOT = Path(__file__).parents[2]
TINY = data_plane.Plan(rounds=1, window_s=0.1, warm_up_s=0.05, memory_requests=2_000)
needs_peers = pytest.mark.skipif(
    any(find_spec(peer) is None for peer in ("nats", "grpc", "zerorpc")),
    reason="NATS, gRPC and zerorpc are an extra: pip install -e '.[bench]'",
)
ROLES = {
    "sdk": ("broker", "worker"),
    "proxy": ("proxy", "worker"),
    "nats": ("server", "worker"),
    "two_hosts": ("origin_broker", "destination_broker", "worker"),
    "sdk_8": ("broker", "worker"),
    "nats_8": ("server", "worker"),
    "grpc_aio": ("worker",),
    "zerorpc": ("worker",),
}


def not_found(_program: str, path: str | None = None) -> None:
    """As shutil.which on a machine without *_program*."""


@needs_peers
def test_the_data_plane_measures_every_lane(tmp_path: Path) -> None:
    said: list[str] = []
    figures = {one.name: one for one in data_plane.run(tmp_path, TINY, said.append)}
    others = ("list_", "completion_", "first_screen", "cpu_", "key_", "quiet_", "idle_")
    assert {name for name in GOALS if not name.startswith(others)} <= set(figures)
    assert {name for names in LANES_AT.values() for name in names} == set(ROLES)
    for in_flight, names in LANES_AT.items():
        for lane in names:
            for name in ("per_s", "p50_us", "p99_us", *(f"{role}_cpu_us" for role in (*ROLES[lane], "client"))):
                assert figures[f"{lane}_{name}_{in_flight}"].value > 0
    for role in ("broker", "worker", "client"):
        assert figures[f"{role}_rss_end_mib"].value > 10


def test_without_peers_the_rest_runs_and_says_what_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").mkdir()
    for module in ("grpc", "zerorpc"):
        (tmp_path / "broken" / f"{module}.py").write_text("raise ImportError('made for another Python')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    monkeypatch.setenv("ZOOKEEPER_HOME", str(tmp_path / "absent"))
    monkeypatch.setattr("bench.lanes.shutil.which", not_found)
    monkeypatch.setattr(data_plane, "IN_FLIGHT", (64,))
    said: list[str] = []
    names = {one.name for one in data_plane.run(tmp_path, TINY, said.append)}
    assert {"sdk_vs_proxy_64", "sdk_8_instances_vs_1_64", "broker_rss_growth_mib"} <= names
    assert not [name for name in names if any(peer in name for peer in ("nats", "grpc", "zerorpc", "two_hosts"))]
    left_out = [line for line in said if line.startswith("left out: ")]
    assert [line.partition(".")[0] for line in left_out] == [
        "left out: two_hosts",
        "left out: nats nats_8",
        "left out: grpc_aio",
        "left out: zerorpc",
    ]
    assert "ZOOKEEPER_HOME" in left_out[0]
    assert all("pip install -e '.[bench]'" in line for line in left_out[1:])
    assert "made for another Python" in left_out[3]


def test_eight_instances_share_the_load(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        lane = start_sdk(children, tmp_path / "sdk_8", name="sdk_8", workers=8)
        lane.wait_ready()
        before = [cpu_s(worker.pid) for worker in lane.parts["worker"]]
        lane.send(64, 16_000)
        spent_s = [cpu_s(worker.pid) - was for worker, was in zip(lane.parts["worker"], before, strict=True)]
    assert len(spent_s) == 8
    # One that answered nothing still answers PINGs: far less than a quarter of what 2,000 requests cost.
    assert min(spent_s) > max(spent_s) / 4


def test_list_is_timed_on_two_hundred_instances_and_on_five_thousand(tmp_path: Path) -> None:
    figures = {one.name: one for one in cli.run(tmp_path, 1, lambda _line: None)}
    assert figures["list_200_ms"].value > figures["python_alone_ms"].value > 0
    assert figures["list_5000_ms"].value > figures["list_200_ms"].value


@pytest.mark.long
@needs_peers
@pytest.mark.timeout(270)
def test_quick_ends_in_time_and_prints_one_object_a_line() -> None:
    started_s = time.monotonic()
    command = [sys.executable, "-m", "bench", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=260, check=False)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started_s < 90 + 45 + 90
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(one) == {"group", "name", "value", "unit", "goal", "holds"} for one in figures)
    assert set(GOALS) == {one["name"] for one in figures if one["goal"] is not None}
