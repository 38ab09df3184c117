"""What an agent keeps of control, on a real ZooKeeper: read when it moves, told with its age while that is away."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from h2o_agent import control_kept
from h2o_agent.control_kept import ControlKept
from h2o_agent.views import control
from h2o_core.audit import Author, Edit, parse_entry
from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.io.changes import apply
from tests.support.control import decide
from tests.support.tcp_proxy import TcpProxy
from tests.system.test_registry import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from h2o_agent.views.control import Known
    from h2o_core.io.registry import Registry

AUTHOR = Author("eva", "a test", "because")
NOTES = b'{"notes":[],"schema":1}'


def avoid(host: str) -> Edit:
    return Edit(f"control/hosts/{host}", None, encode_host_control(HostControl(host, HostState.AVOID, "eva")))


@asynccontextmanager
async def keeping(registry: Registry) -> AsyncGenerator[ControlKept]:
    kept = ControlKept(registry)
    running = asyncio.create_task(kept.run())
    try:
        yield kept
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def writer(zookeeper: str, fleet_name: str) -> AsyncGenerator[Registry]:
    """An operator of a fleet that has an epoch."""
    async with connected(zookeeper, fleet_name) as registry:
        await registry.create("control/epoch", encode_epoch(Epoch()))
        yield registry


async def until(kept: ControlKept, condition: Callable[[Known], object], what: str) -> Known:
    deadline = time.monotonic() + 10
    while True:
        known = await kept.known()
        if known is not None and condition(known):
            return known
        assert time.monotonic() < deadline, f"{what}: {known}"
        await asyncio.sleep(0.01)


async def test_it_follows_what_is_decided_changed_and_noted(zookeeper: str, fleet_name: str, writer: Registry):
    await apply(writer, [avoid("host-1")], AUTHOR)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        first = await kept.known()
        assert first is not None
        assert (first.epoch, list(first.documents), first.notes) == (1, ["control/hosts/host-1"], b"")
        assert first.documents["control/hosts/host-1"] == avoid("host-1").after
        await apply(writer, [avoid("host-2")], AUTHOR)
        second = await until(kept, lambda known: known.epoch == 2, "the change is seen")
        assert [parse_entry(one.path, one.data).epoch for one in second.entries] == [2, 1]
        assert len(second.documents) == 2
        await writer.create("notes", NOTES)
        await until(kept, lambda known: known.notes == NOTES, "the notes are seen")
        await writer.delete("notes")
        last = await until(kept, lambda known: known.notes == b"" and known.age_s == 0, "they are gone")
        assert control.mark(last, control.Wanted()) == control.mark(second, control.Wanted())


async def test_nobody_asks_and_nothing_is_read(
    zookeeper: str, fleet_name: str, writer: Registry, monkeypatch: pytest.MonkeyPatch
):
    reads: list[object] = []
    read_standing = control_kept.read_standing

    def counted(registry: Registry) -> Awaitable[object]:
        reads.append(registry)
        return read_standing(registry)

    monkeypatch.setattr(control_kept, "read_standing", counted)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        await apply(writer, [avoid("host-1")], AUTHOR)
        await registry.sync()
        assert reads == []
        known = [await kept.known() for _ in range(100)]
        assert known[0] is not None
        assert known[0].epoch == 1
        assert len(reads) == 1, "a hundred questions, and one reading"


async def test_while_zookeeper_is_away_it_tells_what_it_knew_and_how_old_it_is(
    zookeeper: str, fleet_name: str, writer: Registry
):
    await apply(writer, [avoid("host-1")], AUTHOR)
    async with (
        TcpProxy(zookeeper) as proxy,
        connected(proxy.address, fleet_name) as registry,
        keeping(registry) as kept,
    ):
        await until(kept, lambda known: known.age_s == 0, "all is well")
        proxy.cut()
        away = await until(kept, lambda known: known.age_s > 0.3, "it says how old it is")
        assert (away.epoch, len(away.entries)) == (1, 1)
        assert "does not answer" in kept.problem
        await apply(writer, [avoid("host-2")], AUTHOR)
        await writer.create("notes", NOTES)
        proxy.resume()
        back = await until(kept, lambda known: known.age_s == 0, "it is back")
        assert (back.epoch, len(back.entries), back.notes, kept.problem) == (2, 2, NOTES, "")


async def test_who_has_never_read_it_says_why(fleet_name: str, monkeypatch: pytest.MonkeyPatch, zookeeper: str):
    monkeypatch.setattr(control_kept, "FIRST_S", 0.2)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        assert await kept.known() is None
        async with asyncio.timeout(10):  # the first one has waited for all of them
            assert [await kept.known() for _ in range(1000)] == [None] * 1000
        assert "there is no fleet" in kept.problem
        await registry.create("control/epoch", encode_epoch(Epoch()))
        found = await until(kept, lambda known: known.age_s == 0, "its first broker has come")
        assert (found.epoch, kept.problem) == (0, "")


async def test_what_is_damaged_is_said_and_the_rest_is_told(zookeeper: str, fleet_name: str, writer: Registry):
    await decide(writer, {"control/hosts/host-1": b"{", "control/traffic/service.echo": b"\xff\x00"})
    await writer.create("audit/2026-01-31/7", b'{"schema":1}')
    await writer.create("audit/2026-01-31/8", b"[]")
    await apply(writer, [avoid("host-2")], AUTHOR)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        known = await until(kept, lambda known: known.age_s == 0, "it is read")
    assert [path for path, _, _ in (one.partition(": ") for one in known.unreadable)] == [
        "control/hosts/host-1",
        "control/traffic/service.echo",
    ]
    assert [bool(one.why) for one in known.entries] == [False, True, True]
    assert known.documents["control/traffic/service.echo"] == b"\xff\x00"


async def test_entries_of_other_days_are_seen_too(zookeeper: str, fleet_name: str, writer: Registry):
    """As writers have them whose clocks are wrong; what is no day is left alone."""
    first = await apply(writer, [avoid("host-1")], AUTHOR)
    (day,) = await writer.children("audit")
    node = await writer.get(f"audit/{day}/1")
    assert node is not None
    await writer.create("audit/zzz/9", node.data)
    await writer.create("audit/2999-01-01/9", node.data)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        await until(kept, lambda known: len(known.entries) == 2, "both days are read")
        await writer.create("audit/2001-01-01/8", node.data)
        await apply(writer, [avoid("host-2")], AUTHOR)
        known = await until(kept, lambda known: known.epoch == 2 and len(known.entries) == 4, "what came is seen")
    assert [one.path for one in known.entries] == [
        "audit/2999-01-01/9",
        f"audit/{day}/2",
        f"audit/{day}/1",
        "audit/2001-01-01/8",
    ]
    assert first.epoch == 1


async def test_another_register_is_read_anew(zookeeper: str, fleet_name: str, writer: Registry):
    """As after ZooKeeper has lost its data: epochs begin again, and an entry of the same name is another one."""
    first = await apply(writer, [avoid("host-1")], AUTHOR)
    await apply(writer, [avoid("host-2")], AUTHOR)
    async with connected(zookeeper, fleet_name) as registry, keeping(registry) as kept:
        await until(kept, lambda known: known.epoch == 2, "it is read")
        (day,) = await writer.children("audit")
        for path in (f"audit/{day}/1", f"audit/{day}/2", "control/hosts/host-1", "control/hosts/host-2"):
            await writer.delete(path)
        await writer.set("control/epoch", encode_epoch(Epoch()))
        await until(kept, lambda known: known.epoch == 0, "it is another one")
        other = await apply(writer, [avoid("host-3")], AUTHOR)
        found = await until(kept, lambda known: known.epoch == 1, "and goes on")
    assert [parse_entry(one.path, one.data).change_id for one in found.entries] == [other.change_id]
    assert other.change_id != first.change_id
