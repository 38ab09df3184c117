"""The conductor's election: in every order of events the register lets one write at most, and in the end one leads."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_agent.conductor.election import (
    TABLE,
    Election,
    Event,
    Instruction,
    InvalidTransition,
    Lead,
    Look,
    Remove,
    Stand,
    State,
    Watch,
    Yield,
)
from h2o_core.election import candidates_of, prefix_of


def name(host: str, session: int, number: int) -> str:
    return f"{prefix_of(host, session)}{number:010d}"


def waiting() -> Election:
    """Session 7, second behind the node of session 1."""
    one = Election()
    assert one.connected(7) == [Look(1)]
    assert one.looked(1, []) == [Stand(2)]
    assert one.done(2) == [Look(3)]
    own, before = name("host-2", 7, 5), name("host-1", 1, 4)
    assert one.looked(3, [own, before]) == [Watch(before), Watch(own)]
    return one


def leading() -> tuple[Election, str]:
    one, own = waiting(), name("host-2", 7, 5)
    assert one.gone(name("host-1", 1, 4)) == [Look(4)]
    assert one.looked(4, [own, name("host-3", 9, 6)]) == [Lead(candidates_of([own])[0]), Watch(own)]
    return one, own


def test_who_waits_leads_when_the_one_before_it_is_gone():
    one, own = leading()
    assert one.leading
    assert one.own is not None
    assert (one.own.name, one.own.number) == (own, 5)


def test_the_watch_of_another_node_moves_nobody():
    one = waiting()
    assert one.gone(name("host-9", 3, 2)) == []
    assert one.state is State.WAITING


def test_the_one_before_it_may_be_gone_and_there_are_others_before_that():
    one = waiting()
    one.gone(name("host-1", 1, 4))
    assert one.looked(4, [name("host-0", 2, 1), name("host-2", 7, 5)])[0] == Watch(name("host-0", 2, 1))


def test_without_a_connection_nobody_leads():
    one, own = leading()
    assert one.lost() == [Yield()]
    assert not one.leading
    assert one.connected(7) == [Look(6)]
    assert one.looked(6, [own])[0] == Lead(candidates_of([own])[0]), "the session has lived on: the same term"


def test_a_node_that_somebody_removed_deposes_its_owner():
    one, own = leading()
    assert one.gone(own) == [Yield(), Look(5)]
    assert one.looked(5, [name("host-3", 9, 6)]) == [Stand(6)]


def test_a_node_that_somebody_removes_while_it_waits_is_made_again_behind_the_others():
    one = waiting()
    assert one.gone(name("host-2", 7, 5)) == [Look(4)]
    assert one.looked(4, [name("host-1", 1, 4)]) == [Stand(5)]


def test_a_creation_whose_answer_was_lost_is_found_again():
    one = Election()
    one.connected(7)
    one.looked(1, [])
    one.lost()
    assert one.done(2) == [], "an answer of the old connection"
    one.connected(7)
    assert isinstance(one.looked(4, [name("host-1", 7, 0)])[0], Lead)


def test_what_a_session_has_twice_goes_but_for_the_first():
    one = Election()
    one.connected(7)
    first, second = name("host-1", 7, 0), name("host-1", 7, 3)
    assert one.looked(1, [second, first])[:2] == [Remove(0, (second,)), Lead(candidates_of([first])[0])]


def test_who_withdraws_yields_first_and_is_sure_that_nothing_is_left():
    one, own = leading()
    assert one.withdraw() == [Yield(), Remove(5, (own,))]
    assert one.done(5) == [Look(6)]
    assert one.looked(6, []) == []
    assert one.state is State.OUT
    assert one.withdraw() == []
    assert one.rejoin() == [Look(8)]


def test_withdrawn_while_its_node_is_made_it_is_removed():
    one = Election()
    one.connected(7)
    one.looked(1, [])
    assert one.withdraw() == []
    assert one.done(2) == [Look(3)]
    assert one.looked(3, [name("host-1", 7, 0)]) == [Remove(4, (name("host-1", 7, 0),))]
    assert one.rejoin() == []
    assert one.done(4) == [Look(5)]
    assert one.looked(5, []) == [Stand(6)], "it has changed its mind meanwhile"


def test_who_does_not_stand_makes_no_node():
    one = Election(stands=False)
    one.connected(7)
    assert one.looked(1, [name("host-1", 1, 4)]) == []
    assert one.state is State.OUT


def test_what_fails_is_tried_again_after_a_pause():
    one = Election()
    one.connected(7)
    assert one.failed(1) == [Look(2, paused=True)]
    assert one.failed(1) == []
    one.looked(2, [])
    assert one.failed(3) == [Look(4, paused=True)]


def test_other_names_are_no_candidates():
    names = ["", "x", "host-1@12-0000000001", "a/b@0000000000000001-0000000001", name("host-1", -1, 4)]
    assert [(one.host, one.number, one.session) for one in candidates_of(names)] == [("host-1", 4, (1 << 64) - 1)]


def test_numbers_decide_and_not_names():
    found = candidates_of([name("a", 9, 10), name("b", 1, 9), name("z", 5, 1_000_000_000)])
    assert [one.host for one in found] == ["b", "a", "z"]


@pytest.mark.parametrize(("state", "event"), sorted(set(product(State, Event)) - set(TABLE)))
def test_what_the_table_does_not_have_is_refused_with_its_story(state: State, event: Event):
    one = waiting()
    one.state = state
    with pytest.raises(InvalidTransition, match=f"{event} in state {state}; before: connected → looking"):
        one._step(event)


@dataclass
class Agent:
    """A candidate's shell and what is under way between it and the register."""

    election: Election = field(default_factory=Election)
    session: int = 0
    connected: bool = False
    asked: deque[Look | Stand | Remove] = field(default_factory=deque[Look | Stand | Remove])
    """Not yet at the register, in their order."""
    answers: deque[tuple[Instruction, list[str] | None]] = field(
        default_factory=deque[tuple[Instruction, list[str] | None]]
    )
    """On their way back; of a Look the names."""
    watches: set[str] = field(default_factory=set[str])
    told: list[str] = field(default_factory=list[str])
    """Watches that have fired, and not arrived yet: in any order, and later than any answer."""
    fence: str = ""
    """The node that its transactions check, while it conducts."""


