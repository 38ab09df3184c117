"""`h2o new` as files: what protoc would generate, tests that pass, nothing overwritten, wrong names explained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from h2o_console.new.draft import draft
from h2o_console.new.words import words

BIN = Path(sys.executable).parent
# a short one, one whose bytes need every kind of escape (lengths become \n, \r, \t, quotes), words that are taken
NAMES = ["service/a", "service/invoice", "orchestration/invoice-line_2", "api/none", "service/package", "service/s3"]
LENGTHS = [f"service/{'abcdef0123456789' * 3}"[: 9 + length] for length in range(2, 40)]


def new(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [str(BIN / "h2o"), "new", *arguments]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("name", NAMES)
def test_its_own_tests_pass_before_anything_is_compiled(name: str, tmp_path: Path) -> None:
    done = new(tmp_path, name)
    assert (done.returncode, done.stderr) == (0, "")
    directory = tmp_path / name.replace("/", "-")
    argv = [sys.executable, "-m", "unittest", "-v"]
    tested = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False, timeout=50)
    assert tested.returncode == 0, tested.stderr
    assert "through_a_real_broker" in tested.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_compile_step_changes_nothing_yet(name: str, tmp_path: Path) -> None:
    new(tmp_path, name, "--dir", "x")
    before = {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()}
    environ = {**os.environ, "PATH": os.defpath}  # protoc is found beside the interpreter
    argv = [sys.executable, "-B", "compile.py"]
    done = subprocess.run(
        argv, cwd=tmp_path / "x", env=environ, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()} == before
    assert sum(name.endswith(("_pb2.py", "_pb2.pyi")) for name in before) in {2, 4}


def test_generated_code_is_protocs_whatever_the_lengths(tmp_path: Path) -> None:
    expected: dict[str, str] = {}
    for name in LENGTHS:
        files = draft(words("/" + name))
        for file, text in files.items():
            if file.endswith(".proto"):
                (tmp_path / file).write_text(text)
            elif file.endswith(("_pb2.py", "_pb2.pyi")):
                expected[file] = text
    protos = sorted(path.name for path in tmp_path.iterdir())
    argv = [str(BIN / "protoc"), "-I.", "--python_out=.", "--pyi_out=.", *protos]
    subprocess.run(argv, cwd=tmp_path, check=True, timeout=30)
    assert len(expected) == 2 * len(LENGTHS)
    assert {file: (tmp_path / file).read_text() for file in expected} == expected


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    assert new(tmp_path, "service/invoice").returncode == 0
    (tmp_path / "service-invoice" / "service_invoice.py").write_text("mine")
    done = new(tmp_path, "service/invoice")
    assert (done.returncode, done.stdout) == (1, "")
    assert "overwrites nothing" in done.stderr
    assert "--dir DIRECTORY" in done.stderr
    assert (tmp_path / "service-invoice" / "service_invoice.py").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert new(tmp_path, "service/invoice", "--dir", "file").returncode == 1
    (tmp_path / "empty").mkdir()
    assert new(tmp_path, "service/invoice", "--dir", "empty").returncode == 0


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("invoice", "service/invoice"),
        ("service/Invoice", "service/invoice"),
        ("service/invoice/retrieve", "service/invoice"),
        ("storage/invoice", "service/invoice"),
        ("service/../x", "service/invoice"),
        ("service/\x1b[31m", "service/invoice"),
    ],
)
def test_a_wrong_name_gets_a_sentence_and_the_right_command(typed: str, instead: str, tmp_path: Path) -> None:
    done = new(tmp_path, typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"try: h2o new {instead}\n" in done.stderr
    assert "\x1b" not in done.stderr
    assert list(tmp_path.iterdir()) == []
