"""A fleet outside development: who may write what in ZooKeeper, and that all that has to be written can be."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from h2o_console.asking import register
from h2o_console.asking.register import in_register
from h2o_console.commands.carrying import Planner
from h2o_core.access import AccessEntry, Permission, Role, acl_for, credentials_of
from h2o_core.audit import Author, Edit
from h2o_core.context import Context
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.io import changes
from h2o_core.io.registry import Check, Create, NoNode, RegisterRefused, Registry, TransactionFailed
from h2o_core.plan.intents import Drain
from tests.support.guarded import Guarded, guarded, private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.agent_process import AgentProcess

AUTHOR = Author("alice@laptop", "a test", "because")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, zookeeper: str) -> Iterator[Guarded]:
    """One for all: they look, and try what is refused. An operator has decided something in it."""
    name = f"test-{secrets.token_hex(6)}"
    with guarded(tmp_path_factory.mktemp("guarded"), zookeeper, name) as made:
        made.applied = made.in_register(Role.OPERATOR, decide)
        yield made


async def decide(registry: Registry) -> changes.Applied:
    weights = Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000),), owner="alice", reason="because")
    drain = HostControl("host-2", HostState.DRAIN, "alice", "because")
    edits = [
        Edit("control/traffic/service.echo", None, encode_traffic(weights)),
        Edit("control/hosts/host-2", None, encode_host_control(drain)),
    ]
    return await changes.apply(registry, edits, AUTHOR)


async def everything(registry: Registry) -> list[str]:
    """Every node of the fleet."""
    found: list[str] = []
    ahead = [registry.paths.root]
    while ahead:
        path = ahead.pop()
        found.append(path)
        ahead += [f"{path}/{name}" for name in await registry.children(path)]
    return found


async def access_of(registry: Registry, path: str) -> set[AccessEntry]:
    acls, _ = await registry._ask(lambda client: client.get_acls_async(path), path, write=False)
    return {AccessEntry(acl.id.scheme, acl.id.id, Permission(acl.perms)) for acl in acls}


def test_a_fleet_with_access_lists_does_all_that_it_has_to(fleet: Guarded):
    assert fleet.applied is not None
    for process in fleet.hosts.values():
        reached = process.json(f"/epoch?at_least={fleet.applied.epoch}&timeout=10")
        assert (reached["applied"] >= fleet.applied.epoch, reached["except"]) == (True, [])  # others may have decided


def test_every_node_of_a_fleet_has_its_access_list(fleet: Guarded):
    credentials = credentials_of(fleet.secret, fleet.fleet)

    async def read(registry: Registry) -> dict[str, set[AccessEntry]]:
        return {path: await access_of(registry, path) for path in await everything(registry)}

    found = fleet.in_register(Role.OPERATOR, read)
    parts = {path.split("/")[3] for path in found if path.count("/") > 2}
    assert parts >= {"live", "agents", "packages", "control", "audit"}
    for path, entries in found.items():
        assert entries == set(acl_for(path, dev=False, credentials=credentials)), path


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.BROKER, "control/epoch"),
        (Role.BROKER, "control/traffic/service.echo"),
        (Role.BROKER, "audit/DAY/1"),
        (Role.AGENT, "audit/DAY/1"),
        (Role.OPERATOR, "audit/DAY/1"),
        (Role.AGENT, "live/host-1"),
        (Role.OPERATOR, "live/host-1"),
        (Role.DEPLOYER, "control/hosts/host-2"),
        (Role.DEPLOYER, "live/host-1"),
        (Role.BROKER, "agents/host-1"),
        (Role.OPERATOR, "packages/service.echo/1.0.0"),
        (Role.BROKER, "packages/service.echo/1.0.0"),
        (Role.AGENT, "packages/service.echo/1.0.0"),
    ],
)
def test_nobody_rewrites_what_is_another_s(fleet: Guarded, role: Role, path: str):
    async def rewrite(registry: Registry) -> None:
        day = max(await registry.children("audit"))  # another test leaves a day long past
        target = path.replace("DAY", day)
        assert await registry.get(target) is not None
        for forbidden in (registry.set(target, b"{}"), registry.delete(target)):
            with pytest.raises(RegisterRefused, match="this credential may not do that"):
                await forbidden

    fleet.in_register(role, rewrite)


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("election/conductor/n-1", {Role.AGENT}),
        ("calls/2026-11-28/093015-x", {Role.AGENT}),
        ("desired/host-1", {Role.AGENT, Role.OPERATOR, Role.DEPLOYER}),
        ("audit/2000-01-01/1", {Role.AGENT, Role.OPERATOR, Role.DEPLOYER}),
        ("something/new", {Role.OPERATOR}),
    ],
)
def test_who_may_make_what(fleet: Guarded, path: str, may: set[Role]):
    """Whoever comes first makes the parents, and shuts nobody out by that."""

    async def make(registry: Registry) -> bool:
        try:
            await registry.create(f"{path}{registry.state.session_id}", b"x", ephemeral=True)
        except RegisterRefused:
            return False
        return True

    assert {role for role in Role if fleet.in_register(role, make)} == may
    assert {role for role in reversed(Role) if fleet.in_register(role, make)} == may


def test_an_agent_leads_with_a_node_of_its_own_and_writes_only_while_it_stands(fleet: Guarded):
    async def lead(registry: Registry) -> None:
        own = f"election/conductor/{registry.state.session_id}"
        await registry.create(own, b"me", ephemeral=True)
        fenced = [Check(own, 0), Create(f"control/hosts/{registry.state.session_id}", b"x")]
        await registry.transact(fenced)
        await registry.delete(f"control/hosts/{registry.state.session_id}")
        await registry.delete(own)
        with pytest.raises(TransactionFailed) as deposed:
            await registry.transact(fenced)
        assert (deposed.value.index, type(deposed.value.reason)) == (0, NoNode)

    fleet.in_register(Role.AGENT, lead)


def test_a_wrong_secret_is_told(fleet: Guarded, tmp_path: Path):
    wrong = private(tmp_path / "wrong", "ab" * 32)
    with fleet.host("host-9", f'secret_file = "{wrong}"') as stranger:
        stranger.until(lambda: "does not open with this secret" in stranger.log, "the agent says so")
        stranger.until(lambda: "does not open with this secret" in broker_log(stranger), "and the broker")
    with pytest.raises(RegisterRefused, match="does not open with this secret; is it this fleet's"):
        fleet.in_register(Role.OPERATOR, decide, secret=b"wrong")


def typed(fleet: Guarded, directory: Path, *arguments: str, **context: str) -> tuple[int, str]:
    """`h2o …` with the context of somebody who reaches ZooKeeper alone: (exit code, what is said)."""
    path = directory / "config.toml"
    path.write_text(fleet.configuration("host-1", run_dir="", **context))
    done = subprocess.run(
        [Path(sys.executable).with_name("h2o"), *arguments],
        env={"PATH": os.environ["PATH"], "H2O_CONFIG": str(path), "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "command", [("settings", "new_versions=share", "-y"), ("weight", "service/echo", "1.0.0=100%", "-y"), ("list",)]
)
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [("", "this credential may not do that"), ("ab" * 32, "does not open with this secret; is it this fleet's?")],
    ids=["without a secret", "with another's"],
)
def test_the_command_line_says_that_it_is_not_let_in_and_what_to_type(
    fleet: Guarded, tmp_path: Path, command: tuple[str, ...], wrong: str, sentence: str
):
    context = {"secret_file": str(private(tmp_path / "wrong", wrong))} if wrong else {}
    code, said = typed(fleet, tmp_path, *command, **context)
    assert code == 4
    assert f"does not let us into fleet {fleet.fleet}: " in said
    assert sentence in said
    assert 'put secret_file = "…" into [contexts.x]' in said


def test_an_operator_with_the_secret_decides(fleet: Guarded, tmp_path: Path):
    context = {"secret_file": str(fleet.secret_file)}
    for value in ("share", "hold"):
        code, said = typed(fleet, tmp_path, "settings", f"new_versions={value}", "-y", "--reason", "test", **context)
        assert code == 0, said


def test_a_host_refuses_a_register_that_everybody_may_write(tmp_path: Path, zookeeper: str, fleet_name: str):
    async def make() -> None:
        registry = Registry(zookeeper, fleet_name, dev=True)
        await registry.start(10)
        await registry.create("live", b"")
        await registry.stop()

    asyncio.run(make())
    with Guarded(tmp_path, zookeeper, fleet_name).host("host-1") as process:
        sentence = f"everybody may write to /h2o/{fleet_name}"
        process.until(lambda: sentence in process.log, "the agent says so")
        process.until(lambda: sentence in broker_log(process), "and the broker")
        assert sentence in process.get("/readyz?verbose").text
        assert not process.ready()


def broker_log(process: AgentProcess) -> str:
    path = process.state_dir / "logs" / "broker.log"
    return path.read_text() if path.exists() else ""


def test_who_is_read_only_plans_and_has_nothing_that_writes(fleet: Guarded):
    context = Context(fleet=fleet.fleet, zookeeper=fleet.zookeeper, secret_file=str(fleet.secret_file))
    planner = Planner(context, AUTHOR, 10.0)
    prepared = planner.prepare(lambda _: Drain(("host-1",), 0.0, 30.0))
    assert prepared.plan.sentence.startswith("drains host-1")
    assert not hasattr(planner, "execute")

    async def tries(registry: Registry) -> list[str]:
        return [name for name in ("transact", "create", "set", "delete") if hasattr(registry, name)]

    assert in_register(context, 10.0, tries, writes=False) == []


def test_and_zookeeper_itself_refuses_what_such_a_session_would_write(fleet: Guarded, monkeypatch: pytest.MonkeyPatch):
    """Without the object that only reads: the session is a broker's, who may not write control."""
    context = Context(fleet=fleet.fleet, zookeeper=fleet.zookeeper, secret_file=str(fleet.secret_file))

    def itself(registry: Registry) -> Registry:
        return registry

    monkeypatch.setattr(register, "Reading", itself)
    edit = Edit("control/hosts/host-2", None, None)

    async def writes(registry: Registry) -> None:
        node = await registry.get(edit.path)
        assert node is not None
        with pytest.raises((RegisterRefused, TransactionFailed)) as refused:
            await changes.apply(registry, [replace(edit, before=node.data)], AUTHOR)
        reason = getattr(refused.value, "reason", refused.value)
        assert isinstance(reason, RegisterRefused)

    in_register(context, 10.0, writes, writes=False)
