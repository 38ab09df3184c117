"""The register by an agent: the same answers and errors as from ZooKeeper, and changes whose author is verified."""

from __future__ import annotations

import asyncio
import os
import pwd
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.asking.agent import ask
from h2o_console.asking.register import NoRegister
from h2o_console.asking.register_by_agent import RegisterByAgent
from h2o_console.cli.picture import Fleet
from h2o_console.cli.triage_control import ControlReader
from h2o_console.commands import noting
from h2o_core.access import Role, read_token
from h2o_core.audit import Author, Edit, encode_entry, parse_entry
from h2o_core.context import Context
from h2o_core.control.epoch import Epoch, encode_epoch, parse_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.documents import InvalidDocument
from h2o_core.insights.finding import Key, Kind, Subject
from h2o_core.insights.notes import Note, Says, parse_notes
from h2o_core.io import changes
from h2o_core.io.clock import unix_s
from h2o_core.io.commit import audit_path
from h2o_core.io.decided import read_standing
from h2o_core.io.noting import write_note
from h2o_core.io.registry import (
    Create,
    NoNode,
    RegisterRefused,
    RegisterUnavailable,
    Registry,
    Set,
    TransactionFailed,
    VersionConflict,
)
from tests.support.guarded import Guarded, guarded, private
from tests.system.test_access import typed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from h2o_core.audit import Entry

ALICE = "a1" * 32
AUTHOR = Author("bob@laptop", "a test", "because")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, zookeeper: str) -> Iterator[Guarded]:
    directory = tmp_path_factory.mktemp("by-agent")
    writers = private(directory / "writers", f"alice {ALICE}\n{'b2' * 32}\n")
    extra = f'write_token_file = "{writers}"\n'
    with guarded(directory, zookeeper, f"test-{os.urandom(6).hex()}", 1, extra) as made:
        yield made


@pytest.fixture
async def by_agent(fleet: Guarded) -> RegisterByAgent:
    register = RegisterByAgent(f"unix:{fleet.hosts['host-1'].run_dir}/agent.sock", "", 10)
    await register.start()
    return register


@pytest.fixture
async def direct(fleet: Guarded) -> AsyncIterator[Registry]:
    registry = Registry(fleet.zookeeper, fleet.fleet, dev=False, role=Role.OPERATOR, secret=fleet.secret)
    await registry.start(10)
    yield registry
    await registry.stop()


def avoid(host: str) -> Edit:
    data = encode_host_control(HostControl(host, HostState.AVOID, "bob@laptop", "because"))
    return Edit(f"control/hosts/{host}", None, data)


async def entry_of(registry: Registry, applied: changes.Applied) -> Entry:
    (day,) = await registry.children("audit")
    node = await registry.get(f"audit/{day}/{applied.epoch}")
    assert node is not None
    return parse_entry(f"audit/{day}/{applied.epoch}", node.data)


async def test_both_ways_tell_the_same(by_agent: RegisterByAgent, direct: Registry):
    assert by_agent.paths == direct.paths
    paths = ["control/epoch", "control/fleet", direct.paths.live("host-1"), "control/hosts/nobody", "nothing/there"]
    for path in paths:
        assert await by_agent.get(path) == await direct.get(path), path
    many = await asyncio.gather(*(by_agent.get("control/epoch") for _ in range(200)))
    assert set(many) == {await direct.get("control/epoch")}
    for parent in ("control", direct.paths.packages, "live"):
        assert await by_agent.children(parent) == await direct.children(parent)
    with pytest.raises(NoNode):
        await by_agent.children("nothing/there")
    assert await read_standing(by_agent) == await read_standing(direct)  # pyright: ignore[reportArgumentType] - see in_register


async def test_who_changes_control_on_the_unix_socket_is_verified(by_agent: RegisterByAgent, direct: Registry):
    applied = await changes.apply(by_agent, [avoid("host-6")], AUTHOR)  # pyright: ignore[reportArgumentType] - as above
    author = (await entry_of(direct, applied)).author
    assert author == Author(f"{pwd.getpwuid(os.getuid()).pw_name}@host-1", "a test, as bob@laptop", "because", True)
    assert (await read_standing(direct)).decided.hosts["host-6"].state is HostState.AVOID


@pytest.mark.parametrize(("token", "actor", "verified"), [(ALICE, "alice", True), ("b2" * 32, "bob@laptop", False)])
async def test_by_token_it_is_by_its_name(fleet: Guarded, direct: Registry, token: str, actor: str, verified: bool):
    register: Any = RegisterByAgent(fleet.url("host-1"), token, 10, fleet.fleet)
    await register.start()
    applied = await changes.apply(register, [avoid(f"host-{token[:2]}")], AUTHOR)
    author = (await entry_of(direct, applied)).author
    assert (author.actor, author.verified) == (actor, verified)


