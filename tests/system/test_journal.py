"""The journal of calls in a real ZooKeeper: what is written when somebody dies, how much, and how it is read."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from h2o_core.access import Role
from h2o_core.audit import Author
from h2o_core.calls import Call, Outcome, path_of
from h2o_core.errors import Code, Executed
from h2o_core.io import calls
from h2o_core.io.registry import RegisterRefused, Registry
from tests.support.guarded import guarded
from tests.system.test_calls import posted

if TYPE_CHECKING:
    from pathlib import Path

    from h2o_core.calls import Entry
    from h2o_core.documents import InvalidDocument

AT_S = 1_795_858_200.0
DAY_S = 86_400.0
CALL = Call("0" * 32, AT_S, Author("alice", "a test"), "host-1", "/service/echo/count", 3, "5f" * 32)
ENDED = Outcome(AT_S + 1, Code.OK, Executed.YES)


def call(number: int, at_s: float = AT_S) -> Call:
    return replace(CALL, request_id=f"{number:032x}", at_s=at_s)


async def connected(zookeeper: str, fleet: str, role: Role = Role.AGENT) -> Registry:
    registry = Registry(zookeeper, fleet, dev=False, role=role, secret=bytes(32))
    await registry.start(10)
    return registry


async def test_entries_are_read_newest_first_as_many_as_are_wanted(zookeeper: str, fleet_name: str):
    registry = await connected(zookeeper, fleet_name)
    assert await calls.read_calls(registry) == []
    made = [call(number, AT_S + number * DAY_S / 4) for number in range(8)]
    for one in made:
        await calls.begin(registry, one)
    await calls.complete(registry, path_of(made[3]), ENDED)
    found = await calls.read_calls(registry)
    assert [entry.call for entry in found] == made[::-1]
    assert [entry.outcome for entry in found] == [ENDED if entry.call == made[3] else None for entry in found]
    some = await calls.read_calls(registry, made[2].at_s, until_s=made[6].at_s, most=3)
    assert [entry.call for entry in some] == [made[6], made[5], made[4]]
    await registry.stop()


async def test_an_entry_is_written_once(zookeeper: str, fleet_name: str):
    registry = await connected(zookeeper, fleet_name)
    path = await calls.begin(registry, call(1))
    await calls.complete(registry, path, ENDED)
    await calls.complete(registry, path, replace(ENDED, code=Code.INTERNAL))  # as after an answer that was lost
    (entry,) = await calls.read_calls(registry)
    assert entry.outcome == ENDED
    for forbidden in (
        registry.set(path, b"{}"),
        registry.delete(f"{path}/outcome"),
        registry.set(f"{path}/outcome", b"{}"),
        registry.delete(path.rpartition("/")[0]),
    ):
        with pytest.raises(RegisterRefused):
            await forbidden
    await registry.stop()


async def test_a_day_has_a_bound(zookeeper: str, fleet_name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calls, "MOST_A_DAY", 3)
    registry = await connected(zookeeper, fleet_name)
    for number in range(3):
        await calls.begin(registry, call(number))
    with pytest.raises(calls.JournalFull, match="3 calls of this day are journalled, which is the most"):
        await calls.begin(registry, call(4))
    await calls.begin(registry, call(5, AT_S + DAY_S))
    await registry.stop()


async def test_what_can_not_be_read_is_told_and_left_out(zookeeper: str, fleet_name: str):
    registry = await connected(zookeeper, fleet_name)
    await calls.begin(registry, call(1))
    await registry.create(path_of(call(2)), b"{")
    damaged: list[InvalidDocument] = []
    (entry,) = await calls.read_calls(registry, on_damaged=damaged.append)
    assert entry.call == call(1)
    assert [error.path for error in damaged] == [path_of(call(2))]
    await registry.stop()


def test_an_agent_that_dies_in_the_middle_leaves_an_entry_without_an_end(
    tmp_path: Path, zookeeper: str, fleet_name: str
):
    with guarded(tmp_path, zookeeper, fleet_name, hosts=1) as fleet:
        host = fleet.hosts["host-1"]
        ask = {"feature": "service/echo/wait", "request": "30s", "timeout_ms": 60_000}
        url = f"{fleet.url('host-1')}/call"

        def ask_in_vain() -> None:
            with pytest.raises(OSError, match=r"closed|reset"):
                posted(url, ask, fleet.write_token)

        waiting = Thread(target=ask_in_vain)
        waiting.start()

        def journal() -> list[Entry]:
            return fleet.in_register(Role.OPERATOR, calls.read_calls)

        host.until(journal, "the call is journalled")
        host.until(lambda: host.rows() and host.rows()[0]["in_flight"] == 1, "it runs")
        host.kill()
        waiting.join(10)
        (entry,) = journal()
        assert (entry.call.feature, entry.outcome) == ("/service/echo/wait", None)
