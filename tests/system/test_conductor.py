"""Agents elect one conductor, whatever dies; it sees to what is due, once, and one that is deposed writes nothing."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import time
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_agent.conductor import work as work_module
from h2o_agent.conductor.candidacy import Candidacy
from h2o_agent.conductor.duties import HostHealth
from h2o_agent.conductor.work import ORIGIN, NoClock, Surroundings, Work
from h2o_core.audit import Author, Edit, Entry, parse_entry
from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control, parse_host_control
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.io import changes
from h2o_core.io.registry import Check, Registry
from h2o_core.names import dotted
from h2o_core.plan.situation import Decided, Fleet
from h2o_core.times import unix_s
from tests.support.agent_process import ROOT, AgentProcess
from tests.support.broker import eventually_async
from tests.support.control import decide
from tests.support.hosts import SESSION_S, registered
from tests.support.session import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_core.io.changes import Applied

HOSTS = ("host-1", "host-2", "host-3")
COMMAND = json.dumps([sys.executable, "-m", "tests.support.echo_package"])
ECHO = f'[[instance]]\npackage = "/service/echo"\ncommand = {COMMAND}\ncwd = "{ROOT}"\n'
ADA = Author("ada", "test", "disk")
SOON_S = 0.5
PATIENCE_S = 30.0
"""A session's end and an agent's start one after the other, beside others' tests."""


def edit_of(document: HostControl | Traffic) -> Edit:
    """A document that is not there yet."""
    if isinstance(document, HostControl):
        return Edit(f"control/hosts/{document.host}", None, encode_host_control(document))
    return Edit(f"control/traffic/{dotted(document.package)}", None, encode_traffic(document))


def held(host: str, state: HostState, for_s: float = SOON_S) -> HostControl:
    now_s = time.time()
    return HostControl(host, state, "ada", "disk", since_s=now_s, until_s=now_s + for_s)


async def journal(registry: Registry) -> tuple[int, list[Entry]]:
    decided = await changes.read_decided(registry)
    entries: list[Entry] = []
    for day in await registry.children("audit"):
        for name in await registry.children(f"audit/{day}"):
            node = await registry.get(f"audit/{day}/{name}")
            assert node is not None
            entries.append(parse_entry(f"audit/{day}/{name}", node.data))
    return decided.epoch, sorted(entries, key=lambda entry: entry.epoch)


class Agents:
    """Three hosts with a broker and an instance each."""

    def __init__(self, directory: Path, zookeeper: str, fleet: str, stack: ExitStack) -> None:
        self.zookeeper = zookeeper
        self.fleet = fleet
        self.agents: dict[str, AgentProcess] = {}
        secret = directory / "secret"
        secret.write_text("5e" * 32)
        secret.chmod(0o600)
        extra = f'session_timeout_s = {SESSION_S}\nsecret_file = "{secret}"'
        for host in HOSTS:
            (directory / host).mkdir()
            agent = AgentProcess(directory / host, zookeeper, host, fleet, ECHO, extra)
            self.agents[host] = stack.enter_context(agent)
        for agent in self.agents.values():  # six processes start at once
            agent.until(lambda agent=agent: len(agent.ready()) == 1, "it is up", bound_s=PATIENCE_S)

    def until_led(self, *, but: str = "", by: tuple[str, ...] = HOSTS, after: int = -1) -> tuple[str, int]:
        """Wait until all agents *by* name the same conductor, of a term above *after*: host and term."""
        found: list[tuple[str, int]] = []

        def agreed() -> bool:
            said = [self.agents[host].json("/conductor") for host in by]
            names = {(one.get("leader"), one.get("term")) for one in said}
            leading = [one["host"] for one in said if one.get("leading")]
            if len(names) != 1:
                return False
            leader, term = names.pop()
            if leader is None or leader == but or term is None or term <= after or leading != [leader]:
                return False
            found.append((leader, term))
            return True

        self.agents[by[0]].until(agreed, f"{by} agree on who conducts", bound_s=PATIENCE_S)
        return found[-1]

    def others(self, host: str) -> tuple[str, ...]:
        return tuple(one for one in HOSTS if one != host)

    def decide(self, documents: dict[str, bytes | None]) -> None:
        async def work(registry: Registry) -> None:
            await decide(registry, documents)

        registered(self.zookeeper, self.fleet, work)

    def drain(self, host: str) -> None:
        document = encode_host_control(HostControl(host, HostState.DRAIN, owner="ada"))
        self.decide({f"control/hosts/{host}": document})

    def change(self, *documents: HostControl | Traffic) -> Applied:
        """As an operator's program writes them, with an entry in the journal."""
        edits = [edit_of(one) for one in documents]

        return registered(self.zookeeper, self.fleet, lambda registry: changes.apply(registry, edits, ADA))

    def document(self, path: str) -> bytes | None:
        node = registered(self.zookeeper, self.fleet, lambda registry: registry.get(path))
        return None if node is None else node.data

    def held(self) -> list[str]:
        """Hosts that are drained or avoided."""
        return registered(self.zookeeper, self.fleet, lambda registry: registry.children("control/hosts"))

    def journal(self) -> tuple[int, list[Entry]]:
        """The epoch, and all entries by their numbers."""
        return registered(self.zookeeper, self.fleet, journal)


