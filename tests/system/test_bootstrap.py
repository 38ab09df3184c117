"""script/bootstrap: says exactly what is missing, and does nothing when nothing is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_NEEDED = ("bash", "env", "dirname", "uname", "tr", "cat", "apt-get")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH without java, tmux and sudo, on which the user is nobody special."""
    for tool in _NEEDED:
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"no {tool} on this machine")
        (tmp_path / tool).symlink_to(found)
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    user = tmp_path / "id"
    user.write_text("#!/bin/sh\necho 1000\n")
    user.chmod(0o755)
    return tmp_path


def _bootstrap(path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": path, "HOME": os.environ.get("HOME", "/")}
    argv = [str(ROOT / "script/bootstrap"), *arguments]
    return subprocess.run(
        argv, env=environ, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
    )


def test_who_may_not_install_is_told_the_exact_command(bare_path: Path) -> None:
    done = _bootstrap(str(bare_path))
    assert done.returncode == 1
    assert "apt-get update && apt-get install -y --no-install-recommends " in done.stderr
    assert "default-jre-headless" in done.stderr
    assert "tmux" in done.stderr


def test_print_names_the_packages_and_installs_nothing(bare_path: Path) -> None:
    done = _bootstrap(str(bare_path), "--print")
    assert done.returncode == 0
    assert {"default-jre-headless", "tmux"} <= set(done.stdout.split())


def test_a_python_that_is_too_old_is_named(bare_path: Path) -> None:
    (bare_path / "python3").unlink()
    old = bare_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n')
    old.chmod(0o755)
    done = _bootstrap(str(bare_path))
    assert done.returncode == 1
    assert "Python 3.9.2 is too old" in done.stderr
    assert "PYTHON=" in done.stderr


def test_a_second_run_asks_nobody_and_takes_no_time() -> None:
    if not (ROOT / ".bootstrap" / "project").exists():
        pytest.skip("this checkout was not set up by script/bootstrap")
    first = _bootstrap(os.environ["PATH"])
    assert first.returncode == 0, first.stderr
    began = time.monotonic()
    second = _bootstrap(os.environ["PATH"] + ":/nowhere")
    assert second.returncode == 0, second.stderr
    assert second.stderr == ""
    assert time.monotonic() - began < 5
