"""Calls for operators outside development: asked about, journalled, and the same by broker and by agent."""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from h2o_core.access import Role
from h2o_core.io.calls import read_calls
from tests.support.guarded import Guarded, guarded, private
from tests.support.hosts import proxied
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.calls import Entry
    from h2o_core.io.registry import Registry
    from tests.support.hosts import Proxy

ALICE, UNNAMED = "a1" * 32, "b2" * 32
ME = pwd.getpwuid(os.getuid()).pw_name


@dataclass
class Stage:
    """One host, its way to ZooKeeper, and somebody who types."""

    fleet: Guarded
    proxy: Proxy
    directory: Path

    @property
    def url(self) -> str:
        return self.fleet.url("host-1")

    def types(self, *arguments: str, configuration: str = "", stdin: str = "") -> tuple[int, str, str]:
        """`h2o …` in a process without a terminal, on the host unless another *configuration* is given."""
        path = self.directory / "config.toml"
        path.write_text(configuration or self.fleet.configuration("host-1"))
        done = subprocess.run(
            [Path(sys.executable).with_name("h2o"), *arguments],
            env={"PATH": os.environ["PATH"], "H2O_CONFIG": str(path), "HOME": str(self.directory)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def elsewhere(self, *arguments: str, **context: str) -> tuple[int, str, str]:
        """The same from a machine that has neither broker nor secret."""
        lines = {"agent": self.url, **context}
        text = 'current = "x"\n[contexts.x]\n' + "".join(f'{key} = "{value}"\n' for key, value in lines.items())
        return self.types(*arguments, configuration=text)

    def journal(self) -> list[Entry]:
        """Newest first, from ZooKeeper itself."""
        return self.fleet.in_register(Role.OPERATOR, read_calls)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, zookeeper: str) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("calls")
    writers = private(directory / "writers", f"alice {ALICE}\n{UNNAMED}\n")
    extra = f'write_token_file = "{writers}"\nsession_timeout_s = 3.0\n'
    name = f"test-{secrets.token_hex(6)}"
    with proxied(zookeeper) as proxy, guarded(directory, zookeeper, name, 1, extra, proxy.address) as fleet:
        yield Stage(fleet, proxy, directory)


@pytest.fixture
def laptop(stage: Stage) -> dict[str, str]:
    """What the context of a machine has that is none of the fleet's."""
    return {"write_token_file": str(private(stage.directory / "alice", f"alice {ALICE}\n"))}


def test_what_is_idempotent_is_called_at_once_and_not_journalled(stage: Stage, laptop: dict[str, str]):
    before = stage.journal()
    assert stage.types("call", "service/echo/say", '"x"') == (0, '"x"\n', "")
    assert stage.elsewhere("call", "service/echo/say", '"x"', **laptop) == (0, '"x"\n', "")
    assert stage.journal() == before


@pytest.mark.parametrize("here", [True, False], ids=["by the broker", "by an agent"])
def test_without_a_terminal_nothing_that_may_change_data_is_called_unasked(
    stage: Stage, laptop: dict[str, str], here: bool
):
    before = stage.journal()
    types = stage.types if here else stage.elsewhere
    code, out, err = types("call", "service/echo/count", '"x"', **({} if here else laptop))
    assert (code, out) == (2, "")
    assert (
        f"service/echo/count is not declared idempotent: the call may change data of fleet {stage.fleet.fleet}" in err
    )
    assert "  say that you mean it: -y" in err
    assert stage.journal() == before


def test_on_the_host_the_kernel_says_who_called(stage: Stage):
    assert stage.types("call", "service/echo/count", '"x"', "-y", "--reason", "ticket 7") == (0, '"x"\n', "")
    entry = stage.journal()[0]
    assert (entry.call.author.actor, entry.call.author.verified) == (f"{ME}@host-1", True)
    assert entry.call.author.reason == "ticket 7"
    assert entry.call.author.origin.startswith("h2o call on ")
    assert (entry.call.feature, entry.call.host, entry.call.request_bytes) == ("/service/echo/count", "host-1", 3)
    assert entry.outcome is not None
    assert (entry.outcome.code.name, entry.outcome.executed.name) == ("OK", "YES")


def test_from_elsewhere_a_token_with_a_name_says_it(stage: Stage, laptop: dict[str, str]):
    where = ("--host", "host-1", "--version", "1.0.0")
    assert stage.elsewhere("call", "service/echo/count", '"x"', "-y", *where, **laptop) == (0, '"x"\n', "")
    call = stage.journal()[0].call
    assert (call.author.actor, call.author.verified) == ("alice", True)
    assert (call.to_host, call.to_version, call.to_instance) == ("host-1", "1.0.0", "")


def test_from_elsewhere_a_token_without_a_name_leaves_a_claim(stage: Stage):
    unnamed = str(private(stage.directory / "unnamed", f"{UNNAMED}\n"))
    assert stage.elsewhere("call", "service/echo/count", '"x"', "-y", write_token_file=unnamed)[0] == 0
    author = stage.journal()[0].call.author
    assert not author.verified
    assert "@" in author.actor


def test_the_journal_knows_which_requests_were_equal_and_not_what_they_said(stage: Stage):
    for text in ('"secret of a customer"', '"secret of a customer"', '"another"'):
        assert stage.types("call", "service/echo/count", text, "-y")[0] == 0
    another, second, first = (entry.call for entry in stage.journal()[:3])
    assert first.digest == second.digest != another.digest
    assert len({first.request_id, second.request_id, another.request_id}) == 3

    async def raw(registry: Registry) -> bytes:
        (day,) = await registry.children("calls")
        nodes = [await registry.get(f"calls/{day}/{name}") for name in await registry.children(f"calls/{day}")]
        return b"".join(node.data for node in nodes if node is not None)

    assert b"customer" not in stage.fleet.in_register(Role.OPERATOR, raw)


def without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{32}", "ID", text)


@pytest.mark.parametrize(
    "arguments",
    [
        ("service/echo/say",),
        ("service/echo/say", '"x"', "-o", "yaml"),
        ("service/echo/refuse", '"no more"', "-y"),
        ("service/echo/wait", '"30s"', "-y", "--timeout", "1.5"),
        ("service/echo/sya", "1"),
        ("service/echo",),
        ("service/ecco/say",),
        ("service/echo/say", "{"),
        ("service/echo/say", "[1]"),
        ("service/echo/say", '"x"', "--host", "host-9"),
        ("service/echo/say", '"x"', "--instance", "zzz"),
    ],
)
def test_the_same_by_the_broker_and_by_an_agent(stage: Stage, laptop: dict[str, str], arguments: tuple[str, ...]):
    code, out, err = stage.types("call", *arguments)
    again = stage.elsewhere("call", *arguments, **laptop)
    assert (again[0], again[1], without_ids(again[2])) == (code, out, without_ids(err))


def test_a_failure_is_whole_by_an_agent(stage: Stage, laptop: dict[str, str]):
    code, out, err = stage.elsewhere("call", "service/echo/fail", '"a bug"', "-y", **laptop)
    assert (code, out) == (1, "")
    for part in ("INTERNAL", "fault: the package's; executed: yes; safe to repeat: no", "host host-1", "h2o logs "):
        assert part in err
    entry = stage.journal()[0]
    assert entry.outcome is not None
    assert (entry.outcome.code.name, entry.outcome.host) == ("INTERNAL", "host-1")
    assert f"request {entry.call.request_id}" in err


def test_without_the_write_token_an_agent_calls_nothing(stage: Stage):
    code, out, err = stage.elsewhere("call", "service/echo/say", '"x"')
    assert (code, out) == (4, "")
    assert "this needs the write token, on loopback as well" in err
    assert "write_token_file" in err


def posted(url: str, document: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(url, json.dumps(document).encode(), headers), timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_by_hand(stage: Stage):
    url = f"{stage.url}/call"
    ask = {"feature": "service.echo.count", "request": "x", "key": "k", "headers": {"x-why": "test"}}
    status, made = posted(url, ask, ALICE)
    assert (status, made["code"], made["reply"], made["not_journalled"]) == (200, "OK", "x", "")
    assert made["journal"].endswith(made["request_id"])
    status, made = posted(url, {**ask, "feature": "service/echo/refuse"}, ALICE)
    assert (status, made["code"], made["application_code"], made["executed"]) == (502, "APPLICATION", "refused", "yes")
    assert not made["retry_safe"]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"feature": 7}, 400, "feature is 7, not a printable text"),
        ({"feature": "service/echo"}, 404, "is a package, not a feature"),
        ({"request": {"a": 1}}, 400, "the JSON is not a google.protobuf.StringValue"),
        ({"request": "\ud800"}, 400, "the JSON is not a google.protobuf.StringValue"),
        ({"timeout_ms": -1}, 400, "timeout_ms is -1"),
        ({"timeout_ms": 10**9}, 400, "timeout_ms is 1000000000"),
        ({"requested": 1}, 400, "there is no field 'requested'"),
        ({"actor": "x" * 201}, 400, "actor has 201 characters"),
        ({"actor": "\x1b[31m"}, 400, "actor is "),
        ({"journal": "no"}, 400, "journal is 'no', not true or false"),
        ({"host": "host-9"}, 404, "service/echo does not run there: host host-9"),
    ],
)
def test_what_makes_no_call_is_told_and_not_journalled(
    stage: Stage, change: dict[str, Any], status: int, sentence: str
):
    before = stage.journal()
    found, answer = posted(f"{stage.url}/call", {"feature": "service/echo/count", "request": "x", **change}, ALICE)
    assert (found, sentence in answer["error"]) == (status, True), answer
    assert stage.journal() == before