async def test_whoever_is_slower_is_told(by_agent: RegisterByAgent, direct: Registry):
    register: Any = by_agent
    edits = [avoid(f"host-{at}") for at in range(20, 28)]
    before = (await read_standing(direct)).epoch.epoch
    found = await asyncio.gather(
        *(changes.apply(register if at % 2 else direct, [edit], AUTHOR) for at, edit in enumerate(edits)),
        return_exceptions=True,
    )
    applied = [one for one in found if isinstance(one, changes.Applied)]
    assert all(isinstance(one, changes.Applied | changes.StaleChange) for one in found), found
    node = await direct.get("control/epoch")
    assert node is not None
    assert parse_epoch("control/epoch", node.data).epoch == before + len(applied)
    with pytest.raises(changes.StaleChange, match="was changed by change"):
        await changes.apply(register, [avoid(f"host-{20 + found.index(applied[0])}")], AUTHOR)
    entry = await entry_of(direct, applied[0])
    with pytest.raises(TransactionFailed) as failed:
        await register.transact(_as_written(entry, node.version - 1))
    assert isinstance(failed.value.reason, VersionConflict)
    assert failed.value.index == 0


def _as_written(entry: Entry, version: int) -> list[Any]:
    epoch = Set("control/epoch", encode_epoch(Epoch(entry.epoch, entry.change_id)), version)
    documents = [Create(edit.path, edit.after or b"") for edit in entry.edits]
    return [epoch, *documents, Create(audit_path(entry), encode_entry(entry))]


async def test_nothing_else_is_written(by_agent: RegisterByAgent):
    for operations in ([Create("live/host-9", b"{}")], [Set("control/epoch", b"{}", 0)] * 3):
        with pytest.raises(RegisterRefused):
            await by_agent.transact(operations)
    with pytest.raises(RegisterRefused, match="control changes alone"):
        await by_agent.create("control/x", b"x")


@pytest.mark.parametrize("path", ["../other", "/h2o/other/control", "control//epoch", "control/", "a" * 300, "x\x00y"])
async def test_what_is_no_path_is_no_question(by_agent: RegisterByAgent, path: str):
    with pytest.raises(RegisterRefused, match=r"is no path below|not a printable text"):
        await by_agent.get(path)


async def test_readers_and_strangers_are_kept_out(fleet: Guarded):
    for token, sentence in (("", "needs the write token"), ("no" * 20, "no write token")):
        with pytest.raises(RegisterRefused, match=sentence):
            await RegisterByAgent(fleet.url("host-1"), token, 10).start()
    with pytest.raises(RegisterRefused, match="belongs to fleet"):
        await RegisterByAgent(fleet.url("host-1"), ALICE, 10, "another").start()
    with pytest.raises(RegisterUnavailable, match="no agent answers"):
        await RegisterByAgent("http://127.0.0.1:1", ALICE, 10).start()


def test_a_laptop_decides_without_a_way_to_zookeeper(fleet: Guarded, tmp_path: Path):
    token = str(private(tmp_path / "alice", f"alice {ALICE}\n"))
    context = {"zookeeper": "", "agent": fleet.url("host-1"), "write_token_file": token}
    assert typed(fleet, tmp_path, "experiment", "status", **context) == (
        0,
        "no experiment runs\n  begin one: h2o experiment start PACKAGE VERSION=10%\n",
    )
    for value in ("share", "hold"):
        code, said = typed(fleet, tmp_path, "settings", f"new_versions={value}", "-y", "--reason", "test", **context)
        assert code == 0, said
    code, said = typed(fleet, tmp_path, "weight", "service/echo", "1.0.0=100%", "-y", "--reason", "test", **context)
    assert code == 0, said

    async def authors(registry: Registry) -> set[tuple[str, bool]]:
        (day,) = await registry.children("audit")
        newest = sorted(map(int, await registry.children(f"audit/{day}")))[-3:]
        found = [await entry_of(registry, changes.Applied(epoch, "")) for epoch in newest]
        return {(entry.author.actor, entry.author.verified) for entry in found}

    assert fleet.in_register(Role.OPERATOR, authors) == {("alice", True)}


FAILS = Key(Kind.FAILING, Subject("/service/echo", host="host-1"))


async def notes_of(registry: Registry) -> tuple[Note, ...]:
    node = await registry.get(registry.paths.notes)
    return () if node is None else parse_notes("notes", node.data)


async def test_notes_are_the_same_by_both_ways_and_the_agent_says_whose(
    fleet: Guarded, by_agent: RegisterByAgent, direct: Registry
):
    me = f"{pwd.getpwuid(os.getuid()).pw_name}@host-1"
    now_s = unix_s()
    muted = Note(*FAILS, Says.MUTED, "bob@laptop", now_s, now_s + 60, "INC-7")
    written = await by_agent.note(muted)
    assert written == replace(muted, owner=me)
    (found,) = await notes_of(direct)
    assert replace(found, at_s=now_s) == written
    acknowledged = replace(muted, says=Says.ACKNOWLEDGED)
    await write_note(direct, acknowledged, now_s)
    by_token = RegisterByAgent(fleet.url("host-1"), ALICE, 10, fleet.fleet)
    await by_token.start()
    assert (await by_token.note(replace(muted, until_s=now_s + 90))).owner == "alice"
    assert [(one.says, one.owner) for one in await notes_of(direct)] == [
        (Says.ACKNOWLEDGED, "bob@laptop"),
        (Says.MUTED, "alice"),
    ]
    await by_token.note(replace(muted, until_s=0.0))
    await write_note(direct, replace(acknowledged, until_s=0.0), now_s)
    assert await notes_of(direct) == ()


