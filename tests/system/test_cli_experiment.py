"""`h2o experiment` on a real fleet of two versions: the worse one is told, and customers stay where they are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.dev.plan import HostPlan
from h2o_core.control import Traffic, encode_traffic
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
            within(BOUND_S, lambda: status(operator)[0] == 3, "the experiment is over")
            within(BOUND_S, lambda: all_apply(operator), "both brokers apply it")
        now = {key for key, well in said(fleet, "host-1", keys).items() if not well}
        assert failed <= now
        failed = now
    assert len(failed) > 30


def all_apply(operator: Operator) -> bool:
    code, out, _ = operator.types("hosts", "--json")
    return code == 0 and bool(out)


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
