"""A real broker and raw links: registering, slots and queue, deadlines, cancelling, dying, leaving."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed
from h2o_core.pb.answer_pb2 import Failure
from tests.support.broker import SAY, BrokerProcess, RawLink, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("b")) as process:
        yield process


@pytest.fixture
def client(broker: BrokerProcess) -> Iterator[RawLink]:
    with RawLink(broker.endpoint) as link:
        yield link


@pytest.fixture
def instance(broker: BrokerProcess, client: RawLink) -> Iterator[RawLink]:
    with RawLink(broker.endpoint) as link:
        yield link
    eventually(lambda: not client.report().instances, "the broker notices that the instance is gone")


def test_a_request_goes_to_the_instance_and_its_answer_back(client: RawLink, instance: RawLink) -> None:
    instance_id = instance.registered()
    asked = client.ask(payload=b"hello")
    request = instance.answer_one(payload=b"world")
    assert (request.payload, request.name) == (b"hello", SAY.encode())
    assert wire.decode_request_route(request.route).caller == "operator"
    answer = client.expect(wire.ANSWER, correlation=asked)
    route = wire.decode_answer_route(answer.route)
    assert (answer.code, answer.payload, answer.executed) == (0, b"world", Executed.YES)
    assert (route.instance, route.host, route.version, route.slots) == (instance_id, "host-1", "1.0.0", 4)


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("/service/echo/nothing", Code.NOT_FOUND, "has no feature of that name"),
        ("/service/nobody/x", Code.NO_ROUTE, "was ever registered"),
        ("nonsense", Code.NO_ROUTE, "was ever registered"),
    ],
)
def test_names_that_nobody_serves(client: RawLink, instance: RawLink, name: str, code: Code, says: str) -> None:
    instance.registered()
    answer = client.refusal(name)
    assert (answer.code, answer.executed) == (code, Executed.NO)
    assert says in Failure.FromString(answer.payload).message


def test_other_types_than_the_feature_takes_are_told(client: RawLink, instance: RawLink) -> None:
    instance.registered()
    answer = client.expect(wire.ANSWER, correlation=client.ask(types=5))
    assert (answer.code, answer.executed) == (Code.BAD_REQUEST, Executed.NO)
    assert "it takes google.protobuf.StringValue" in Failure.FromString(answer.payload).message


def test_slots_bound_what_runs_then_the_queue_then_overloaded(client: RawLink, instance: RawLink) -> None:
    instance.registered(slots=2)
    asked = [client.ask() for _ in range(2 + 4 + 1)]
    refused = client.expect(wire.ANSWER)
    assert (refused.correlation, refused.code, refused.executed) == (asked[-1], Code.OVERLOADED, Executed.NO)
    started = [instance.expect(wire.REQUEST) for _ in range(2)]
    assert instance.wait(wire.REQUEST, within_s=0.1) is None
    for request in started:
        instance.send(wire.ANSWER, correlation=request.correlation)
    for _ in range(4):
        instance.answer_one()
    assert {client.expect(wire.ANSWER).correlation for _ in range(6)} == set(asked[:-1])


def test_what_waits_until_its_deadline_was_not_executed(client: RawLink, instance: RawLink) -> None:
    instance.registered(slots=1)
    client.ask()
    instance.expect(wire.REQUEST)
    answer = client.expect(wire.ANSWER, correlation=client.ask(remaining_ms=50))
    assert (answer.code, answer.executed) == (Code.TIMEOUT, Executed.NO)


def test_a_deadline_cancels_and_the_slot_comes_back_when_the_instance_says_so(
    client: RawLink, instance: RawLink
) -> None:
    instance.registered(slots=1)
    asked = client.ask(remaining_ms=50)
    request = instance.expect(wire.REQUEST)
    answer = client.expect(wire.ANSWER, correlation=asked)
    assert (answer.code, answer.executed) == (Code.TIMEOUT, Executed.UNKNOWN)
    assert instance.expect(wire.CANCEL).correlation == request.correlation
    client.ask()
    assert instance.wait(wire.REQUEST, within_s=0.1) is None, "its only slot is still held"
    instance.send(wire.RELEASED, correlation=request.correlation)
    instance.answer_one()
    assert client.expect(wire.ANSWER).code == Code.OK


def test_cancelling_answers_at_once(client: RawLink, instance: RawLink) -> None:
    instance.registered(slots=1)
    running, waiting = client.ask(), client.ask()
    request = instance.expect(wire.REQUEST)
    for asked, executed in ((waiting, Executed.NO), (running, Executed.UNKNOWN)):
        client.send(wire.CANCEL, correlation=asked)
        answer = client.expect(wire.ANSWER, correlation=asked)
        assert (answer.code, answer.executed) == (Code.CANCELLED, executed)
    assert instance.expect(wire.CANCEL).correlation == request.correlation
    instance.send(wire.ANSWER, correlation=request.correlation)
    before = client.report().counters["late_answers"]
    assert before >= 1


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"slots": 0}, "slots = 0; use 1 to"),
        ({"features": ()}, "has no feature"),
        ({"package": "/storage/x"}, "the tiers are"),
        ({"version": "1/2"}, "is not a version"),
    ],
)
def test_registrations_that_make_no_sense_are_refused(instance: RawLink, what: dict[str, object], says: str) -> None:
    frame = instance.register(**what)  # pyright: ignore[reportArgumentType] - wrong on purpose
    assert (frame.type, frame.code) == (wire.ANSWER, Code.BAD_REQUEST)
    assert says in Failure.FromString(frame.payload).message


def test_a_version_keeps_its_manifest(broker: BrokerProcess, instance: RawLink) -> None:
    instance.registered(version="7.0.0")
    with RawLink(broker.endpoint) as other:
        frame = other.register(version="7.0.0", features=("say", "shout"))
        message = Failure.FromString(frame.payload).message
        assert "service/echo 7.0.0 is registered with another manifest" in message
        assert "service/echo/shout" in message
        assert "give this one a new version" in message


def test_one_link_registers_once(instance: RawLink) -> None:
    instance.registered()
    frame = instance.register()
    assert "registered already" in Failure.FromString(frame.payload).message


_STANDS_STILL = """
import sys, time
from tests.support.broker import RawLink
link = RawLink(sys.argv[1])
print(link.registered(version="3.0.0"), flush=True)
while True:
    link.poll()
    time.sleep(0.005)