class Elections(RuleBasedStateMachine):
    """Four agents, one register; connections break, sessions expire, processes freeze, hosts are drained."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, int] = {}
        self.number = 0
        self.sessions = 0
        self.alive: set[int] = set()
        self.agents = [Agent() for _ in range(4)]
        self.fences: set[str] = set()
        """Every node that anybody has ever conducted with."""

    # ---- the register

    def execute(self, agent: Agent, instruction: Look | Stand | Remove) -> list[str] | None:
        match instruction:
            case Look():
                return list(self.nodes)
            case Stand():
                host = f"host-{self.agents.index(agent)}"
                self.nodes[name(host, agent.session, self.number)] = agent.session
                self.number += 1
            case Remove(names=names):
                for one in names:
                    self.drop(one)
        return None

    def drop(self, node: str) -> None:
        if self.nodes.pop(node, None) is None:
            return
        for agent in self.agents:
            if node in agent.watches:
                agent.watches.discard(node)
                agent.told.append(node)

    def expire(self, session: int) -> None:
        self.alive.discard(session)
        for node in [node for node, owner in self.nodes.items() if owner == session]:
            self.drop(node)

    # ---- an agent

    def perform(self, agent: Agent, instructions: list[Instruction]) -> None:
        for one in instructions:
            match one:
                case Watch(name=watched):
                    if watched in self.nodes:
                        agent.watches.add(watched)
                    else:
                        agent.told.append(watched)
                case Lead(candidate=candidate):
                    agent.fence = candidate.name
                    self.fences.add(candidate.name)
                case Yield():
                    agent.fence = ""
                case Look() | Stand() | Remove():
                    agent.asked.append(one)

    def cut(self, agent: Agent, executed: int) -> None:
        """The connection breaks; of what was under way the first so many are executed, and nobody hears of it."""
        for one in list(agent.asked)[:executed]:
            self.execute(agent, one)
        agent.connected = False
        agent.asked.clear()
        agent.answers.clear()
        agent.watches.clear()
        agent.told.clear()

    def arrive(self, agent: Agent) -> None:
        one = agent.asked.popleft()
        agent.answers.append((one, self.execute(agent, one)))

    def answer(self, agent: Agent) -> None:
        one, names = agent.answers.popleft()
        match one:
            case Look(serial=serial):
                self.perform(agent, agent.election.looked(serial, names or []))
            case Stand(serial=serial) | Remove(serial=serial):
                self.perform(agent, agent.election.done(serial))
            case _:
                raise AssertionError(one)

    agents_drawn = st.integers(0, 3)

    @rule(at=agents_drawn)
    def connect(self, at: int) -> None:
        agent = self.agents[at]
        if agent.connected:
            return
        if agent.session not in self.alive:
            self.sessions += 1
            agent.session = self.sessions
            self.alive.add(agent.session)
        agent.connected = True
        self.perform(agent, agent.election.connected(agent.session))

    @rule(at=agents_drawn, executed=st.integers(0, 3))
    def lose(self, at: int, executed: int) -> None:
        agent = self.agents[at]
        if agent.connected:
            self.cut(agent, executed)
            self.perform(agent, agent.election.lost())

    @rule(at=agents_drawn, executed=st.integers(0, 3))
    def freeze_until_its_session_is_over(self, at: int, executed: int) -> None:
        """It believes what it believed; only later it hears that the connection is gone."""
        agent = self.agents[at]
        if agent.connected:
            self.cut(agent, executed)
            self.expire(agent.session)

    @rule(at=agents_drawn)
    def continue_after_a_freeze(self, at: int) -> None:
        agent = self.agents[at]
        if not agent.connected:
            self.perform(agent, agent.election.lost())

    @rule(at=agents_drawn)
    def a_session_ends(self, at: int) -> None:
        if not self.agents[at].connected:
            self.expire(self.agents[at].session)

    @rule(at=agents_drawn)
    def a_request_arrives(self, at: int) -> None:
        if self.agents[at].asked:
            self.arrive(self.agents[at])

    @rule(at=agents_drawn)
    def an_answer_arrives(self, at: int) -> None:
        if self.agents[at].answers:
            self.answer(self.agents[at])

    @rule(at=agents_drawn, executed=st.booleans())
    def a_request_fails(self, at: int, executed: bool) -> None:
        """It is refused, or nobody answers in time, and the connection stays."""
        agent = self.agents[at]
        if agent.asked:
            one = agent.asked.popleft()
            if executed:
                self.execute(agent, one)
            self.perform(agent, agent.election.failed(one.serial))

    @rule(at=agents_drawn, which=st.integers(0, 9))
    def a_watch_tells(self, at: int, which: int) -> None:
        agent = self.agents[at]
        if agent.told:
            told = agent.told.pop(which % len(agent.told))
            self.perform(agent, agent.election.gone(told))

    @rule(at=agents_drawn)
    def withdraw(self, at: int) -> None:
        self.perform(self.agents[at], self.agents[at].election.withdraw())

    @rule(at=agents_drawn)
    def rejoin(self, at: int) -> None:
        self.perform(self.agents[at], self.agents[at].election.rejoin())

    @precondition(lambda self: bool(self.nodes))
    @rule(which=st.integers(0, 9))
    def somebody_removes_a_node(self, which: int) -> None:
        self.drop(sorted(self.nodes)[which % len(self.nodes)])

    @rule()
    def quiet(self) -> None:
        """Everybody is connected, and everything arrives: one of those who stand leads, and nobody else has a node."""
        for at, agent in enumerate(self.agents):
            if not agent.connected:
                self.continue_after_a_freeze(at)
                self.connect(at)
        for session in self.alive - {agent.session for agent in self.agents}:
            self.expire(session)
        for _ in range(200):
            for at, agent in enumerate(self.agents):
                while agent.asked:
                    self.arrive(agent)
                while agent.answers:
                    self.answer(agent)
                while agent.told:
                    self.perform(self.agents[at], agent.election.gone(agent.told.pop()))
            if not any(agent.asked or agent.answers or agent.told for agent in self.agents):
                break
        else:
            pytest.fail("it never comes to rest")
        standing = [agent for agent in self.agents if agent.election._stands]
        leaders = [agent for agent in self.agents if agent.election.leading]
        assert len(leaders) == bool(standing)
        assert len(self.nodes) == len(standing), "each has one node, and who does not stand has none"
        for leader in leaders:
            assert leader.fence == candidates_of(self.nodes)[0].name

    @invariant()
    def the_register_lets_one_write_at_most(self) -> None:
        """Whoever conducts or ever did: a transaction with its check passes for one of them alone, the lowest."""
        passing = self.fences & self.nodes.keys()
        assert len(passing) <= 1
        assert all(candidates_of(self.nodes)[0].name == one for one in passing)

    @invariant()
    def who_leads_has_a_fence(self) -> None:
        assert all(bool(agent.fence) == agent.election.leading for agent in self.agents)


TestElections = Elections.TestCase
