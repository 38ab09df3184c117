"""`h2o logs` on a real fleet: followed, ended by Ctrl-C or a reader that goes, and what a failed call says to type."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.failures import Exit
from tests.system.test_cli_fleet import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from h2o_console.dev.fleet import Fleet

BOUND_S = 10.0
H2O = str(Path(sys.executable).with_name("h2o"))


@pytest.fixture
def operator(shared_fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(shared_fleet, capsys, monkeypatch)


@pytest.fixture
def follower(operator: Operator, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`h2o logs -f` of the package, as a process; its standard error is a file."""
    environ = operator.fleet.environment("host-1")
    argv = [H2O, "logs", "-f", "service/echo", "--tail", "0", "--grep", "echo/fail", "--no-headers"]
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=err, text=True)
    yield process
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def failed_call(operator: Operator, text: str, *where: str) -> str:
    """What `h2o call` says of a handler that raised."""
    code, _, err = operator.types("call", "service/echo/fail", json.dumps(text), *where)
    assert (code, "INTERNAL" in err) == (1, True), err
    return err


def first_line(operator: Operator, output: IO[str]) -> str:
    """Of a follower, that is given something to follow until it shows it."""
    give_up_s = time.monotonic() + BOUND_S
    shown = b""
    while b"\n" not in shown:
        assert time.monotonic() < give_up_s, "nothing was shown"
        failed_call(operator, "a bug to be followed")
        if select.select([output], [], [], 0.2)[0]:
            shown += os.read(output.fileno(), 1 << 16)
    return shown.decode().partition("\n")[0]


def test_what_a_failed_call_says_to_type_finds_its_log_on_its_host(operator: Operator) -> None:
    time.sleep(1.1)  # a traceback is logged once a second for each kind, and the tests beside this one raise the same
    err = failed_call(operator, "a bug to be found", "--host", "host-2")
    (request,) = set(re.findall(r"request ([0-9a-f]{32})", err))
    (suggested,) = re.findall(r"h2o (logs \S+ --grep \S+)", err)
    assert suggested.endswith(request)
    code, out, said = operator.types(*shlex.split(suggested), "--json")
    assert (code, said) == (0, "")
    (entry,) = [json.loads(line) for line in out.splitlines()]
    assert entry["trace_id"] == request
    assert request in entry["body"]
    assert entry["severity_text"] == "ERROR"
    assert entry["resource"]["host.name"] == "host-2"
    assert entry["resource"]["service.instance.id"].startswith(suggested.split()[1])
    assert entry["attributes"]["exception.message"] == "a bug to be found"
    assert "raise RuntimeError(request.value)" in entry["attributes"]["exception.stacktrace"]


def test_ctrl_c_ends_a_follower_with_130_and_says_nothing(
    operator: Operator, follower: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert follower.stdout is not None
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3} host-\d [0-9a-f]{8} ERROR ", first_line(operator, follower.stdout))
    follower.send_signal(signal.SIGINT)
    assert follower.wait(BOUND_S) == Exit.INTERRUPTED
    assert (tmp_path / "err").read_text() == "\n", "the end of the line on which a terminal shows ^C, and no more"


def test_a_follower_whose_reader_has_gone_ends_in_silence(
    operator: Operator, follower: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert follower.stdout is not None
    first_line(operator, follower.stdout)
    follower.stdout.close()
    give_up_s = time.monotonic() + BOUND_S
    while follower.poll() is None:
        assert time.monotonic() < give_up_s, "it goes on though nobody reads it"
        failed_call(operator, "a bug nobody reads of")
    assert follower.returncode == 0
    assert (tmp_path / "err").read_text() == ""
