"""Who gets a connection when there are many, and who goes for it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_agent.http.doors import FEWEST, LOCAL, MOST, Doing, Doors, most_for, whose


def crowded(doors: Doors, address: str, count: int, doing: Doing = Doing.ASKING) -> list[str]:
    """*count* more of *address*, each admitted without anybody's going."""
    names = [f"{address}/{doing.name}/{at}" for at in range(count)]
    for name in names:
        assert doors.enter(name, address) == (True, None)
        doors.turns(name, doing)
    return names


def test_below_the_bounds_nobody_goes():
    doors = Doors(4, 2)
    for address in ("a", "b", LOCAL):
        crowded(doors, address, 2)
    assert len(doors) == 6


def test_an_address_at_its_bound_gives_up_who_has_waited_longest_then_who_is_idle_and_never_who_is_answered():
    doors = Doors(100, 4)
    (answered,) = crowded(doors, "a", 1, Doing.ANSWERED)
    (idle,) = crowded(doors, "a", 1, Doing.IDLE)
    first, second = crowded(doors, "a", 2)
    doors.turns(second, Doing.ASKING)  # the same again is no new wait
    going = [doors.enter(f"new-{at}", "a") for at in range(2)]
    assert going == [(True, first), (True, second)]
    for name in ("new-0", "new-1"):
        doors.turns(name, Doing.ANSWERED)
    assert doors.enter("new-2", "a") == (True, idle)
    doors.turns("new-2", Doing.ANSWERED)
    assert doors.enter("new-3", "a") == (False, None)
    doors.turns(answered, Doing.IDLE)
    assert doors.enter("new-4", "a") == (True, answered)
    assert len(doors) == 4


def test_when_all_is_full_the_largest_crowd_makes_room():
    doors = Doors(6, 4)
    (small,) = crowded(doors, "small", 1)
    large = crowded(doors, "large", 4)
    crowded(doors, "other", 1)
    assert doors.enter("new", "newcomer") == (True, large[0])
    assert small not in {doors.enter(f"new-{at}", f"newcomer-{at}")[1] for at in range(2)}


def test_a_crowd_that_is_all_being_answered_makes_no_room():
    doors = Doors(4, 3)
    crowded(doors, "busy", 3, Doing.ANSWERED)
    (small,) = crowded(doors, "small", 1, Doing.IDLE)
    assert doors.enter("new", "newcomer") == (True, small)
    doors.turns("new", Doing.ANSWERED)
    assert doors.enter("late", "another") == (False, None)


def test_the_unix_socket_is_counted_alone():
    doors = Doors(4, 3)
    crowded(doors, "a", 3, Doing.ANSWERED)
    crowded(doors, "b", 1, Doing.ANSWERED)
    here = crowded(doors, LOCAL, 3)
    assert doors.enter("here", LOCAL) == (True, here[0])
    assert doors.enter("there", "c") == (False, None)


def test_who_has_gone_is_forgotten_and_may_be_told_of_again():
    doors = Doors(2, 1)
    (one,) = crowded(doors, "a", 1)
    assert doors.enter("two", "a") == (True, one)
    doors.turns(one, Doing.ANSWERED)
    doors.leave(one)
    doors.leave(one)
    doors.leave("two")
    assert len(doors) == 0
    crowded(doors, "a", 1)


@pytest.mark.parametrize(("descriptors", "most"), [(0, FEWEST), (64, 32), (256, 128), (1024, MOST), (1 << 20, MOST)])
def test_half_of_the_descriptors_are_for_connections(descriptors: int, most: int):
    assert most_for(descriptors) == most


def test_an_ipv6_network_is_one_address():
    assert whose("2001:db8:1:2::7") == whose("2001:db8:1:2:ffff::8%eth0") != whose("2001:db8:1:3::7")
    assert whose("::ffff:10.0.0.7") == whose("10.0.0.7") == "10.0.0.7"


STEP = st.tuples(
    st.sampled_from(["enter", "turns", "leave"]), st.sampled_from(["a", "b", "c", LOCAL]), st.integers(0, 9)
)


@given(st.lists(st.tuples(STEP, st.sampled_from(list(Doing))), max_size=120))
def test_whatever_happens_the_bounds_hold_and_nobody_is_shut_out_by_who_waits(
    steps: list[tuple[tuple[str, str, int], Doing]],
):
    doors, there = Doors(5, 3), dict[str, tuple[str, Doing]]()
    for at, ((what, address, which), doing) in enumerate(steps):
        some = sorted(there)[which % len(there)] if there else ""
        if what == "enter":
            crowd = [does for whose, does in there.values() if whose == address]
            tcp = [does for whose, does in there.values() if whose != LOCAL]
            competing = crowd if len(crowd) >= 3 else tcp if address != LOCAL and len(tcp) >= 5 else []
            let_in, going = doors.enter(f"{at}", address)
            assert let_in is (not competing or any(does is not Doing.ANSWERED for does in competing))
            assert (going is not None) is (let_in and bool(competing))
            if going is not None:
                went = there.pop(str(going))[1]
                assert went is min(crowd) if competing is crowd else went is not Doing.ANSWERED
            if let_in:
                there[f"{at}"] = (address, Doing.ASKING)
        elif what == "turns" and some:
            doors.turns(some, doing)
            there[some] = (there[some][0], doing)
        elif some:
            doors.leave(some)
            del there[some]
        assert len(doors) == len(there)