"""


@pytest.fixture
def foreign(broker: BrokerProcess) -> Iterator[subprocess.Popen[str]]:
    """An instance in a process of its own, which can be killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _STANDS_STILL, broker.endpoint], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_idle_instance_killed_is_out_within_a_second(client: RawLink, foreign: subprocess.Popen[str]) -> None:
    assert [one.version for one in client.report().instances] == ["3.0.0"]
    foreign.kill()
    assert eventually(lambda: not client.report().instances, "the broker takes it out") < 1.0


def test_an_instance_killed_with_a_request_leaves_its_outcome_unknown(
    client: RawLink, foreign: subprocess.Popen[str]
) -> None:
    asked = client.ask()
    eventually(lambda: client.report().instances[0].in_flight == 1, "the request is there")
    started = time.monotonic()
    foreign.kill()
    answer = client.expect(wire.ANSWER, correlation=asked)
    assert (answer.code, answer.executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
    assert time.monotonic() - started < 1.0
    assert client.wait(wire.ANSWER, within_s=0.2) is None, "one terminal answer only"


def test_a_stopped_instance_is_suspect_and_comes_back(client: RawLink, foreign: subprocess.Popen[str]) -> None:
    os.kill(foreign.pid, signal.SIGSTOP)
    eventually(lambda: client.report().instances[0].state == "suspect", "three PINGs are missed")
    os.kill(foreign.pid, signal.SIGCONT)
    eventually(lambda: client.report().instances[0].state == "ready", "it answers again")


def test_leaving_finishes_what_runs_and_gets_nothing_new(
    broker: BrokerProcess, client: RawLink, instance: RawLink
) -> None:
    instance.registered(slots=1)
    with RawLink(broker.endpoint) as stays:
        running, waiting = client.ask(), client.ask()
        request = instance.expect(wire.REQUEST)
        instance.send(wire.LEAVE)
        refused = client.expect(wire.ANSWER, correlation=waiting)
        assert (refused.code, refused.executed) == (Code.NO_ROUTE, Executed.NO)
        stays.registered(slots=1)
        assert instance.wait(wire.LEFT, within_s=0.1) is None
        instance.send(wire.ANSWER, correlation=request.correlation)
        instance.expect(wire.LEFT)
        assert client.expect(wire.ANSWER, correlation=running).code == Code.OK
        client.ask()
        stays.answer_one()
        client.expect(wire.ANSWER)


def test_counters_tell_what_happened(client: RawLink, instance: RawLink) -> None:
    instance.registered(version="8.0.0")
    for code in (0, 0, Code.APPLICATION):
        client.ask()
        instance.answer_one(code=code, payload=Failure(message="no such", application_code="x").SerializeToString())
        client.expect(wire.ANSWER)
    (here,) = client.report().instances
    (feature,) = here.features
    assert {one.code: one.count for one in feature.outcomes} == {0: 2, Code.APPLICATION: 1}
    assert sum(feature.processing.count) == 3
    assert feature.last_error == "x: no such"


def test_the_second_broker_on_a_directory_refuses_and_says_why(broker: BrokerProcess) -> None:
    second = broker.launch()
    assert second.wait(10) == 3
    assert f"another broker (pid {broker.process.pid if broker.process else 0}) serves" in broker.log


@pytest.mark.parametrize(
    ("extra", "code", "says"),
    [
        ("zoen = 1", 2, "no key 'zoen'"),
        ('advertise = "203.0.113.77"', 3, "203.0.113.77"),
    ],
)
def test_bad_configuration_is_said_in_one_sentence(tmp_path: Path, extra: str, code: int, says: str) -> None:
    broker = BrokerProcess(tmp_path, extra=extra)
    assert broker.launch().wait(10) == code
    assert says in broker.log
    assert "Traceback" not in broker.log


def test_a_run_directory_that_others_can_open_is_refused(tmp_path: Path) -> None:
    broker = BrokerProcess(tmp_path)
    broker.run_dir.chmod(0o755)
    assert broker.launch().wait(10) == 2
    assert "chmod 700" in broker.log


def test_sigterm_is_an_orderly_end(tmp_path: Path) -> None:
    broker = BrokerProcess(tmp_path).start()
    assert broker.stop() == 0
