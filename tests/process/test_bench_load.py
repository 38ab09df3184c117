"""The bench's load: so many in flight and no more, each request once, and an error is not swallowed."""

from __future__ import annotations

import asyncio
import os

import pytest

from bench.load import WrongReply, closed_loop, counted
from bench.memory import resident_bytes
from bench.meter import Meter


class Peer:
    """Answers after a turn of the loop; remembers what it saw."""

    def __init__(self, fails_at: int = 0) -> None:
        self.asked: list[int] = []
        self.most = 0
        self._now = 0
        self._fails_at = fails_at

    async def call(self, request_id: int) -> None:
        self.asked.append(request_id)
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        if request_id == self._fails_at:
            raise WrongReply(request_id)


@pytest.mark.parametrize(("in_flight", "requests"), [(1, 5), (7, 100), (64, 64), (64, 3)])
async def test_counted_sends_each_request_once(in_flight: int, requests: int) -> None:
    peer = Peer()
    assert await counted(peer.call, in_flight, requests) == requests
    assert sorted(peer.asked) == list(range(1, requests + 1))
    assert peer.most == min(in_flight, requests)


async def test_a_closed_loop_keeps_its_number_in_flight_and_repeats_no_id() -> None:
    peer = Peer()
    latencies_ns, elapsed_s = await closed_loop(peer.call, 8, 0.05)
    assert peer.most == 8
    assert len(latencies_ns) == len(set(peer.asked)) == len(peer.asked)
    assert elapsed_s >= 0.05


async def test_one_failure_is_the_whole_run_s() -> None:
    with pytest.raises(WrongReply):
        await counted(Peer(fails_at=20).call, 4, 100)
    with pytest.raises(WrongReply):
        await closed_loop(Peer(fails_at=20).call, 4, 10.0)


def test_a_meter_adds_up_the_processes_of_a_role() -> None:
    meter = Meter({"worker": [os.getpid(), os.getpid()], "broker": [os.getpid()]})
    sum(range(2_000_000))
    found = meter.window([3_000, 1_000, 2_000], 0.5)
    assert (found["requests"], found["p50_us"], found["p99_us"]) == (3, 2.0, 3.0)
    cpu_s = found["cpu_s"]
    assert cpu_s["client"] > 0
    assert cpu_s["worker"] == pytest.approx(2 * cpu_s["broker"], rel=0.2)


def test_memory_that_is_filled_is_seen() -> None:
    before = resident_bytes(os.getpid())
    filled = bytearray(b"x") * (64 << 20)
    assert resident_bytes(os.getpid()) - before > 48 << 20
    del filled
