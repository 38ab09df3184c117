"""docs/first-package.md, typed as it stands: from an installation to a call, a reload, an error, a new field."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from h2o_console.dev.children import reap
from tests.support.newcomer import Newcomer, Terminal, blocks, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENT = blocks((ROOT / "docs" / "first-package.md").read_text())
INSTALL = [block for block in DOCUMENT if block.heading == "Install"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A newcomer's, with nothing in it."""
    yield tmp_path
    reap(str(tmp_path / "service-invoice" / ".h2o"), 5.0)


def environ(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_", "http", "LANG"))}
    return {**kept, "HOME": str(home), "PATH": os.defpath, "PYTHONUNBUFFERED": "1", "DEBIAN_FRONTEND": "noninteractive"}


@pytest.mark.timeout(180)
def test_everything_but_the_installation_as_it_is_written(home: Path) -> None:
    activate = home / "h2o" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH={Path(sys.executable).parent}:$PATH\n")  # what the tests run in, in its place
    with Terminal(environ(home), ROOT) as first, Terminal(environ(home), ROOT) as second:
        first.run(". ~/h2o/bin/activate")
        Newcomer(first, second).follow([block for block in DOCUMENT if block.heading != "Install"])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_installation_too_on_a_bare_environment(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (python,) = [path for path in (shutil.which("python3", path=os.defpath),) if path]
    if subprocess.run([python, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"], check=False).returncode:
        pytest.skip(f"{python} is older than 3.11, or has no venv")
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(home / "probe"), "click"]
    if subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("no package index is within reach")
    apt, *rest = INSTALL
    began_s = time.monotonic()
    with Terminal(environ(home), ROOT, 240) as first, Terminal(environ(home), ROOT, 240) as second:
        newcomer = Newcomer(first, second)
        if os.getuid() == 0 and shutil.which("apt-get"):
            newcomer.follow([apt])
        newcomer.follow(rest)
        newcomer.follow([block for block in DOCUMENT if block.heading != "Install"])
    with capsys.disabled():
        sys.stdout.write(f"\nthe whole document took {time.monotonic() - began_s:.0f} s\n")


def test_an_output_is_compared_but_for_what_differs_each_time() -> None:
    line = "service/invoice  0.1.0    5d802f32  host-1  ready   9s  -"
    assert pattern(line).search("service/invoice  0.1.0  b204d856  host-3  ready  12s  -")
    assert not pattern(line).search("service/invoice  0.1.0  b204d856  host-3  starting  12s  -")
    assert pattern("KeyError: 2 (host host-3 …").search("h2o: KeyError: 2 (host host-1 instance x)")
    assert not pattern("KeyError: 2 (host").search("KeyError: host")


def test_the_document_is_what_is_compared() -> None:
    assert [block.heading for block in INSTALL] == ["Install", "Install"]
    assert sum(block.language == "sh" for block in DOCUMENT) > 10
    assert sum(not block.language for block in DOCUMENT) > 6
