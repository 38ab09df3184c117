"""`h2o doctor`: its judgements one by one, and the command on a fleet that is well, ill, and away."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli import verdicts
from h2o_console.cli.main import main
from h2o_console.cli.verdicts import Status, Verdict
from h2o_console.feed.answers import Host
from h2o_core.pb.host_pb2 import HostStats
from h2o_core.pb.stats_pb2 import Alarm, RegisterReport
from tests.support.agent_server import HEAD, AgentServer, host, host_stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONNECTED = RegisterReport(state="connected")


@pytest.mark.parametrize(
    ("said", "problem", "status", "words"),
    [
        ("Zookeeper version: 3.8\nMode: leader\n", "", Status.OK, "leader"),
        ("This ZooKeeper instance is not currently serving requests", "", Status.FAIL, "not currently serving"),
        ("srvr is not executed because it is not in the whitelist.", "", Status.WARN, "whitelist"),
        ("", "refused", Status.FAIL, "refused"),
        ("", "", Status.FAIL, "nothing"),
    ],
)
def test_zookeeper_is_judged_by_its_mode(said: str, problem: str, status: Status, words: str) -> None:
    found = verdicts.zookeeper("zk:1", said, problem)
    assert found.status is status
    assert words in found.what
    assert found.next or status is Status.OK


@pytest.mark.parametrize(
    ("ahead_s", "took_s", "status"),
    [
        (0.2, 0.1, Status.OK),
        (-1.05, 0.1, Status.OK),
        (3.0, 0.1, Status.WARN),
        (-3.0, 0.1, Status.WARN),
        (3.0, 4.0, Status.OK),
    ],
)
def test_clocks(ahead_s: float, took_s: float, status: Status) -> None:
    assert verdicts.clock("host-1", ahead_s, took_s).status is status


@pytest.mark.parametrize(
    ("said", "status"), [("500\n", Status.WARN), ("10", Status.OK), ("", Status.OK), ("x", Status.OK)]
)
def test_tmux(said: str, status: Status) -> None:
    assert verdicts.escape_time(said).status is status


@pytest.mark.parametrize(
    ("environ", "encoding", "statuses"),
    [
        ({"TERM": "xterm"}, "utf-8", [Status.OK, Status.OK]),
        ({"TERM": "dumb"}, "UTF8", [Status.WARN, Status.OK]),
        ({}, "ascii", [Status.WARN, Status.WARN]),
    ],
)
def test_terminals(environ: dict[str, str], encoding: str, statuses: list[Status]) -> None:
    assert [each.status for each in verdicts.terminal(environ, encoding)] == statuses


def test_hosts_that_are_not_linked_or_have_no_agent() -> None:
    found = verdicts.links(
        [
            Host("a", link="self"),
            Host("b", link="up", agent="x:1"),
            Host("c", link="refused", why="keys"),
            Host("d", link="up"),
        ]
    )
    assert [(each.check, each.status) for each in found] == [
        ("host c", Status.WARN),
        ("host c", Status.WARN),
        ("host d", Status.WARN),
    ]
    assert [each.status for each in verdicts.links([Host("a", link="self")])] == [Status.OK]


def test_versions_and_epochs() -> None:
    fleet = {"a": host_stats(epoch=4), "b": host_stats(epoch=3)}
    assert verdicts.versions("0.1.0", fleet).status is Status.OK
    assert verdicts.versions("0.2.0", fleet).status is Status.WARN
    assert "behind epoch 4: b" in verdicts.behind(fleet).what
    assert verdicts.behind({"a": host_stats(epoch=4)}).status is Status.OK


def test_brokers() -> None:
    alarm = Alarm(path="/h2o/x", sentence="not JSON")
    fleet = {
        "a": host_stats(register=CONNECTED),
        "b": HostStats(broker_problem="signal 9"),
        "c": host_stats(register=RegisterReport(state="silent", silent_s=9, error="refused")),
        "d": host_stats(register=RegisterReport(state="connected", alarms=[alarm])),
    }
    found = verdicts.registers(fleet)
    assert [each.status for each in found] == [Status.FAIL, Status.WARN, Status.WARN]
    assert [each.status for each in verdicts.registers({"a": fleet["a"]})] == [Status.OK]
    assert verdicts.worst(found) is Status.FAIL
    assert verdicts.worst([]) is Status.OK
    assert verdicts.worst([Verdict("x", Status.WARN, "")]) is Status.WARN


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentServer]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    answers: dict[str, Any] = {
        "/livez": b"ok",
        "/hosts": {**HEAD, "hosts": [host("host-1", None, link="self")]},
        "/stats": host_stats(register=CONNECTED),
    }
    with AgentServer(answers) as started:
        monkeypatch.setenv("H2O_AGENT", started.address)
        yield started


def checks(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main([*arguments, "doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    return code, {each["check"]: each for each in document["checks"]}


@pytest.mark.usefixtures("server")
def test_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = checks(capsys)
    assert code == 0
    for check in ("python", "packages", "context", "agent", "hosts", "brokers", "versions"):
        assert found[check]["status"] == "ok", found[check]
    assert found["clock of host-1"]["status"] == "warn"  # the answers are of January 2026


def test_a_broker_that_is_down_is_a_failure(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers["/stats"] = HostStats(host="host-1", broker_problem="it is not running: signal 9")
    code, found = checks(capsys)
    assert code == 1
    assert found["broker of host-1"]["what"] == "it is not running: signal 9"


def test_a_silent_host_is_a_warning(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers["/hosts"]["hosts"].append(host("host-2", "127.0.0.1:1"))
    code, found = checks(capsys)
    assert (code, found["host host-2"]["status"]) == (0, "warn")


@pytest.mark.usefixtures("server")
def test_an_agent_that_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = checks(capsys, "--agent", "http://127.0.0.1:1")
    assert (code, found["agent"]["status"]) == (1, "fail")
    assert "--agent" in found["agent"]["next"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("text", ["current = ", "[contexts.a]\nagnet = 'x'", "contexts = 3"])
def test_a_bad_configuration_is_named_and_the_rest_is_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.toml").write_text(text)
    code, found = checks(capsys)
    named = found["configuration"] if "agnet" in text or "= " in text[-2:] else found["context"]
    assert named["status"] != "ok"
    assert code == (0 if "agnet" in text else 1)
    assert "terminal" in found


def test_a_run_directory_that_is_open_and_a_stale_socket(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: AgentServer
) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir(mode=0o755)
    run_dir.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(run_dir / "broker.sock"))
    monkeypatch.setenv("H2O_BROKER", str(run_dir))
    code, found = checks(capsys)
    assert code == 1  # nobody is there to call through
    assert "chmod 700" in found["run directory"]["next"]
    assert "stale" in found["socket"]["what"]
    assert found["broker"]["status"] == "fail"


def test_a_secret_that_others_can_read(capsys: pytest.CaptureFixture[str], tmp_path: Path, server: AgentServer) -> None:
    secret = tmp_path / "secret"
    secret.write_text("ab" * 32)
    secret.chmod(0o644)
    agent = f'fleet = "test"\nagent = "{server.address}"\nsecret_file = "{secret}"\n'
    (tmp_path / "config.toml").write_text(f'current = "a"\n[contexts.a]\n{agent}')
    code, found = checks(capsys)
    assert (code, found["secret"]["status"], found["secret"]["next"]) == (0, "warn", f"chmod 600 {secret}")


@pytest.mark.usefixtures("server")
def test_what_to_type_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--agent", "http://127.0.0.1:1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (at,) = [at for at, line in enumerate(lines) if line.split()[:2] == ["fail", "agent"]]
    assert lines[at + 1].strip().startswith("→ ")
