"""Drains on a real fleet: work that finishes or is given up, brokers that restart meanwhile, a host that is sick."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.control.deciding import decide_host
from bench.control.rounds import drain as drain_round, poweroff as poweroff_round
from bench.faults.stage import BOOK, LOOK, Stage, broker_endpoint, report, seen
from h2o_console.commands.applied import wait_for_all
from h2o_console.dev.plan import HostPlan
from h2o_core.audit import Author, Edit
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.io import changes
from tests.counting.client import Load
from tests.counting.wire import CODES
from tests.support.hosts import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.control.round import Round
    from h2o_console.dev.fleet import Fleet
    from h2o_core.io.changes import Applied
    from h2o_core.io.registry import Registry


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, print) as stage:
        yield stage


def drained(host: str, grace_s: float = 60.0) -> HostControl:
    return HostControl(host, HostState.DRAIN, "ann", "new memory", since_s=time.time(), grace_s=grace_s)


def one_serves(stage: Stage) -> Fleet:
    """Two hosts, and the only instance is on the first."""
    return stage.fleet(plans=[HostPlan("host-1", "a", (stage.counting(),)), HostPlan("host-2", "b")])


def told(fleet: Fleet, host: str) -> dict[str, Any]:
    return dict(fleet.ask(host, "/drain"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("round_", [drain_round.ROUND, poweroff_round.ROUND], ids=lambda one: one.name)
def test_draining_one_of_three_hosts_at_half_of_the_slots_and_switching_it_off_fails_nobody(
    stage: Stage, round_: Round
) -> None:
    figures = {one.name: one for one in round_.measure(stage, True)}
    assert figures[f"{round_.name}_failed"].value == 0
    assert figures[f"{round_.name}_requests"].value > 5_000


def test_what_runs_finishes_and_then_it_may_be_switched_off(stage: Stage) -> None:
    fleet = one_serves(stage)
    client = stage.client(broker_endpoint(fleet, "host-1"))
    client.add(Load(BOOK, idempotent=False, in_flight=2, count=2, delay_s=1.5, deadline_s=20))
    stage.wait(lambda: sum(one.in_flight for one in report(fleet, "host-1").instances) == 2, "both run")
    assert told(fleet, "host-1")["state"] == "in_use"
    decide_host(fleet, "host-1", drained("host-1"))
    now = told(fleet, "host-1")
    assert (now["state"], now["safe"], now["in_flight"], now["decided"]["owner"]) == ("draining", False, 2, "ann")
    assert 50 < now["grace_left_s"] <= 60
    (caller,) = now["callers"]
    assert (caller["pid"], caller["in_flight"], caller["sends"]) == (os.getpid(), 2, True)
    assert "python" in caller["program"]
    assert len(now["remains"]) == 2
    stage.wait(lambda: told(fleet, "host-1")["safe"], "it is safe")
    done = told(fleet, "host-1")
    assert (done["state"], done["remains"], done["given_up"]) == ("drained", [], 0)
    assert [one["pid"] for one in done["callers"]] == [os.getpid()], "still connected, and it sends nothing"
    assert [(one.ok, one.answers[0].host) for one in client.requests()] == [(True, "host-1")] * 2
    assert told(fleet, "host-2")["state"] == "in_use"


def test_at_the_end_of_the_grace_what_runs_is_given_up_by_name_and_not_held_against_anybody(stage: Stage) -> None:
    fleet = one_serves(stage)
    client = stage.client(broker_endpoint(fleet, "host-1"))
    client.add(Load(BOOK, idempotent=False, in_flight=8, count=8, delay_s=50, deadline_s=60))
    stage.wait(lambda: report(fleet, "host-1").instances[0].in_flight == 8, "all run")
    decide_host(fleet, "host-1", drained("host-1", grace_s=0.5))
    stage.wait(lambda: client.idle, "all have an answer")
    requests = client.finish()
    assert {CODES[one.answers[0].code] for one in requests} == {"OUTCOME_UNKNOWN"}
    assert told(fleet, "host-1")["given_up"] == 8
    log = Path(fleet.layout.state("host-1"), "logs", "broker.log")
    for one in requests:
        assert f"service/counting/book (request {one.id} of operator), at instance" in log.read_text()
    decide_host(fleet, "host-1", None)
    stage.wait(lambda: bool(seen(fleet, "host-2", on="host-1")), "it gets requests again")
    (instance,) = report(fleet, "host-1").instances
    assert (instance.verdict, instance.in_flight) == ("ok", 0)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("zookeeper", ["there", "away"])
def test_a_broker_that_restarts_finds_its_host_drained(stage: Stage, zookeeper: str) -> None:
    fleet = stage.fleet(2)
    decide_host(fleet, "host-1", drained("host-1"))
    before = report(fleet, "host-1")
    known = Path(fleet.layout.state("host-1"), "last-known")
    stage.wait(lambda: b'"drain"' in known.read_bytes(), "its file knows it")
    if zookeeper == "away":
        fleet.zookeeper.kill()
    fleet.kill_broker("host-1")
    stage.wait(lambda: _is_back(fleet, before.incarnation), "it is back with its instance", within_s=30)
    now = told(fleet, "host-1")
    assert (now["state"], now["register"]["from_file"]) == ("drained", zookeeper == "away")
    stage.wait(lambda: bool(seen(fleet, "host-1", on="host-2")), "the other host is linked again")
    client = stage.client(broker_endpoint(fleet, "host-1"))
    client.add(Load(LOOK, idempotent=True, in_flight=4, count=100))
    stage.wait(lambda: client.idle, "all are answered")
    assert {(one.ok, one.answers[0].host) for one in client.requests()} == {(True, "host-2")}


def _is_back(fleet: Fleet, incarnation: int) -> bool:
    try:
        now = report(fleet, "host-1")
        return now.incarnation != incarnation and bool(now.instances) and bool(told(fleet, "host-1")["instances"])
    except Exception:  # noqa: BLE001 - until it is, anything
        return False


def test_a_sick_silent_host_can_be_drained_and_the_fleet_goes_on(stage: Stage) -> None:
    fleet = stage.fleet(3)
    client = stage.load(fleet, "host-1", [Load(LOOK, idempotent=True, rate_per_s=100)])
    sick = [fleet.agents["host-3"].pid, fleet.broker_pid("host-3")]
    for pid in sick:
        os.kill(pid, signal.SIGSTOP)
    try:
        stage.wait(lambda: not seen(fleet, "host-1", on="host-3"), "nobody is sent there any more")
        applied = registered(fleet.zookeeper.address, fleet.name, _drain)
        agents = {host: fleet.agent_address(host) for host in fleet.hosts}
        path = "control/hosts/host-3"
        everybody = wait_for_all(agents, applied.epoch, [path], 2.0, lambda _: "")
        assert set(everybody.behind) == {"host-3"}
        drained_s = time.monotonic()
        stage.pass_s(1, [client])
        assert not [one for one in client.requests() if one.sent_s > drained_s and one.answers and not one.ok]
    finally:
        for pid in sick:
            os.kill(pid, signal.SIGCONT)
    stage.wait(lambda: told(fleet, "host-3")["safe"], "it has learnt of it")
    stage.pass_s(0.5, [client])
    assert not seen(fleet, "host-1", on="host-3")


async def _drain(registry: Registry) -> Applied:
    edit = Edit("control/hosts/host-3", None, encode_host_control(drained("host-3")))
    return await changes.apply(registry, [edit], Author("ann", "a test"))


def test_an_avoided_host_is_used_when_the_others_can_not_take_it(stage: Stage) -> None:
    fleet = stage.fleet(2)
    avoid = HostControl("host-1", HostState.AVOID, "ann", since_s=time.time())
    decide_host(fleet, "host-1", avoid)
    client = stage.client(broker_endpoint(fleet, "host-1"))
    client.add(Load(LOOK, idempotent=True, in_flight=4, count=100))
    stage.wait(lambda: client.idle, "all are answered")
    assert {(one.ok, one.answers[0].host) for one in client.requests()} == {(True, "host-2")}
    assert told(fleet, "host-1")["state"] == "avoided"
    decide_host(fleet, "host-2", drained("host-2"))
    client.add(Load(LOOK, idempotent=True, in_flight=4, count=100))
    stage.wait(lambda: client.idle and client.oks == 200, "all are served")
    assert {one.answers[0].host for one in client.requests()[100:]} == {"host-1"}