@pytest.mark.parametrize(("key", "ended", "calls"), [("n", "nothing was called", 0), ("y", '"x"', 1)])
def test_on_a_terminal_it_is_asked(stage: Stage, tmp_path: Path, key: str, ended: str, calls: int):
    before = len(stage.journal())
    path = tmp_path / "config.toml"
    path.write_text(stage.fleet.configuration("host-1"))
    h2o = Path(sys.executable).with_name("h2o")
    line = f"""{h2o} call service/echo/count '"x"' --host host-1; echo left with $?; read REST"""
    with Terminal(tmp_path, line, H2O_CONFIG=str(path)) as terminal:
        terminal.shows("may change data of fleet", "executed by: host host-1", 'with: "x"', "Call it? [y/N]")
        terminal.press(key, "Enter")
        terminal.shows(ended, "left with")
    assert len(stage.journal()) == before + calls


def test_with_its_agent_down_a_host_calls_only_without_a_journal(stage: Stage):
    host = stage.fleet.hosts["host-1"]
    host.kill()
    try:
        code, _, err = stage.types("call", "service/echo/count", '"x"', "-y")
        assert code == 4
        assert "nothing was called; start the agent, or call without a journal: --no-journal" in err
        code, out, err = stage.types("call", "service/echo/count", '"x"', "-y", "--no-journal")
        assert (code, out, err) == (0, '"x"\n', "it is not journalled, as you said: --no-journal\n")
        assert stage.types("call", "service/echo/say", '"x"') == (0, '"x"\n', "")
    finally:
        host.start()
        host.until_ready(1)
        host.until(lambda: host.get("/readyz").status_code == 200, "it is in the register")


def test_without_zookeeper_it_is_refused_before_it_is_called_and_can_be_forced(stage: Stage, laptop: dict[str, str]):
    host = stage.fleet.hosts["host-1"]
    before, url = stage.journal(), stage.url
    stage.proxy.cut()
    try:
        host.until(lambda: host.get("/readyz").status_code == 503, "the agent has noticed")
        code, out, err = stage.types("call", "service/echo/count", '"x"', "-y")
        assert (code, out) == (4, "")
        assert "could not be journalled, so it was not called" in err
        assert "--no-journal" in err
        assert stage.types("call", "service/echo/say", '"x"') == (0, '"x"\n', "")
        ask = {"feature": "service/echo/count", "request": "x", "journal": False}
        status, made = posted(f"{url}/call", ask, ALICE)
        assert (status, made["reply"], made["journal"]) == (200, "x", None)
        assert f"call {made['request_id']} of service/echo/count by alice (verified" in host.log
    finally:
        stage.proxy.resume()
    host.until(lambda: stage.types("call", "service/echo/count", '"x"', "-y")[0] == 0, "calls are journalled again")
    assert len(stage.journal()) == len(before) + 1
