"""Brokers that find each other through a real ZooKeeper: requests across hosts, deaths, returns, refusals."""

from __future__ import annotations

import secrets
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed
from h2o_core.pb.answer_pb2 import Failure
from tests.support.broker import BrokerProcess, RawLink, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_core.pb.stats_pb2 import HostPicture


class TwoHosts:
    """host-1 with a client and host-2 with a place for instances; both know each other."""

    def __init__(self, directory: Path, zookeeper: str, fleet: str, stack: ExitStack) -> None:
        secret = directory / "secret"
        secret.write_text(secrets.token_hex(32))
        secret.chmod(0o600)
        self.here, self.there = (
            BrokerProcess(
                directory / name, host=name, fleet=fleet, zookeeper=zookeeper, zone=zone, secret_file=str(secret)
            )
            for name, zone in (("host-1", "a"), ("host-2", "b"))
        )
        stack.enter_context(self.here)
        stack.enter_context(self.there)
        self._stack = stack
        self.client = self.link(self.here)
        eventually(lambda: self.peer() == "up", "host-1 is linked to host-2")

    def link(self, broker: BrokerProcess) -> RawLink:
        return self._stack.enter_context(RawLink(broker.endpoint))

    def peer(self) -> str:
        peers = self.client.report().peers
        return peers[0].state if peers else "none"

    def routable(self) -> set[str]:
        """Versions of instances on host-2 that host-1 would send to."""
        return {
            one.version
            for host in self.client.picture().hosts
            for one in host.instances
            if host.host == "host-2" and one.routable
        }

    def serve(self, version: str = "1.0.0") -> RawLink:
        """An instance on host-2 that host-1 knows of."""
        instance = self.link(self.there)
        instance.registered(version=version)
        eventually(lambda: version in self.routable(), f"host-1 knows of {version} on host-2")
        return instance