@pytest.fixture
def agents(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[Agents]:
    with ExitStack() as stack:
        yield Agents(tmp_path, zookeeper, fleet_name, stack)


def test_one_conducts_and_all_say_who(agents: Agents):
    leader, term = agents.until_led()
    for host, agent in agents.agents.items():
        said = agent.json("/conductor")
        assert (said["leading"], said["leader"], said["term"]) == (host == leader, leader, term)
        assert said["since"] is not None

        def checked(agent: AgentProcess = agent) -> bool:
            checks = agent.json("/health")["checks"]["control:conductor"]
            return [(one["componentId"], one["status"]) for one in checks] == [(leader, "pass")]

        agent.until(checked, "its health says so, and that all is well with that")


def test_who_leaves_hands_over_while_its_session_lives(agents: Agents):
    leader, term = agents.until_led()
    assert agents.agents[leader].terminate() == 0
    agents.until_led(but=leader, by=agents.others(leader), after=term)


def test_a_killed_one_is_succeeded_when_its_session_is_over(agents: Agents):
    leader, term = agents.until_led()
    agents.agents[leader].kill()
    successor, later = agents.until_led(but=leader, by=agents.others(leader), after=term)
    agents.agents[leader].start()
    assert agents.until_led() == (successor, later), "who comes back waits behind the others"


def test_a_stopped_one_is_succeeded_and_yields_when_it_goes_on(agents: Agents):
    leader, term = agents.until_led()
    process = agents.agents[leader].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    successor, later = agents.until_led(but=leader, by=agents.others(leader), after=term)
    process.send_signal(signal.SIGCONT)
    assert agents.until_led() == (successor, later)


def test_a_drained_host_hands_over_and_stands_again_when_it_is_used_again(agents: Agents):
    leader, term = agents.until_led()
    agents.drain(leader)
    successor, later = agents.until_led(but=leader, after=term)
    agent = agents.agents[leader]
    agent.until(lambda: agent.json("/conductor")["standing"] == "out", "it does not stand")
    assert agent.json("/conductor")["drained"]
    assert agent.json("/drain")["conductor"] is False
    agents.decide({f"control/hosts/{leader}": None})
    agent.until(lambda: agent.json("/conductor")["standing"] == "waiting", "it stands again")
    assert agents.until_led() == (successor, later)


def test_a_host_that_starts_drained_does_not_stand(agents: Agents):
    leader, term = agents.until_led()
    agents.drain(leader)
    agents.until_led(but=leader, after=term)
    agent = agents.agents[leader]
    agent.kill()
    agent.start()
    agent.until(lambda: agent.json("/conductor").get("standing") == "out", "it does not stand")


def test_an_avoid_ends_once_at_its_time_and_the_journal_says_why(agents: Agents):
    leader, _ = agents.until_led()
    control = held("host-2", HostState.AVOID)
    agents.change(control)
    agents.agents[leader].until(lambda: agents.document("control/hosts/host-2") is None, "it is over")
    epoch, entries = agents.journal()
    assert epoch == len(entries) == 2
    ended = entries[1]
    assert (ended.author.actor, ended.author.origin) == (f"conductor@{leader}", ORIGIN)
    assert "host-2 was to be avoided until" in ended.author.reason
    assert ended.author.reason.endswith(", said ada: disk")
    assert ended.at_s >= control.until_s
    assert not ended.forced


def test_a_drain_stays_while_its_host_does_not_answer_and_ends_when_it_does(agents: Agents):
    leader, _ = agents.until_led()
    drained = agents.others(leader)[0]
    process = agents.agents[drained].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    agents.change(held(drained, HostState.DRAIN))
    agent = agents.agents[leader]

    def remarked() -> list[dict[str, str]]:
        return agent.json("/health").get("checks", {}).get("control:drain", [])

    agent.until(remarked, "it is said that it stays", bound_s=PATIENCE_S)
    (remark,) = remarked()
    assert (remark["componentId"], remark["status"], remark["severity"]) == (drained, "warn", "TICKET")
    assert "it stays so" in remark["output"]
    (duty,) = agent.json("/conductor")["duties"]
    assert (duty["duty"], duty["subject"], duty["past"]) == ("drain", drained, True)
    assert duty["stays"] == remark["output"]
    assert agents.document(f"control/hosts/{drained}") is not None
    assert agent.json("/health")["status"] == "pass", "its own host is as well as before"
    process.send_signal(signal.SIGCONT)
    agent.until(lambda: agents.document(f"control/hosts/{drained}") is None, "it is over", bound_s=PATIENCE_S)
    agent.until(lambda: not remarked(), "nothing is left to say")
    epoch, entries = agents.journal()
    assert epoch == len(entries) == 2


def test_weights_are_never_changed_by_their_time_of_review(agents: Agents):
    leader, _ = agents.until_led()
    traffic = Traffic("/service/echo", "1.0", (("1.0", 10_000),), owner="ada", review_s=time.time() + SOON_S)
    agents.change(traffic)
    agent = agents.agents[leader]
    agent.until(lambda: agent.json("/health")["checks"].get("control:review"), "it is said")
    (remark,) = agent.json("/health")["checks"]["control:review"]
    assert (remark["componentId"], remark["severity"]) == ("service/echo", "NOTE")
    assert agents.document("control/traffic/service.echo") == encode_traffic(traffic)
    assert agents.journal()[0] == 1


def test_an_extended_avoid_ends_later(agents: Agents):
    leader, _ = agents.until_led()
    control = held("host-2", HostState.AVOID, for_s=60.0)
    agents.change(control)
    agent = agents.agents[leader]

    def next_due() -> float:
        duties = agent.json("/conductor")["duties"]
        return unix_s(duties[0]["due"]) or 0.0 if duties else 0.0

    agent.until(lambda: abs(next_due() - control.until_s) < 0.01, "it is known")
    sooner = replace(control, until_s=time.time() + SOON_S)
    edit = Edit("control/hosts/host-2", encode_host_control(control), encode_host_control(sooner))
    registered(agents.zookeeper, agents.fleet, lambda registry: changes.apply(registry, [edit], ADA))
    agent.until(lambda: agents.document("control/hosts/host-2") is None, "the new end counts")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("strikes", [3, pytest.param(10, marks=pytest.mark.long)])
def test_killed_and_stopped_at_random_each_time_one_succeeds_and_each_avoid_ends_once(agents: Agents, strikes: int):
    dice = random.Random()
    leader, term = agents.until_led()
    for _ in range(strikes):
        agents.change(held(dice.choice(HOSTS), HostState.AVOID, for_s=dice.uniform(0.2, 2 * SESSION_S)))
        time.sleep(dice.uniform(0.0, SESSION_S))  # at any moment of what it does
        struck, agent = leader, agents.agents[leader]
        process = agent.process
        assert process is not None
        kills = dice.random() < 0.5
        if kills:
            agent.kill()
        else:
            process.send_signal(signal.SIGSTOP)
        _, later = agents.until_led(but=struck, by=agents.others(struck), after=term)
        assert later > term
        if kills:
            agent.start()
        else:
            process.send_signal(signal.SIGCONT)
        leader, term = agents.until_led()
        assert term == later, "one successor, and it stays"
        agent.until(lambda: not agents.held(), "the avoid is over", bound_s=PATIENCE_S)
    epoch, entries = agents.journal()
    assert [entry.epoch for entry in entries] == list(range(1, epoch + 1))
    ends = [entry for entry in entries if entry.author.origin == ORIGIN]
    assert len(ends) == strikes
    for entry in ends:
        (edit,) = entry.edits
        assert edit.before is not None
        assert edit.after is None
        assert parse_host_control(edit.path, edit.before).until_s <= entry.at_s


# ---- one that is deposed, on real ZooKeeper


def session(zookeeper: str, fleet: str) -> AbstractAsyncContextManager[Registry]:
    return opened(Registry(zookeeper, fleet, dev=True, session_timeout_s=SESSION_S))


async def gone(registry: Registry, path: str) -> None:
    """Wait until there is no such node."""
    there = asyncio.Event()
    registry.when_gone(path, there.set)
    async with asyncio.timeout(10):
        await there.wait()


async def answer(_: str) -> HostHealth:
    return HostHealth(healthy=True)


async def nothing() -> None:
    """The clock is known."""


def nobody(_: Decided, __: object) -> Fleet:
    return Fleet()


AROUND = Surroundings(time.time, nothing, answer, nobody)


async def test_a_deposed_one_that_tries_writes_nothing(zookeeper: str, fleet_name: str):
    """Its session lives, and nobody has told it: only the register keeps it from writing."""
    async with session(zookeeper, fleet_name) as registry, session(zookeeper, fleet_name) as other:
        await registry.create("control/epoch", encode_epoch(Epoch()))
        turns: list[str] = []
        candidacy = Candidacy(registry, "host-1", lambda: turns.append("leads"), lambda: turns.append("yields"))
        candidacy.start()
        candidacy.rejoin()
        try:
            await eventually_async(lambda: candidacy.leading, "it leads")
            fence = candidacy.fence()
            (check,) = fence
            assert isinstance(check, Check)
            await other.delete(check.path)
            await changes.apply(other, [edit_of(held("host-2", HostState.AVOID, for_s=0.01))], ADA)
            with pytest.raises(changes.FencedOff):
                async with asyncio.timeout(10):
                    await Work(registry, "host-1", AROUND, lambda: fence).run()
            epoch, entries = await journal(other)
            assert epoch == len(entries) == 1, "the avoid alone"
            assert await other.get("control/hosts/host-2") is not None
            await eventually_async(lambda: turns == ["leads", "yields", "leads"], "it has been told, and leads anew")
            work = asyncio.create_task(Work(registry, "host-1", AROUND, candidacy.fence).run())
            await gone(other, "control/hosts/host-2")
            work.cancel()
            assert (await journal(other))[0] == 2
        finally:
            candidacy.close()


async def test_one_without_the_register_s_time_does_nothing_and_lets_others_try(
    zookeeper: str, fleet_name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(work_module, "TIMELESS_S", 0.2)
    monkeypatch.setattr(work_module, "RETRY_S", 0.05)
    async with session(zookeeper, fleet_name) as registry:
        await registry.create("control/epoch", encode_epoch(Epoch()))
        await changes.apply(registry, [edit_of(held("host-2", HostState.AVOID, for_s=0.01))], ADA)
        work = Work(registry, "host-1", replace(AROUND, register_s=lambda: None), list)
        with pytest.raises(NoClock, match="the register's time is not known"):
            async with asyncio.timeout(10):
                await work.run()
        assert (await journal(registry))[0] == 1


async def test_what_its_writer_s_slow_clock_said_does_not_end_early(zookeeper: str, fleet_name: str):
    """An operator whose clock is 3 s behind avoids a host for 1 s: that is 2 s ago by the register's clock."""
    async with session(zookeeper, fleet_name) as registry:
        await registry.create("control/epoch", encode_epoch(Epoch()))
        behind = pytest.MonkeyPatch()
        behind.setattr(changes, "unix_s", lambda: time.time() - 3.0)
        now_s = time.time() - 3.0
        control = HostControl("host-2", HostState.AVOID, "ada", since_s=now_s, until_s=now_s + 1.0)
        written_s = time.time()
        await changes.apply(registry, [edit_of(control)], ADA)
        behind.undo()
        work = asyncio.create_task(Work(registry, "host-1", AROUND, list).run())
        try:
            await gone(registry, "control/hosts/host-2")
            assert time.time() - written_s >= 0.99
        finally:
            work.cancel()
