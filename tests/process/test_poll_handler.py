"""kazoo's thread waits by poll(2) as it would by its own select, beyond 1,024 descriptors too."""

from __future__ import annotations

import fcntl
import resource
import socket
from collections.abc import Iterator

import pytest

from h2o_core.io.registry.poll_handler import PollHandler

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_who_is_ready_is_told_and_who_is_not_is_waited_for(pair: Pair) -> None:
    here, there = pair
    select = PollHandler().select
    assert select([here], [], [], 0.01) == ([], [], [])
    assert select([here], [here], [], None) == ([], [here], [])
    there.send(b"x")
    assert select([here, there], [here], [], None) == ([here], [here], [])


def test_the_other_end_is_gone(pair: Pair) -> None:
    here, there = pair
    there.close()
    assert PollHandler().select([here], [], [], 5) == ([here], [], [])


def test_a_closed_socket_is_an_error(pair: Pair) -> None:
    here, _ = pair
    here.close()
    with pytest.raises(ValueError, match="closed"):
        PollHandler().select([here], [], [], 0)


def test_a_high_descriptor_is_one_like_any_other(pair: Pair) -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit <= 2000:
        pytest.skip(f"this process may have {limit} descriptors")
    here, there = pair
    with socket.socket(fileno=fcntl.fcntl(here.fileno(), fcntl.F_DUPFD, 2000)) as high:
        there.send(b"x")
        assert PollHandler().select([high], [], [], 5) == ([high], [], [])
