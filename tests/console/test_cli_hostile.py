"""Whatever an agent answers, nothing of it acts in the terminal, and nothing of it crashes a reading command.

Every reading command in every format against hostile texts and numbers, and against answers of a newer schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli.main import main
from h2o_core.pb.host_pb2 import ChildReport, Vitals
from h2o_core.pb.registration_pb2 import Check
from h2o_core.pb.stats_pb2 import (
    Alarm,
    CallerReport,
    CallerShare,
    OutcomeCount,
    PeerReport,
    QueueReport,
    RegisterReport,
)
from tests.console.test_cli_output import CONTROLS
from tests.support.agent_server import HEAD, AgentServer, endpoint, host, host_stats, instance, stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXTS = {
    "markup": "[/x][@click=app.quit]quit[/]",
    "escapes": "\x1b[31mred\x1b]0;owned\x07\x9b2J\r\nnext\tline\x00\x7f",
    "bidi": "a\u202eb\u2066c\u200fd\u200b",
    "long": "x" * 10_000,
    "marks": "e" + "\u0301" * 500,
    "wide": "日本語" * 50,
    "private": "\ue000\u2028\u2029\ufeff",
    "empty": "",
}
NUMBERS: dict[str, Any] = {
    "nan": float("nan"),
    "infinite": float("inf"),
    "huge": 10**400,
    "huge_float": 1.7e308,
    "negative": -(2**63),
    "text": "12",
    "list": [1],
    "null": None,
    "truth": True,
}
ID = "3f8a91c2d4e5f607"
COMMANDS = (
    ("list",),
    ("list", ID),
    ("hosts",),
    ("stats",),
    ("stats", ID),
    ("stats", "--by", "feature"),
    ("stats", "--by", "host", "--window", "1s"),
    ("describe", ID),
    ("describe", "host-1"),
    ("describe", "service/customer"),
    ("describe", "service/customer/get"),
    ("top", "--every", "1s"),
    ("top", "instances", "--every", "1s"),
    ("top", "hosts", "--every", "1s"),
    ("triage", "--every", "1s"),
    ("why", "service/customer/get"),
    ("why", "--request", "5f"),
    ("logs", "--host", "host-1"),
    ("logs", ID, "--host", "host-1"),
    ("version",),
    ("doctor",),
)
FORMATS = ("table", "wide", "json", "yaml", "name")
SLOW = {"--every", "--window"}
WORST = {"escapes", "long", "nan", "huge"}
"""What commands that wait a second are tried with; all of it is counted and shown by the same functions."""


def answers(text: str, number: Any) -> dict[str, Any]:
    """An agent that says *text* wherever it may say a text, and *number* for each number."""
    said = host_stats(
        stats(ID, endpoint("service/customer/get", last_error=_utf8(text)), version=_utf8(text), launch="t"),
        stats("b" * 16, endpoint(_utf8(text) or "x", {"OK": 1}), package=_utf8(text), version=_utf8(text)),
        peers=[PeerReport(host=_utf8(text), state=_utf8(text), rtt_ms=_float(number), why=_utf8(text))],
        queues=[
            QueueReport(
                package=_utf8(text),
                version=_utf8(text),
                queued=2**31,
                capacity=1,
                callers=[CallerShare(caller=_utf8(text), started=1, refused=2**63)],
            )
        ],
        callers=[
            CallerReport(
                caller=_utf8(text),
                version=_utf8(text),
                feature="/service/customer/get",
                outcomes=[OutcomeCount(code=77, count=2**64 - 1)],
            )
        ],
        register=RegisterReport(
            state=_utf8(text), error=_utf8(text), alarms=[Alarm(path=_utf8(text), sentence=_utf8(text))]
        ),
        strangers=_utf8(text),
        counters={_utf8(text): 2**64 - 1},
    )
    said.report.instances[0].heartbeat.checks.append(
        Check(name=_utf8(text), output=_utf8(text), unit=_utf8(text), observed=_float(number))
    )
    said.report.instances[0].started_s = _float(number)
    said.version = _utf8(text)
    said.children.append(
        ChildReport(key=_utf8(text), package="service/customer", launch="t", state=_utf8(text), why=_utf8(text))
    )
    said.children[0].cpu_pct = _float(number)
    said.children[0].exited = True
    said.vitals.CopyFrom(
        Vitals(cpu_pct=_float(number), load1=_float(number), clock_skew_s=_float(number), clock_skew_known=True)
    )
    child = {
        "key": text,
        "pid": number,
        "restarts": number,
        "cpu_pct": number,
        "rss_bytes": number,
        "log": text,
        "argv": [text, number],
        "last_exit": {"text": text, "time": text, "lines": [text, number, None]},
    }
    known = instance(ID, version=text, zone=text, state=text, why=text, started=text, slots=number, pid=number)
    other = instance(text, text, in_flight=number, queued=number, routable=number, host=text)
    feature = {"name": text, "package": text, "version": text, "request_type": text, "mean_ms": number}
    mine = {**feature, "name": "service/customer/get", "package": "service/customer", "upper95_ms": number}
    share = {"version": text, "weight": number, "chance": number, "instances": number, "candidates": text}
    considered = {"instance": text, "version": text, "host": text, "eligible": number, "why": text, "chance": number}
    explained = {
        **HEAD,
        **dict.fromkeys(
            ("feature", "caller", "sticky_key", "request_id", "chosen", "sentence", "warning", "how"), text
        ),
        **dict.fromkeys(("epoch", "attempt", "rule", "bucket", "broken", "version"), number),
        "versions": [share, None, text],
        "candidates": [{**considered, "load_ms": number, "success": number, "pending": number}, number, {}],
    }
    return {
        "/why?feature=%2Fservice%2Fcustomer%2Fget": explained,
        "/why?request=5f": explained,
        "/instances?fleet=1": {**HEAD, "instances": [known, other, None, 3, text]},
        "/features?fleet=1": {**HEAD, "features": [feature, mine, text]},
        "/hosts": {
            **HEAD,
            "alarms": [{"path": text, "what": text}],
            "hosts": [
                host("host-1", text, zone=text, link=text, why=text, rtt_ms=number, instances=number),
                host(text, text, labels={text: text, "n": number}, incarnation=number, address=text),
            ],
        },
        "/stats": said,
        "/health": {"version": text, "releaseId": text, "checks": {text: [{"output": text}], "register:silent": [3]}},
        "/livez": b"ok",
        f"/children/{ID}": child,
        "/logs?tail=100": log(text, number),
        f"/logs?instance={ID}&tail=100": log(text, number),
    }


def log(text: str, number: Any) -> bytes:
    """What an agent answers at /logs: lines of ours that say *text*, and what is to be said besides."""
    line = {
        "timestamp": text,
        "severity_text": text,
        "severity_number": number,
        "body": text,
        "trace_id": text,
        "attributes": {text: text, "n": number, "exception.stacktrace": text},
        "resource": {"service.name": text, "service.version": text, "service.instance.id": text, "n": number},
        "source": text,
    }
    own = {**line, "timestamp": "2026-01-31T14:02:07.123Z", "severity_number": 17, "source": "broker"}
    control = ({"dropped": number, "source": text}, {"gap": text, "source": text}, {"cursor": "c"})
    return b"".join(json.dumps(each).encode() + b"\n" for each in (line, own, *control))


def _utf8(text: str) -> str:
    return text.encode(errors="replace").decode()


def _float(number: Any) -> float:
    """As a protobuf can carry it."""
    try:
        return float(number)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentServer]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    with AgentServer({}) as started:
        monkeypatch.setenv("H2O_AGENT", started.address)
        yield started


def inert(server: AgentServer, capsys: pytest.CaptureFixture[str], *, slow: bool) -> None:
    """Run all; nothing printed may act in a terminal, JSON has to be JSON, and no command may crash."""
    for arguments in COMMANDS:
        waits = bool(SLOW & set(arguments))
        if waits and not slow:
            continue
        for form in ("table", "json") if waits else FORMATS:
            code = main([*arguments, "--timeout", "2", "-o", form])
            out, err = capsys.readouterr()
            assert code in {0, 1, 2, 3, 4, 5}, arguments
            assert not CONTROLS.search(out + err), (arguments, form)
            if form == "json" and out:
                for document in out.splitlines() if arguments[0] == "logs" else (out,):
                    json.loads(document, parse_constant=_no_json)


def _no_json(literal: str) -> None:
    raise AssertionError(literal)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", TEXTS)
def test_hostile_texts(server: AgentServer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    server.answers.update(answers(TEXTS[name], 1))
    inert(server, capsys, slow=name in WORST)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NUMBERS)
def test_hostile_numbers(server: AgentServer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    server.answers.update(answers("text", NUMBERS[name]))
    inert(server, capsys, slow=name in WORST)


@pytest.mark.parametrize("form", FORMATS)
def test_logs_of_a_host_with_a_hostile_name(server: AgentServer, capsys: pytest.CaptureFixture[str], form: str) -> None:
    server.answers.update(answers(TEXTS["escapes"], 1))
    server.answers["/hosts"] = {**HEAD, "hosts": [host("host-1", None), host(TEXTS["escapes"], None)]}
    assert main(["logs", "-o", form]) == 5
    out, err = capsys.readouterr()
    assert out
    assert "its logs are missing here" in err
    assert not CONTROLS.search(out + err)


@pytest.mark.timeout(120)
def test_a_newer_schema(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    newer = {"schema": 2, "fleet": {"name": "test"}, "host": ["host-1"], "register": "well", "as_of": 5}
    for path in ("/instances?fleet=1", "/features?fleet=1", "/hosts", "/health"):
        server.answers[path] = {
            **newer,
            "instances": {"a": 1},
            "hosts": "none",
            "features": [{"name": {}}],
            "checks": [],
        }
    said = host_stats(stats(ID, endpoint("service/customer/get")))
    server.answers["/stats"] = said.SerializeToString() + b"\xfa\x07\x03new"
    server.answers["/livez"] = b"ok"
    inert(server, capsys, slow=True)
