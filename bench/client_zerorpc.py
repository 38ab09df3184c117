"""zerorpc's client: its own greenlets, each with one request after the other; ``BENCH_AT`` says where."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Final

import gevent
import zerorpc

from bench.handler import check
from bench.load import TIMEOUT_S, say
from bench.messages_pb2 import Customer, CustomerId
from bench.meter import Meter

METHOD: Final = "retrieve"
_RETRY_S: Final = 0.05


class Load:
    """bench.load's closed loop, in greenlets."""

    def __init__(self, client: zerorpc.Client) -> None:
        """One client: zerorpc gives each request a channel of its own on the same socket."""
        self._client = client

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """As bench.load does for the lanes on asyncio."""
        if "ready" in question:
            return self._ready(question["ready"])
        meter = Meter(question["pids"])
        return meter.window(*self._closed_loop(question["in_flight"], question["seconds"]))

    def _call(self, request_id: int) -> None:
        reply: bytes = self._client(METHOD, CustomerId(id=request_id).SerializeToString())
        check(request_id, Customer.FromString(reply))

    def _ready(self, within_s: float) -> dict[str, Any]:
        give_up_s = time.monotonic() + within_s
        while True:
            try:
                self._call(0)
            except Exception:
                if time.monotonic() > give_up_s:
                    raise
                gevent.sleep(_RETRY_S)
            else:
                return {}

    def _closed_loop(self, in_flight: int, seconds: float) -> tuple[list[int], float]:
        latencies_ns: list[int] = []
        clock = time.perf_counter_ns
        started_ns = clock()
        stop_ns = started_ns + int(seconds * 1e9)

        def one_after_the_other(request_id: int) -> None:
            sent_ns = clock()
            while sent_ns < stop_ns:
                self._call(request_id)
                answered_ns = clock()
                latencies_ns.append(answered_ns - sent_ns)
                sent_ns = answered_ns
                request_id += in_flight

        loops = [gevent.spawn(one_after_the_other, 1 + at) for at in range(in_flight)]
        gevent.joinall(loops, raise_error=True)
        return latencies_ns, (clock() - started_ns) / 1e9


def main() -> None:
    """Serve the bench until it closes standard input; a thread reads that, so that gevent's loop goes on."""
    client = zerorpc.Client(timeout=TIMEOUT_S)
    client.connect(os.environ["BENCH_AT"])
    load = Load(client)
    while line := gevent.get_hub().threadpool.apply(sys.stdin.readline):
        try:
            answer = load.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, the bench must say it
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer)
    client.close()


if __name__ == "__main__":
    main()
