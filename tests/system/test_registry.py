"""The registry on real ZooKeeper: sessions, mirrors, transactions, access lists, and what happens when it goes away."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from h2o_core.access import Role
from h2o_core.io.registry import (
    MAX_WRITE_BYTES,
    Check,
    Create,
    Delete,
    MirrorEvent,
    NodeExists,
    NodeGone,
    NodeSeen,
    NoNode,
    RegisterError,
    RegisterRefused,
    RegisterUnavailable,
    Registry,
    RegistryState,
    Set,
    StateKind,
    Synced,
    TooLarge,
    TransactionFailed,
    VersionConflict,
)
from h2o_core.io.registry.session import _addresses
from h2o_core.io.zookeeper import ZooKeeperChild
from tests.support.session import opened
from tests.support.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

SESSION_S = 2.0
RESTART_S = 10.0
"""A session that outlives a server's restart on a busy machine; what is tested is that nothing is dropped."""
SECRET = bytes(range(32))


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


def connected(
    zookeeper: str, fleet: str, *, dev: bool = True, session_timeout_s: float = SESSION_S, **options: Any
) -> AbstractAsyncContextManager[Registry]:
    return opened(Registry(zookeeper, fleet, session_timeout_s=session_timeout_s, dev=dev, **options))


class Picture:
    """What a mirror has told: the nodes now, everything that went, and how often it was whole."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeSeen] = {}
        self.gone: list[str] = []
        self.synced = 0

    def __call__(self, event: MirrorEvent) -> None:
        match event:
            case NodeSeen(name):
                self.nodes[name] = event
            case NodeGone(name):
                del self.nodes[name]
                self.gone.append(name)
            case Synced():
                self.synced += 1

    def data(self) -> dict[str, bytes]:
        return {name: node.data for name, node in self.nodes.items()}


class States:
    """Every state that was reported."""

    def __init__(self) -> None:
        self.all: list[RegistryState] = []

    def __call__(self, state: RegistryState) -> None:
        self.all.append(state)

    def kinds(self) -> list[StateKind]:
        return [state.kind for state in self.all]

    def sessions(self) -> list[int]:
        return list(dict.fromkeys(state.session_id for state in self.all if state.session_id))


# ---- operations


async def test_a_node_s_life(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        assert await registry.get("packages/p/1") is None
        await registry.create("packages/p/1", b"one")  # with its parents
        with pytest.raises(NodeExists):
            await registry.create("packages/p/1", b"again")
        node = await registry.get(registry.paths.version("/p", "1"))
        assert node is not None
        assert (node.data, node.version, node.owner) == (b"one", 0, 0)
        assert await registry.set("packages/p/1", b"two", node.version) == 1
        with pytest.raises(VersionConflict):
            await registry.set("packages/p/1", b"three", node.version)
        assert await registry.children("packages/p") == ["1"]
        with pytest.raises(RegisterError, match="nodes below it"):
            await registry.delete("packages/p")
        with pytest.raises(VersionConflict):
            await registry.delete("packages/p/1", 0)
        await registry.delete("packages/p/1", 1)
        for missing in (registry.delete("packages/p/1"), registry.set("packages/p/1", b""), registry.children("x")):
            with pytest.raises(NoNode):
                await missing


async def test_paths_stay_in_the_fleet(zookeeper: str, fleet_name: str):
    registry = Registry(zookeeper, fleet_name, dev=True)
    for outside in ("/h2o/other/live/x", "/", f"/h2o/{fleet_name}2"):
        with pytest.raises(ValueError, match="not below"):
            await registry.get(outside)


async def test_a_transaction_is_done_whole_or_not_at_all(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await registry.create("control/epoch", b"0")
        await registry.transact(
            [Check("control/epoch", 0), Set("control/epoch", b"1", 0), Create("control/fleet", b"f")]
        )
        epoch = await registry.get("control/epoch")
        assert epoch is not None
        assert (epoch.data, epoch.version) == (b"1", 1)

        with pytest.raises(TransactionFailed) as stale:
            await registry.transact([Create("control/a", b""), Check("control/epoch", 0), Create("control/b", b"")])
        assert (stale.value.index, type(stale.value.reason)) == (1, VersionConflict)
        with pytest.raises(TransactionFailed) as exists:
            await registry.transact([Set("control/epoch", b"2"), Create("control/fleet", b"")])
        assert (exists.value.index, type(exists.value.reason)) == (1, NodeExists)
        with pytest.raises(TransactionFailed) as absent:
            await registry.transact([Set("control/none", b""), Set("control/epoch", b"2")])
        assert (absent.value.index, type(absent.value.reason)) == (0, NoNode)
        assert await registry.children("control") == ["epoch", "fleet"]
        assert await registry.get("control/epoch") == epoch


async def test_what_zookeeper_would_end_the_session_for_is_not_sent(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        session = registry.state.session_id
        await registry.create("big", b"x" * MAX_WRITE_BYTES)
        await registry.transact([Set("big", b"y" * (MAX_WRITE_BYTES - 512))])
        too_much = b"x" * (MAX_WRITE_BYTES + 1)
        for write in (
            registry.create("more", too_much),
            registry.set("big", too_much),
            registry.transact([Set("big", too_much[: MAX_WRITE_BYTES // 2])] * 2),
        ):
            with pytest.raises(TooLarge):
                await write
        assert (await registry.children("")) == ["big"]
        assert (registry.state.kind, registry.state.session_id) == (StateKind.CONNECTED, session)


async def test_many_operations_at_once(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await registry.create("live", b"")
        await asyncio.gather(*(registry.create(f"live/{at}", b"") for at in range(1000)))
        assert len(await registry.children("live")) == 1000


# ---- sessions and ephemeral nodes


async def test_an_orderly_end_takes_its_ephemeral_nodes_at_once(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as watcher:
        picture = Picture()
        watcher.mirror("live", picture)
        async with connected(zookeeper, fleet_name) as owner:
            await owner.create("live/a", b"x", ephemeral=True)
            await until(lambda: "a" in picture.nodes, "the node was not seen")
            assert picture.nodes["a"].owner == owner.state.session_id
            ended = time.monotonic()
        await until(lambda: picture.gone == ["a"], "the node did not go")
        assert time.monotonic() - ended < SESSION_S / 2


async def test_a_killed_process_loses_its_ephemeral_node(zookeeper: str, fleet_name: str):
    program = f"""
