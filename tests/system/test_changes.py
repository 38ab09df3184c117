"""Control changes on real ZooKeeper: all or nothing, once or never, and whoever comes second is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from h2o_core.access import Role
from h2o_core.audit import Author, Edit, day_of, parse_entry
from h2o_core.control.epoch import EPOCH_CHANGES, Epoch, encode_epoch, parse_epoch
from h2o_core.documents import InvalidDocument
from h2o_core.io import changes, commit
from h2o_core.io.changes import ChangeUnknown, StaleChange
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import (
    NoNode,
    RegisterError,
    RegisterRefused,
    RegisterUnavailable,
    Registry,
    TooLarge,
)
from tests.support.session import opened
from tests.system.test_registry import SECRET, connected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.audit import Entry
    from h2o_core.register import Operation

AUTHOR = Author("ada@desk", "a test on desk", "because")
A, B = "control/traffic/service.a", "control/hosts/host-1"


async def fleet(registry: Registry, epoch: int = 0) -> None:
    """What the first broker makes."""
    await registry.create("control/epoch", encode_epoch(Epoch(epoch)))


async def epoch_of(registry: Registry) -> Epoch:
    node = await registry.get("control/epoch")
    assert node is not None
    return parse_epoch("control/epoch", node.data)


async def data_of(registry: Registry, path: str) -> bytes | None:
    node = await registry.get(path)
    return None if node is None else node.data


async def entry_of(registry: Registry, epoch: int) -> Entry:
    path = f"audit/{day_of(unix_s())}/{epoch}"
    data = await data_of(registry, path)
    assert data is not None
    return parse_entry(path, data)


async def test_documents_epoch_and_entry_are_written_together(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        first = await changes.apply(registry, [Edit(A, None, b"one"), Edit(B, None, b"two")], AUTHOR)
        second = await changes.apply(registry, [Edit(A, b"one", b"three"), Edit(B, b"two", None)], AUTHOR)
        assert (first.epoch, second.epoch) == (1, 2)
        assert (await data_of(registry, A), await data_of(registry, B)) == (b"three", None)
        epoch = await epoch_of(registry)
        assert (epoch.epoch, epoch.change_id) == (2, second.change_id)
        assert [(one.epoch, one.paths, one.change_id) for one in epoch.changes] == [
            (1, (A, B), first.change_id),
            (2, (A, B), second.change_id),
        ]
        entry = await entry_of(registry, 2)
        assert (entry.change_id, entry.author) == (second.change_id, AUTHOR)
        assert entry.edits == (Edit(A, b"one", b"three"), Edit(B, b"two", None))
        assert abs(entry.at_s - unix_s()) < 60


async def test_what_it_was_made_of_has_to_be_there_still(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        for before in (None, b"another"):
            with pytest.raises(StaleChange, match=r"service\.a was changed by change 1 meanwhile; nothing was written"):
                await changes.apply(registry, [Edit(B, None, b"x"), Edit(A, before, b"two")], AUTHOR)
        assert (await epoch_of(registry)).epoch == 1
        assert await data_of(registry, B) is None


async def test_others_changes_of_other_documents_are_stepped_over(zookeeper: str, fleet_name: str):
    """Many at once on one epoch: each is applied once or told, and the epochs are those that were applied."""
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)

        told: list[str] = []

        async def one(number: int) -> int:
            while True:
                try:
                    edits = [Edit(f"control/hosts/h{number}", None, b"x")]
                    return (await changes.apply(registry, edits, AUTHOR)).epoch
                except StaleChange as stale:
                    told.append(str(stale))

        assert sorted(await asyncio.gather(*map(one, range(12)))) == list(range(1, 13))
        assert all("others changed control at the same moment" in sentence for sentence in told)
        assert len(await registry.children("control/hosts")) == 12
        assert (await epoch_of(registry)).epoch == 12


async def test_one_of_two_that_want_the_same_document_is_told(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        wanted = [changes.apply(registry, [Edit(A, None, b"%d" % number)], AUTHOR) for number in range(2)]
        done = await asyncio.gather(*wanted, return_exceptions=True)
        assert sorted(isinstance(one, StaleChange) for one in done) == [False, True]
        assert (await epoch_of(registry)).epoch == 1


async def test_the_last_changes_are_listed(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        data: bytes | None = None
        for number in range(EPOCH_CHANGES + 3):
            after = b"%d" % number
            await changes.apply(registry, [Edit(A, data, after)], AUTHOR)
            data = after
        assert [one.epoch for one in (await epoch_of(registry)).changes] == list(range(4, EPOCH_CHANGES + 4))


class Losing(Registry):
    """Its connection is lost when a transaction is sent: before it arrives, or after it was done."""

    lose: list[str] = []  # noqa: RUF012 - what comes next, set by each test

    async def transact(self, operations: Sequence[Operation]) -> None:
        how = self.lose.pop(0) if self.lose else ""
        if how != "before":
            await super().transact(operations)
        if how:
            msg = "lost"
            raise RegisterUnavailable(msg, outcome_unknown=True)


@pytest.mark.parametrize("lose", [["before"], ["after"], ["before", "after"], ["before", "before"]])
async def test_a_connection_that_is_lost_in_the_middle_is_asked_about(zookeeper: str, fleet_name: str, lose: list[str]):
    registry = Losing(zookeeper, fleet_name, dev=True)
    registry.lose = list(lose)
    async with opened(registry):
        await fleet(registry)
        applied = await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        assert applied.epoch == 1
        assert (await epoch_of(registry)).change_id == applied.change_id
        assert (await entry_of(registry, 1)).change_id == applied.change_id
        assert registry.lose == []


async def test_another_s_change_in_its_place_is_not_taken_for_its_own(zookeeper: str, fleet_name: str):
    class Overtaken(Losing):
        async def transact(self, operations: Sequence[Operation]) -> None:
            if self.lose:
                self.lose.pop()
                async with connected(zookeeper, fleet_name) as other:
                    await changes.apply(other, [Edit(B, None, b"theirs")], AUTHOR)
                msg = "lost"
                raise RegisterUnavailable(msg, outcome_unknown=True)
            await super().transact(operations)

    registry = Overtaken(zookeeper, fleet_name, dev=True)
    registry.lose = ["once"]
    async with opened(registry):
        await fleet(registry)
        applied = await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        assert applied.epoch == 2
        assert (await data_of(registry, A), await data_of(registry, B)) == (b"one", b"theirs")


async def test_what_can_not_be_told_is_said(zookeeper: str, fleet_name: str, monkeypatch: pytest.MonkeyPatch):
    class Gone(Losing):
        async def transact(self, operations: Sequence[Operation]) -> None:
            await self.stop()
            msg = "lost"
            raise RegisterUnavailable(msg, outcome_unknown=True)

    monkeypatch.setattr(commit, "PATIENCE_S", 0.3)
    registry = Gone(zookeeper, fleet_name, dev=True)
    async with opened(registry):
        await fleet(registry)
        with pytest.raises(ChangeUnknown, match=r"whether it is applied, audit/\d{4}-\d\d-\d\d/1 says"):
            await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)


async def test_a_damaged_epoch_a_huge_document_or_no_fleet_at_all(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        with pytest.raises(NoNode, match="there is no fleet"):
            await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        await fleet(registry)
        with pytest.raises((TooLarge, InvalidDocument), match="bytes are more than"):
            await changes.apply(registry, [Edit(A, None, b"x" * (900 << 10))], AUTHOR)
        await registry.set("control/epoch", b"{")
        with pytest.raises(InvalidDocument, match="not JSON"):
            await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        assert await data_of(registry, A) is None


async def test_an_epoch_that_was_set_back_by_hand_is_told(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        await changes.apply(registry, [Edit(A, None, b"one")], AUTHOR)
        await registry.set("control/epoch", encode_epoch(Epoch(0)))
        with pytest.raises(RegisterError, match="the epoch is behind it"):
            await changes.apply(registry, [Edit(B, None, b"two")], AUTHOR)
        assert await data_of(registry, B) is None


async def test_operators_may_and_brokers_may_not(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name, dev=False, role=Role.BROKER, secret=SECRET) as broker:
        await fleet(broker)
        async with connected(zookeeper, fleet_name, dev=False, role=Role.OPERATOR, secret=SECRET) as operator:
            applied = await changes.apply(operator, [Edit(A, None, b"one")], AUTHOR)
            assert (await epoch_of(broker)).epoch == applied.epoch == 1
            with pytest.raises(RegisterRefused):
                await operator.set(f"audit/{day_of(unix_s())}/1", b"history")
        with pytest.raises(RegisterRefused):
            await changes.apply(broker, [Edit(A, b"one", b"two")], AUTHOR)
