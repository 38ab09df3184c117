"""Slots of an instance: never more at once than there are, never one lost, nobody forgotten."""

from __future__ import annotations

from hypothesis import given, strategies as st

from h2o_service.slots import Admission, Slots


def test_full_then_waiting_then_refused() -> None:
    slots = Slots[int](2)
    assert [slots.arrive(job) for job in range(5)] == [
        Admission.START,
        Admission.START,
        Admission.WAIT,
        Admission.WAIT,
        Admission.REFUSE,
    ]
    assert (slots.busy, slots.waiting) == (2, 2)
    assert slots.leave() == 2
    assert slots.leave() == 3
    assert slots.leave() is None
    assert (slots.busy, slots.waiting) == (1, 0)


def test_only_what_waits_can_be_withdrawn() -> None:
    slots = Slots[int](1)
    slots.arrive(1)
    slots.arrive(2)
    assert not slots.withdraw(1)
    assert slots.withdraw(2)
    assert not slots.withdraw(2)
    assert slots.leave() is None


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from(["arrive", "leave", "withdraw"]), st.integers(0, 20))))
def test_every_job_is_somewhere(size: int, steps: list[tuple[str, int]]) -> None:
    slots = Slots[int](size)
    running: list[int] = []
    waiting: list[int] = []
    number = 100
    for what, pick in steps:
        if what == "arrive":
            number += 1
            admission = slots.arrive(number)
            if admission is Admission.START:
                running.append(number)
            elif admission is Admission.WAIT:
                waiting.append(number)
            else:
                assert len(running) == len(waiting) == size
        elif what == "leave" and running:
            running.pop(pick % len(running))
            started = slots.leave()
            if started is not None:
                assert started == waiting.pop(0)
                running.append(started)
        elif what == "withdraw" and waiting:
            assert slots.withdraw(waiting.pop(pick % len(waiting)))
        assert slots.busy == len(running) <= size
        assert slots.waiting == len(waiting)
        assert not (waiting and len(running) < size)
