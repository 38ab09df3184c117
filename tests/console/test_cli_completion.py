"""TAB after `h2o …`: the fleet's names, also when the agent is away, in a real bash; nothing that a shell would run."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.completing import offered
from h2o_console.cli.main import main
from h2o_core.context import short_hash
from h2o_core.insights.finding import Key, Kind, Subject
from tests.support.agent_server import HEAD, AgentServer, host, instance

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(sys.executable).parent
FIRST, SECOND = "3f8a91c2d4e5f607", "a0000000d4e5f607"
HOSTILE = ["$(reboot)", "a b", "a\nb", "`x`", "*", "a;b", "\x1b[31m", "a,b", "-rf", "x" * 10_000]


def feature(name: str) -> dict[str, Any]:
    return {"name": name, "package": "/".join(name.split("/")[:2]), "version": "1.0.0"}


@pytest.fixture
def agent() -> Iterator[AgentServer]:
    features = ["service/customer/retrieve", "service/customer/create", "api/customer/show"]
    answers = {
        "/features?fleet=1": {**HEAD, "features": [feature(name) for name in [*features, *HOSTILE]]},
        "/hosts": {**HEAD, "hosts": [host(name, None) for name in ["host-1", "host-2", *HOSTILE]]},
        "/instances?fleet=1": {**HEAD, "instances": [instance(each) for each in [FIRST, SECOND, *HOSTILE]]},
    }
    with AgentServer(answers) as server:
        yield server


@pytest.fixture
def environ(agent: AgentServer, tmp_path: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("H2O_")}
    config = tmp_path / "config.toml"
    config.write_text('[contexts.prod]\nfleet = "prod"\n[contexts.preview]\nfleet = "p"\n')
    return {**clean, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "H2O_CONFIG": str(config)} | {
        "H2O_AGENT": agent.address,
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
    }


def completed(environ: dict[str, str], *words: str) -> list[str]:
    """What click's protocol answers for these words, the last of which is being typed."""
    env = {
        **environ,
        "_H2O_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([SCRIPTS / "h2o"], env=env, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line]


def wait_offered(environ: dict[str, str], expected: list[str], *words: str) -> None:
    """On a busy machine the agent may take longer than TAB waits for it; then the next TAB has the names."""
    until_s = time.monotonic() + 10
    while (found := completed(environ, *words)) != expected:
        assert time.monotonic() < until_s, found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("h2o", "li"), ["list"]),
        (("h2o", "list", ""), ["api/customer", "service/customer"]),
        (("h2o", "list", "service/"), ["service/customer"]),
        (("h2o", "list", "/serv"), ["/service/customer"]),
        (("h2o", "list", "3f"), [FIRST]),
        (("h2o", "list", "a"), ["a0000000d4e5f607", "api/customer"]),
        (("h2o", "stats", "service/customer/c"), ["service/customer/create"]),
        (("h2o", "call", ""), ["api/customer/show", "service/customer/create", "service/customer/retrieve"]),
        (("h2o", "hosts", "h"), ["host-1", "host-2"]),
        (("h2o", "--context", "pr"), ["preview", "prod"]),
        (("h2o", "list", "--context", "pro"), ["prod"]),
        (("h2o", "context", "use", "pre"), ["preview"]),
        (("h2o", "list", "-o", "y"), ["yaml"]),
        (("h2o", "drain", "host-1", "h"), ["host-1", "host-2"]),
        (("h2o", "weight", "service/customer", ""), ["1.4.2="]),
        (("h2o", "weight", "service.customer", "1."), ["1.4.2="]),
        (("h2o", "weight", "service/customer", "1.4.2=10%", "2"), []),
        (("h2o", "rollback", "service/customer", "--to", "1"), ["1.4.2"]),
        (("h2o", "timeline", "--since", "1h", "-o", "m"), ["md"]),
    ],
)
def test_what_is_offered(environ: dict[str, str], words: tuple[str, ...], expected: list[str]) -> None:
    wait_offered(environ, expected, *words)


