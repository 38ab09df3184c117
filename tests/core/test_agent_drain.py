"""`/drain`: what is safe, what is not and why, in a table of reports."""

from __future__ import annotations

from typing import Any

import pytest

from h2o_agent.conductor.conducting import Conducting
from h2o_agent.views.drain import document
from h2o_core.pb.stats_pb2 import DrainedInstance, DrainReport, HostControlReport, LateSender, LocalCaller
from tests.core.test_agent_views import NOW_S, snapshot

DRAIN = HostControlReport(state="drain", owner="ann", since_s=NOW_S - 10, grace_s=300)
AVOID = HostControlReport(state="avoid", owner="ann", since_s=NOW_S - 10)
AGENT = 77
PROGRAMS = {4711: "python3 website.py"}


def answered(drain: DrainReport | None, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"drain": drain, "control": DRAIN} if drain is not None else {}
    of = snapshot(**{**said, **more})
    assert of.told is not None
    return document(of, of.told, PROGRAMS, AGENT)


def working(in_flight: int = 0, held: int = 0) -> DrainedInstance:
    return DrainedInstance(
        instance="d1a85e68a79bc21f", package="/service/customer", version="2.0.0", in_flight=in_flight, held=held
    )


def client(**more: Any) -> LocalCaller:
    said: dict[str, Any] = {"caller": "operator", "pid": 4711, "asked_age_s": -1.0, **more}
    return LocalCaller(**said)


def package(**more: Any) -> LocalCaller:
    said: dict[str, Any] = {"caller": "/orchestration/booking", "version": "1.0", "instance": "0f3c55aa00112233"}
    said |= {"pid": 99, "asked_age_s": -1.0, **more}
    return LocalCaller(**said)


SAFE: dict[str, DrainReport] = {
    "nothing is there": DrainReport(grace_left_s=299),
    "instances that do nothing": DrainReport(grace_left_s=299, instances=[working()]),
    "work for nobody after the grace": DrainReport(instances=[working(held=2)]),
    "a client that never sent anything": DrainReport(callers=[client()]),
    "a client that was quiet for a while": DrainReport(callers=[client(asked_age_s=5.0)]),
    "an instance that was quiet for a while": DrainReport(callers=[package(asked_age_s=5.0)]),
    "the agent's own stream": DrainReport(callers=[client(pid=AGENT)]),
    "a host that has learnt of it": DrainReport(senders=[LateSender(host="host-7", refused=3, age_s=1.0)]),
}


@pytest.mark.parametrize("drain", SAFE.values(), ids=SAFE.keys())
def test_a_power_off_harms_nothing(drain: DrainReport):
    document = answered(drain)
    assert (document["safe"], document["remains"], document["state"]) == (True, [], "drained")


AT = "instance d1a85e68 of service/customer 2.0.0"
REMAINS: dict[str, tuple[DrainReport, str, str]] = {
    "a request": (
        DrainReport(grace_left_s=281.3, instances=[working(1)]),
        f"{AT} works on 1 request, for 4 min 41 s at most",
        "draining",
    ),
    "requests in the last seconds": (
        DrainReport(grace_left_s=9.2, instances=[working(3)]),
        f"{AT} works on 3 requests, for 9 s at most",
        "draining",
    ),
    "an operator's request after the grace": (
        DrainReport(instances=[working(1)]),
        f"{AT} works on 1 request",
        "draining",
    ),
    "work for nobody": (
        DrainReport(grace_left_s=60, instances=[working(held=2)]),
        f"{AT} still works on 2 requests that nobody waits for any more, for 1 min 0 s at most",
        "draining",
    ),
    "a queue": (DrainReport(queued=2), "2 requests wait for a slot here", "draining"),
    "a client's request": (
        DrainReport(callers=[client(in_flight=2, asked_age_s=60)]),
        "pid 4711 (python3 website.py) has 2 requests under way through this host's broker",
        "drained",
    ),
    "a client that sends": (
        DrainReport(callers=[client(asked_age_s=0.42)]),
        "pid 4711 (python3 website.py) still sends from here, the last request 0.4 s ago; stop it, or send it no users",
        "drained",
    ),
    "a client that nobody knows": (
        DrainReport(callers=[client(pid=0, in_flight=1)]),
        "a local client has 1 request under way through this host's broker",
        "drained",
    ),
    "an instance's request": (
        DrainReport(callers=[package(in_flight=1)]),
        "instance 0f3c55aa of orchestration/booking 1.0 has 1 request under way through this host's broker",
        "drained",
    ),
    "an instance that calls by itself": (
        DrainReport(callers=[package(asked_age_s=2)]),
        "instance 0f3c55aa of orchestration/booking 1.0 calls others by itself, the last request 2.0 s ago; "
        "it ends when the agent is stopped",
        "drained",
    ),
    "a request that the agent makes": (
        DrainReport(callers=[client(pid=AGENT, in_flight=1)]),
        "pid 77 has 1 request under way through this host's broker",
        "drained",
    ),
    "a host that does not know": (
        DrainReport(senders=[LateSender(host="host-7", refused=3, age_s=0.9)]),
        "host-7 still sends requests here, which are refused: it does not know of the drain (yet)",
        "drained",
    ),
}


@pytest.mark.parametrize(("drain", "says", "state"), REMAINS.values(), ids=REMAINS.keys())
def test_what_a_power_off_would_harm_is_said(drain: DrainReport, says: str, state: str):
    document = answered(drain)
    assert (document["safe"], document["remains"], document["state"]) == (False, [says], state)


def test_the_conductor_hands_over_first():
    document = answered(DrainReport(), conducting=Conducting(leading=True, standing="leading"))
    assert document["remains"] == ["this host's agent conducts the fleet; it hands over by itself"]
    assert (document["conductor"], document["safe"]) == (True, False)


@pytest.mark.parametrize(
    ("more", "state", "says"),
    [
        ({}, "in_use", "host-1 is not drained: type h2o drain host-1"),
        (
            {"control": AVOID},
            "avoided",
            "host-1 is avoided, and gets what nobody else can take: type h2o drain host-1",
        ),
    ],
)
def test_a_host_in_use_is_never_safe(more: dict[str, Any], state: str, says: str):
    document = answered(None, **more)
    assert (document["state"], document["safe"], document["remains"]) == (state, False, [says])
    assert (document["since"], document["grace_left_s"], document["in_flight"]) == (None, None, 0)


def test_what_its_broker_can_not_read_is_said():
    document = answered(None, unapplied=["control/hosts/host-1", "control/fleet"])
    assert document["remains"][0].startswith("what was decided about host-1 can't be read by its broker")


def test_what_a_broker_said_a_while_ago_makes_nothing_safe():
    document = answered(DrainReport(), now_s=NOW_S + 3)
    assert (document["safe"], document["remains"]) == (False, ["its broker has not answered for 3 s"])


def test_all_that_is_counted_is_added_up():
    document = answered(DrainReport(instances=[working(1, 2), working(3)], given_up=4, queued=1), epoch=9)
    assert (document["in_flight"], document["queued"], document["given_up"], document["epoch"]) == (4, 1, 4, 9)
    assert document["decided"]["owner"] == "ann"
    assert [(one["in_flight"], one["held"]) for one in document["instances"]] == [(1, 2), (3, 0)]


def test_who_sends_nothing_is_listed_all_the_same():
    document = answered(DrainReport(callers=[client(), client(pid=AGENT), package()]))
    assert [(one["pid"], one["program"], one["sends"], one["last_s"]) for one in document["callers"]] == [
        (4711, "python3 website.py", False, None)
    ]
