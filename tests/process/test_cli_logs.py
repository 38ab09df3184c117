"""`h2o logs` against real agents: what is printed, what is said, how it ends; hostile lines are inert."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.failures import Exit
from h2o_console.cli.log_forms import Forms
from h2o_console.cli.logs import meant
from h2o_console.cli.main import main
from h2o_console.cli.output import Format
from h2o_console.feed.answers import parse_instances
from h2o_console.logs.entries import Line
from h2o_console.logs.shown import body, whose
from h2o_core.logs import Entry, Severity
from h2o_core.pb.stats_pb2 import HostPicture
from tests.core.test_agent_views import child, reported, snapshot
from tests.process.test_console_logs import KEY, Agent
from tests.support.agent_server import instance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot


class Near(Agent):
    """The context's agent, which knows of a second host without one."""

    def snapshot(self) -> Snapshot:
        return snapshot(
            reported("8cdb6dc6aa"),
            children=(child(),),
            hosts=(HostPicture(host="host-1", zone="a"), HostPicture(host="host-2", zone="a")),
        )


@pytest.fixture
async def near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Near]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = Near(tmp_path, "host-1")
    yield made
    await made.stop()


async def run(near: Near, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["logs", "--agent", f"unix:{near.socket}", *arguments])


async def test_lines_of_a_package(near: Near, capsys: pytest.CaptureFixture[str]):
    near.write("one", 1000)
    near.write("two\nlines", 1001.5)
    code = await run(near, "service/customer", "--host", "host-1", "--since", "1970-01-01T00:00:00Z")
    said = capsys.readouterr()
    assert (code, said.err) == (Exit.OK, "")
    assert said.out == (
        "TIME         HOST   WHO      LEVEL TEXT\n"
        "00:16:40.000 host-1 8cdb6dc6 INFO  one\n00:16:41.500 host-1 8cdb6dc6 INFO  two\n    lines\n"
    )


async def test_a_host_that_does_not_answer_makes_it_partial(near: Near, capsys: pytest.CaptureFixture[str]):
    near.write("one", 1000)
    assert await run(near, "--tail", "5", "--json") == Exit.PARTIAL
    said = capsys.readouterr()
    assert "host host-2: its logs are missing here: no agent of that host" in said.err
    assert [json.loads(line)["body"] for line in said.out.splitlines()] == ["one"]


async def test_every_form(near: Near, capsys: pytest.CaptureFixture[str]):
    for number in range(3):
        near.write(f"line {number}", 1000 + number)
    (near.logs / "broker.log").write_text("a print\n")
    one_host = ("--host", "host-1")
    said: dict[str, str] = {}
    for form in ("table", "wide", "json", "yaml", "name"):
        assert await run(near, *one_host, "-o", form) == Exit.OK
        said[form] = capsys.readouterr().out
    assert said["table"].splitlines()[0].split() == ["TIME", "HOST", "WHO", "LEVEL", "TEXT"]
    heads, first, *_ = said["wide"].splitlines()
    assert heads.split() == ["TIME", "HOST", "PACKAGE", "VERSION", "WHO", "TRACE", "LEVEL", "TEXT"]
    assert first.split()[0] == "1970-01-01T00:16:40.000Z"
    assert heads.index("TEXT") == first.index("line 0")
    assert [json.loads(line)["body"] for line in said["json"].splitlines()][:3] == ["line 0", "line 1", "line 2"]
    assert said["yaml"].count("---\n") == 4
    assert 'body: "line 0"' in said["yaml"]
    assert sorted(said["name"].split()) == [f"host-1/{one}" for one in ("broker", KEY)]
    assert await run(near, *one_host, "--no-headers") == Exit.OK
    assert capsys.readouterr().out == said["table"].partition("\n")[2]
    assert await run(near, *said["name"].split()[:1], "--json") == Exit.OK, "a name can be typed again"