def test_changes_are_offered_the_newest_first_from_what_was_shown(environ: dict[str, str]) -> None:
    told = {**environ, "H2O_ZK": "127.0.0.1:1", "H2O_FLEET": "test"}
    assert completed(told, "h2o", "undo", "") == []
    where = f"{told['H2O_ZK']}/{told['H2O_FLEET']}"
    kept = Path(environ["XDG_CACHE_HOME"]) / "h2o" / f"changes-{short_hash(where)}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(["c3" * 8, "a1" * 8, "$(reboot)"]))
    assert completed(told, "h2o", "undo", "") == ["c3" * 8, "a1" * 8]
    assert completed(told, "h2o", "journal", "a") == ["a1" * 8]


def test_findings_are_offered_that_triage_has_shown(environ: dict[str, str]) -> None:
    kept = Path(environ["XDG_CACHE_HOME"]) / "h2o" / f"findings-{short_hash(environ['H2O_AGENT'] + '//')}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(['["host against fleet", {"host": "host-7"}]', '["slow", {}]', "$(reboot)"]))
    ids = [Key(Kind.HOST, Subject(host="host-7")).id, Key(Kind.SLOW, Subject()).id]
    assert completed(environ, "h2o", "triage", "ack", "") == ids
    assert completed(environ, "h2o", "triage", "mute", ids[0][:3]) == ids[:1]


def test_only_harmless_names_are_offered() -> None:
    assert offered("", [*HOSTILE, "service/a"]) == ["service/a"]


def test_an_agent_that_is_away_is_not_waited_for(environ: dict[str, str], agent: AgentServer) -> None:
    wait_offered(environ, ["host-1", "host-2"], "h2o", "hosts", "")
    (remembered,) = (Path(environ["XDG_CACHE_HOME"]) / "h2o").iterdir()
    os.utime(remembered, (time.time() - 60, time.time() - 60))
    agent.answers["/hosts"] = (503, {"error": "the broker is down"})
    assert completed(environ, "h2o", "hosts", "") == ["host-1", "host-2"]
    os.utime(remembered, (time.time() - 1e6, time.time() - 1e6))
    assert completed(environ, "h2o", "hosts", "") == []


@pytest.mark.parametrize("content", ["[1, null, {}]", "{}", "[", '"x"'])
def test_a_damaged_memory_is_forgotten(environ: dict[str, str], content: str) -> None:
    wait_offered(environ, ["host-1", "host-2"], "h2o", "hosts", "")
    (remembered,) = (Path(environ["XDG_CACHE_HOME"]) / "h2o").iterdir()
    remembered.write_text(content)
    if content.startswith("[1"):
        assert completed(environ, "h2o", "hosts", "") == []
    else:
        wait_offered(environ, ["host-1", "host-2"], "h2o", "hosts", "")


def test_a_slow_agent_is_asked_on_in_the_background(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slow.settimeout(10)
        environ["H2O_AGENT"] = f"http://127.0.0.1:{slow.getsockname()[1]}"
        assert completed(environ, "h2o", "hosts", "") == []
        slow.accept()[0].close()  # the one that was given up
        with slow.accept()[0] as second:
            body = json.dumps({"hosts": [{"host": "host-7"}]}).encode()
            second.recv(4096)
            second.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        wait_offered(environ, ["host-7"], "h2o", "hosts", "")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_in_a_real_bash(environ: dict[str, str]) -> None:
    wait_offered(environ, ["service/customer"], "h2o", "list", "serv")
    typed = 'COMP_WORDS=(h2o list serv); COMP_CWORD=2; _h2o_completion h2o; echo "${COMPREPLY[@]}"'
    script = f'eval "$(h2o completion bash)"; {typed}; complete -p h2o'
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.splitlines() == ["service/customer", "complete -o nosort -F _h2o_completion h2o"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --no-files")]
)
def test_each_shell_has_its_script(capsys: pytest.CaptureFixture[str], shell: str, words: str) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert words in out
    assert "_H2O_COMPLETE" in out


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
