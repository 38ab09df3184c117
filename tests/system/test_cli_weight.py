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
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.io.client import Client
from h2o_core.io.clock import unix_s
from h2o_core.pb.stats_pb2 import Ask, BrokerReport
from tests.support.broker import eventually
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


def shares(document: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {one["version"]: (one["now"], one["then"]) for one in document["shares"]}


def verdicts(document: dict[str, Any]) -> set[str]:
    return {one["verdict"] for one in document["guards"]}


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
    assert shares(shown) == {"1.0.0": (5_000, 9_000), "2.0.0": (5_000, 1_000)}
    assert (shown["brokers"], shown["behind"]) == (2, {})
    assert f"epoch {shown['epoch']} is applied by all 2 brokers" in err
    served = routed(fleet)
    assert 10 <= served["2.0.0"] <= 90
    assert served.total() == 400

    code, shown, err = decided(operator, "2.0.0=100%")
    assert (code, shares(shown)) == (0, {"1.0.0": (9_000, 0), "2.0.0": (1_000, 10_000)})
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
    assert (told.sentence, told.command) == (shown["sentence"], shown["command"])
    assert {one.verdict.value for one in told.guards} == verdicts(shown)
    assert told.author.origin.startswith("h2o weight on ")


def test_a_dry_run_changes_nothing_and_without_a_terminal_it_has_to_be_meant(operator: Operator) -> None:
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%", "--dry-run")
    assert code == 0
    assert "THEN" in out
    assert "the same as: h2o weight service/echo 2.0.0=10%" in out
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%")
    assert (code, out) == (2, "")
    assert "say that you mean it: -y" in err
    assert not json.loads(operator.types("weight", "service/echo", "--json")[1])["decided"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["service/nobody", "1=10%"], 3, "there is no package 'service/nobody'"),
        (["service/ech"], 3, "there are service/echo"),
        (["service/echo", "3.0.0=10%"], 3, "there is no version of service/echo '3.0.0'; there are 1.0.0, 2.0.0"),
        (["service/echo", "--stable", "3.0.0"], 3, "there is no version"),
        (["Echo"], 2, "is not of the form"),
        (["service/echo", "2.0.0=10"], 2, "as in 2.1.0=10%"),
        (["service/echo", "2.0.0=101%"], 2, "0% to 100%"),
        (["service/echo", "2.0.0=60%", "1.0.0=60%"], 2, "60% + 60% = 120%, not 100%"),
        (["service/echo", "2.0.0=10%", "--review", "soon"], 2, "write 4h, 14:30 (UTC)"),
        (["service/echo", "2.0.0=10%", "--review", "2020-01-01T00:00:00Z"], 2, "in the past"),
        (["service/echo", "--review", "7d"], 2, "h2o extend service/echo --until 7d"),
        (["service/echo", "2.0.0=10%", "--zk", "127.0.0.1:1"], 4, "out of reach"),
        (["service/echo", "2.0.0=10%", "--reason", "a\nb"], 2, "a reason is one line"),
    ],
)
def test_what_can_not_be_meant_says_what_to_type(
    operator: Operator, arguments: list[str], code: int, says: str
) -> None:
    got, out, err = operator.types("weight", *arguments)
    assert (got, out) == (code, ""), err
    assert says in err


def test_a_version_that_nobody_runs_gets_nothing_but_by_force_and_its_name(operator: Operator, fleet: Fleet) -> None:
    traffic = encode_traffic(Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000), ("3.0.0", 0))))
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: traffic}))
    code, out, err = operator.types("weight", "service/echo", "3.0.0=10%", "-y")
    assert (code, out) == (6, "")
    assert "3.0.0 has no ready instance for its 10%" in err
    assert "--force --confirm service/echo" in err
    code, out, err = operator.types("weight", "service/echo", "3.0.0=10%", "--dry-run")
    assert (code, "x refused" in out) == (6, True)
    code, out, err = operator.types("weight", "service/echo", "3.0.0=10%", "-y", "--force")
    assert (code, out) == (2, "")
    assert "there is no terminal to ask on" in err
    code, out, err = operator.types("weight", "service/echo", "3.0.0=10%", "-y", "--force", "--confirm", "3.0.0")
    assert (code, out) == (2, "")
    assert "is not what this is about: service/echo" in err
    code, shown, err = decided(operator, "3.0.0=10%", "--force", "--confirm", "service/echo", "--no-wait")
    assert (code, shares(shown)["3.0.0"]) == (0, (0, 1_000))
    assert "was not waited for" in err
    (newest,) = json.loads(operator.types("journal", "-n", "1", "--json")[1])["changes"]
    assert newest["forced"]


