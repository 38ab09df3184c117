"""Faults of whoever connects: garbage, too many parts, oversize, silence, half-open peers. Nobody else may notice."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.faults.stage import broker_endpoint, picture, report, seen
from tests.support import hostile

if TYPE_CHECKING:
    from collections.abc import Callable

    import zmq

    from bench.faults.result import Result
    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet

_ROUNDS: Final = 5
_CONNECTIONS: Final = 100
_COME_AND_GO: Final = 1000
_HANDSHAKE_S: Final = 3.0
_SESSION_S: Final = 20.0
"""The most that ZooKeeper grants: host-2 stays in the register while it is stopped and host-3 starts."""
_GREETING: Final = b"\xff\0\0\0\0\0\0\0\1\x7f\3"
"""The first bytes of ZMTP 3: whoever says these and no more has stopped in the middle of its greeting."""


def garbage(stage: Stage) -> Result:
    """Random bytes, types without a body, other wire versions, answers to nothing: from here and from elsewhere."""
    attacks = (
        hostile.garbage,
        hostile.every_type_without_a_body,
        hostile.another_wire_version,
        hostile.lengths_beyond_the_frame,
        hostile.answers_to_nothing,
        hostile.ten_thousand_requests_for_invented_names,
    )

    def strike(fleet: Fleet) -> None:
        for attack in attacks:
            with hostile.local_stranger(broker_endpoint(fleet, "host-1")) as stranger:
                attack(hostile.on_stream(stranger))
            with _distant(fleet) as stranger:
                attack(hostile.on_link(stranger))

    return _under_attack(stage, strike, "malformed_frames")


def multipart(stage: Stage) -> Result:
    """Messages of 2,000 parts, and of a routing id and a frame: discarded whole, and counted."""

    def strike(fleet: Fleet) -> None:
        with _distant(fleet) as stranger:
            hostile.two_thousand_frames(stranger)
            hostile.a_routing_id_as_a_second_frame(stranger)

    return _under_attack(stage, strike, "multipart_discarded")


def oversize(stage: Stage) -> Result:
    """Frames of 2 MiB, and streams that announce them: the link that brings them is closed."""

    def strike(fleet: Fleet) -> None:
        with _distant(fleet) as stranger:
            hostile.oversize(stranger)
        with hostile.local_stranger(broker_endpoint(fleet, "host-1")) as stranger:
            hostile.a_length_over_the_cap(stranger)

    return _under_attack(stage, strike, "broken_streams")


def _distant(fleet: Fleet) -> AbstractContextManager[zmq.Socket[bytes]]:
    secret = bytes.fromhex(Path(fleet.layout.secret).read_text())
    return hostile.distant_stranger(_address(fleet, "host-1", "host-1"), secret, fleet.name)


def _under_attack(stage: Stage, strike: Callable[[Fleet], None], counted: str) -> Result:
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    before = report(fleet, "host-1").counters.get(counted, 0)
    for _ in range(_ROUNDS):
        strike(fleet)
    stage.wait(lambda: report(fleet, "host-1").counters.get(counted, 0) > before, f"{counted} are counted")
    stage.pass_s(1, [client])
    return stage.settle(None, [client], extra={"dropped": report(fleet, "host-1").counters.get(counted, 0) - before})


def silent(stage: Stage) -> Result:
    """TCP connections to a broker that say nothing, half a greeting or noise: cut off, mended when none is left."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    host, _, port = _address(fleet, "host-1", "host-2").rpartition(":")
    with ExitStack() as stack:
        peers: list[socket.socket] = []
        struck_s = time.monotonic()
        for at in range(_CONNECTIONS):
            peers.append(stack.enter_context(closing(socket.create_connection((host, int(port)), 2))))
            peers[-1].sendall((b"", _GREETING, os.urandom(100))[at % 3])
            peers[-1].settimeout(3 * _HANDSHAKE_S)
        for peer in peers:
            _read_to_the_end(peer)
        ended_s = time.monotonic() - struck_s
    stage.pass_s(1, [client])
    return stage.settle(ended_s, [client])


def silent_local(stage: Stage) -> Result:
    """Local streams that say nothing, half a length or half a frame, and many that come and go at once."""
    fleet = stage.fleet(1)
    client = stage.load(fleet, "host-1")
    endpoint = broker_endpoint(fleet, "host-1")
    with ExitStack() as stack:
        for at in range(_CONNECTIONS):
            peer = stack.enter_context(hostile.local_stranger(endpoint))
            peer.sendall((b"", b"\0\0", b"\0\0\0\x64" + bytes(50))[at % 3])
        stage.pass_s(1, [client])
    for _ in range(_COME_AND_GO):
        with hostile.local_stranger(endpoint):
            pass
    stage.pass_s(1, [client])
    return stage.settle(None, [client])


def half_open(stage: Stage) -> Result:
    """A broker whose machine takes connections and never says a word: a joining host does without it.

    Mended when it speaks again and the joined host routes to it.
    """
    fleet = stage.fleet(3, host_file_extra=[f"session_timeout_s = {_SESSION_S}"])
    fleet.stop_host("host-3")
    old = stage.load(fleet, "host-1")
    fleet.kill_broker("host-2", signal.SIGSTOP)
    stage.wait(lambda: _link_state(fleet, "host-1", "host-2") == "suspect", "host-1 suspects host-2")
    fleet.start_host("host-3")
    stage.wait(lambda: _joined(fleet), "host-3 is there, and routes to host-1")
    new = stage.load(fleet, "host-3")
    stage.pass_s(1, [new])
    state = _link_state(fleet, "host-3", "host-2")
    continued_s = time.monotonic()
    fleet.kill_broker("host-2", signal.SIGCONT)
    up_s = stage.wait(lambda: _link_state(fleet, "host-3", "host-2") == "up", "host-3 is linked to host-2")
    stage.pass_s(0.5, [old, new])
    broken = [] if state in {"connecting", "suspect"} else [f"the link to a broker that says nothing was {state!r}"]
    return stage.settle(up_s - continued_s, [old, new], broken=broken)


def _joined(fleet: Fleet) -> bool:
    endpoint = broker_endpoint(fleet, "host-3").removeprefix("unix:")
    return os.path.exists(endpoint) and bool(seen(fleet, "host-3", on="host-1"))  # noqa: PTH110 - a socket's path


def _link_state(fleet: Fleet, host: str, other: str) -> str:
    return next((one.link for one in picture(fleet, host).hosts if one.host == other), "none")


def _address(fleet: Fleet, host: str, other: str) -> str:
    return next(one.address for one in picture(fleet, host).hosts if one.host == other)


def _read_to_the_end(peer: socket.socket) -> None:
    """Until the other end has closed it; raises TimeoutError when it does not."""
    try:
        while peer.recv(4096):
            pass
    except ConnectionResetError:
        return
