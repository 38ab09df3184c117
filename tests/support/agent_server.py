"""A small real HTTP server that answers as an agent does, on TCP or on a Unix socket."""

from __future__ import annotations

import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self, cast

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


def endpoint(name: str, **more: Any) -> dict[str, Any]:
    """An endpoint in an entry of /stats."""
    return {
        "name": name,
        "num_requests": 120,
        "num_errors": 2,
        "num_application_errors": 1,
        "last_error": "",
        "last_error_time": None,
        "processing_time": 600_000_000,
        "average_processing_time": 5_000_000,
        "outcomes": {"OK": 117, "TIMEOUT": 2, "APPLICATION": 1},
        "p50_ms": 4.2,
        "p95_ms": 18.5,
        "p99_ms": 120.0,
        **more,
    }


def stats(
    instance_id: str, *endpoints: dict[str, Any], package: str = "service/customer", host: str = "host-1"
) -> dict[str, Any]:
    """An entry of /stats."""
    return {
        "name": package,
        "id": instance_id,
        "version": "1.4.2",
        "host": host,
        "zone": "a",
        "started": "2026-01-31T13:00:00.000Z",
        "state": "ready",
        "slots": 64,
        "in_flight": 0,
        "queued": 0,
        "endpoints": list(endpoints),
    }


@dataclass
class AgentServer:
    """Serves `answers` (path → JSON object, or (status, object), or raw bytes) until it is left."""

    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    unix_path: Path | None = None
    address: str = ""

    def __enter__(self) -> Self:
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer: Any = answers.get(self.path, (404, {"error": "no such path", "hint": ""}))
                status, content = cast("tuple[int, Any]", answer) if isinstance(answer, tuple) else (200, answer)
                body: bytes = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
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
