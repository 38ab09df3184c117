"""What `/drain` is taken for, whatever it says; and how far drains have come, in one line."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from h2o_console.cli.changing import _uninterrupted
from h2o_console.cli.progress import Progress, some
from h2o_console.commands import drained
from h2o_console.commands.drained import HostDrain, far, of_answer, watch
from tests.support.agent_server import AgentServer

SAFE: dict[str, Any] = {"host": "h", "safe": True, "remains": [], "in_flight": 0, "queued": 0, "callers": []}


def test_safe_is_what_says_so_and_nothing_else():
    assert of_answer("h", SAFE) == HostDrain("h", safe=True)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"host": "i"},
        {"safe": "true"},
        {"safe": 1},
        {"safe": None},
        {"safe": False},
        {"remains": ["a request"]},
        {"remains": "none", "safe": False},
        {"host": None},
        {"callers": "x", "in_flight": -1, "grace_left_s": "soon", "safe": 0},
    ],
)
def test_anything_else_is_not_safe_and_says_why(odd: dict[str, Any]):
    answer = SAFE | odd if odd else {}
    found = of_answer("h", answer)
    assert not found.safe
    assert found.remains
    assert all(found.remains)


def test_only_callers_that_still_send_count():
    answer = SAFE | {"safe": False, "in_flight": 3, "callers": [{"sends": True}, {"sends": False}, 7, {}]}
    found = of_answer("h", answer)
    assert (found.in_flight, found.callers) == (3, 1)


def test_it_watches_until_all_are_safe():
    answers = [SAFE | {"safe": False, "remains": ["1 request"], "in_flight": 1}, SAFE]
    with AgentServer({"/drain": lambda: answers.pop(0)}) as agent:
        looks = list(watch(["h"], {"h": agent.address}, lambda _address: "", 60.0))
    assert [[one.safe for one in look] for look in looks] == [[False], [True]]


def test_who_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drained, "_SILENT_S", 0.0)
    (look,) = watch(["h", "i"], {"h": "http://127.0.0.1:1"}, lambda _address: "", 60.0)
    assert [one.heard for one in look] == [False, False]
    assert look[1].remains == ("what runs there is not known: its agent is not in the register",)


def test_it_gives_up_some_time_after_the_grace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drained, "_AFTER_GRACE_S", -60.0)
    with AgentServer({"/drain": SAFE | {"safe": False, "remains": ["pid 7 still sends"]}}) as agent:
        (look,) = watch(["h"], {"h": agent.address}, lambda _address: "", 60.0)
    assert look[0].remains == ("pid 7 still sends",)


BUSY = HostDrain("h", in_flight=12, queued=1, callers=2, grace_left_s=268.0)
CALLED = HostDrain("i", in_flight=2, callers=1)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([BUSY], "h: in flight 12 · queued 1 · local callers 2 · 268 s left"),
        ([HostDrain("h", safe=True)], "h: in flight 0 · queued 0 · local callers 0"),
        ([HostDrain("h", safe=True), CALLED], "i: in flight 2 · queued 0 · local callers 1"),
        ([BUSY, CALLED], "0/2 hosts safe · in flight 14 · local callers 3"),
        ([HostDrain("h", remains=("it is silent",), heard=False)], "h: it is silent"),
    ],
)
def test_how_far_in_one_line(found: list[HostDrain], line: str):
    assert far(found) == line


def test_progress_in_a_pipe_is_seldom_and_never_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    shown = Progress()
    shown.tell("too soon")
    monkeypatch.setattr("h2o_console.cli.progress._EVERY_S", 0.0)
    shown = Progress()
    for said in ("1/2\x1b[31m", "1/2", "2/2"):
        shown.tell(said)
    shown.clear()
    assert capsys.readouterr().err == "1/2\n2/2\n"


def test_names_are_shortened():
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_ctrl_c_while_it_is_written_is_heard_afterwards(capsys: pytest.CaptureFixture[str]):
    with _uninterrupted() as interrupted:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
    assert "it is being written" in capsys.readouterr().err
    with _uninterrupted() as interrupted:
        assert not interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
