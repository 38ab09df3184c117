"""The table of deadlines: nothing due is missed, nothing is said twice, whatever the order."""

from __future__ import annotations

from hypothesis import given, strategies as st

from h2o_core.io.deadlines import COARSE_NS, Deadlines

MS = 1_000_000


def test_it_wakes_for_the_first_deadline() -> None:
    table = Deadlines()
    assert table.next_wakeup_ns() is None
    assert table.add(1, 50 * MS)
    assert not table.add(2, 60 * MS)
    assert table.add(3, 40 * MS)
    assert table.next_wakeup_ns() == 40 * MS
    assert table.sweep(39 * MS) == []
    assert table.sweep(50 * MS) == [3, 1]
    assert table.next_wakeup_ns() == 60 * MS


def test_what_is_done_is_never_due() -> None:
    table = Deadlines()
    table.add(1, 5 * MS)
    table.discard(1)
    table.discard(7)
    assert table.sweep(9 * MS) == []
    assert table.next_wakeup_ns() is None
    assert len(table) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "discard", "sweep"]), st.integers(0, 30), st.integers(0, 2_000 * MS)),
        max_size=60,
    )
)
def test_against_a_plain_dictionary(steps: list[tuple[str, int, int]]) -> None:
    table, model = Deadlines(), dict[int, int]()
    now_ns = 0
    for what, key, amount_ns in steps:
        if what == "add":
            if key in model:
                continue  # correlations in flight are unique
            model[key] = now_ns + amount_ns
            table.add(key, now_ns + amount_ns)
        elif what == "discard":
            model.pop(key, None)
            table.discard(key)
        else:
            # like the timer: the clock moves on, but a wake-up is taken when it is due
            wakeup_ns = table.next_wakeup_ns()
            now_ns = now_ns + amount_ns if wakeup_ns is None else max(now_ns, min(now_ns + amount_ns, wakeup_ns))
            due = table.sweep(now_ns)
            assert set(due) == set(due) & {each for each, at_ns in model.items() if at_ns <= now_ns}
            overdue = {each for each, at_ns in model.items() if at_ns <= now_ns - COARSE_NS}
            assert overdue <= set(due)
            for each in due:
                del model[each]
        assert len(table) == len(model)
        wakeup_ns = table.next_wakeup_ns()
        if model:
            assert wakeup_ns is not None
            assert wakeup_ns <= max(min(model.values()), now_ns) + COARSE_NS