def person(monkeypatch: pytest.MonkeyPatch, *answers: str | bool) -> list[str | bool]:
    """Somebody at a terminal: texts for prompts, truths for questions, in order; what is left of them is returned."""
    left = list(answers)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)

    def answer(_question: str, *, err: bool, **_more: Any) -> str | bool:
        assert err, "data alone goes to standard output"
        return left.pop(0)

    monkeypatch.setattr(click, "confirm", answer)
    monkeypatch.setattr(click, "prompt", answer)
    return left


def test_on_a_terminal_it_is_shown_and_asked_about(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    person(monkeypatch, False, True)
    code, out, err = operator.types("weight", "service/echo", "2.0.0=60%")
    assert (code, out) == (1, "")
    assert "SHARE NOW" in err
    assert "nothing was changed" in err
    code, out, err = operator.types("weight", "service/echo", "2.0.0=60%")
    assert (code, out) == (0, "")
    assert "is applied by all 2 brokers" in err
    assert "undo: h2o undo " in err


def test_all_of_a_package_takes_its_name(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator.types("weight", "service/echo", "1.0.0=100%", "-y")[0] == 0
    left = person(monkeypatch, "service", "service/echo")
    assert operator.types("weight", "service/echo", "2.0.0=100%")[0] == 1
    code, _, err = operator.types("weight", "service/echo", "2.0.0=100%")
    assert code == 0, err
    assert left == []


def test_rolled_back_to_who_had_it_before_and_undone_byte_by_byte(operator: Operator, fleet: Fleet) -> None:
    async def document(registry: Any) -> bytes | None:
        node = await registry.get(PATH)
        return node and node.data

    def there() -> bytes | None:
        return registered(fleet.zookeeper.address, fleet.name, document)

    assert operator.types("weight", "service/echo", "1.0.0=100%", "-y")[0] == 0
    assert operator.types("weight", "service/echo", "2.0.0=30%", "-y", "--reason", "mine")[0] == 0
    before = there()
    code, out, err = operator.types("rollback", "service.echo", "--to", "1.0.0", "-y", "--json", "--reason", "INC-7")
    assert code == 0, err
    told = json.loads(out)
    assert shares(told) == {"1.0.0": (7_000, 10_000), "2.0.0": (3_000, 0)}
    assert routed(fleet, 50) == Counter({"1.0.0": 50})
    code, out, err = operator.types("undo", told["change_id"][:6], "-y", "--json")
    assert (code, shares(json.loads(out))["2.0.0"]) == (0, (0, 3_000))
    assert there() == before
    code, out, err = operator.types("undo", told["change_id"], "-y")
    assert code == 0, err
    assert "is taken back already" in out
    changes = json.loads(operator.types("journal", "-n", "2", "--json")[1])["changes"]
    assert [one["undo_of"] for one in changes] == [told["change_id"], None]
    assert changes[1]["undone_by"] == changes[0]["id"]


def test_undo_without_a_name_goes_back_one_after_the_other(operator: Operator) -> None:
    for percent in ("10%", "20%", "30%"):
        assert operator.types("weight", "service/echo", f"2.0.0={percent}", "-y")[0] == 0
    undone = [shares(json.loads(operator.types("undo", "-y", "--json")[1]))["2.0.0"] for _ in range(2)]
    assert undone == [(3_000, 2_000), (2_000, 1_000)]


def test_an_undo_over_what_others_decided_shows_the_ways(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    first = json.loads(operator.types("weight", "service/echo", "2.0.0=10%", "-y", "--json")[1])["change_id"]
    assert operator.types("weight", "service/echo", "2.0.0=20%", "-y")[0] == 0
    code, out, err = operator.types("undo", first, "-y")
    assert (code, out) == (2, "")
    assert "something else was decided since" in err
    assert f"h2o undo {first} --over" in err
    person(monkeypatch, True)
    code, out, err = operator.types("undo", first, "--over")
    assert code == 0, err
    assert "writes over what change " in err


def test_another_s_change_is_asked_about_by_name(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "bob")
    assert operator.types("weight", "service/echo", "2.0.0=20%", "-y", "--reason", "INC-9")[0] == 0
    theirs = json.loads(operator.types("journal", "-n", "1", "--json")[1])["changes"][0]["id"]
    monkeypatch.setenv("LOGNAME", "ada")
    code, _, err = operator.types("undo", "-y")
    assert (code, "ada@" in err) == (3, True)
    person(monkeypatch, False)
    code, _, err = operator.types("undo", theirs)
    assert code == 1
    assert "is not yours: bob@" in err
    assert "(INC-9)" in err
    assert operator.types("undo", theirs, "-y")[0] == 0


def test_the_fleet_s_settings_are_decided_alike(operator: Operator) -> None:
    code, out, err = operator.types("settings", "tiers=off")
    assert (code, out) == (2, "")
    assert "say that you mean it" not in err
    assert "tiers=enforce|warn" in err
    code, out, err = operator.types("settings", "tiers=warn", "-y", "--json", "--reason", "migrating")
    told = json.loads(out)
    assert (code, told["sentence"], told["behind"]) == (0, "tiers: enforce → warn", {})
    assert "is applied by all 2 brokers" in err
    assert operator.reads("settings")["now"] == {"new_versions": "share", "tiers": "warn"}
    assert operator.types("settings", "tiers=enforce", "-y")[0] == 0
    assert operator.types("settings", "tiers")[0] == 2


def overtaken(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, document: bytes, path: str = PATH) -> None:
    """Somebody else decides *document* between our plan and our change."""
    from h2o_console.cli import changing  # noqa: PLC0415 - where it is looked up

    real = changing.agree

    def slow(*arguments: Any, **named: Any) -> bool:
        registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {path: document}))
        return real(*arguments, **named)

    monkeypatch.setattr(changing, "agree", slow)


def test_what_does_not_come_out_the_same_any_more_is_not_written(
    operator: Operator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = encode_traffic(Traffic("/service/echo", "1.0.0", (("1.0.0", 4_000), ("2.0.0", 6_000)), owner="bob"))
    overtaken(fleet, monkeypatch, other)
    code, out, err = operator.types("weight", "service/echo", "2.0.0=10%", "-y")
    assert (code, out) == (7, "")
    assert "would not do the same any more; nothing was written" in err
    assert "look again" in err


def test_what_comes_out_the_same_is_planned_again_and_written(
    operator: Operator, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = encode_traffic(Traffic("/service/other", "1.0.0", (("1.0.0", 10_000),)))
    path = "control/traffic/service.other"
    overtaken(fleet, monkeypatch, other, path)
    code, _, err = operator.types("weight", "service/echo", "2.0.0=10%", "-y")
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {path: None}))
    assert code == 0, err


def test_who_does_not_apply_it_is_named(operator: Operator, fleet: Fleet) -> None:
    """An agent that does not answer: its broker may route as before."""
    fleet.kill_agent("host-2", signal.SIGSTOP)
    try:
        code, shown, err = decided(operator, "1.0.0=90%", "2.0.0=10%", "--timeout", "1")
        known, acknowledged, also = decided(operator, "2.0.0=9%", "--timeout", "1", "--acknowledge", "host-2")
    finally:
        fleet.kill_agent("host-2", signal.SIGCONT)
    assert code == 5
    assert shown["behind"].keys() == {"host-2"}
    assert "is applied by 1/2 brokers; host-2: " in err
    assert "--acknowledge host-2" in err
    assert known == 0, also
    assert acknowledged["acknowledged"].keys() == {"host-2"}
    assert "you answer for host-2" in also
    eventually(lambda: _agents(operator) == {"host-1", "host-2"}, "its agent is in the register again", within_s=30)


def _agents(operator: Operator) -> set[str]:
    """Hosts whose agent is known."""
    return {one["host"] for one in json.loads(operator.types("hosts", "--json")[1])["hosts"] if one["agent"]}
