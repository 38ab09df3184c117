"""What a broker survives: garbage, many frames, oversize, strangers' keys; and others notice nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from h2o_core import envelope as wire
from h2o_core.errors import Code
from h2o_core.io.wire import curve_keys
from tests.support.broker import SAY, BrokerProcess, RawLink, eventually
from tests.support.hostile import (
    Misbehave,
    a_routing_id_as_a_second_frame,
    another_wire_version,
    answers_to_nothing,
    every_type_without_a_body,
    garbage,
    lengths_beyond_the_frame,
    oversize,
    stranger,
    ten_thousand_requests_for_invented_names,
    two_thousand_frames,
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("b")) as process:
        yield process


@pytest.mark.parametrize(
    ("misbehave", "counted"),
    [
        (garbage, "malformed_frames"),
        (every_type_without_a_body, "unexpected_frames"),
        (another_wire_version, "malformed_frames"),
        (lengths_beyond_the_frame, "malformed_frames"),
        (two_thousand_frames, "multipart_discarded"),
        (a_routing_id_as_a_second_frame, "multipart_discarded"),
        (oversize, ""),
        (answers_to_nothing, "late_answers"),
        (ten_thousand_requests_for_invented_names, ""),
    ],
)
def test_others_are_unharmed(broker: BrokerProcess, misbehave: Misbehave, counted: str) -> None:
    with RawLink(broker.endpoint) as instance, RawLink(broker.endpoint) as client:
        instance.registered()
        before = client.report().counters.get(counted, 0)
        with stranger(broker.endpoint) as socket:
            misbehave(socket)
            for number in range(50):
                asked = client.ask(payload=str(number).encode())
                request = instance.answer_one(payload=b"re " + str(number).encode())
                assert request.payload == str(number).encode()
                assert client.expect(wire.ANSWER, correlation=asked).payload == f"re {number}".encode()
            if counted:
                eventually(lambda: client.report().counters.get(counted, 0) > before, f"{counted} is counted")
        report = client.report()
        assert all(one.feature == SAY for one in report.callers), "invented names are not remembered"
    with RawLink(broker.endpoint) as client:
        eventually(lambda: not client.report().instances, "nothing is left behind")


def test_an_answer_that_is_too_large_with_its_route_is_told(broker: BrokerProcess) -> None:
    with RawLink(broker.endpoint) as instance, RawLink(broker.endpoint) as client:
        instance.registered()
        asked = client.ask()
        instance.answer_one(payload=b"x" * (wire.MAX_FRAME_BYTES - wire.HEADER_BYTES))
        assert client.expect(wire.ANSWER, correlation=asked).code == Code.INTERNAL
        asked = client.ask()
        instance.answer_one()
        assert client.expect(wire.ANSWER, correlation=asked).code == Code.OK
    with RawLink(broker.endpoint) as client:
        eventually(lambda: not client.report().instances, "nothing is left behind")


@pytest.mark.parametrize("keyed", [True, False])
def test_a_link_with_a_foreign_key_or_none_is_refused_and_counted(broker: BrokerProcess, keyed: bool) -> None:
    with RawLink(broker.endpoint) as client, zmq.Context() as context:
        address = client.picture().hosts[0].address
        before = client.report().counters.get("refused_keys", 0)
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        if keyed:
            public, secret = zmq.curve_keypair()
            socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
            socket.setsockopt(zmq.CURVE_SERVERKEY, _server_key(broker))
        socket.connect(f"tcp://{address}")
        socket.send(wire.encode(wire.HELLO))
        if keyed:
            took = eventually(lambda: client.report().counters.get("refused_keys", 0) > before, "it is counted", 2.0)
            assert took < 2.0
        assert not socket.poll(300), "nothing is answered"
        socket.close()


def test_a_link_that_takes_us_for_another_fleet_s_broker_is_counted(broker: BrokerProcess) -> None:
    with RawLink(broker.endpoint) as client, zmq.Context() as context:
        before = client.report().counters.get("foreign_handshakes", 0)
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = zmq.curve_keypair()[0]
        socket.connect(f"tcp://{client.picture().hosts[0].address}")
        eventually(lambda: client.report().counters.get("foreign_handshakes", 0) > before, "it is counted", 2.0)
        socket.close()


def _server_key(broker: BrokerProcess) -> bytes:
    secret = bytes.fromhex((broker.directory / "state" / "secret").read_text())
    return curve_keys(secret, broker.fleet, "broker")[0]
