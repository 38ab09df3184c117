"""A real HTTP server that takes what a webhook is told, or refuses, or hangs, or never ends."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def until(condition: Callable[[], object], what: str, within_s: float = 10) -> None:
    """Wait for it."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Hooked(BaseHTTPRequestHandler):
    """Answers as its server is told; notes what came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = cast("Receiver", self.server)
        receiver.came.append((self.path, dict(self.headers), json.loads(body)))
        receiver.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """`came`: (path, headers, body) each. `status` 0: it hangs; `dribbles`: its answer never ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hooked)
        self.came: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 204
        self.ended = threading.Event()
        self.dribbles = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?team=a"

    def answer(self, handler: Hooked) -> None:
        if self.dribbles:  # a header that never ends
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            with suppress(OSError):
                while not self.ended.wait(0.02):
                    handler.wfile.write(b"x")
        elif self.status:
            handler.send_response(self.status)
            handler.end_headers()
        else:
            self.ended.wait(10)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Until the test ends."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join(10)
    server.server_close()
