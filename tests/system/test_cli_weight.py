"""`h2o weight` on a real fleet of two hosts and two versions: what an operator types, and what is routed after that."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.dev.plan import HostPlan
from h2o_core.audit import day_of, parse_entry
from h2o_core.control import Traffic, encode_traffic
from h2o_core.io.client import Client
from h2o_core.io.clock import unix_s
from h2o_core.pb.stats_pb2 import Ask, BrokerReport
from tests.support.control import decide
from tests.support.fleet import ECHO, running
from tests.support.hosts import registered
from tests.system.test_cli_fleet import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.dev.fleet import Fleet

NEW = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0"})
PATH = "control/traffic/service.echo"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO,)), HostPlan("host-2", "a", (NEW,)))
    with running(tmp_path_factory.mktemp("weights"), hosts) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    yield Operator(fleet, capsys, monkeypatch)
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: None}))


def decided(operator: Operator, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code, out, err = operator.types("weight", "service/echo", *arguments, "-y", "--json")
    return code, json.loads(out), err


def weights(document: dict[str, Any]) -> dict[str, tuple[int | None, int | None]]:
    return {one["version"]: (one["now"], one["then"]) for one in document["weights"]}


def routed(fleet: Fleet, count: int = 400) -> Counter[str]:
    """Versions that keyless requests through host-1 went to, as the brokers count them."""

    async def ask() -> Counter[str]:
        async def served() -> Counter[str]:
            found: Counter[str] = Counter()
            for host in ("host-1", "host-2"):
                async with Client(f"unix:{fleet.layout.run_dir(host)}/broker.sock") as client:
                    report = BrokerReport.FromString(await client.ask(Ask(what=Ask.REPORT)))
                for one in report.instances:
                    found[one.version] += sum(outcome.count for feature in one.features for outcome in feature.outcomes)
            return found

        before = await served()
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            for _ in range(count):
                await client.call("/service/echo/say", StringValue(value="x"), StringValue, timeout_s=5)
        return await served() - before

    return asyncio.run(ask())


def test_weights_are_routed_by_as_soon_as_it_is_said_that_all_apply_them(operator: Operator, fleet: Fleet) -> None:
    code, shown, err = decided(operator, "2.0.0=10%", "--reason", "INC-7")
    assert code == 0, err
    assert weights(shown) == {"1.0.0": (None, 9_000), "2.0.0": (None, 1_000)}
    assert (shown["brokers"], shown["behind"], shown["reason"]) == (2, {}, "INC-7")
    assert f"epoch {shown['epoch']} is applied by all 2 brokers" in err
    served = routed(fleet)
    assert 10 <= served["2.0.0"] <= 90
    assert served.total() == 400

    code, shown, err = decided(operator, "2.0.0=100%")
    assert (code, weights(shown)) == (0, {"1.0.0": (9_000, 0), "2.0.0": (1_000, 10_000)})
    assert routed(fleet, 50) == Counter({"2.0.0": 50})

    code, out, err = operator.types("weight", "service.echo")
    assert code == 0
    assert sorted(line.split()[:4] for line in out.splitlines()[1:]) == [
        ["1.0.0", "0%", "1", "64"],
        ["2.0.0", "100%", "1", "64"],
    ]
    assert out.count("stable") == 1
    assert "decided by " in err

    async def entry(registry: Any) -> bytes:
        node = await registry.get(f"audit/{day_of(unix_s())}/{shown['epoch']}")
        assert node is not None
        return node.data

    told = parse_entry("audit", registered(fleet.zookeeper.address, fleet.name, entry))
    assert (told.change_id, told.edits[0].path) == (shown["change_id"], PATH)
    assert told.author.origin.startswith("h2o weight on ")


def test_a_dry_run_changes_nothing_and_without_a_terminal_it_has_to_be_meant(operator: Operator) -> None:
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%", "--dry-run")
    assert code == 0
    assert "THEN" in out
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%")
    assert (code, out) == (2, "")
    assert "say that you mean it: -y" in err
    assert not json.loads(operator.types("weight", "service/echo", "--json")[1])["decided"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["service/nobody", "1=10%"], 3, "nothing matches"),
        (["service/ech"], 3, "did you mean service/echo"),
        (["service/echo", "3.0.0=10%"], 3, "nothing matches '3.0.0'"),
        (["Echo"], 2, "is not of the form"),
        (["service/echo", "2.0.0=10"], 2, "as in 2.1.0=10%"),
        (["service/echo", "2.0.0=101%"], 2, "0% to 100%"),
        (["service/echo", "2.0.0=60%", "1.0.0=60%"], 2, "60% + 60% = 120%, not 100%"),
        (["service/echo", "2.0.0=10%", "--review", "soon"], 2, "write 2h or 7d"),
        (["service/echo", "2.0.0=10%", "--zk", "127.0.0.1:1"], 4, "out of reach"),
    ],
)
def test_what_can_not_be_meant_says_what_to_type(
    operator: Operator, arguments: list[str], code: int, says: str
) -> None:
    got, out, err = operator.types("weight", *arguments)
    assert (got, out) == (code, ""), err
    assert says in err


def test_a_version_that_nobody_runs_gets_nothing_but_by_force(operator: Operator, fleet: Fleet) -> None:
    traffic = encode_traffic(Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000), ("3.0.0", 0))))
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: traffic}))
    code, out, err = operator.types("weight", "service/echo", "3.0.0=10%", "-y")
    assert (code, out) == (6, "")
    assert "3.0.0 has no ready instance for its 10%; start one first" in err
    code, shown, err = decided(operator, "3.0.0=10%", "--force", "--no-wait")
    assert (code, weights(shown)["3.0.0"]) == (0, (0, 1_000))
    assert "all the same: 3.0.0 has no ready instance" in err
    assert "was not waited for" in err


def test_on_a_terminal_it_is_shown_and_asked_about(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    answers = [False, True]

    def confirm(_question: str, *, err: bool) -> bool:
        assert err, "data alone goes to standard output"
        return answers.pop(0)

    monkeypatch.setattr(click, "confirm", confirm)
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%")
    assert (code, "THEN" in out) == (1, True)
    assert "nothing was changed" in err
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%")
    assert code == 0
    assert "is applied by all 2 brokers" in err


def test_the_fleet_s_settings_are_decided_alike(operator: Operator) -> None:
    code, out, err = operator.types("settings", "tiers=off")
    assert (code, out) == (2, "")
    assert "tiers=enforce|warn" in err
    code, out, err = operator.types("settings", "tiers=warn", "-y", "--json", "--reason", "migrating")
    told = json.loads(out)
    assert (code, told["now"]["tiers"], told["then"]["tiers"], told["behind"]) == (0, "enforce", "warn", {})
    assert "is applied by all 2 brokers" in err
    assert operator.reads("settings")["now"] == {"new_versions": "share", "tiers": "warn"}
    assert operator.types("settings", "tiers=enforce", "-y")[0] == 0


def test_what_is_not_what_it_was_is_not_written_over(
    operator: Operator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from h2o_console.cli import deciding  # noqa: PLC0415 - where it is looked up

    real = deciding.encode_traffic

    def overtaken(traffic: Traffic) -> bytes:
        other = encode_traffic(replace(traffic, owner="bob"))
        registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: other}))
        return real(traffic)

    monkeypatch.setattr(deciding, "encode_traffic", overtaken)
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%", "-y")
    assert (code, out) == (7, "")
    assert "was changed by change" in err
    assert "look again: h2o weight service/echo" in err


def test_who_does_not_apply_it_is_named(operator: Operator, fleet: Fleet) -> None:
    """An agent that does not answer: its broker may route as before."""
    fleet.kill_agent("host-2", signal.SIGSTOP)
    try:
        code, shown, err = decided(operator, "2.0.0=10%", "--force", "--timeout", "1")
    finally:
        fleet.kill_agent("host-2", signal.SIGCONT)
    assert code == 5
    assert shown["behind"].keys() == {"host-2"}
    assert "is applied by 1/2 brokers; host-2: " in err
