"""Plans applied to real ZooKeeper: at the epoch that they were made of, again when others were faster, never twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from h2o_core.audit import Author, Edit, day_of
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.io import changes
from h2o_core.io.changes import ChangeUnknown, FencedOff, Refused, StaleChange, StalePlan
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import Check, NoNode, RegisterUnavailable, VersionConflict
from h2o_core.plan.intents import Drain
from h2o_core.plan.plan import Ask, Effect, Friction, Plan, Share
from h2o_core.verdicts import LAST_INSTANCE, Guard, Verdict
from tests.support.session import opened
from tests.system.test_changes import Losing, data_of, entry_of, epoch_of, fleet
from tests.system.test_registry import connected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from h2o_core.io.registry import Registry
    from h2o_core.plan.situation import Decided
    from h2o_core.register import Operation

AUTHOR = Author("ada@desk", "a test on desk", "because")
HOSTS = ("host-1", "host-2")


def path_of(host: str) -> str:
    return f"control/hosts/{host}"


def drains(host: str, at_s: float = 1.0) -> Callable[[Decided], Plan]:
    """A drain whose one guard is that the other host is in use, and whose effect says how many are."""

    def make(decided: Decided) -> Plan:
        others = [one for one in HOSTS if one != host and one not in decided.hosts]
        guard = Guard(LAST_INSTANCE, Verdict.PASSED, "others are left")
        if not others:
            guard = Guard(LAST_INSTANCE, Verdict.REFUSED, f"{host} is the last one in use", host)
        path = path_of(host)
        after = encode_host_control(HostControl(host, HostState.DRAIN, "ada@desk", since_s=at_s))
        edit = Edit(path, decided.documents.get(path), after)
        return Plan(
            intent=Drain((host,), 0.0, 300.0),
            epoch=decided.epoch,
            sentence=f"drains {host}",
            edits=() if host in decided.hosts else (edit,),
            effect=Effect(shares=(Share("/service/a", "1.0", 10_000, 10_000),)),
            guards=(guard,),
            undo=f"h2o undrain {host}",
            command=f"h2o drain {host}",
            friction=Friction(Ask.YES),
            until_s=at_s + 60.0,
        )

    return make


async def in_use(registry: Registry) -> set[str]:
    return {host for host in HOSTS if await data_of(registry, path_of(host)) is None}


async def test_everything_decided_is_read_at_one_epoch(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry, epoch=4)
        assert (await changes.read_decided(registry)).documents == {}
        document = encode_host_control(HostControl("host-1", HostState.AVOID, "ada"))
        edits = [
            Edit(path_of("host-1"), None, document),
            Edit("control/fleet", None, b"{"),
            Edit("control/traffic/service.a", None, b"x"),
        ]
        await changes.apply(registry, edits, AUTHOR)
        decided = await changes.read_decided(registry)
        assert decided.epoch == 5
        assert decided.documents == {edit.path: edit.after for edit in edits}
        assert decided.hosts["host-1"].state is HostState.AVOID
        assert set(decided.unreadable) == {"control/fleet", "control/traffic/service.a"}
        assert decided.last_change(path_of("host-1")) == 5
        assert decided.last_change(path_of("host-2")) is None


async def test_a_plan_is_applied_and_its_entry_says_what_it_said(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        applied = await changes.execute(registry, drains("host-1"), AUTHOR)
        assert applied.plan is not None
        assert (applied.epoch, await in_use(registry)) == (1, {"host-2"})
        entry = await entry_of(registry, 1)
        assert (entry.change_id, entry.edits, entry.guards) == (
            applied.change_id,
            applied.plan.edits,
            applied.plan.guards,
        )
        assert (entry.sentence, entry.command, entry.until_s) == ("drains host-1", "h2o drain host-1", 61.0)
        assert (entry.author, entry.forced) == (AUTHOR, False)


async def test_what_is_so_already_writes_nothing(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        await changes.execute(registry, drains("host-1"), AUTHOR)
        again = await changes.execute(registry, drains("host-1"), AUTHOR)
        assert (again.epoch, again.change_id) == (1, "")
        assert (await epoch_of(registry)).epoch == 1


async def test_a_refused_plan_needs_force(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        await changes.execute(registry, drains("host-1"), AUTHOR)
        with pytest.raises(Refused, match="host-2 is the last one in use") as refused:
            await changes.execute(registry, drains("host-2"), AUTHOR)
        assert refused.value.plan.refused
        assert await in_use(registry) == {"host-2"}
        await changes.execute(registry, drains("host-2"), AUTHOR, force=True)
        assert await in_use(registry) == set()
        assert (await entry_of(registry, 2)).forced


async def test_of_two_that_drain_the_last_two_at_once_one_is_told(zookeeper: str, fleet_name: str):
    """Each plan passes alone; the epoch makes them exclude each other, whoever is faster."""
    for _ in range(10):
        async with connected(zookeeper, fleet_name) as one, connected(zookeeper, fleet_name) as two:
            if await one.get("control/epoch") is None:
                await fleet(one)
            before = (await epoch_of(one)).epoch
            done = await asyncio.gather(
                changes.execute(one, drains("host-1"), AUTHOR),
                changes.execute(two, drains("host-2"), AUTHOR),
                return_exceptions=True,
            )
            told = [result for result in done if isinstance(result, Exception)]
            assert len(told) == 1
            assert isinstance(told[0], (StalePlan, Refused))
            assert len(await in_use(one)) == 1
            assert (await epoch_of(one)).epoch == before + 1
            for host in HOSTS:
                data = await data_of(one, path_of(host))
                if data is not None:
                    await changes.apply(one, [Edit(path_of(host), data, None)], AUTHOR)


async def test_a_plan_that_was_shown_and_does_something_else_by_now_is_stale(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        shown = drains("host-2")(await changes.read_decided(registry))
        await changes.execute(registry, drains("host-1"), Author("bob@desk", "a test", "a disk fails"))
        for force in (False, True):
            with pytest.raises(StalePlan, match=r"bob@desk: drains host-1 \(a disk fails\)") as stale:
                await changes.execute(registry, drains("host-2"), AUTHOR, shown=shown, force=force)
            assert (stale.value.before, [entry.epoch for entry in stale.value.entries]) == (shown, [1])
            assert stale.value.after.refused
        assert await in_use(registry) == {"host-2"}


async def test_a_plan_that_was_shown_and_comes_out_the_same_is_applied(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        shown = drains("host-2", 1.0)(await changes.read_decided(registry))
        await changes.apply(registry, [Edit(path_of("host-9"), None, b"x")], AUTHOR)
        applied = await changes.execute(registry, drains("host-2", 2.0), AUTHOR, shown=shown)
        assert applied.plan is not None
        assert (applied.epoch, applied.plan.until_s) == (2, 62.0)


class Overtaken(Losing):
    """Somebody else commits just before each of its transactions, so often."""

    times = 0
    edits: Callable[[int], Edit]

    async def transact(self, operations: Sequence[Operation]) -> None:
        if self.times:
            self.times -= 1
            edit = self.edits(self.times)
            self.times, left = 0, self.times
            await changes.apply(self, [edit], Author("bob@desk", "a test"))
            self.times = left
        await super().transact(operations)


async def test_who_is_overtaken_plans_again_three_times(zookeeper: str, fleet_name: str):
    registry = Overtaken(zookeeper, fleet_name, dev=True)
    registry.edits = lambda number: Edit(path_of(f"other-{number}"), None, b"x")
    async with opened(registry):
        await fleet(registry)
        registry.times = 2
        made: list[int] = []

        def make(decided: Decided) -> Plan:
            made.append(decided.epoch)
            return drains("host-1")(decided)

        assert (await changes.execute(registry, make, AUTHOR)).epoch == 3
        assert made == [0, 1, 2]
        registry.edits = lambda number: Edit(path_of(f"another-{number}"), None, b"x")
        registry.times = 3
        with pytest.raises(StaleChange, match="3 times; nothing was written"):
            await changes.execute(registry, drains("host-2"), AUTHOR, force=True)
        assert await in_use(registry) == {"host-2"}
        registry.edits = lambda _: Edit(path_of("host-1"), data, None)
        data = await data_of(registry, path_of("host-1"))
        registry.times = 1
        with pytest.raises(StalePlan):
            await changes.execute(registry, drains("host-2"), AUTHOR, force=True)


@pytest.mark.parametrize("lose", [["before"], ["after"], ["before", "after"], ["before", "before"]])
async def test_a_lost_connection_neither_loses_nor_doubles_it(zookeeper: str, fleet_name: str, lose: list[str]):
    registry = Losing(zookeeper, fleet_name, dev=True)
    registry.lose = list(lose)
    async with opened(registry):
        await fleet(registry)
        applied = await changes.execute(registry, drains("host-1"), AUTHOR)
        assert applied.plan is not None
        assert (applied.epoch, (await epoch_of(registry)).change_id) == (1, applied.change_id)
        assert await registry.children(f"audit/{day_of(unix_s())}") == ["1"]
        assert registry.lose == []


async def test_a_register_that_goes_away_again_leaves_it_unknown(zookeeper: str, fleet_name: str):
    class Flickering(Losing):
        async def sync(self) -> None:
            if self.lose == ["back"]:
                self.lose = ["away"]  # once it is back, to be asked what came of it
            elif self.lose == ["away"]:
                msg = "lost"
                raise RegisterUnavailable(msg)
            await super().sync()

    registry = Flickering(zookeeper, fleet_name, dev=True)
    async with opened(registry):
        await fleet(registry)
        registry.lose = ["after", "back"]
        with pytest.raises(ChangeUnknown, match=r"went away again: whether it is applied, audit/\S+/1 says") as unknown:
            await changes.execute(registry, drains("host-1"), AUTHOR)
        assert unknown.value.outcome_unknown


async def test_who_is_fenced_off_writes_nothing(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)
        await registry.create("election/conductor/1", b"me")
        await changes.execute(registry, drains("host-1"), AUTHOR, also=[Check("election/conductor/1", 0)])
        await registry.set("election/conductor/1", b"another")
        for check, reason in (
            (Check("election/conductor/1", 0), VersionConflict),
            (Check("election/conductor/2", 0), NoNode),
        ):
            with pytest.raises(FencedOff, match=r"election/conductor/\d is not what it has to be; nothing") as fenced:
                await changes.execute(registry, drains("host-2"), AUTHOR, force=True, also=[check])
            assert isinstance(fenced.value.__cause__.reason, reason)  # type: ignore[union-attr]
        assert (await epoch_of(registry)).epoch == 1
        assert await in_use(registry) == {"host-2"}


async def test_many_at_once_leave_one_entry_an_epoch_and_every_document_explained(zookeeper: str, fleet_name: str):
    async with connected(zookeeper, fleet_name) as registry:
        await fleet(registry)

        async def one(number: int) -> None:
            host = f"h{number}"
            async with connected(zookeeper, fleet_name) as own:
                while True:
                    try:
                        await changes.execute(own, drains(host), AUTHOR, force=True)
                    except StalePlan:
                        raise
                    except StaleChange:
                        continue
                    return

        await asyncio.gather(*map(one, range(8)))
        epoch = (await epoch_of(registry)).epoch
        assert epoch == 8
        entries = [await entry_of(registry, number) for number in range(1, epoch + 1)]
        explained = {edit.path: edit.after for entry in entries for edit in entry.edits}
        assert explained == (await changes.read_decided(registry)).documents