import asyncio, sys
from h2o_core.io.registry import Registry
async def main():
    registry = Registry({zookeeper!r}, {fleet_name!r}, dev=True, session_timeout_s={SESSION_S})
    await registry.start(10)
    await registry.create("live/a", b"x", ephemeral=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    async with connected(zookeeper, fleet_name) as watcher:
        picture = Picture()
        watcher.mirror("live", picture)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
        await until(lambda: "a" in picture.nodes, "the node was not seen")
        process.kill()
        await process.wait()
        await until(lambda: picture.gone == ["a"], "the node did not go")


async def test_another_session_s_ephemeral_is_replaced_in_one_transaction(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as old, connected(zookeeper, fleet_name) as new:
        picture = Picture()
        old.mirror("live", picture)
        await old.create("live/a", b"old", ephemeral=True)
        await old.set("live/a", b"older")
        await until(lambda: picture.data() == {"a": b"older"}, "the node was not seen")
        await new.transact([Delete("live/a", 1), Create("live/a", b"new", ephemeral=True)])
        await until(lambda: picture.data() == {"a": b"new"}, "the new node was not seen")
        assert (picture.nodes["a"].owner, picture.nodes["a"].version) == (new.state.session_id, 0)
        assert picture.gone == []  # a replacement is no absence
        await old.stop()
        node = await new.get("live/a")
        assert node is not None
        assert node.data == b"new"


async def test_numbered_nodes_are_ephemeral_and_follow_each_other(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as one, connected(zookeeper, fleet_name) as two:
        first = await one.create_next("election/conductor/a@1-", b"")  # with its parents
        second = await two.create_next("election/conductor/b@2-", b"x")
        assert first == f"{one.paths.root}/election/conductor/a@1-0000000000"
        assert await one.children("election/conductor") == ["a@1-0000000000", "b@2-0000000001"]
        node = await one.get(second)
        assert node is not None
        assert (node.data, node.owner) == (b"x", two.state.session_id)
        with pytest.raises(TooLarge):
            await one.create_next("election/conductor/c-", b"x" * (MAX_WRITE_BYTES + 1))
        await two.stop()
        assert await one.children("election/conductor") == ["a@1-0000000000"]


async def test_a_check_in_a_transaction_holds_for_one_node_and_not_for_its_successor(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as one, connected(zookeeper, fleet_name) as two:
        await one.create("control/epoch", b"0")
        own = await one.create_next("election/conductor/a@1-", b"")
        await one.transact([Set("control/epoch", b"1"), Check(own, 0)])
        await two.delete(own)
        await one.create_next("election/conductor/a@1-", b"")
        with pytest.raises(TransactionFailed) as deposed:
            await one.transact([Set("control/epoch", b"2"), Check(own, 0)])
        assert (deposed.value.index, type(deposed.value.reason)) == (1, NoNode)
        epoch = await two.get("control/epoch")
        assert epoch is not None
        assert epoch.data == b"1"


async def test_one_is_told_when_a_node_goes_and_when_it_is_not_there(zookeeper: str, fleet_name: str):
    told: list[str] = []
    async with connected(zookeeper, fleet_name) as watcher, connected(zookeeper, fleet_name) as owner:
        await owner.create("election/a", b"", ephemeral=True)
        watcher.when_gone("election/a", lambda: told.append("a"))
        watcher.when_gone("election/b", lambda: told.append("b"))
        await until(lambda: told == ["b"], "nothing is told of a node that is not there")
        await owner.set("election/a", b"1")
        await owner.set("election/a", b"2")
        await watcher.sync()
        assert told == ["b"], "it is still there"
        await owner.stop()
        await until(lambda: told == ["b", "a"], "its end is not told")


async def test_of_what_goes_after_the_connection_s_end_nobody_is_told(zookeeper: str, fleet_name: str):
    told, states = list[str](), States()
    async with TcpProxy(zookeeper) as proxy, connected(zookeeper, fleet_name) as owner:
        await owner.create("election/a", b"")
        async with connected(proxy.address, fleet_name) as watcher:
            watcher.listen(states)
            assert states.kinds() == [StateKind.CONNECTED], "the state that holds is told at once"
            watcher.when_gone("election/a", lambda: told.append("a"))
            await watcher.sync()
            proxy.cut()
            await until(lambda: watcher.state.kind is StateKind.SILENT, "the cut was not noticed")
            watcher.when_gone("election/a", lambda: told.append("a"))  # of that one neither: there is no connection
            await owner.delete("election/a")
            proxy.resume()
            await until(lambda: states.kinds()[-2:] == [StateKind.SILENT, StateKind.CONNECTED], "it is not back")
            assert await watcher.get("election/a") is None
            assert told == []


async def test_a_mirror_that_is_closed_is_forgotten(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        for _ in range(3):
            registry.mirror("control/epoch", Picture(), depth=0).close()
        registry.mirror("live", Picture())
        assert len(registry._mirrors) == 1


async def test_an_expired_session_is_reported_as_a_new_one(zookeeper: str, fleet_name: str):
    states, picture = States(), Picture()
    async with TcpProxy(zookeeper) as proxy, connected(zookeeper, fleet_name) as other:
        other.mirror("live", picture)
        async with connected(proxy.address, fleet_name, on_state=states) as registry:
            await registry.create("live/a", b"x", ephemeral=True)
            await until(lambda: "a" in picture.nodes, "the node was not seen")
            proxy.cut()
            await until(lambda: picture.gone == ["a"], "the session did not expire")
            assert registry.state.kind is StateKind.SILENT
            assert registry.state.silent_s(time.monotonic_ns()) > SESSION_S / 2
            proxy.resume()
            await until(lambda: len(states.sessions()) == 2, "no new session")
            assert states.kinds() == [
                StateKind.CONNECTED,
                StateKind.SILENT,
                StateKind.EXPIRED,
                StateKind.CONNECTED,
            ]
            assert registry.state.silent_s(time.monotonic_ns()) == 0
            await registry.create("live/a", b"again", ephemeral=True)


async def test_a_short_interruption_keeps_the_session(zookeeper: str, fleet_name: str):
    states, picture = States(), Picture()
    async with (
        TcpProxy(zookeeper) as proxy,
        connected(zookeeper, fleet_name) as other,
        connected(proxy.address, fleet_name, on_state=states) as registry,
    ):
        registry.mirror("live", picture)
        await registry.create("live/a", b"x", ephemeral=True)
        await until(lambda: picture.data() == {"a": b"x"} and picture.synced == 1, "the node was not seen")
        proxy.cut()
        await until(lambda: registry.state.kind is StateKind.SILENT, "the cut was not noticed")
        await other.create("live/b", b"y")
        proxy.resume()
        await until(lambda: picture.synced == 2, "it did not read again")
        assert picture.data() == {"a": b"x", "b": b"y"}
        assert picture.gone == []
        assert len(states.sessions()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is what is being tested
async def test_kazoo_s_loop_dies_of_garbage_and_is_replaced(
    zookeeper: str, fleet_name: str, caplog: pytest.LogCaptureFixture
):
    states, picture = States(), Picture()
    async with (
        TcpProxy(zookeeper) as proxy,
        connected(zookeeper, fleet_name) as other,
        connected(proxy.address, fleet_name, on_state=states) as registry,
    ):
        registry.mirror("live", picture)
        await until(lambda: picture.synced == 1, "it did not read")
        proxy.inject(b"\0\0\0\2??")  # a reply shorter than its own header
        await until(lambda: len(states.sessions()) == 2, "no new session")
        assert "ended for good" in caplog.text
        await other.create("live/a", b"x")
        await until(lambda: picture.data() == {"a": b"x"}, "the mirror does not live on")
        assert await registry.get("live/a") is not None


async def test_a_server_that_never_answers_fails_operations_in_a_session_s_time(zookeeper: str, fleet_name: str):
    async with TcpProxy(zookeeper) as proxy, connected(proxy.address, fleet_name) as registry:
        proxy.stall()
        started = time.monotonic()
        with pytest.raises(RegisterUnavailable) as caught:
            await registry.create("a", b"")
        assert caught.value.outcome_unknown
        assert time.monotonic() - started < SESSION_S + 1
        with pytest.raises(RegisterUnavailable):
            await registry.get("a")


async def test_stopping_waits_for_nobody(zookeeper: str, fleet_name: str):
    async with TcpProxy(zookeeper) as proxy:
        registry = Registry(proxy.address, fleet_name, dev=True, session_timeout_s=SESSION_S)
        await registry.start(10)
        proxy.stall()
        waiting = asyncio.create_task(registry.get("a"))
        await asyncio.sleep(0)
        started = time.monotonic()
        await registry.stop()
        assert time.monotonic() - started < 4
        with pytest.raises(RegisterUnavailable):
            await waiting
        await registry.stop()
        with pytest.raises(RegisterUnavailable, match="has been ended"):
            await registry.get("a")


async def test_nobody_there_at_the_start(tmp_path: Path, fleet_name: str):
    with ZooKeeperChild(tmp_path) as child:
        address = child.address
    registry = Registry(address, fleet_name, dev=True, session_timeout_s=SESSION_S)
    picture = Picture()
    registry.mirror("live", picture)
    try:
        with pytest.raises(RegisterUnavailable, match=f"ZooKeeper at {address} does not answer .* echo srvr"):
            await registry.start(0.2)
        child.start()
        await until(lambda: picture.synced == 1, "it gave up trying")
    finally:
        await registry.stop()
        child.stop()


async def test_an_address_that_is_none():
    with pytest.raises(RegisterError, match="write host:port"):
        await Registry("", "test", dev=True).start(1)


# ---- mirrors


async def test_a_thousand_nodes_come_change_and_go(zookeeper: str, fleet_name: str):
    names = {f"host-{at}" for at in range(1000)}
    async with connected(zookeeper, fleet_name) as writer, connected(zookeeper, fleet_name) as reader:
        await writer.create("live", b"")
        await asyncio.gather(*(writer.create(f"live/{name}", b"1" * 4000) for name in names))
        picture = Picture()
        started = time.monotonic()
        reader.mirror("live", picture)
        await until(lambda: picture.synced == 1, "not all were read")
        print(f"1,000 nodes of 4 kB read in {time.monotonic() - started:.2f} s")  # noqa: T201 - a figure to be seen
        assert set(picture.nodes) == names
        await asyncio.gather(*(writer.set(f"live/{name}", b"2") for name in names))
        await until(lambda: set(picture.data().values()) == {b"2"}, "not all changes were seen")
        await asyncio.gather(*(writer.delete(f"live/{name}") for name in names))
        await until(lambda: not picture.nodes, "not all went")
        assert sorted(picture.gone) == sorted(names)
        assert picture.synced == 1


async def test_consumers_leave_the_loop_to_others(zookeeper: str, fleet_name: str):
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def slow(event: MirrorEvent) -> None:
        seen.append(event)
        until_s = time.perf_counter() + 0.0003
        while time.perf_counter() < until_s:
            pass

    async with connected(zookeeper, fleet_name) as registry:
        await registry.create("live", b"")
        await asyncio.gather(*(registry.create(f"live/{at}", b"") for at in range(500)))
        seen: list[MirrorEvent] = []
        counter = asyncio.create_task(count_turns())
        registry.mirror("live", slow)
        await until(lambda: seen and isinstance(seen[-1], Synced), "not all were read")
        counter.cancel()
        assert turns > 500 / 8  # 0.3 ms each: at most 4 or 5 of them in a slice of 1 ms


async def test_a_consumer_that_fails_misses_that_event_alone(zookeeper: str, fleet_name: str):
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    picture = Picture()

    def failing(event: MirrorEvent) -> None:
        if isinstance(event, NodeSeen) and event.name == "b":
            msg = "not mine"
            raise RuntimeError(msg)
        picture(event)

    async with connected(zookeeper, fleet_name) as registry:
        for name in "abc":
            await registry.create(f"live/{name}", b"")
        registry.mirror("live", failing)
        await until(lambda: picture.synced, "it was never whole")
        assert set(picture.nodes) == {"a", "c"}
        assert [str(one["exception"]) for one in complaints] == ["not mine"]


async def test_two_levels_and_a_root_that_comes_later(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        packages, epoch = Picture(), Picture()
        registry.mirror("packages", packages, depth=2)
        registry.mirror("control/epoch", epoch, depth=0)
        await until(lambda: packages.synced and epoch.synced, "what is not there is a whole picture too")
        await registry.create("packages/service.customer/1.0", b"a")
        await registry.create("packages/service.customer/1.1", b"b")
        await registry.create("packages/service.email/1.0", b"c")
        await registry.create("control/epoch", b"0")
        await until(lambda: len(packages.nodes) == 3 and epoch.nodes, "not all were seen")
        assert packages.data() == {
            "service.customer/1.0": b"a",
            "service.customer/1.1": b"b",
            "service.email/1.0": b"c",
        }
        assert packages.nodes["service.customer/1.0"].czxid < packages.nodes["service.customer/1.1"].czxid
        assert epoch.data() == {"": b"0"}
        await registry.set("control/epoch", b"1")
        await registry.transact([Delete("packages/service.email/1.0"), Delete("packages/service.email")])
        await until(lambda: len(packages.nodes) == 2 and epoch.data() == {"": b"1"}, "not all changes were seen")
        assert packages.gone == ["service.email/1.0"]
        await registry.delete("control/epoch")
        await until(lambda: epoch.gone == [""], "its end was not seen")


async def test_a_mirror_ends_at_what_zookeeper_holds_after_any_history(zookeeper: str, fleet_name: str):
    """What tests/machines/test_mirror.py takes for granted of ZooKeeper, on ZooKeeper."""
    dice = random.Random(7)
    picture = Picture()

    async def change(registry: Registry) -> None:
        path = f"packages/{dice.choice('pqr')}/{dice.randrange(6)}"
        changes: list[Callable[[], Awaitable[object]]] = [
            lambda: registry.create(path, b""),
            lambda: registry.set(path, str(dice.random()).encode()),
            lambda: registry.delete(path),
            lambda: registry.transact([Delete(path), Create(path, b"new")]),
            lambda: registry.delete(path.rpartition("/")[0]),
        ]
        with suppress(RegisterError):  # most of a random history is refused
            await dice.choice(changes)()

    async with (
        TcpProxy(zookeeper) as proxy,
        connected(zookeeper, fleet_name) as writer,
        connected(proxy.address, fleet_name) as reader,
    ):
        await writer.create("packages", b"")
        reader.mirror("packages", picture, depth=2)
        for at in range(60):
            await asyncio.gather(*(change(writer) for _ in range(20)))
            if at in {20, 40}:
                proxy.cut()
                proxy.resume()
        expected: dict[str, tuple[int, int, bytes]] = {}
        for package in await writer.children("packages"):
            for version in await writer.children(f"packages/{package}"):
                node = await writer.get(f"packages/{package}/{version}")
                assert node is not None
                expected[f"{package}/{version}"] = (node.czxid, node.version, node.data)
        assert expected
        await until(
            lambda: {name: (one.czxid, one.version, one.data) for name, one in picture.nodes.items()} == expected,
            "the mirror is another",
        )


# ---- the server goes away


async def test_a_killed_server_comes_back(tmp_path: Path, fleet_name: str):
    with ZooKeeperChild(tmp_path) as child:
        states, picture = States(), Picture()
        async with connected(child.address, fleet_name, session_timeout_s=RESTART_S, on_state=states) as registry:
            for at in range(50):
                await registry.create(f"live/h{at}", b"x", ephemeral=True)
            registry.mirror("live", picture)
            await until(lambda: picture.synced == 1, "it did not read")
            child.kill()
            await until(lambda: registry.state.kind is StateKind.SILENT, "its death was not noticed")
            with pytest.raises(RegisterUnavailable):
                await registry.set("live/h0", b"y")
            child.start()
            await until(lambda: picture.synced == 2, "it did not read again")
            assert picture.gone == []
            assert len(picture.nodes) == 50
            assert len(states.sessions()) == 1
            await registry.set("live/h0", b"y")
            await until(lambda: picture.data()["h0"] == b"y", "the mirror does not live on")


async def test_a_wiped_server_gets_a_fresh_client(tmp_path: Path, fleet_name: str, caplog: pytest.LogCaptureFixture):
    with ZooKeeperChild(tmp_path / "first") as first:
        states, picture = States(), Picture()
        async with connected(first.address, fleet_name, on_state=states) as registry:
            for name in "abc":
                await registry.create(f"live/{name}", b"x")
            registry.mirror("live", picture)
            await until(lambda: picture.synced == 1, "it did not read")
            first.kill()
            with ZooKeeperChild(tmp_path / "second", int(first.address.rpartition(":")[2])):
                await until(lambda: len(states.sessions()) == 2, "the old client was kept")
                assert "does not take our session back" in caplog.text
                await until(lambda: sorted(picture.gone) == ["a", "b", "c"], "the old picture stayed")
                await registry.create("live/a", b"new")
                await until(lambda: picture.data() == {"a": b"new"}, "the mirror does not live on")
            await registry.stop()


# ---- access


async def test_roles_have_the_rights_of_their_work(zookeeper: str, fleet_name: str):
    options: dict[str, Any] = {"dev": False, "secret": SECRET}
    async with (
        connected(zookeeper, fleet_name, role=Role.BROKER, **options) as broker,
        connected(zookeeper, fleet_name, role=Role.AGENT, **options) as agent,
        connected(zookeeper, fleet_name, role=Role.OPERATOR, **options) as operator,
    ):
        await broker.create("live/a", b"x", ephemeral=True)
        await broker.create("packages/service.customer/1.0", b"m")
        await broker.create("control/epoch", b"0")
        await agent.create("agents/a", b"y", ephemeral=True)
        assert await agent.get("live/a") is not None
        await operator.set("control/epoch", b"1")
        elected = await agent.create_next("election/conductor/a@1-", b"")
        await agent.transact([Set("control/epoch", b"2"), Check(elected, 0)])
        for forbidden in (
            operator.delete(elected),
            agent.set("live/a", b"z"),
            agent.delete("live/a"),
            broker.set("packages/service.customer/1.0", b"z"),
            broker.set("control/epoch", b"z"),
            operator.create("agents/b", b"z"),
        ):
            with pytest.raises(RegisterRefused):
                await forbidden
        with pytest.raises(TransactionFailed) as caught:
            await broker.transact([Set("live/a", b"z"), Set("control/epoch", b"z")])
        assert (caught.value.index, type(caught.value.reason)) == (1, RegisterRefused)

    async with connected(zookeeper, fleet_name) as stranger:  # Prometheus has no credential
        picture = Picture()
        assert await stranger.children("agents") == []
        for forbidden in (stranger.get("control/epoch"), stranger.create("agents/x", b""), stranger.children("live")):
            with pytest.raises(RegisterRefused):
                await forbidden
        stranger.mirror("control", picture)
        await until(lambda: picture.synced == 1, "what can't be read never comes, so the rest is whole")


async def test_another_fleet_s_secret_does_not_open(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name, dev=False, secret=SECRET) as ours:
        await ours.create("live", b"")
    with pytest.raises(RegisterRefused, match="does not open with this secret"):
        async with connected(zookeeper, fleet_name, dev=False, secret=b"another"):
            pass


async def test_an_open_root_is_refused_outside_development(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as dev:
        await dev.create("live", b"")
    with pytest.raises(RegisterRefused, match="everybody may write"):
        async with connected(zookeeper, fleet_name, dev=False, secret=SECRET):
            pass
    with pytest.raises(RegisterRefused, match="secret_file"):
        Registry(zookeeper, fleet_name, dev=False)


def test_where_the_servers_are():
    assert _addresses("a:2182, b,c:1/chroot") == ["a:2182", "b:2181", "c:1"]
