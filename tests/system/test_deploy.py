"""deploy/: systemd accepts the units, and what adoption rests on stands in them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - keys are case-sensitive
    parser.read(UNITS / name)
    return parser


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here; on Debian it is in the package systemd")
    for path in UNITS.glob("*.service"):
        text = path.read_text()
        for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
            text = text.replace(program, sys.executable)  # that the program is not here is not the unit's fault
        (tmp_path / path.name).write_text(text)
    argv = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.glob("*.service")))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (0, "")
    assert "h2o-" not in done.stderr  # unknown keys are remarks; other units' are not ours


def test_systemd_accepts_the_user() -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("there is no systemd-sysusers here; on Debian it is in the package systemd")
    argv = ["systemd-sysusers", "--dry-run", str(UNITS / "h2o.sysusers")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    if "--dry-run" in done.stderr:
        pytest.skip("this systemd-sysusers knows no --dry-run")
    assert done.returncode == 0, done.stderr


def test_instances_outlive_the_agent_and_the_host_outlives_an_instance() -> None:
    service = unit("h2o-agent.service")["Service"]
    assert service["KillMode"] == "process"
    assert service["RestartKillSignal"] == "SIGKILL"
    assert service["RuntimeDirectoryPreserve"] == "restart"
    assert service["OOMPolicy"] == "continue"
    assert "PrivateTmp" not in service
    assert "ProtectControlGroups" not in service


def test_the_agent_takes_the_command_line_of_its_unit() -> None:
    program, *arguments = unit("h2o-agent.service")["Service"]["ExecStart"].split()
    assert Path(program).name == "h2o-agent"
    argv = [str(Path(sys.executable).with_name("h2o-agent")), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert "/etc/h2o/host.toml" in done.stderr  # it looks for that file, and for nothing else
    assert done.returncode == 2


def test_triage_takes_the_command_line_of_its_unit(tmp_path: Path) -> None:
    program, *arguments = unit("h2o-triage.service")["Service"]["ExecStart"].split()
    assert Path(program).name == "h2o"
    argv = [str(Path(sys.executable).with_name("h2o")), *arguments]
    given = {"H2O_AGENT": f"unix:{tmp_path}/agent.sock", "H2O_WEBHOOK": "http://127.0.0.1:1/", "PATH": ""}
    own = {"H2O_CONFIG": str(tmp_path / "config.toml"), "STATE_DIRECTORY": str(tmp_path)}
    with subprocess.Popen(
        argv, env=given | own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            assert "no agent answers" in process.stderr.readline()  # and it goes on trying
            assert process.poll() is None
        finally:
            process.kill()
