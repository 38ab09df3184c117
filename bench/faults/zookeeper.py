"""Faults of ZooKeeper: away, wiped, without its leader, without a quorum, on a full disk."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bench.children import BenchError
from bench.faults.stage import BOOK, BYSTANDER, LOADS, Stage, processes, report, seen
from bench.faults.watch import Watch, unwritten
from h2o_core.io.registry import Delete, RegisterError, Registry
from tests.counting.client import Load
from tests.support.ensemble import CannotMount, Ensemble, why_no_mount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.faults.result import Result
    from h2o_console.dev.fleet import Fleet
    from h2o_core.io.zookeeper import ZooKeeperChild
    from tests.counting.client import CountingClient

SESSION_S: Final = 2.0
_LONGER_THAN_A_SESSION_S: Final = 2.5 * SESSION_S
_ALWAYS_IN_FLIGHT: Final = Load(BOOK, idempotent=False, in_flight=8, delay_s=0.4, deadline_s=3)
"""Half of these are on the other host at every moment: dropping it, however shortly, makes their outcome unknown."""
_LONG_S: Final = 40.0
"""Three Javas on two cores."""


class _Scene:
    """Two hosts under load, a bystander on host-2 whose instance can be exchanged, and a watch on both hosts."""

    def __init__(self, stage: Stage, ensemble: Ensemble | None = None) -> None:
        self.stage = stage
        self.fleet: Fleet = stage.fleet(
            2,
            more={"host-2": [stage.counting(BYSTANDER)]},
            zookeeper=ensemble or 0,
            host_file_extra=[f"session_timeout_s = {SESSION_S}"],
        )
        self.client: CountingClient = stage.load(self.fleet, "host-1", [*LOADS, _ALWAYS_IN_FLIGHT])
        self._watch = stage.enter(Watch(self.fleet, "host-1", ("host-1", "host-2")))

    def exchange(self) -> Callable[[], bool]:
        """Kill the bystander; its agent starts another. True once host-1 sends to that one and to no other."""
        (old,) = [one for one in processes(self.fleet, "host-2", BYSTANDER) if one["state"] == "ready"]
        self.fleet.kill_instance(old["id"])

        def done() -> bool:
            there = [one.instance for one in seen(self.fleet, "host-1", BYSTANDER)]
            return len(there) == 1 and there[0] != old["id"]

        return done

    def connected(self) -> bool:
        """Both brokers have their sessions."""
        return all(report(self.fleet, host).register.state == "connected" for host in self.fleet.hosts)

    def settle(self, recover_s: float, notes: Sequence[str] = ()) -> Result:
        """Longer than a session passes in which nobody may be dropped; then the account, and what ZooKeeper says."""
        self.stage.wait(self.connected, "both brokers are connected", _LONG_S)
        self.stage.pass_s(_LONGER_THAN_A_SESSION_S, [self.client])
        broken = [*unwritten(self.fleet), *self._watch.end()]
        return self.stage.settle(recover_s, [self.client], broken=broken, notes=notes)


def away(stage: Stage) -> Result:
    """Killed for longer than a session while instances come and go, then back."""
    scene = _Scene(stage)
    zookeeper = scene.fleet.zookeeper
    zookeeper.kill()
    exchanged = scene.exchange()
    stage.pass_s(_LONGER_THAN_A_SESSION_S, [scene.client])
    zookeeper.start()
    back_s = time.monotonic()
    mended_s = stage.wait(exchanged, "host-1 knows what happened on host-2 meanwhile")
    return scene.settle(mended_s - back_s)


def wiped(stage: Stage) -> Result:
    """Killed, and everything in it is gone when it is back: each host writes itself down again."""
    scene = _Scene(stage)
    zookeeper: ZooKeeperChild = scene.fleet.zookeeper  # pyright: ignore[reportAssignmentType] - one of its own
    zookeeper.kill()
    shutil.rmtree(zookeeper.data_dir / "data")
    zookeeper.start()
    back_s = time.monotonic()
    stage.wait(lambda: scene.connected() and not unwritten(scene.fleet), "both hosts are in the register", _LONG_S)
    mended_s = time.monotonic()
    stage.wait(scene.exchange(), "host-1 learns what changes on host-2", _LONG_S)
    return scene.settle(mended_s - back_s)


def emptied(stage: Stage) -> Result:
    """All live nodes are deleted at once, by whatever hand, while everybody is connected and well."""
    scene = _Scene(stage)
    struck_s = time.monotonic()
    asyncio.run(_delete_lives(scene.fleet))
    mended_s = stage.wait(lambda: not unwritten(scene.fleet), "both hosts have written themselves down again")
    stage.wait(scene.exchange(), "host-1 learns what changes on host-2", _LONG_S)
    return scene.settle(mended_s - struck_s)


async def _delete_lives(fleet: Fleet) -> None:
    registry = Registry(fleet.zookeeper.address, fleet.name, dev=True)
    await registry.start(10)
    try:
        await registry.transact([Delete(registry.paths.live(host)) for host in fleet.hosts])
    finally:
        await registry.stop()


def _three(stage: Stage, *, small_disks: bool = False) -> tuple[Ensemble, _Scene]:
    ensemble = Ensemble(stage.directory / "ensemble", small_disks=small_disks)
    return ensemble, _Scene(stage, ensemble)


def leader_killed(stage: Stage) -> Result:
    """The leader of three dies; an instance that starts then is known everywhere once another leads."""
    ensemble, scene = _three(stage)
    leader = ensemble.leader()
    struck_s = time.monotonic()
    leader.kill()
    mended_s = stage.wait(scene.exchange(), "an instance that starts then is routed to", _LONG_S)
    leader.start()
    ensemble.until_serving()
    return scene.settle(mended_s - struck_s)


def leader_stopped(stage: Stage) -> Result:
    """The leader of three hangs, and later goes on as if nothing had been."""
    ensemble, scene = _three(stage)
    leader = ensemble.leader()
    struck_s = time.monotonic()
    leader.stop()
    mended_s = stage.wait(scene.exchange(), "an instance that starts then is routed to", _LONG_S)
    leader.resume()
    ensemble.until_serving()
    stage.wait(scene.exchange(), "and another one when the old leader is back", _LONG_S)
    return scene.settle(mended_s - struck_s)


def quorum_lost(stage: Stage) -> Result:
    """Two of three die for longer than a session, then are back."""
    ensemble, scene = _three(stage)
    lost = [ensemble.leader(), ensemble.followers()[0]]
    for member in lost:
        member.kill()
    exchanged = scene.exchange()
    stage.pass_s(_LONGER_THAN_A_SESSION_S, [scene.client])
    for member in lost:
        member.start()
    ensemble.until_serving()
    back_s = time.monotonic()
    mended_s = stage.wait(exchanged, "host-1 knows what happened on host-2 meanwhile", _LONG_S)
    return scene.settle(mended_s - back_s)


def disk_full(stage: Stage) -> Result:
    """The leader's disk is full: it steps down at the next write and does not come up again until it is wiped."""
    if reason := why_no_mount():
        raise BenchError(reason)
    try:
        ensemble, scene = _three(stage, small_disks=True)
    except CannotMount as error:
        raise BenchError(str(error)) from None
    leader = ensemble.leader()
    leader.fill()
    struck_s = time.monotonic()
    asyncio.run(_write_much(ensemble))
    stage.wait(lambda: not leader.mode, "it does not serve any more", _LONG_S)
    mended_s = stage.wait(scene.exchange(), "an instance that starts then is routed to", _LONG_S)
    leader.kill()
    leader.wipe()
    leader.start()
    ensemble.until_serving()
    return scene.settle(mended_s - struck_s)


async def _write_much(ensemble: Ensemble) -> None:
    """More than what is left of the page that its log ends in."""
    registry = Registry(ensemble.address, "ballast", dev=True)
    await registry.start(10)
    try:
        with suppress(RegisterError):  # its server may be the one that ends
            await registry.create("/h2o/ballast/much", bytes(100_000))
    finally:
        await registry.stop()
