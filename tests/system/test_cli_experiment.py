"""`h2o experiment` on a real fleet of two versions: the worse one is told, and customers stay where they are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.dev.plan import HostPlan
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.errors import H2OError
from h2o_core.hostfile import InstanceSpec
from h2o_core.io.client import Client
from tests.support.control import decide
from tests.support.fleet import ECHO, running
from tests.support.hosts import registered
from tests.system.test_cli_fleet import BOUND_S, Operator, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.dev.fleet import Fleet

FAILING = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0", "ECHO_FAILS": "12"})
RELAY = InstanceSpec("/orchestration/relay", (ECHO.command[0], "-m", "tests.support.relay_package"), cwd=ECHO.cwd)
PATH = "control/traffic/service.echo"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO, RELAY)), HostPlan("host-2", "a", (FAILING,)))
    with running(tmp_path_factory.mktemp("experiments"), hosts) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    yield Operator(fleet, capsys, monkeypatch)
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: None}))


@pytest.fixture
def stable(operator: Operator, fleet: Fleet) -> Operator:
    """1.0.0 has everything, and is the stable version."""
    data = encode_traffic(Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000),)))
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: data}))
    return operator


def status(operator: Operator, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code, out, err = operator.types("experiment", "status", "service/echo", *arguments, "--json")
    return code, json.loads(out) if out else {}, err


def begin(fleet: Fleet, parts: int, salt: str) -> None:
    weights = (("1.0.0", 10_000 - parts), ("2.0.0", parts))
    data = encode_traffic(Traffic("/service/echo", "1.0.0", weights, salt=salt, experiment="echoes"))
    registered(fleet.zookeeper.address, fleet.name, lambda registry: decide(registry, {PATH: data}))


def counting(operator: Operator, salt: str) -> None:
    """Every broker counts it."""

    def all_count() -> bool:
        _, told, _ = status(operator)
        return told.get("salt") == salt and told["behind"] == []

    within(BOUND_S, all_count, "both brokers count the experiment")


def said(fleet: Fleet, host: str, keys: list[str], feature: str = "/service/echo/say") -> dict[str, bool]:
    """Key → whether a request with it succeeded, all through one host, with what is said different for each."""

    async def ask() -> dict[str, bool]:
        gate = asyncio.Semaphore(64)
        async with Client(f"unix:{fleet.layout.run_dir(host)}/broker.sock") as client:

            async def one(key: str) -> bool:
                async with gate:
                    try:
                        await client.call(feature, StringValue(value=key), StringValue, timeout_s=10, sticky_key=key)
                    except H2OError:
                        return False
                    return True

            return dict(zip(keys, await asyncio.gather(*map(one, keys)), strict=True))

    return asyncio.run(ask())


def arms(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {arm["version"]: arm for arm in told["arms"]}


def test_a_version_that_is_worse_is_told(operator: Operator, fleet: Fleet) -> None:
    begin(fleet, 2_500, "s1")
    counting(operator, "s1")
    sent: dict[str, bool] = {}
    for host, many in (("host-1", 1200), ("host-2", 800)):
        sent |= said(fleet, host, [f"{host}-customer-{at}" for at in range(many)])

    def counted() -> bool:
        _, told, _ = status(operator)
        return sum(arm["requests"] for arm in told["arms"]) == len(sent)

    within(BOUND_S, counted, "every request is counted")
    code, told, err = status(operator)
    assert (code, err) == (1, "")
    (against,) = told["against"]
    assert (against["version"], against["verdict"]) == ("2.0.0", "worse")
    assert against["sentence"].startswith("2.0.0 is worse: errors ")
    found = arms(told)
    assert found["2.0.0"]["errors"] == sum(not well for well in sent.values())
    assert found["1.0.0"]["errors"] == 0
    assert found["2.0.0"]["requests"] > 300
    assert {arm["sticky_share"] for arm in told["arms"]} == {1.0}
    assert not told["sample_ratio"]["invalid"]
    code, out, _ = operator.types("experiment", "status", "service/echo")
    assert code == 1
    assert "2.0.0 is worse" in out
    code, out, _ = operator.types("experiment", "status", "-o", "name")
    assert (code, out) == (1, "service/echo\n")


def test_a_key_stays_in_its_version_while_the_weight_rises(operator: Operator, fleet: Fleet) -> None:
    """What fails depends on the key alone: whoever failed in the new version fails again."""
    keys = [f"customer-{at}" for at in range(600)]
    failed: set[str] = set()
    for parts in (1_000, 5_000, 10_000):
        begin(fleet, parts, "s2")
        if parts < 10_000:
            counting(operator, "s2")
        else:
            within(BOUND_S, lambda: all_in_the_new_one(operator), "the host's broker applies it")
        now = {key for key, well in said(fleet, "host-1", keys).items() if not well}
        assert failed <= now
        failed = now
    assert len(failed) > 30


def all_in_the_new_one(operator: Operator) -> bool:
    """So host-1's broker chooses; asked by what it would do."""
    code, out, _ = operator.types("why", "service/echo/say", "--json")
    chances = {one["version"]: one["chance"] for one in json.loads(out)["versions"]}
    return code == 0 and chances["2.0.0"] == 1.0


