"""The fair queue under any order of events, against a plain list that does everything the slow way."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_core.deadlines import BUCKET_SHIFT
from h2o_core.fair_queue import FairQueue
from h2o_core.priorities import Priority

MS = 1_000_000
CALLERS = ("api/website", "orchestration/booking", "operator", "service/report")
FAR = 1 << 62


@dataclass
class Waiting:
    key: int
    caller: str
    priority: Priority
    deadline_ns: int
    overtaken: int = 0
    """By other callers' entries that were taken since its own caller's last turn."""

    def seen_expired(self, now_ns: int) -> bool:
        return ((self.deadline_ns >> BUCKET_SHIFT) + 1) << BUCKET_SHIFT <= now_ns


class FairQueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = FairQueue()
        self.now_ns = 10**9
        self.capacity = 6
        self.serial = 0
        self.waiting: list[Waiting] = []
        """Oldest first."""

    def _of(self, priority: Priority) -> list[Waiting]:
        return [one for one in self.waiting if one.priority is priority]

    def _held(self, caller: str, priority: Priority) -> int:
        return sum(1 for one in self._of(priority) if one.caller == caller)

    def _drop(self, key: int) -> Waiting:
        (one,) = [one for one in self.waiting if one.key == key]
        self.waiting.remove(one)
        return one

    def _check_shed(self, key: int) -> Waiting:
        """*key* was the newest of a caller that held the most, of the lowest priority that there was."""
        victim = next(one for one in self.waiting if one.key == key)
        lowest = max(one.priority for one in self.waiting)
        assert victim.priority is lowest
        most = max(self._held(one.caller, lowest) for one in self._of(lowest))
        assert self._held(victim.caller, lowest) == most
        assert victim is [one for one in self._of(lowest) if one.caller == victim.caller][-1]
        return self._drop(key)

    @rule(
        caller=st.sampled_from(CALLERS),
        priority=st.sampled_from(Priority),
        patience_ms=st.sampled_from([1, 20, 1000]),
    )
    def arrives(self, caller: str, priority: Priority, patience_ms: int) -> None:
        self.serial += 1
        new = Waiting(self.serial, caller, priority, self.now_ns + patience_ms * MS)
        was_full = len(self.waiting) >= self.capacity
        came = self.queue.offer(new.key, caller, priority, new.deadline_ns, self.capacity, self.now_ns)
        assert was_full or (came.placed and not came.expired and came.shed is None)
        gone = {self._drop(key).key for key in came.expired}
        assert not was_full or not any(one.seen_expired(self.now_ns) for one in self.waiting), "expired go first"
        assert all(key < new.key for key in gone)
        full = len(self.waiting) >= self.capacity
        assert came.placed or full
        if came.shed is not None:
            assert full
            assert came.placed, "nobody goes for one that is refused"
            victim = self._check_shed(came.shed)
            better = victim.priority > priority
            assert better or self._held(victim.caller, priority) >= self._held(caller, priority) + 1
        elif not came.placed and len(self.waiting) == self.capacity and self.capacity:
            lowest = max(one.priority for one in self.waiting)
            assert lowest <= priority
            if lowest is priority:
                most = max(self._held(each, priority) for each in CALLERS)
                assert most <= self._held(caller, priority) + 1, "it deserved a place"
        if came.placed:
            self.waiting.append(new)

    @rule()
    def a_slot_comes_free(self) -> None:
        if not self.waiting:
            with pytest.raises(LookupError):
                self.queue.take()
            return
        key = self.queue.take()
        taken = self._drop(key)
        highest = min((one.priority for one in [*self.waiting, taken]), default=taken.priority)
        assert taken.priority is highest
        peers = self._of(taken.priority)
        assert all(one.key > key for one in peers if one.caller == taken.caller), "a caller's oldest first"
        for one in peers:
            one.overtaken = 0 if one.caller == taken.caller else one.overtaken + 1
            assert one.overtaken < len(CALLERS), "each other caller has at most one turn before it"

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), twice=st.booleans())
    def one_ends(self, data: st.DataObject, twice: bool) -> None:
        key = data.draw(st.sampled_from([one.key for one in self.waiting]))
        self._drop(key)
        for _ in range(1 + twice):
            self.queue.discard(key)

    @rule(capacity=st.integers(0, 8))
    def instances_come_and_go(self, capacity: int) -> None:
        self.capacity = capacity
        fits = len(self.waiting) <= capacity
        out = self.queue.shrink(capacity, self.now_ns)
        assert not fits or not out
        for key in out:
            (one,) = [one for one in self.waiting if one.key == key]
            if one.seen_expired(self.now_ns):
                self._drop(key)
            else:
                self._check_shed(key)
        assert fits or len(self.waiting) <= capacity

    @rule()
    def all_go_elsewhere(self) -> None:
        keys = self.queue.drain()
        assert sorted(keys) == [one.key for one in self.waiting]
        self.waiting.clear()

    @rule(passed_ms=st.sampled_from([1, 5, 50]))
    def time_passes(self, passed_ms: int) -> None:
        self.now_ns += passed_ms * MS

    @invariant()
    def nothing_is_lost_and_nothing_is_there_twice(self) -> None:
        assert self.queue.size == len(self.waiting) <= max(self.capacity, 0)
        assert sorted(self.queue) == [one.key for one in self.waiting]
        counts = {each: sum(1 for one in self.waiting if one.caller == each) for each in CALLERS}
        assert self.queue.waiting() == {caller: count for caller, count in counts.items() if count}

    @invariant()
    def what_ended_leaves_nothing_behind(self) -> None:
        if not self.waiting:
            assert not any(line.callers for line in self.queue._lines)
            assert not self.queue._places


FairQueueMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
TestFairQueue = FairQueueMachine.TestCase


def filled(*entries: tuple[str, Priority]) -> FairQueue:
    queue = FairQueue()
    for key, (caller, priority) in enumerate(entries):
        assert queue.offer(key, caller, priority, FAR, len(entries), 0).placed
    return queue


C, N, L = Priority.CRITICAL, Priority.NORMAL, Priority.SHEDDABLE


@pytest.mark.parametrize(
    ("waiting", "arriving", "shed"),
    [
        ([("a", N), ("a", N), ("a", N)], ("b", N), 2),  # the newest of who has more than a fair share
        ([("a", N), ("a", N), ("a", N)], ("a", N), None),  # its own share is the greatest
        ([("a", N), ("a", N), ("b", N)], ("b", N), None),  # 2 and 1 would only become 1 and 2
        ([("a", N), ("b", N), ("c", N)], ("d", N), None),  # one each: whoever was first
        ([("a", L), ("b", N), ("b", N)], ("b", N), 0),  # the lowest priority, also for the greedy
        ([("a", L), ("b", N), ("b", N)], ("c", L), None),  # nothing for the lowest beside its like
        ([("a", N), ("a", N), ("b", N)], ("c", L), None),  # and never anything for a lower one
        ([("a", C), ("a", C), ("a", N)], ("b", C), 2),  # priority before fairness
        ([("a", C), ("a", C), ("a", C)], ("b", N), None),
        ([("a", C), ("a", C), ("a", C)], ("b", C), 2),
    ],
)
def test_who_goes_when_it_is_full(
    waiting: list[tuple[str, Priority]], arriving: tuple[str, Priority], shed: int | None
) -> None:
    came = filled(*waiting).offer(99, *arriving, FAR, len(waiting), 0)
    assert (came.placed, came.shed) == (shed is not None, shed)


def test_what_is_past_its_deadline_goes_before_anybody_else() -> None:
    queue = FairQueue()
    assert queue.offer(1, "a", C, 5 * MS, 2, 0).placed
    assert queue.offer(2, "a", L, FAR, 2, 0).placed
    came = queue.offer(3, "b", L, FAR, 2, 50 * MS)
    assert (came.placed, came.expired, came.shed) == (True, (1,), None)


def test_a_flood_of_one_caller_costs_another_one_place_in_turn() -> None:
    queue = FairQueue()
    for key in range(100):
        queue.offer(key, "flood", N, FAR, 200, 0)
    queue.offer(1000, "quiet", N, FAR, 200, 0)
    queue.offer(1001, "quiet", N, FAR, 200, 0)
    order = queue.drain()
    assert (order.index(1000), order.index(1001)) == (1, 3)


def test_who_comes_back_has_no_debts_and_no_credit() -> None:
    queue = filled(("a", N), ("a", N), ("b", N))
    assert [queue.take(), queue.take()] == [0, 2]
    queue.offer(10, "b", N, FAR, 9, 0)
    queue.offer(11, "c", N, FAR, 9, 0)
    assert queue.drain() == [1, 10, 11]


def test_a_queue_that_is_never_full_keeps_no_empty_buckets() -> None:
    queue = FairQueue()
    for key in range(5000):
        queue.offer(key, "a", N, key * 50 * MS, 10, 0)
        assert queue.take() == key
    assert len(queue._deadlines._buckets) <= 2
