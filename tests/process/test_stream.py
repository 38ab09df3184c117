"""Streams of frames over real sockets: pieces, many at once, large ones, slow readers, the end."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from h2o_core.envelope import MAX_FRAME_BYTES
from h2o_core.io.stream import Door, EndpointTaken, Stream, StreamBroken, StreamClosed, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

READS_AT_MOST = 10_000
Pair = tuple[Stream, Stream]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = (Stream(end) for end in socket.socketpair(socket.AF_UNIX))
    yield one, other
    one.close()
    other.close()


def sent(frames: list[bytes]) -> bytes:
    return b"".join(struct.pack("!I", len(frame)) + frame for frame in frames)


def carried(writer: Stream, reader: Stream, count: int) -> list[bytes]:
    """*count* frames that *writer* has pending, as *reader* gets them."""
    done = writer.flush()
    got: list[bytes] = []
    for _ in range(READS_AT_MOST):
        got += reader.read()
        if not done:
            done = writer.resume()
        if len(got) == count:
            return got
    pytest.fail(f"{len(got)} of {count} frames came")


@given(
    st.lists(st.binary(max_size=300), max_size=12),
    st.lists(st.integers(1, 4000), min_size=1, max_size=40),
)
def test_frames_come_whole_however_the_bytes_are_cut(frames: list[bytes], cuts: list[int]) -> None:
    data = sent(frames)
    raw, end = socket.socketpair(socket.AF_UNIX)
    reader = Stream(end)
    got: list[bytes] = []
    at = 0
    for turn in range(len(data) + 1):
        piece = data[at : at + cuts[turn % len(cuts)]]
        at += len(piece)
        if not piece:
            break
        raw.sendall(piece)
        got += reader.read()
    assert got == frames
    assert reader.read() == []
    raw.close()
    with pytest.raises(StreamClosed):
        reader.read()
    reader.close()


def test_many_frames_go_in_one_send_and_keep_their_order(pair: Pair) -> None:
    writer, reader = pair
    writer.pending = [str(number).encode() for number in range(1000)]
    assert carried(writer, reader, 1000) == [str(number).encode() for number in range(1000)]


def test_a_slow_reader_stalls_the_stream_and_loses_nothing(pair: Pair) -> None:
    writer, reader = pair
    frames = [os.urandom(100_000) for _ in range(30)]
    writer.pending = frames[:20]
    assert not writer.flush()
    assert writer.stalled
    writer.pending += frames[20:]
    assert not writer.flush()
    got: list[bytes] = []
    for _ in range(READS_AT_MOST):
        got += reader.read()
        if len(got) == len(frames):
            break
        if writer.stalled:
            writer.resume()
    assert got == frames
    assert not writer.stalled
    assert not writer.pending


def test_the_largest_frame_and_one_byte_more(pair: Pair) -> None:
    writer, reader = pair
    writer.pending = [bytes(MAX_FRAME_BYTES), b"after"]
    assert [len(frame) for frame in carried(writer, reader, 2)] == [MAX_FRAME_BYTES, 5]
    writer.pending = [bytes(MAX_FRAME_BYTES + 1)]
    writer.flush()
    with pytest.raises(StreamBroken, match="1048577 bytes"):
        reader.read()


def test_what_a_gone_peer_was_to_get_stays_pending(pair: Pair) -> None:
    writer, reader = pair
    reader.close()
    writer.pending = [b"a", b"b"]
    with pytest.raises(StreamClosed):
        writer.flush()
    assert writer.pending == [b"a", b"b"]


def test_what_was_said_before_the_end_is_read(pair: Pair) -> None:
    writer, reader = pair
    writer.pending = [b"last words"]
    writer.flush()
    writer.close()
    reader.pending = [b"nobody hears this"]
    with pytest.raises(StreamClosed):
        reader.flush()
    assert reader.read() == [b"last words"]
    with pytest.raises(StreamClosed):
        reader.read()


def test_a_door_replaces_what_a_dead_broker_left_and_names_who_knocks() -> None:
    with TemporaryDirectory(prefix="h2o") as directory:
        endpoint = f"unix:{directory}/broker.sock"
        with pytest.raises(FileNotFoundError):
            connect(endpoint)
        Door(endpoint).close()
        with pytest.raises(ConnectionRefusedError):
            connect(endpoint)
        door = Door(endpoint)
        assert door.accept() is None
        caller = connect(endpoint)
        callee = door.accept()
        assert callee is not None
        assert (callee.peer_uid(), callee.peer_pid()) == (os.getuid(), os.getpid())
        caller.pending = [b"hello"]
        assert carried(caller, callee, 1) == [b"hello"]
        for closing in (caller, callee, door):
            closing.close()
        with pytest.raises(EndpointTaken, match=r"No such file"):
            Door(f"unix:{Path(directory)}/nowhere/broker.sock")
