"""The lifecycle of a host's children: every order of events keeps one process a child, and leaving ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from h2o_agent.lifecycle import (
    KILL_PATIENCE_S,
    TABLE,
    Act,
    Child,
    Event,
    Instruction,
    InvalidTransition,
    Policy,
    State,
    exit_text,
)
from h2o_agent.order import BROKER, HostOrder, Phase

POLICY = Policy(first_backoff_s=0.5, cap_s=4.0, stable_s=60.0, grace_s=10.0)
ALIVE = {State.STARTING, State.RUNNING, State.DRAINING, State.STOPPING, State.RECYCLING}


def started(policy: Policy = POLICY, at_s: float = 0.0) -> Child:
    child = Child("one", policy)
    assert child.handle(Event.START, at_s) == [(Act.SPAWN, "one")]
    child.handle(Event.SPAWNED, at_s, pid=7)
    return child


def die(child: Child, at_s: float, exit_code: int | None = 1) -> list[Instruction]:
    return child.handle(Event.EXITED, at_s, exit_code=exit_code)


def test_the_first_death_is_mended_at_once_and_the_next_ones_after_a_pause_that_doubles_up_to_the_cap():
    child = started()
    assert die(child, 1.0) == [(Act.SPAWN, "one")]
    now_s, pauses = 1.0, list[float]()
    for _ in range(6):
        child.handle(Event.SPAWNED, now_s, pid=8)
        assert die(child, now_s) == []
        assert child.due_s is not None
        pauses.append(child.due_s - now_s)
        assert child.tick(child.due_s - 0.001) == []
        now_s = child.due_s
        assert child.tick(now_s) == [(Act.SPAWN, "one")]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert child.crash_loops
    assert child.restarts == 7


def test_having_lived_long_enough_a_death_is_the_first_again():
    child = started()
    die(child, 1.0)
    child.handle(Event.SPAWNED, 1.0, pid=8)
    assert die(child, 62.0) == [(Act.SPAWN, "one")]
    assert child.failures == 1


def test_an_adopted_process_counts_the_life_it_had_before():
    child = Child("one", POLICY)
    child.handle(Event.ADOPTED, 5.0, pid=7, age_s=100.0)
    child.handle(Event.READY, 5.5)
    child.failures = 5
    assert die(child, 6.0, None) == [(Act.SPAWN, "one")]


def test_what_cannot_be_started_failed_and_is_tried_again_after_the_longest_pause():
    child = Child("one", POLICY)
    child.handle(Event.START, 0.0)
    child.handle(Event.SPAWN_FAILED, 0.0, why="no such command")
    assert (child.state, child.why, child.due_s) == (State.FAILED, "no such command", 4.0)
    assert child.tick(4.0) == [(Act.SPAWN, "one")]


def test_leaving_is_sigterm_then_the_grace_then_sigkill():
    child = started()
    assert child.handle(Event.STOP, 1.0) == [(Act.TERMINATE, "one")]
    assert child.tick(10.9) == []
    assert child.tick(11.0) == [(Act.KILL, "one")]
    assert child.state is State.STOPPING
    assert child.tick(11.0 + KILL_PATIENCE_S) == []
    assert child.over, "a process that SIGKILL does not end must not hold up the rest"


def test_recycling_is_leaving_and_being_started_again_with_the_reason_kept():
    child = started()
    child.handle(Event.READY, 1.0)
    assert child.handle(Event.RECYCLE, 70.0, why="too fat") == [(Act.TERMINATE, "one")]
    assert child.handle(Event.RECYCLE, 71.0, why="again") == []
    assert child.tick(79.9) == []
    assert child.tick(80.0) == [(Act.KILL, "one")]
    assert child.tick(80.0 + KILL_PATIENCE_S) == [(Act.KILL, "one")], "until it ends"
    assert child.handle(Event.EXITED, 86.0, exit_code=-9, why="last words") == [(Act.SPAWN, "one")]
    assert (child.why, child.restarts) == ("too fat", 1)


def test_what_hangs_is_killed_without_a_grace():
    assert started().handle(Event.RECYCLE, 1.0, grace_s=0.0) == [(Act.KILL, "one")]


def test_what_is_recycled_can_still_be_told_to_leave_for_good_and_is_not_told_twice():
    child = started()
    child.handle(Event.RECYCLE, 1.0)
    assert child.handle(Event.STOP, 2.0) == []
    assert die(child, 3.0, 0) == []
    assert child.over


def test_what_is_wanted_changes_and_the_rest_is_not_touched():
    order = HostOrder(["a", "b"], POLICY)
    order.start(0.0)
    order.handle(BROKER, Event.SPAWNED, 0.0, pid=1)
    order.handle(BROKER, Event.READY, 0.0)
    for pid, key in enumerate("ab", 2):
        order.handle(key, Event.SPAWNED, 0.0, pid=pid)
    assert order.want(["b", "c"], 1.0) == [(Act.TERMINATE, "a"), (Act.SPAWN, "c")]
    order.handle("c", Event.SPAWNED, 1.0, pid=4)
    assert order.want(["a", "b", "c"], 2.0) == [], "it has not left yet, and two of it there are never"
    assert order.handle("a", Event.EXITED, 3.0, exit_code=0) == [(Act.SPAWN, "a")]
    order.want(["c"], 4.0)
    assert order.handle("b", Event.EXITED, 5.0, exit_code=0) == []
    assert "b" not in order.children
    assert order.stop(6.0) == [(Act.TERMINATE, "c")]
    assert order.want(["a", "b"], 7.0) == [], "a host that leaves wants nothing"


def test_a_second_stop_hurries_but_never_delays_nor_terminates_twice():
    child = started()
    child.handle(Event.STOP, 1.0)
    assert child.handle(Event.STOP, 2.0, grace_s=0.0) == []
    assert child.due_s == 2.0
    assert child.handle(Event.STOP, 2.0, grace_s=99.0) == []
    assert child.due_s == 2.0


def test_a_process_that_appears_after_stop_is_told_at_once():
    child = Child("one", POLICY)
    child.handle(Event.START, 0.0)
    assert child.handle(Event.STOP, 0.0) == []
    assert child.handle(Event.SPAWNED, 0.1, pid=7) == [(Act.TERMINATE, "one")]
    assert die(child, 0.2, -15) == []
    assert child.over


def test_every_pair_outside_the_table_raises_and_tells_what_led_there():
    for state in State:
        for event in Event:
            if (state, event) in TABLE:
                continue
            child = Child("one", POLICY, state=state)
            child.story.append((0.0, Event.START, state))
            with pytest.raises(InvalidTransition, match=r"before: 0\.000 start"):
                child.handle(event, 1.0)


def test_every_state_has_a_way_out_but_the_last():
    leaves = {state for state, event in TABLE if TABLE[state, event] is not state}
    assert leaves == set(State) - {State.STOPPED}


@pytest.mark.parametrize(
    ("code", "text"), [(1, "exit code 1"), (-9, "signal 9"), (None, "an unknown exit code"), (0, "exit code 0")]
)
def test_exit_text(code: int | None, text: str):
    assert exit_text(code) == text


def test_instances_wait_for_the_broker_and_leave_before_it():
    order = HostOrder(["a", "b"])
    assert order.start(0.0) == [(Act.SPAWN, BROKER)]
    assert order.handle(BROKER, Event.SPAWNED, 0.0, pid=1) == []
    assert order.handle(BROKER, Event.READY, 0.5) == [(Act.SPAWN, "a"), (Act.SPAWN, "b")]
    order.handle("a", Event.SPAWNED, 0.5, pid=2)
    order.handle("b", Event.SPAWNED, 0.5, pid=3)
    assert order.stop(1.0) == [(Act.TERMINATE, "a"), (Act.TERMINATE, "b")]
    assert order.handle("a", Event.EXITED, 1.1, exit_code=0) == []
    assert order.handle("b", Event.EXITED, 1.2, exit_code=0) == [(Act.TERMINATE, BROKER)]
    assert order.phase is Phase.BROKER_LAST
    order.handle(BROKER, Event.EXITED, 1.3, exit_code=0)
    assert order.phase is Phase.GONE
    assert order.next_wakeup() is None


def test_a_host_told_to_leave_before_anything_started_is_gone_at_once():
    order = HostOrder(["a"])
    assert order.stop(0.0) == []
    assert order.phase is Phase.GONE


class HostMachine(RuleBasedStateMachine):
    """A host with processes that start, die, hang and ignore SIGTERM in every order; the machine must keep up."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.order = HostOrder(["a", "b"], POLICY)
        self.alive: dict[str, int] = {}
        self.asked: set[str] = set()
        self.seen: set[str] = set()
        self.terminated: dict[str, float] = {}
        self.next_pid = 100
        self.stopped_at_s: float | None = None
        self.leaving: set[str] = set()
        self.recycled: set[str] = set()

    def obey(self, orders: list[Instruction]) -> None:
        for act, key in orders:
            if act is Act.SPAWN:
                assert key not in self.alive, "doubled"
                assert key not in self.asked, "doubled before it was there"
                assert self.stopped_at_s is None, "started while the host leaves"
                self.asked.add(key)
                first = key not in self.seen and key != BROKER
                assert not (first and self.order.phase is Phase.BROKER_FIRST), "before its broker"
            else:
                assert key in self.alive, "a signal to nobody"
                assert self.stopped_at_s is not None or key in self.recycled | self.leaving
                if self.stopped_at_s is not None and key not in self.recycled and key == BROKER:
                    left = [
                        one for one in self.alive if one in self.order.children and not self.order.children[one].over
                    ]
                    assert set(left) <= {BROKER}, "the broker goes last"
                if act is Act.TERMINATE:
                    assert key not in self.terminated, "SIGTERM twice"
                    self.terminated[key] = self.now_s
        self.orders = orders

    def event(self, key: str, event: Event, **more: Any) -> None:
        self.obey(self.order.handle(key, event, self.now_s, **more))

    @initialize(adopted=st.sets(st.sampled_from([BROKER, "a", "b"])))
    def start(self, adopted: set[str]) -> None:
        for key in sorted(adopted):
            self.next_pid += 1
            self.alive[key] = self.next_pid
            self.seen.add(key)
            self.event(key, Event.ADOPTED, pid=self.next_pid, age_s=3.0)
        self.obey(self.order.start(self.now_s))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), works=st.booleans())
    def spawn(self, data: st.DataObject, works: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard(key)
        if works:
            self.next_pid += 1
            self.alive[key] = self.next_pid
            self.seen.add(key)
            self.event(key, Event.SPAWNED, pid=self.next_pid)
        else:
            self.leaving.discard(key)
            self.event(key, Event.SPAWN_FAILED, why="no such command")

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), ready=st.booleans())
    def report(self, data: st.DataObject, ready: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.alive)))
        self.event(key, Event.READY if ready else Event.UNREADY)

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), code=st.sampled_from([0, 1, -9, None]))
    def die(self, data: st.DataObject, code: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.alive)))
        del self.alive[key]
        self.terminated.pop(key, None)
        self.recycled.discard(key)
        self.leaving.discard(key)
        self.event(key, Event.EXITED, exit_code=code)

    @precondition(lambda self: any(self.order.children[key].state is State.RUNNING for key in self.alive))
    @rule(data=st.data(), grace_s=st.sampled_from([None, 0.0]))
    def recycle(self, data: st.DataObject, grace_s: float | None) -> None:
        running = [key for key in sorted(self.alive) if self.order.children[key].state is State.RUNNING]
        key = data.draw(st.sampled_from(running))
        self.recycled.add(key)
        self.event(key, Event.RECYCLE, why="too fat", grace_s=grace_s)

    @precondition(lambda self: self.stopped_at_s is None)
    @rule(wanted=st.sets(st.sampled_from(["a", "b", "c"])))
    def want(self, wanted: set[str]) -> None:
        self.leaving |= self.order.children.keys() - wanted - {BROKER}
        self.obey(self.order.want(sorted(wanted), self.now_s))

    @rule(pause_s=st.sampled_from([0.01, 0.5, 2.0, 30.0, 100.0]))
    def wait(self, pause_s: float) -> None:
        self.now_s += pause_s
        self.obey(self.order.tick(self.now_s))

    @rule(grace_s=st.sampled_from([None, 0.0]))
    def stop(self, grace_s: float | None) -> None:
        if self.stopped_at_s is None:
            self.stopped_at_s = self.now_s
        self.obey(self.order.stop(self.now_s, grace_s))

    @invariant()
    def every_process_is_known_and_every_known_one_is_there(self) -> None:
        assert self.alive.keys() | self.asked <= self.order.children.keys()
        for key, child in self.order.children.items():
            if key in self.alive:
                # the exception: given up on, because SIGKILL did not end it
                assert child.pid == self.alive[key]
                assert child.state in ALIVE or child.over
            else:
                assert child.pid == 0
                assert child.state is not State.RUNNING

    @invariant()
    def nothing_waits_without_an_alarm(self) -> None:
        for child in self.order.children.values():
            if child.state in {State.BACKOFF, State.FAILED, State.DRAINING, State.STOPPING}:
                assert child.due_s is not None

    def teardown(self) -> None:
        """Whatever happened: a host that is told to leave is gone within the graces, even if nothing obeys."""
        if not self.order.children[BROKER].story and self.order.phase is Phase.BROKER_FIRST:
            return
        self.stop(None)
        for _ in range(12):
            wakeup_s = self.order.next_wakeup()
            if wakeup_s is None:
                break
            self.now_s = max(self.now_s, wakeup_s)
            self.obey(self.order.tick(self.now_s))
        assert self.order.phase is Phase.GONE


TestHostMachine = HostMachine.TestCase
