"""`h2o describe`: what a name means, and the page on each kind of thing, from agents that answer over real HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.main import main
from h2o_core.pb.host_pb2 import ChildReport, Vitals
from h2o_core.pb.registration_pb2 import Check
from h2o_core.pb.stats_pb2 import CallerReport, OutcomeCount, PeerReport
from tests.support.agent_server import HEAD, NOW_S, AgentServer, endpoint, host, host_stats, instance, stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND = "3f8a91c2d4e5f607", "3f9b00c2d4e5f607"
LOGGED = (
    '{"timestamp":"2026-01-31T13:59:59.500Z","severity_text":"ERROR","severity_number":17,"body":"no disk",'
    '"attributes":{"exception.type":"OSError","exception.message":"full"},"resource":{}}'
)
KEY = "service.customer-a7e110-1"
EXIT = {"code": None, "signal": 9, "text": "signal 9", "time": "2026-01-31T14:00:00.000Z", "lines": ["one", LOGGED]}
LAST_WORDS = ["13:59:59.500", "ERROR", "no", "disk", "(OSError:", "full)"]
CHILD: dict[str, Any] = {
    "key": KEY,
    "host": "host-1",
    "package": "service/customer",
    "state": "backoff",
    "why": "signal 9; again in 3 s",
    "restarts": 3,
    "cpu_pct": 12.5,
    "rss_bytes": 48 << 20,
    "log": "/var/log/a.log",
    "argv": ["python", "-m", "customer"],
    "last_exit": EXIT,
}


def feature(name: str, version: str = "1.4.2", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "package": "/".join(name.split("/")[:2]),
        "version": version,
        "request_type": "customer.CustomerId",
        "reply_type": "customer.Customer",
        "idempotent": True,
        "mean_ms": 5.0,
        "upper95_ms": 4.0,
        **more,
    }


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    said = host_stats(
        stats(
            FIRST,
            endpoint("service/customer/retrieve", last_error="no such customer", last_error_time_s=NOW_S - 60),
        ),
        peers=[PeerReport(host="host-2", state="up", rtt_ms=0.4, pong_age_ms=120)],
        callers=[
            CallerReport(
                caller="/api/customer",
                version="5.1.0",
                feature="/service/customer/retrieve",
                outcomes=[OutcomeCount(code=0, count=40), OutcomeCount(code=6, count=2)],
            )
        ],
        counters={"late_answers": 3},
    )
    said.report.instances[0].heartbeat.checks.append(
        Check(name="store", status=Check.FAIL, severity=Check.PAGE, output="disk full")
    )
    said.children.append(ChildReport(key=KEY, package="service/customer", state="running", exited=True, last_exit_s=5))
    said.vitals.CopyFrom(Vitals(cpu_pct=42.0, steal_pct=-1, cores=4, load1=1.5, memory_total_bytes=8 << 30))
    other = host_stats(stats(SECOND, endpoint("service/customer/retrieve"), version="2.0.0"), host="host-2")
    with AgentServer({"/stats": other}) as second:
        listed = [
            instance(FIRST, launch=KEY),
            instance(SECOND, host="host-2", version="2.0.0"),
            instance("", "service/email", state="backoff", launch="service.email-1", why="exit 1"),
        ]
        answers: dict[str, Any] = {
            "/instances?fleet=1": {**HEAD, "instances": listed},
            "/hosts": {**HEAD, "hosts": [host("host-1", None), host("host-2", second.address.removeprefix("http://"))]},
            "/features?fleet=1": {
                **HEAD,
                "features": [
                    feature("service/customer/create", mean_ms=0, upper95_ms=0),
                    feature("service/customer/retrieve"),
                    feature("service/customer/retrieve", "2.0.0", upper95_ms=20.0),
                ],
            },
            "/stats": said,
            f"/children/{KEY}": CHILD,
            f"/children/{FIRST}": CHILD,
            "/children/service.email-1": {**CHILD, "key": "service.email-1", "package": "service/email"},
        }
        with AgentServer(answers) as server:
            monkeypatch.setenv("H2O_AGENT", server.address)
            yield answers


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["describe", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def section(out: str, title: str) -> list[list[str]]:
    """The words of each line under *title*, its heads first."""
    (found,) = [part for part in out.split("\n\n") if part.startswith(title)]
    return [line.split() for line in found.splitlines()[1:]]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        ("service/customer", "package", "service/customer"),
        ("/service/customer", "package", "service/customer"),
        ("service.customer", "package", "service/customer"),
        ("customer", "package", "service/customer"),
        ("service/customer/retrieve", "feature", "service/customer/retrieve"),
        ("service.customer.retrieve", "feature", "service/customer/retrieve"),
        ("service/customer/ret*", "feature", "service/customer/retrieve"),
        ("host-2", "host", "host-2"),
        (FIRST, "instance", FIRST),
        ("3f8", "instance", FIRST),
        (KEY, "instance", FIRST),
        ("service.email-1", "child", "service.email-1"),
        ("email", "package", "service/email"),
    ],
)
def test_what_a_name_means(capsys: pytest.CaptureFixture[str], typed: str, kind: str, name: str) -> None:
    code, out, _ = run(capsys, typed, "--json")
    document = json.loads(out)
    assert (code, document["kind"], document["name"]) == (0, kind, name)
    assert document["schema"] == 1


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        ("3f", 2, "h2o describe 3f8a91c2d4e5f607"),
        ("service", 2, "means 2 things: service/customer, service/email"),
        ("service/custmer", 3, "did you mean service/customer"),
        ("host-9", 3, "did you mean host-"),
        ("", 2, "type one of them"),
    ],
)
def test_names_that_mean_nothing_or_too_much(
    capsys: pytest.CaptureFixture[str], typed: str, code: int, sentence: str
) -> None:
    found, out, err = run(capsys, typed)
    assert (found, out) == (code, "")
    assert sentence in err


@pytest.mark.usefixtures("fleet")
def test_a_package(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "service/customer")
    assert (code, err) == (0, "")
    assert section(out, "PACKAGE service/customer")[1][:7] == ["1.4.2", "1", "1", "1", "120", "2", "1"]
    features = section(out, "FEATURES")
    assert [row[:3] for row in features[1:]] == [
        ["create", "1.4.2", "-"],
        ["retrieve", "1.4.2", "120"],
        ["retrieve", "2.0.0", "120"],
    ]
    assert [row[-1] for row in features[1:]] == ["-", "broken", "kept"]
    assert section(out, "CALLERS")[1] == ["api/customer", "5.1.0", "retrieve", "42", "OK=40,TIMEOUT=2"]
    assert section(out, "HEALTH CHECKS")[1] == ["store", "3f8a91c2", "host-1", "fail", "PAGE", "disk", "full"]
    assert section(out, "LAST ERRORS")[1] == ["60s", "retrieve", "3f8a91c2", "host-1", "no", "such", "customer"]
    assert ["ended", "with", "signal", "9"] in section(out, "LAST EXIT")
    assert section(out, "LAST LINES BEFORE IT") == [["one"], LAST_WORDS]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("fleet")
def test_a_feature(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "service/customer/retrieve")
    assert section(out, "TYPES")[1] == ["1.4.2", "customer.CustomerId", "customer.Customer", "yes"]
    assert [row[0] for row in section(out, "INSTANCES")[1:]] == ["3f8a91c2", "3f9b00c2"]


@pytest.mark.usefixtures("fleet")
def test_an_instance(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "3f8")
    facts = section(out, "INSTANCE")
    for line in (["restarts", "3"], ["processor", "12%"], ["memory", "48.0", "MiB"], ["log", "file", "/var/log/a.log"]):
        assert line in facts
    assert section(out, "LAST LINES BEFORE IT") == [["one"], LAST_WORDS]


@pytest.mark.usefixtures("fleet")
def test_a_process_that_never_registered(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "service.email-1")
    facts = section(out, "PROCESS")
    assert ["why", "signal", "9;", "again", "in", "3", "s"] in facts
    assert ["ended", "with", "signal", "9"] in section(out, "LAST EXIT")


@pytest.mark.usefixtures("fleet")
def test_a_host(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "host-1")
    vitals = section(out, "VITALS")
    assert ["processor", "42%"] in vitals
    assert not [line for line in vitals if line[0] == "steal"]
    assert section(out, "LINKS")[1][:3] == ["host-2", "up", "0.40"]
    assert section(out, "DROPPED")[1] == ["late_answers", "3"]
    assert section(out, "CALLERS HERE")[1][2] == "service/customer/retrieve"


def test_a_host_that_does_not_answer(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fleet["/hosts"] = {**HEAD, "hosts": [host("host-1", None), host("host-2", "127.0.0.1:1")]}
    code, out, err = run(capsys, "customer", "--json")
    assert code == 5
    assert "host-2 is missing here" in err
    document = json.loads(out)
    assert [each["host"] for each in document["unreachable"]] == ["host-2"]
    assert [each["requests"] for each in document["versions"]] == [120, None]


def test_an_agent_without_children_has_no_exit(fleet: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    del fleet[f"/children/{FIRST}"]
    code, out, _ = run(capsys, "3f8")
    assert code == 0
    assert "LAST EXIT" not in out


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "name"])
def test_every_format(capsys: pytest.CaptureFixture[str], form: str) -> None:
    for typed in ("customer", "service/customer/retrieve", FIRST, "host-1", "service.email-1"):
        code, out, err = run(capsys, typed, "-o", form)
        assert (code, err) == (0, "")
        assert out
