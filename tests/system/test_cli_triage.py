"""`h2o triage` on a real fleet: quiet while all is well, then the version, host and register that are broken."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.asking.agent import ask
from h2o_console.dev.plan import HostPlan
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import FeedThread
from h2o_console.store.fleet import Store
from h2o_core.audit import Author, Edit
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.errors import H2OError
from h2o_core.insights.finding import Action
from h2o_core.io.changes import apply
from h2o_core.io.client import Client
from h2o_core.io.context import agent_token
from tests.support.fleet import ECHO, running
from tests.support.hosts import registered
from tests.system.test_cli_fleet import BOUND_S, Operator, within

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from h2o_console.dev.fleet import Fleet

NO_ACTION = Action("", "")
FAILING = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0", "ECHO_FAILS": "15"})
TRAFFIC = "control/traffic/service.echo"


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO,)), HostPlan("host-2", "a", (ECHO, FAILING)))
    with running(tmp_path_factory.mktemp("triage"), hosts) as fleet:
        yield fleet


@pytest.fixture
def operator(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(fleet, capsys, monkeypatch)


def triaged(operator: Operator) -> tuple[int, list[dict[str, Any]]]:
    code, out, _ = operator.types("triage", "--every", "1s", "--json")
    return code, json.loads(out)["findings"]


def write(fleet: Fleet, path: str, data: bytes) -> None:
    """The first change of this fleet, until every broker applies it."""
    edits = (Edit(path, None, data),)
    author = Author("eva", "test")
    registered(fleet.zookeeper.address, fleet.name, lambda registry: apply(registry, edits, author))
    for host in ("host-1", "host-2"):
        assert ask(fleet.context(host).agent, "/epoch?at_least=1", BOUND_S)["epoch"] >= 1


def call(fleet: Fleet, many: int) -> None:
    """That many requests, one after the other by eight callers, with what is said different for each."""

    async def everything() -> None:
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:

            async def some(first: int) -> None:
                for at in range(first, many, 8):
                    try:
                        await client.call(
                            "/service/echo/say", StringValue(value=f"say {at}"), StringValue, timeout_s=10
                        )
                    except H2OError:
                        continue

            await asyncio.gather(*map(some, range(8)))

    asyncio.run(everything())


@contextmanager
def console(fleet: Fleet) -> Generator[Store]:
    """The console's own look at the fleet, by the same agent."""
    context, store = fleet.context("host-1"), Store()
    feed = FeedThread(Poller(store, context.agent, token=agent_token(context, "")))
    feed.start()
    try:
        yield store
    finally:
        feed.stop()


def causes(store: Store) -> list[tuple[str, str, str]]:
    """Kind, subject and command of each, in their order."""
    groups = store.insight.news.groups if store.insight is not None else ()
    return [(one.cause.kind.value, str(one.cause.subject), (one.cause.action or NO_ACTION).command) for one in groups]


def named(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["kind"], one["subject"].get("version") or one["subject"].get("host", "")) for one in found]


def test_a_fleet_that_is_well_then_a_version_that_is_not(operator: Operator, fleet: Fleet) -> None:
    within(BOUND_S, lambda: triaged(operator) == (0, []), "all is well")
    code, out, _ = operator.types("triage", "--every", "1s")
    assert code == 0
    assert out.startswith("all is well: looked at 2 hosts, 3 instances, data 0")
    weights = (("1.0.0", 5_000), ("2.0.0", 5_000))
    write(fleet, TRAFFIC, encode_traffic(Traffic("/service/echo", "1.0.0", weights, review_s=time.time() - 60)))
    with console(fleet) as store:
        within(
            BOUND_S, lambda: [kind for kind, *_ in causes(store)] == ["review due"], "the console knows what is decided"
        )
        call(fleet, 1200)
        worse = ("version against version", "service/echo 2.0.0", "h2o rollback service/echo --to 1.0.0")
        within(2 * BOUND_S, lambda: causes(store)[:1] == [worse], "the console names 2.0.0 first")
        assert store.insight is not None
        (first, *_) = store.insight.news.groups
        assert first.changed is not None
        assert (first.changed.epoch, first.changed.actor) == (1, "eva")

    def told() -> bool:
        """The agents' history has it within its ten seconds."""
        code, found = triaged(operator)
        return code == 1 and named(found)[:1] == [("version against version", "2.0.0")]

    within(2 * BOUND_S, told, "2.0.0 is named first")
    _, (first, *others) = triaged(operator)
    assert first["action"]["command"] == "h2o rollback service/echo --to 1.0.0"
    assert first["action"]["changes"] is True
    assert (first["changed"]["epoch"], first["changed"]["actor"]) == (1, "eva")
    assert "review due" in [one["kind"] for one in others]
    assert operator.types("triage", "--every", "1s", "-o", "name")[1].splitlines()[0] == "service/echo 2.0.0"
    notes_are_everybody_s(operator, first["id"])


def notes_are_everybody_s(operator: Operator, worse: str) -> None:
    """Acknowledged, muted, and taken back, by a beginning of the id or the subject's name; the agent tells it all."""
    code, out, _ = operator.types("triage", "ack", worse[:5], "--reason", "INC-7")
    assert (code, out.split(":")[0]) == (0, f"{worse} version against version, service/echo 2.0.0")

    def acknowledged(reason: str | None) -> bool:
        _, (first, *_) = triaged(operator)
        return reason == (first["acknowledged"]["reason"] if first["acknowledged"] else None)

    within(BOUND_S, lambda: acknowledged("INC-7"), "everybody sees who looks after it")
    assert operator.types("triage", "unack", worse)[0] == 0
    within(BOUND_S, lambda: acknowledged(None), "nobody does")
    assert operator.types("triage", "mute", "service/echo 2.0.0", "--for", "2h")[0] == 0

    def kinds() -> set[str]:
        return {one["kind"] for one in triaged(operator)[1]}

    within(BOUND_S, lambda: "version against version" not in kinds(), "it is quiet")
    code, _, err = operator.types("triage", "ack", "ffffff")
    assert (code, "nothing matches" in err) == (3, True)
    assert operator.types("triage", "mute", worse, "--for", "60d")[0] == 1
    assert operator.types("triage", "unmute", worse)[0] == 0
    within(BOUND_S, lambda: "version against version" in kinds(), "it is told again")


def test_what_is_broken_besides(operator: Operator, fleet: Fleet) -> None:
    until_s = time.time() + 300
    write(
        fleet,
        "control/hosts/host-2",
        encode_host_control(HostControl("host-2", HostState.AVOID, "eva", until_s=until_s)),
    )
    within(BOUND_S, lambda: triaged(operator)[1] != [], "the avoid is read")
    code, found = triaged(operator)
    assert (code, named(found)) == (1, [("avoid ends", "host-2")])
    fleet.kill_agent("host-2")
    code, found = triaged(operator)
    assert code == 1
    assert set(named(found)) == {("avoid ends", "host-2"), ("no stats", "host-2")}
    fleet.zookeeper.kill()

    def silent() -> bool:
        return ("ZooKeeper silent", "") in named(triaged(operator)[1])

    within(2 * BOUND_S, silent, "the register's silence is told")
