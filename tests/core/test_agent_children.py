"""`/children/<child>`: which one is meant, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from h2o_agent.lifecycle import State
from h2o_agent.views.children import Ambiguous, detail, find
from tests.core.test_agent_views import BROKER, DEAD, NOW_S, child, reported, snapshot

ONE, TWO = child("service.customer-1", token="t1"), child("service.customer-2", token="t2")
OF = snapshot(
    reported("aa11", launch="t1"), reported("aa22", launch="t2"), reported("ff", launch=""), children=(ONE, TWO)
)


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ("service.customer-1", ONE),
        ("broker", BROKER),
        ("aa11", ONE),
        ("aa2", TWO),
        ("ff", None),
        ("service.customer", None),
        ("", None),
    ],
)
def test_it_goes_by_key_or_by_an_instances_id(which: str, found: object):
    assert find(OF, which) == found


def test_the_beginning_of_several_ids_is_refused():
    with pytest.raises(Ambiguous, match="aa begins 2 instance ids: aa11, aa22"):
        find(OF, "aa")


def test_a_whole_id_is_no_beginning_of_another():
    of = snapshot(reported("aa", launch="t1"), reported("aa22", launch="t2"), children=(ONE, TWO))
    assert find(of, "aa") == ONE


def test_while_the_broker_is_down_a_key_still_works():
    of = replace(OF, broker=None)
    assert find(of, "aa11") is None
    assert find(of, "service.customer-1") == ONE
    assert detail(of, ONE)["instance"] is None


def test_a_dead_one_says_how_it_ended_and_when_it_is_tried_again():
    dead = replace(DEAD, crash_loops=True, last_exit=-9, last_exit_s=NOW_S, last_lines=("bad \x1b[31m luck",))
    said = detail(OF, dead)
    assert (said["state"], said["pid"], said["due_in_s"], said["cpu_pct"]) == ("backoff", None, 3.2, None)
    assert said["why"].startswith("crash loop: signal 9, 4 times in a row")
    assert (said["last_exit"]["code"], said["last_exit"]["signal"]) == (None, 9)
    assert said["last_exit"]["lines"] == ["bad \x1b[31m luck"]


def test_one_that_died_while_nobody_looked_says_so():
    said = detail(OF, child(state=State.WAITING, pid=0, exited=True, last_exit=None))["last_exit"]
    assert (said["code"], said["signal"], said["text"], said["time"]) == (None, None, "an unknown exit code", None)


def test_one_that_lives_has_its_instance():
    said = detail(OF, ONE)
    assert (said["instance"]["id"], said["instance"]["version"], said["last_exit"]) == ("aa11", "1.0", None)