def test_a_key_travels_downstream(operator: Operator, fleet: Fleet) -> None:
    """A package's calls carry the key on, so its customer is in the same version there."""
    begin(fleet, 5_000, "s3")
    counting(operator, "s3")
    keys = [f"customer-{at}" for at in range(200)]
    direct = said(fleet, "host-2", keys)
    through = said(fleet, "host-1", keys, "/orchestration/relay/say")
    assert direct == through
    assert not all(direct.values())

    def counted() -> bool:
        _, told, _ = status(operator)
        return sum(arm["requests"] for arm in told["arms"]) == 2 * len(keys)

    within(BOUND_S, counted, "every request is counted")
    _, told, _ = status(operator)
    assert {arm["sticky_share"] for arm in told["arms"]} == {1.0}


def test_from_start_to_stop(stable: Operator, fleet: Fleet) -> None:
    operator = stable
    code, out, err = operator.types("experiment", "start", "service/echo", "2.0.0=50%", "--name", "echoes", "--dry-run")
    assert code == 0, err
    assert "service/echo: experiment echoes begins: 1.0.0 100% → 50%, 2.0.0 0% → 50%" in out
    assert status(operator)[0] == 3
    code, out, err = operator.types(
        *("experiment", "start", "service/echo", "2.0.0=50%", "--name", "echoes", "--reason", "INC-7", "-y", "--json")
    )
    assert code == 0, err
    begun = json.loads(out)
    assert begun["change_id"]
    code, told, err = status(operator)
    assert (code, told["experiment"], told["reason"], told["behind"]) == (0, "echoes", "INC-7", []), err
    assert len(told["salt"]) == 8
    assert told["review"] is not None
    keys = [f"customer-{at}" for at in range(300)]
    before = said(fleet, "host-1", keys)

    code, out, err = operator.types("experiment", "start", "service/echo", "2.0.0=60%", "-y")
    assert (code, out) == (6, "")
    assert "experiment echoes of service/echo runs already" in err

    code, out, err = operator.types("weight", "service/echo", "2.0.0=70%", "--dry-run")
    assert code == 0, err
    assert "counts anew" in out

    code, out, err = operator.types("experiment", "stop", "service/echo", "--keep", "-y", "--json")
    assert code == 0, err
    assert said(fleet, "host-1", keys) == before
    assert status(operator)[0] == 3

    code, out, err = operator.types("undo", json.loads(out)["change_id"], "-y")
    assert code == 0, err
    assert status(operator)[1]["experiment"] == "echoes"

    code, out, err = operator.types("experiment", "stop", "service/echo", "--revert", "-y")
    assert code == 0, err
    assert all(said(fleet, "host-2", keys).values())
    assert operator.types("experiment", "stop", "service/echo", "--revert", "-y")[0] == 3


def test_a_new_version_is_promoted(stable: Operator) -> None:
    operator = stable
    code, _, err = operator.types("experiment", "start", "service/echo", "2.0.0=10%", "-y")
    assert code == 0, err
    code, out, err = operator.types("experiment", "stop", "service/echo", "--promote", "-y", "--force", "--json")
    assert code == 0, err
    assert "2.0.0 is promoted" in json.loads(out)["sentence"]
    shares = json.loads(operator.types("weight", "service/echo", "--json")[1])["weights"]
    assert {one["version"]: one["now"] for one in shares} == {"1.0.0": 0, "2.0.0": 10_000}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["start", "service/echo", "9.0.0=10%"], 3, "there is no version of service/echo"),
        (["start", "service/echo", "2.0.0=10"], 2, "as in 2.1.0=10%"),
        (["start", "service/echo", "2.0.0=100%"], 2, "nothing is left for 1.0.0"),
        (["start", "service/echo", "2.0.0=10%", "--min-effect", "none"], 2, "--min-effect 1%"),
        (["start", "service/echo", "2.0.0=10%", "--name", "a b"], 2, "is no experiment's name"),
        (["start", "service/echo", "2.0.0=10%", "--review", "soon"], 2, "--review soon"),
        (["start", "service/echo", "2.0.0=10%"], 2, "say that you mean it: -y"),
        (["stop", "service/echo", "--keep", "-y"], 3, "no experiment of service/echo runs"),
        (["stop", "service/echo"], 2, "--promote, --revert or --keep"),
        (["stop", "service/echo", "--keep", "--version", "2.0.0"], 2, "--version goes with --promote"),
    ],
)
def test_what_can_not_be_begun_or_ended_says_what_to_type(
    stable: Operator, arguments: list[str], code: int, says: str
) -> None:
    got, out, err = stable.types("experiment", *arguments)
    assert (got, out) == (code, ""), err
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["service/echo"], 3, "begin one: h2o experiment start service/echo VERSION=10%"),
        (["Echo"], 2, "is not of the form"),
        (["service/echo", "--zk", "127.0.0.1:1"], 4, "out of reach"),
    ],
)
def test_what_can_not_be_meant_says_what_to_type(
    operator: Operator, arguments: list[str], code: int, says: str
) -> None:
    got, out, err = operator.types("experiment", "status", *arguments)
    assert (got, out) == (code, ""), err
    assert says in err
