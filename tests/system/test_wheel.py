"""The wheel: what a base install has and lacks, and what it says where an extra is missing."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_IN_THE_BASE = ("textual", "rich", "httpx", "starlette", "uvicorn", "h11", "psutil", "prometheus_client")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=50)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment with the wheel and what it requires without extras; needs no network."""
    where = tmp_path_factory.mktemp("base") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True, timeout=50)
    python = str(where / "bin" / "python")
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    for name in required("h2o-console"):
        copy_distribution(name, site)
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python", python]
    subprocess.run([*argv, "install", "--no-deps", "--no-index", str(wheel)], check=True, timeout=50)
    return where / "bin"


def required(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The distributions that *name* needs without extras on this machine, as far as they are installed here."""
    for line in importlib.metadata.requires(name) or []:
        needed, _, marker = line.partition(";")
        other = re.split(r"[^A-Za-z0-9._-]", needed.strip(), maxsplit=1)[0].lower()
        if "extra ==" in marker or other in seen:
            continue
        try:
            importlib.metadata.distribution(other)
        except importlib.metadata.PackageNotFoundError:
            continue  # its marker is about another platform
        seen = required(other, seen | {other})
    return seen


def copy_distribution(name: str, site: Path) -> None:
    for file in importlib.metadata.files(name) or []:
        if ".." not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), site / file)


def run(base: Path, *argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{base}:{os.defpath}", "HOME": str(base), "H2O_CONFIG": os.devnull}
    return subprocess.run(
        [str(base / argv[0]), *argv[1:]],
        env=environ,
        cwd=cwd or base,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )


def test_it_holds_code_templates_and_contracts_and_nothing_of_the_rest(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "h2o_core", "h2o_service", "h2o_broker", "h2o_agent", "h2o_console"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if tracked:  # a checkout, not a tarball
        assert set(tracked) <= names
    assert {f"h2o_core/pb/{path.name}" for path in (ROOT / "protos/h2o_core/pb").glob("*.proto")} <= names
    assert "h2o_console/new/templates/service/service_widget.proto" in names
    assert "h2o_console/new/templates/both/compile.py.tmpl" in names
    assert {name.split("/")[0] for name in names} == {
        *("h2o_core", "h2o_service", "h2o_broker", "h2o_agent", "h2o_console"),
        next(name for name in names if name.endswith("/METADATA")).split("/")[0],
    }


def test_the_base_is_the_sdk_and_the_command_line_alone(base: Path) -> None:
    looks = f"import importlib.util as u; print([n for n in {NOT_IN_THE_BASE} if u.find_spec(n)])"
    assert run(base, "python", "-c", looks).stdout == "[]\n"
    assert run(base, "h2o", "--help").returncode == 0
    assert run(base, "h2o", "version").returncode in {0, 4}
    unreachable = run(base, "h2o", "list")
    assert (unreachable.returncode, "h2o dev" in unreachable.stderr) == (4, True)
    assert "Traceback" not in unreachable.stderr
    assert run(base, "h2o", "call", "service/x/y", "{}").returncode == 4


def test_a_new_packages_tests_pass_on_the_base(base: Path, tmp_path: Path) -> None:
    assert run(base, "h2o", "new", "service/invoice", cwd=tmp_path).returncode == 0
    tested = run(base, "python", "-m", "unittest", cwd=tmp_path / "service-invoice")
    assert (tested.returncode, "Ran 3 tests" in tested.stderr) == (0, True), tested.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("h2o-console",), "console"),
        (("h2o", "dev"), "host"),
        (("h2o-agent", "--host-file", "host.toml"), "host"),
    ],
)
def test_what_needs_an_extra_says_which(base: Path, command: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    (tmp_path / "host.toml").write_text(
        f'host = "a"\nfleet = "b"\nzookeeper = "127.0.0.1:1"\nrun_dir = "{tmp_path}/r"\nstate_dir = "{tmp_path}/s"\n'
    )
    done = run(base, *command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"pip install 'h2o-console[{extra}]'" in done.stderr
    assert "not installed" in done.stderr
    assert len(done.stderr.splitlines()) <= 2
