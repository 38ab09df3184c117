"""What a broker survives: garbage, many frames, oversize, strangers' keys; and others notice nothing."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

import pytest
import zmq

from h2o_core import envelope as wire
from h2o_core.errors import Code
from h2o_core.io.wire import curve_keys
from tests.support import hostile
from tests.support.broker import SAY, BrokerProcess, RawLink, eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("b")) as process:
        yield process


def secret_of(broker: BrokerProcess) -> bytes:
    return bytes.fromhex((broker.directory / "state" / "secret").read_text())


def address_of(broker: BrokerProcess) -> str:
    with RawLink(broker.endpoint) as client:
        return client.picture().hosts[0].address


@contextmanager
def distant(broker: BrokerProcess) -> Generator[zmq.Socket[bytes]]:
    with hostile.distant_stranger(address_of(broker), secret_of(broker), broker.fleet) as stranger:
        yield stranger


def serves(instance: RawLink, client: RawLink) -> None:
    """Fifty requests of somebody else are answered."""
    for number in range(50):
        asked = client.ask(payload=str(number).encode())
        request = instance.answer_one(payload=b"re " + str(number).encode())
        assert request.payload == str(number).encode()
        assert client.expect(wire.ANSWER, correlation=asked).payload == f"re {number}".encode()


@contextmanager
def unharmed(broker: BrokerProcess, counted: str = "") -> Generator[None]:
    """After the block others are served, *counted* has risen, and nothing is left behind."""
    with RawLink(broker.endpoint) as instance, RawLink(broker.endpoint) as client:
        instance.registered()
        before = client.report().counters.get(counted, 0)
        yield
        serves(instance, client)
        if counted:
            eventually(lambda: client.report().counters.get(counted, 0) > before, f"{counted} is counted")
        assert all(one.feature == SAY for one in client.report().callers), "invented names are not remembered"
    with RawLink(broker.endpoint) as client:
        eventually(lambda: not client.report().instances, "nothing is left behind")


ATTACKS: list[tuple[hostile.Attack, str, str]] = [
    (hostile.garbage, "malformed_frames", "malformed_frames"),
    (hostile.every_type_without_a_body, "unexpected_frames", "unexpected_frames"),
    (hostile.another_wire_version, "malformed_frames", "malformed_frames"),
    (hostile.lengths_beyond_the_frame, "malformed_frames", "malformed_frames"),
    (hostile.answers_to_nothing, "late_answers", "unexpected_frames"),
    (hostile.ten_thousand_requests_for_invented_names, "", "frames_before_greeting"),
]
"""What is sent, and what counts it when it comes from this host and when it comes from another."""


@pytest.mark.parametrize(("attack", "counted", "_"), ATTACKS)
def test_frames_of_a_local_stranger(broker: BrokerProcess, attack: hostile.Attack, counted: str, _: str) -> None:
    with unharmed(broker, counted), hostile.local_stranger(broker.endpoint) as stranger:
        attack(hostile.on_stream(stranger))


@pytest.mark.parametrize(("attack", "_", "counted"), ATTACKS)
def test_frames_of_a_distant_stranger(broker: BrokerProcess, attack: hostile.Attack, _: str, counted: str) -> None:
    with unharmed(broker, counted), distant(broker) as stranger:
        attack(hostile.on_link(stranger))


def test_a_length_over_the_cap_ends_the_stream(broker: BrokerProcess) -> None:
    with unharmed(broker, "broken_streams"), hostile.local_stranger(broker.endpoint) as stranger:
        hostile.a_length_over_the_cap(stranger)
        with suppress(ConnectionResetError):
            assert stranger.recv(1) == b"", "the broker closes it"


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 40])
def test_a_frame_that_comes_in_pieces_or_never_ends(broker: BrokerProcess, cut: int) -> None:
    frame = wire.encode(wire.HELLO, correlation=5, payload=b"\x08\x01")
    data = struct.pack("!I", len(frame)) + frame
    with unharmed(broker):
        with hostile.local_stranger(broker.endpoint) as stranger:
            stranger.sendall(data[:cut])
            with RawLink(broker.endpoint) as client:
                client.report()  # the broker has read the first part by now
            stranger.sendall(data[cut:])
            assert stranger.recv(4), "the pieces are put together"
        with hostile.local_stranger(broker.endpoint) as stranger:
            stranger.sendall(data[:cut])


def test_a_client_that_never_reads_is_cut_off_and_others_are_served(broker: BrokerProcess) -> None:
    ask = wire.encode(wire.PING, payload=b"\0" * 16)
    with (
        unharmed(broker, "choked_streams"),
        hostile.local_stranger(broker.endpoint) as stranger,
        suppress(ConnectionError),
    ):
        for _ in range(40):
            stranger.sendall((struct.pack("!I", len(ask)) + ask) * 65_536)


def test_messages_of_many_parts_are_discarded_whole(broker: BrokerProcess) -> None:
    with unharmed(broker, "multipart_discarded"), distant(broker) as stranger:
        hostile.two_thousand_frames(stranger)
    with unharmed(broker, "multipart_discarded"), distant(broker) as stranger:
        hostile.a_routing_id_as_a_second_frame(stranger)


def test_a_message_over_the_cap_from_another_host(broker: BrokerProcess) -> None:
    with unharmed(broker), distant(broker) as stranger:
        hostile.oversize(stranger)


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
        before = client.report().counters.get("refused_keys", 0)
        stranger = context.socket(zmq.DEALER)
        stranger.setsockopt(zmq.LINGER, 0)
        if keyed:
            public, secret = zmq.curve_keypair()
            stranger.setsockopt(zmq.CURVE_PUBLICKEY, public)
            stranger.setsockopt(zmq.CURVE_SECRETKEY, secret)
            stranger.setsockopt(zmq.CURVE_SERVERKEY, curve_keys(secret_of(broker), broker.fleet, "broker")[0])
        stranger.connect(f"tcp://{address_of(broker)}")
        stranger.send(wire.encode(wire.HELLO))
        if keyed:
            took = eventually(lambda: client.report().counters.get("refused_keys", 0) > before, "it is counted", 2.0)
            assert took < 2.0
            assert "the last from 127.0.0.1" in client.report().strangers
        assert not stranger.poll(300), "nothing is answered"
        stranger.close()


def test_a_link_that_takes_us_for_another_fleet_s_broker_is_counted(broker: BrokerProcess) -> None:
    with RawLink(broker.endpoint) as client, zmq.Context() as context:
        before = client.report().counters.get("foreign_handshakes", 0)
        stranger = context.socket(zmq.DEALER)
        stranger.setsockopt(zmq.LINGER, 0)
        stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
        stranger.curve_serverkey = zmq.curve_keypair()[0]
        stranger.connect(f"tcp://{address_of(broker)}")
        eventually(lambda: client.report().counters.get("foreign_handshakes", 0) > before, "it is counted", 2.0)
        assert "with another key" in client.report().strangers
        stranger.close()
