"""A small real HTTP server that answers as an agent does, on TCP or on a Unix socket."""

from __future__ import annotations

import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self, cast

from google.protobuf.message import Message

from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.pb.host_pb2 import HostStats
from h2o_core.pb.stats_pb2 import BrokerReport, FeatureStats, InstanceReport, OutcomeCount, Sketch

if TYPE_CHECKING:
    from pathlib import Path

HEAD: dict[str, Any] = {
    "schema": 1,
    "fleet": "test",
    "host": "host-1",
    "as_of": "2026-01-31T14:02:07.000Z",
    "picture_age_s": 0.4,
    "register": {"state": "connected", "silent_s": 0},
}


def instance(instance_id: str, package: str = "service/customer", host: str = "host-1", **more: Any) -> dict[str, Any]:
    """An entry of /instances."""
    return {
        "id": instance_id,
        "package": package,
        "version": "1.4.2",
        "host": host,
        "zone": "a",
        "state": "ready",
        "routable": True,
        "why": "",
        "slots": 64,
        "in_flight": 0,
        "queued": 0,
        "started": "2026-01-31T13:00:00.000Z",
        "pid": 4242,
        **more,
    }


def host(name: str, agent: str | None, **more: Any) -> dict[str, Any]:
    """An entry of /hosts."""
    return {
        "host": name,
        "zone": "a",
        "address": "127.0.0.1:41234",
        "incarnation": "00000000deadbeef",
        "link": "up",
        "rtt_ms": 0.42,
        "agent": agent,
        "instances": 1,
        "labels": {},
        **more,
    }


STARTED_S = 1_769_864_400.0
NOW_S = 1_769_868_127.0


def endpoint(
    name: str, outcomes: dict[str, int] | None = None, times_ms: tuple[float, ...] = (4.2,) * 100, **more: Any
) -> FeatureStats:
    """A feature in an instance's report; by default 117 OK, two time-outs, a declared error, all in 4.2 ms."""
    sketch = Histogram()
    for each in times_ms:
        sketch.record(int(each * 1e6))
    index, count = sketch.lists()
    counted = {"OK": 117, "TIMEOUT": 2, "APPLICATION": 1} if outcomes is None else outcomes
    return FeatureStats(
        feature=f"/{name}",
        outcomes=[OutcomeCount(code=Code[code], count=n) for code, n in counted.items()],
        processing=Sketch(index=index, count=count, zero=sketch.zero, sum=sketch.sum_ns),
        **more,
    )


def stats(instance_id: str, *endpoints: FeatureStats, package: str = "service/customer", **more: Any) -> InstanceReport:
    """An instance in a host's counters."""
    said: dict[str, Any] = {"version": "1.4.2", "slots": 64, "started_s": STARTED_S, "state": "ready", **more}
    return InstanceReport(instance=instance_id, package=f"/{package}", features=endpoints, **said)


def host_stats(*instances: InstanceReport, host: str = "host-1", **more: Any) -> HostStats:
    """What an agent answers at /stats as protobuf; *more* goes into the broker's report."""
    said: dict[str, Any] = {"now_s": NOW_S, "started_s": STARTED_S, "incarnation": 7, "pid": 4000, **more}
    report = BrokerReport(host=host, fleet="test", instances=instances, **said)
    return HostStats(host=host, fleet="test", zone="a", version="0.1.0", as_of_s=NOW_S, report=report)


def _encoded(content: Any) -> tuple[bytes, str]:
    """(body, media type)"""
    if isinstance(content, Message):
        return content.SerializeToString(), "application/x-protobuf"
    return content if isinstance(content, bytes) else json.dumps(content).encode(), "application/json"


@dataclass
class AgentServer:
    """Serves `answers` until it is left: path → JSON, protobuf, bytes, (status, one of these), or what returns one.

    `etags`: path → what its answer is tagged with; who has that already gets a 304, and `spared` counts them.
    """

    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    unix_path: Path | None = None
    etags: dict[str, str] = field(default_factory=dict[str, str])
    spared: int = 0
    address: str = ""

    def __enter__(self) -> Self:
        answers, serves = self.answers, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer: Any = answers.get(self.path, (404, {"error": "no such path", "hint": ""}))
                answer = answer() if callable(answer) else answer
                status, content = cast("tuple[int, Any]", answer) if isinstance(answer, tuple) else (200, answer)
                body, kind = _encoded(content)
                etag = serves.etags.get(self.path, "")
                if etag and self.headers.get("If-None-Match") == etag:
                    serves.spared += 1
                    status, body = 304, b""
                self.send_response(status)
                if etag:
                    self.send_header("ETag", etag)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def address_string(self) -> str:
                return "client"  # a Unix socket's client has no address to show

        if self.unix_path is not None:
            self._server: socketserver.BaseServer = socketserver.ThreadingUnixStreamServer(str(self.unix_path), Handler)
            self.address = f"unix:{self.unix_path}"
        else:
            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
            self._server = server
            self.address = f"http://127.0.0.1:{server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
