"""`-l key=value`: which hosts it means, and what `list`, `hosts` and `stats` then show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.labels import hosts_meant, parse_labels
from h2o_console.cli.main import main
from h2o_console.feed.answers import Host
from tests.support.agent_server import HEAD, AgentServer, endpoint, host, host_stats, instance, stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = (
    Host("host-1", "a", labels={"disk": "ssd", "rack": "1"}),
    Host("host-2", "b", labels={"disk": "hdd"}),
    Host("host-3", "b", labels={"disk": "ssd", "zone": "mine"}),
)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ((), ["host-1", "host-2", "host-3"]),
        (("disk=ssd",), ["host-1", "host-3"]),
        (("disk=*d",), ["host-1", "host-2", "host-3"]),
        (("disk!=ssd",), ["host-2"]),
        (("rack!=1",), ["host-2", "host-3"]),
        (("zone=b",), ["host-2"]),
        (("zone=mine",), ["host-3"]),
        (("host=host-[12]", "disk=ssd"), ["host-1"]),
        (("disk=ssd,rack=1",), ["host-1"]),
    ],
)
def test_which_hosts_are_meant(typed: tuple[str, ...], names: list[str]) -> None:
    assert [each.host for each in hosts_meant(HOSTS, parse_labels(typed))] == names


@pytest.mark.parametrize("typed", ["disk", "=ssd", "disk=", "!=x", "a=b,"])
def test_what_is_no_label_says_how_to_write_one(typed: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        parse_labels((typed,))
    assert caught.value.exit_code is Exit.USAGE
    assert "-l key=value" in caught.value.hint


def test_labels_that_nobody_has() -> None:
    with pytest.raises(CommandFailed) as caught:
        hosts_meant(HOSTS, parse_labels(("disk=tape",)))
    assert caught.value.exit_code is Exit.NO_MATCH
    assert "disk=tape" in caught.value.message


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    instances = [instance("a" * 16), instance("b" * 16, host="host-2")]
    hosts = [host("host-1", None, labels={"disk": "ssd"}), host("host-2", None, labels={"disk": "hdd"})]
    answers = {
        "/instances?fleet=1": {**HEAD, "instances": instances},
        "/hosts": {**HEAD, "hosts": hosts},
        "/stats": host_stats(stats("a" * 16, endpoint("service/customer/create"))),
    }
    with AgentServer(answers) as server:
        monkeypatch.setenv("H2O_AGENT", server.address)
        yield


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [
        (("list",), 0, "a" * 16),
        (("list", "customer"), 0, "a" * 16),
        (("hosts",), 0, "host-1"),
        (("stats", "customer"), 0, "a" * 16),
        (("list", "bbbb"), 3, ""),
        (("hosts", "host-2"), 3, ""),
    ],
)
def test_commands_keep_to_these_hosts(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, out: str
) -> None:
    assert main([*arguments, "-l", "disk=ssd", "-o", "name"]) == code
    assert capsys.readouterr().out.strip() == out


@pytest.mark.usefixtures("agent")
def test_labels_without_a_match_leave_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "-l", "disk=tape"]) == 3
    assert "h2o hosts -o wide" in capsys.readouterr().err