@pytest.fixture
def hosts(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[TwoHosts]:
    with ExitStack() as stack:
        yield TwoHosts(tmp_path, zookeeper, fleet_name, stack)


def test_a_request_crosses_hosts_and_the_answer_comes_back(hosts: TwoHosts) -> None:
    instance = hosts.serve()
    asked = hosts.client.ask(payload=b"there")
    request = instance.answer_one(payload=b"and back")
    route = wire.decode_request_route(request.route)
    assert (request.payload, route.caller) == (b"there", "operator")
    answer = hosts.client.expect(wire.ANSWER, correlation=asked)
    served = wire.decode_answer_route(answer.route)
    assert (answer.payload, served.host, served.version) == (b"and back", "host-2", "1.0.0")
    with RawLink(hosts.there.endpoint) as beside:
        assert not beside.report().callers, "the destination does not count callers"
        assert beside.report().instances[0].features[0].outcomes[0].count == 1
    assert hosts.client.report().callers[0].outcomes[0].count == 1


def test_cancel_and_deadline_cross_hosts(hosts: TwoHosts) -> None:
    instance = hosts.serve()
    asked = hosts.client.ask()
    request = instance.expect(wire.REQUEST)
    hosts.client.send(wire.CANCEL, correlation=asked)
    assert hosts.client.expect(wire.ANSWER, correlation=asked).code == Code.CANCELLED
    assert instance.expect(wire.CANCEL).correlation == request.correlation
    asked = hosts.client.ask(remaining_ms=60)
    assert instance.expect(wire.REQUEST).remaining_ms <= 60
    answer = hosts.client.expect(wire.ANSWER, correlation=asked)
    assert (answer.code, answer.executed) == (Code.TIMEOUT, Executed.UNKNOWN)
    assert "host-2" in wire.decode_answer_route(answer.route).host, "the destination knew first"


def test_a_dead_instance_of_another_host_is_unrouted_within_a_second(hosts: TwoHosts) -> None:
    instance = hosts.serve()
    instance.close()
    assert eventually(lambda: not hosts.routable(), "host-1 unroutes it") < 1.0
    answer = hosts.client.refusal()
    assert (answer.code, answer.executed) == (Code.NO_ROUTE, Executed.NO)


def test_a_full_host_refuses_and_the_request_is_routed_once_more(hosts: TwoHosts) -> None:
    full, free = hosts.link(hosts.there), hosts.link(hosts.here)
    full.registered(slots=1)
    free.registered(slots=1)
    eventually(lambda: hosts.routable() == {"1.0.0"}, "both are known")
    asked = [hosts.client.ask() for _ in range(2 + 4)]
    answered: set[int] = set()
    for _ in asked:
        eventually(lambda: _serve_any(full, free), "one of them gets it")
        answer = hosts.client.expect(wire.ANSWER)
        assert answer.code == Code.OK
        answered.add(answer.correlation)
    assert answered == set(asked)


def _serve_any(*instances: RawLink) -> bool:
    for instance in instances:
        request = instance.wait(wire.REQUEST, within_s=0)
        if request is not None:
            instance.send(wire.ANSWER, correlation=request.correlation, flags=2)
            return True
    return False


def test_a_killed_broker_is_suspect_then_back_and_what_it_had_is_unknown(hosts: TwoHosts) -> None:
    hosts.serve()
    asked = hosts.client.ask(remaining_ms=60_000)
    eventually(lambda: hosts.client.report().peers[0].in_flight == 1, "the request is there")
    hosts.there.kill()
    eventually(lambda: hosts.peer() == "suspect", "its PONGs are missed")
    hosts.there.start()
    answer = hosts.client.expect(wire.ANSWER, correlation=asked)
    assert (answer.code, answer.executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
    assert "host-2" in Failure.FromString(answer.payload).message
    instance = hosts.serve()
    asked = hosts.client.ask()
    instance.answer_one()
    assert hosts.client.expect(wire.ANSWER, correlation=asked).code == Code.OK


def test_a_stopped_broker_is_routed_round_and_taken_back(hosts: TwoHosts) -> None:
    hosts.serve()
    hosts.there.signal(signal.SIGSTOP)
    eventually(lambda: hosts.peer() == "suspect", "its PONGs are missed")
    here = hosts.link(hosts.here)
    here.registered()
    for _ in range(5):
        asked = hosts.client.ask()
        here.answer_one()
        assert hosts.client.expect(wire.ANSWER, correlation=asked).code == Code.OK
    hosts.there.signal(signal.SIGCONT)
    eventually(lambda: hosts.peer() == "up", "it answers again")


def test_an_orderly_end_leaves_the_register_at_once_without_an_alarm(hosts: TwoHosts) -> None:
    hosts.serve()
    process = hosts.there.process
    assert process is not None
    process.terminate()
    sounded: list[str] = []

    def has_left() -> bool:
        report = hosts.client.report()
        sounded.extend(alarm.sentence for alarm in report.register.alarms)
        return not report.peers

    eventually(has_left, "host-2 has left", within_s=2.0)
    assert process.wait(10) == 0
    assert sounded == []


def test_another_machine_of_the_same_name_refuses_to_start(hosts: TwoHosts, tmp_path: Path) -> None:
    there = hosts.there
    double = BrokerProcess(
        tmp_path / "double",
        host="host-2",
        fleet=there.fleet,
        zookeeper=there.zookeeper,
        secret_file=there.secret_file,
    )
    process = double.launch()
    assert process.wait(15) == 3
    assert "another machine" in double.log
    assert hosts.peer() == "up"


def test_a_new_version_waits_for_a_decision_and_says_so(hosts: TwoHosts) -> None:
    old, new = hosts.link(hosts.here), hosts.link(hosts.there)
    old.registered(version="1.0.0")
    new.registered(version="2.0.0")
    eventually(lambda: bool(_host_2(hosts).instances), "it is known")
    there = _host_2(hosts)
    assert (there.instances[0].routable, there.instances[0].why) == (
        False,
        "new version, no traffic: 1.0.0 was registered first",
    )
    for _ in range(5):
        asked = hosts.client.ask()
        old.answer_one()
        hosts.client.expect(wire.ANSWER, correlation=asked)
    old.close()
    eventually(lambda: hosts.routable() == {"2.0.0"}, "with the old gone the new one serves")


def _host_2(hosts: TwoHosts) -> HostPicture:
    return next(one for one in hosts.client.picture().hosts if one.host == "host-2")


def test_a_manifest_that_differs_from_another_host_s_is_refused(hosts: TwoHosts) -> None:
    hosts.serve()
    other = hosts.link(hosts.here)
    frame = other.register(features=("say", "shout"))
    assert (frame.type, frame.code) == (wire.ANSWER, Code.BAD_REQUEST)
    assert "registered with another manifest" in Failure.FromString(frame.payload).message