async def test_what_is_no_note_is_refused_by_the_agent(by_agent: RegisterByAgent, direct: Registry):
    now_s = unix_s()
    good = Note(*FAILS, Says.MUTED, "bob@laptop", now_s, now_s + 60)
    wrong = {
        "within 30 days": replace(good, until_s=now_s - 1),
        "package is": replace(good, subject=Subject("a\nb")),
        "reason is": replace(good, reason="x" * 2000),
    }
    for sentence, note in wrong.items():
        with pytest.raises(RegisterRefused, match=sentence):
            await by_agent.note(note)
    assert await notes_of(direct) == ()


async def test_who_writes_at_the_same_moment_takes_nobody_s_note_away(by_agent: RegisterByAgent, direct: Registry):
    now_s = unix_s()
    notes = [Note(Kind.HOST, Subject(host=f"host-{at}"), Says.MUTED, "eva", now_s, now_s + 60) for at in range(5)]
    await asyncio.gather(
        *(by_agent.note(one) if at % 2 else write_note(direct, one, now_s) for at, one in enumerate(notes))
    )
    assert {one.key for one in await notes_of(direct)} == {one.key for one in notes}
    for one in notes:
        await write_note(direct, replace(one, until_s=0.0), now_s)


@pytest.mark.parametrize("damage", [b"{", b"[]"])
async def test_a_damaged_node_is_written_over_only_when_that_is_meant_and_a_copy_is_kept(
    by_agent: RegisterByAgent, direct: Registry, damage: bytes
):
    note = Note(*FAILS, Says.MUTED, "eva", unix_s(), unix_s() + 60)
    await write_note(direct, note, note.at_s)
    await direct.set("notes", damage)
    with pytest.raises(InvalidDocument, match="h2o triage ack ID --anew"):
        await write_note(direct, note, note.at_s)
    with pytest.raises(RegisterRefused, match="h2o triage ack ID --anew"):
        await by_agent.note(note)
    for write in (by_agent.note(note, anew=True), write_note(direct, note, note.at_s, anew=True)):
        await direct.set("notes", damage)
        await write
        assert [one.key for one in await notes_of(direct)] == [note.key]
    kept = [await direct.get(f"notes/{name}") for name in await direct.children("notes")]
    assert sum(node is not None and node.data == damage for node in kept) == 1
    await write_note(direct, replace(note, until_s=0.0), note.at_s, anew=True)
    assert await notes_of(direct) == ()


def test_a_laptop_says_that_somebody_looks_after_it(fleet: Guarded, tmp_path: Path):
    token = str(private(tmp_path / "alice", f"alice {ALICE}\n"))
    laptop = Context(fleet=fleet.fleet, agent=fleet.url("host-1"), write_token_file=token)
    desk = Context(fleet=fleet.fleet, zookeeper=fleet.zookeeper, secret_file=str(fleet.secret_file))
    author = Author("bob@laptop", "a test", "INC-7")
    said = noting.acknowledge(laptop, author, FAILS, 10)
    muted = noting.mute(desk, author, FAILS, unix_s() + 60, 10)
    assert (said.owner, said.reason, muted.owner) == ("alice", "INC-7", "bob@laptop")
    found = fleet.in_register(Role.AGENT, notes_of)
    assert [(one.says, one.owner) for one in found] == [(Says.ACKNOWLEDGED, "alice"), (Says.MUTED, "bob@laptop")]
    kept = ask(fleet.url("host-1"), "/control", 10, read_token(fleet.secret, fleet.fleet))
    assert parse_notes("notes", kept["notes"].encode("latin-1")) == found
    noting.take_back(desk, author, FAILS, Says.ACKNOWLEDGED, 10)
    noting.take_back(laptop, author, FAILS, Says.MUTED, 10)
    assert fleet.in_register(Role.AGENT, notes_of) == ()
    with pytest.raises(InvalidDocument, match="within 30 days"):
        noting.mute(laptop, author, FAILS, 5.0, 10)
    fleet.in_register(Role.OPERATOR, lambda registry: registry.set("notes", b"{"))
    for way in (laptop, desk):
        with pytest.raises((noting.NotNoted, InvalidDocument), match=r"not JSON.*--anew"):
            noting.acknowledge(way, author, FAILS, 10)
    remarks: list[str] = []
    decided = ControlReader(Fleet(desk, 10, say=lambda *said: remarks.extend(said))).read()
    assert decided.control is not None, "what is decided is known although the notes are not"
    assert [one for one in remarks if "--anew" in one]
    assert noting.acknowledge(laptop, author, FAILS, 10, anew=True).owner == "alice"
    noting.take_back(desk, author, FAILS, Says.ACKNOWLEDGED, 10)
    with pytest.raises(NoRegister, match="needs the write token"):
        noting.mute(Context(fleet=fleet.fleet, agent=fleet.url("host-1")), author, FAILS, unix_s() + 60, 10)
