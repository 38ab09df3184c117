"""`h2o why`: which host is asked, what is printed, and with which code it leaves; agents answer over real HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.main import main
from tests.support.agent_server import HEAD, AgentServer, host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEATURE = "service/customer/retrieve"
ASKED = "/why?feature=%2Fservice%2Fcustomer%2Fretrieve"
STICKY: dict[str, Any] = {
    **HEAD,
    "feature": FEATURE,
    "package": "service/customer",
    "caller": "operator",
    "sticky_key": "42",
    "epoch": 12,
    "at": "2026-01-31T14:00:00.000Z",
    "request_id": None,
    "attempt": 0,
    "chosen": None,
    "code": "OK",
    "sentence": "",
    "warning": "",
    "how": "sticky",
    "version": "2.1.0",
    "rule": None,
    "bucket": 731,
    "broken": False,
    "versions": [
        {"version": "2.0.0", "weight": 9000, "chance": 0.0, "instances": 2, "candidates": 2},
        {"version": "2.1.0", "weight": 1000, "chance": 1.0, "instances": 1, "candidates": 1},
    ],
    "candidates": [
        {
            "instance": "3f8a91c2d4e5f607",
            "version": "2.0.0",
            "host": "host-1",
            "zone": "a",
            "place": "host",
            "eligible": False,
            "why": "its version is not the one that the request gets",
            "chance": 0.0,
            "load_ms": 1.25,
            "latency_ms": 1.25,
            "success": 1.0,
            "pending": 0,
            "slots": 64,
            "inclusion": 1.0,
        },
        {
            "instance": "9b00c2d4e5f60712",
            "version": "2.1.0",
            "host": "host-2",
            "zone": "b",
            "place": "elsewhere",
            "eligible": True,
            "why": "",
            "chance": 1.0,
            "load_ms": 4.5,
            "latency_ms": 2.25,
            "success": 0.97,
            "pending": 1,
            "slots": 64,
            "inclusion": 0.4,
        },
    ],
}


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentServer]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    with AgentServer({}) as server:
        monkeypatch.setenv("H2O_AGENT", server.address)
        server.answers["/features?fleet=1"] = {**HEAD, "features": [{"name": FEATURE}]}
        yield server


def test_the_page_says_which_version_which_instances_and_why_no_other(
    agent: AgentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.answers[f"{ASKED}&key=42"] = STICKY
    assert main(["why", FEATURE, "--key", "42"]) == 0
    out = capsys.readouterr().out
    assert "its key decides, against the weights (bucket 731 of 10,000)" in out
    assert [line.split()[:3] for line in out.splitlines() if "2.1.0" in line and "%" in line] == [
        ["2.1.0", "10%", "100%"],
        ["9b00c2d4", "2.1.0", "host-2"],
    ]
    assert out.index("9b00c2d4") < out.index("3f8a91c2"), "the likelier first"
    assert "its version is not the one that the request gets" in out


def test_json_is_what_the_agent_says_and_names_are_those_that_may_get_it(
    agent: AgentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.answers[f"{ASKED}&key=42"] = STICKY
    assert main(["why", "service.customer.retrieve", "--key", "42", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STICKY
    assert main(["why", FEATURE, "--key", "42", "-o", "name"]) == 0
    assert capsys.readouterr().out == "9b00c2d4e5f60712\n"


def test_headers_and_caller_are_handed_on(agent: AgentServer) -> None:
    agent.answers[f"{ASKED}&header=beta%3Dyes&caller=%2Fapi%2Fwebsite"] = STICKY
    assert main(["why", FEATURE, "--caller", "api/website", "--header", "beta=yes"]) == 0


def test_what_goes_nowhere_is_a_failure_with_its_reason(agent: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    agent.answers[f"{ASKED}&caller=%2Fservice%2Fgeo"] = {
        **STICKY,
        "code": "FORBIDDEN",
        "sentence": "a service calls nothing",
    }
    assert main(["why", FEATURE, "--caller", "service/geo"]) == 1
    assert "FORBIDDEN: a service calls nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "name a feature, or a request"),
        ([FEATURE, "--request", "5f"], 2, "name a feature, or a request"),
        (["nonsense"], 2, "names look like service/customer/retrieve"),
        ([FEATURE, "--caller", "x"], 2, "names look like"),
        ([FEATURE, "--header", "beta"], 2, "write --header name=value"),
        (["service/customer/retreat"], 3, FEATURE),
        ([FEATURE, "--host", "host-9"], 3, "host-1"),
    ],
)
def test_what_makes_no_sense_is_told_with_what_would(
    agent: AgentServer, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    agent.answers["/hosts"] = {**HEAD, "hosts": [host("host-1", agent.address.removeprefix("http://"))]}
    nowhere: dict[str, Any] = {**STICKY, "code": "NOT_FOUND", "sentence": "no feature of that name", "candidates": []}
    agent.answers["/why?feature=%2Fservice%2Fcustomer%2Fretreat"] = nowhere
    assert main(["why", *arguments]) == code
    assert says in capsys.readouterr().err


def test_a_sampled_request_is_looked_for_on_every_host(agent: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    sampled = {**STICKY, "request_id": "5f2a" * 8, "chosen": "9b00c2d4e5f60712", "attempt": 1}
    with AgentServer({"/why?request=5f2a": sampled}) as other:
        agent.answers["/hosts"] = {
            **HEAD,
            "hosts": [
                host("host-1", agent.address.removeprefix("http://")),
                host("host-2", other.address.removeprefix("http://")),
            ],
        }
        assert main(["why", "--request", "5f2a"]) == 0
    out = capsys.readouterr().out
    assert "5f2a5f2a" in out
    assert "routed once more" in out
    assert "9b00c2d4e5f60712" in out


def test_a_request_that_nobody_remembers(agent: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    agent.answers["/hosts"] = {**HEAD, "hosts": [host("host-1", agent.address.removeprefix("http://"))]}
    assert main(["why", "--request", "5f2a"]) == 3
    assert "h2o why FEATURE" in capsys.readouterr().err
    agent.answers["/hosts"] = {
        **HEAD,
        "hosts": [host("host-1", agent.address.removeprefix("http://")), host("host-2", "127.0.0.1:1")],
    }
    assert main(["why", "--request", "5f2a"]) == 5
    assert "host-2" in capsys.readouterr().err


def test_without_an_agent_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch, agent: AgentServer) -> None:
    monkeypatch.setenv("H2O_AGENT", "http://127.0.0.1:1")
    assert main(["why", FEATURE]) == 4
