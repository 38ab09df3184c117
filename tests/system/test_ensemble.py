"""The ensemble that fault rounds use does what its names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_core.io.registry import Registry
from tests.support.broker import eventually, eventually_async
from tests.support.ensemble import CannotMount, Ensemble, Member, why_no_mount

if TYPE_CHECKING:
    from pathlib import Path

SESSION_S = 4.0


async def test_two_of_three_serve_one_does_not_and_a_wiped_one_learns_all(tmp_path: Path) -> None:
    with Ensemble(tmp_path) as ensemble:
        assert sorted(ensemble.modes()) == ["follower", "follower", "leader"]
        registry = Registry(ensemble.address, "test", dev=True, session_timeout_s=SESSION_S)
        await registry.start(10)
        try:
            await registry.create("/h2o/test/mark", b"here")
            wiped = ensemble.leader()
            wiped.kill()
            rest = [member for member in ensemble.members if member is not wiped]
            eventually(lambda: sorted(one.mode for one in rest) == ["follower", "leader"], "another leads", 20)
            rest[0].kill()
            eventually(lambda: not rest[1].mode, "one alone does not serve", 20)
            wiped.wipe()
            wiped.start()
            eventually(lambda: bool(wiped.mode and rest[1].mode), "two serve again", 30)
            rest[1].kill()
            rest[0].start()
            eventually(lambda: bool(wiped.mode and rest[0].mode), "also without the one that it learnt from", 30)
            await eventually_async(lambda: registry.state.kind.value == "connected", "the client is back", 20)
            node = await registry.get("/h2o/test/mark")
            assert node is not None
            assert node.data == b"here"
        finally:
            await registry.stop()


def test_a_stopped_leader_is_replaced_and_a_full_disk_ends_its_server(tmp_path: Path) -> None:
    if reason := why_no_mount():
        pytest.skip(reason)
    try:
        with Ensemble(tmp_path, small_disks=True) as ensemble:
            leader = ensemble.leader()
            leader.stop()
            rest = [member for member in ensemble.members if member is not leader]
            eventually(lambda: _leads(rest), "another leads", 30)
            leader.resume()
            eventually(lambda: leader.mode == "follower", "the old one follows", 30)
            full = rest[0]
            full.fill()
            with pytest.raises(OSError, match="space"):
                (full.data / "one-more").write_bytes(b"x" * 4096)
    except CannotMount as error:
        pytest.skip(str(error))


def _leads(members: list[Member]) -> bool:
    return any(member.mode == "leader" for member in members)
