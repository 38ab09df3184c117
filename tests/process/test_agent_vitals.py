"""Vitals on this machine and on real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from h2o_agent.vitals import Vitals

if TYPE_CHECKING:
    from pathlib import Path


def test_the_server_and_its_children_are_read(tmp_path: Path) -> None:
    vitals = Vitals(str(tmp_path))
    assert vitals.host is None
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    idle = subprocess.Popen(["sleep", "60"])
    try:
        pids = [busy.pid, idle.pid]
        vitals.sample(pids)
        assert vitals.children[busy.pid].cpu_pct == -1.0, "there is nothing yet to compare with"
        deadline = time.monotonic() + 10
        while vitals.children[busy.pid].cpu_pct < 1.0 and time.monotonic() < deadline:
            time.sleep(0.2)
            vitals.sample(pids)
        assert vitals.children[busy.pid].cpu_pct > vitals.children[idle.pid].cpu_pct
        assert vitals.children[busy.pid].rss_bytes > vitals.children[idle.pid].rss_bytes > 0
        host = vitals.host
        assert host is not None
        assert 0 < host.cpu_pct <= 100
        assert host.memory_total_bytes > host.memory_available_bytes > 0
        assert host.disk_total_bytes >= host.disk_available_bytes > 0
    finally:
        for process in (busy, idle):
            process.kill()
            process.wait()
    vitals.sample(pids)
    assert not vitals.children


def test_a_directory_that_is_gone_leaves_its_disk_unknown(tmp_path: Path) -> None:
    vitals = Vitals(str(tmp_path / "gone"))
    vitals.sample([])
    assert vitals.host is not None
    assert vitals.host.disk_total_bytes == 0
