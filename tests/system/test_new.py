"""`h2o new` to a call: what it prints is typed, in a real `h2o dev`, for each tier."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.dev import H2O, dev

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dev import Dev

__all__ = ["dev"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("service/invoice", {"id": "1", "title": "the first one"}),
        ("orchestration/invoice-line", {"text": "1: the first one"}),
        ("api/invoice", {"text": "1: the first one"}),
    ],
)
def test_what_it_prints_can_be_typed(name: str, answer: dict[str, str], dev: Dev, tmp_path: Path) -> None:
    printed = subprocess.run([H2O, "new", name], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    lines = [shlex.split(line) for line in printed.splitlines() if line.startswith("  h2o ")]
    (run,) = [line[2:] for line in lines if line[:2] == ["h2o", "dev"]]
    (call,) = [line[1:] for line in lines if line[:2] == ["h2o", "call"]]
    directory = tmp_path / name.replace("/", "-")
    process = dev.run("--hosts", "1", *run, cwd=directory)
    dev.until_ready(process)
    assert json.loads(dev.h2o(*call).stdout) == answer
    assert dev.h2o(*call[:2], '{"id": 404}').returncode == 1
    dev.stop(process)


def test_its_host_file_entry_is_a_package_file(dev: Dev, tmp_path: Path) -> None:
    subprocess.run([H2O, "new", "service/invoice"], cwd=tmp_path, capture_output=True, check=True)
    process = dev.run("--hosts", "1", "--package-file", "service-invoice/instance.toml", cwd=tmp_path)
    dev.until_ready(process)
    assert json.loads(dev.h2o("call", "service/invoice/retrieve", '{"id": 1}').stdout)["id"] == "1"
    dev.stop(process)