async def test_json_and_another_form_contradict_each_other(near: Near, capsys: pytest.CaptureFixture[str]):
    assert await run(near, "--json", "-o", "yaml") == Exit.USAGE
    assert "contradict each other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["service/geo"], Exit.NO_MATCH, "no log lines of service/geo"),
        (["--grep", "nothing of that"], Exit.NO_MATCH, "no log lines"),
        (["--host", "host-7"], Exit.NO_MATCH, "no host is called 'host-7'"),
        (["--since", "yesterday"], Exit.USAGE, "write 90s, 10m"),
        (["-f", "--until", "1h"], Exit.USAGE, "keep one of them"),
        (["-w", "--until", "1h"], Exit.USAGE, "keep one of them"),
        (["-w", "host-2/broker", "--host", "*"], Exit.UNREACHABLE, "no host's agent answers"),
        (["host-2/broker", "--host", "*"], Exit.UNREACHABLE, "no host's agent answers"),
    ],
)
async def test_how_it_ends(
    near: Near, capsys: pytest.CaptureFixture[str], arguments: list[str], code: Exit, sentence: str
):
    near.write("one", 1000)
    only = [] if "--host" in arguments else ["--host", "host-1"]
    assert await run(near, *arguments, *only) == code
    assert sentence in capsys.readouterr().err


async def test_a_child_of_a_host(near: Near, capsys: pytest.CaptureFixture[str]):
    near.write("one", 1000)
    (near.logs / "broker.log").write_text("a print\n")
    assert await run(near, "host-1/broker") == Exit.OK
    assert capsys.readouterr().out.endswith("host-1 broker       a print\n")
    assert await run(near, f"host-1/{KEY}") == Exit.OK
    assert capsys.readouterr().out.endswith("INFO  one\n")


def test_what_names_mean():
    instances = parse_instances(
        {"instances": [instance("8cdb6dc6", host="host-1"), instance("99ff", "service/geo", "host-2")]}
    )
    assert meant(instances, ["service.customer"]) == (("service/customer",), (), {"host-1"})
    assert meant(instances, ["service/*"]) == (("service/customer", "service/geo"), (), {"host-1", "host-2"})
    assert meant(instances, ["99"]) == ((), ("99",), {"host-2"})
    assert meant(instances, ["service/gone", "dead"]) == (("service/gone",), ("dead",), set())


@pytest.mark.parametrize("output", Format)
def test_no_form_crashes_over_a_line_that_is_nested_deeply_nor_passes_a_hostile_name_on(output: Format):
    for depth in (1, 400, 900):
        nested = b'"attributes":{"a":' + b"[" * depth + b"]" * depth + b"}"
        text = b'{"severity_text":"","severity_number":0,"body":"b",' + nested + b"}"
        line = Line(HOSTILE, HOSTILE, Entry(0.0, Severity.UNSET, "b"), text)
        shown = Forms(output, heads=True, colour=False).text([line])
        assert shown.endswith("\n")
        assert shown.replace("\n", "").isprintable()


HOSTILE = "a\x1b]0;title\x07\x1b[2Jb\u202ec\x9b31md[bold]e[/]" + "x" * 10_000


def test_a_hostile_line_does_nothing():
    entry = Entry(
        1000.0,
        Severity.ERROR,
        f"{HOSTILE}\r\n  {HOSTILE}",
        attributes={HOSTILE: HOSTILE, "exception.stacktrace": f"Traceback:\n    {HOSTILE}\n" + "y\n" * 1000},
        resource={"service.instance.id": HOSTILE, "host.name": HOSTILE},
    )
    shown = [whose(Line("host-1", HOSTILE, entry, b"")), *body(Line("host-1", HOSTILE, entry, b""))]
    assert all(each.isprintable() for each in shown)
    assert not any("\u202e" in each or "\x9b" in each for each in shown)
    assert max(map(len, shown)) < 6000
    assert len(shown) < 70
    assert any(each.startswith("    a") for each in shown)
    assert any("[bold]" in each for each in shown)
