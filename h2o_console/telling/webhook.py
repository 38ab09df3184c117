"""Tells by a POST of JSON to a URL: bounded in time, as whole as it takes, no redirects, no proxies."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from h2o_console.telling.channel import NotTaken, Refused
from h2o_console.telling.said import document

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from h2o_console.telling.notices import Notice

TIMEOUT_S: Final = 10.0
_AGAIN: Final = {408, 425, 429}
"""Statuses below 500 with which somebody asks for another attempt."""


class Webhook:
    """Call it with a notice; raises NotTaken or Refused."""

    def __init__(self, url: str, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Raises ValueError, in a sentence, when *url* is no address. *token*: shown as ``Bearer``, "" for none."""
        self._url = parse_url(url)
        self._headers = {"Content-Type": "application/json", "User-Agent": "h2o-triage"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout_s = timeout_s

    def __call__(self, notice: Notice) -> None:
        """One attempt, of `timeout_s` at most."""
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout_s)
        # the connection's own time-out is for each step, and a server may take many small ones
        late = threading.Event()
        cut = threading.Timer(self._timeout_s, _cut, (connection, late))
        cut.daemon = True
        cut.start()
        status = 0
        try:
            path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
            connection.request("POST", path, json.dumps(document(notice)).encode(), self._headers)
            status = connection.getresponse().status
        except TimeoutError:
            late.set()
        except (OSError, HTTPException) as error:
            if not late.is_set():
                raise NotTaken(str(error) or type(error).__name__) from None
        finally:
            cut.cancel()
            connection.close()
        if late.is_set():
            msg = f"no answer within {self._timeout_s:g} s"
            raise NotTaken(msg)
        if status >= 500 or status in _AGAIN:
            msg = f"it answers {status}"
            raise NotTaken(msg)
        if not 200 <= status < 300:
            msg = f"it answers {status}"
            raise Refused(msg)


def parse_url(url: str) -> SplitResult:
    """Its parts; raises ValueError with a sentence that does not repeat it: it may have a secret in it."""
    with suppress(ValueError):
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        if whole and url.isascii() and url.isprintable() and " " not in url:
            return parts
    msg = "a webhook is a URL: https://HOST/PATH"
    raise ValueError(msg) from None


def _cut(connection: HTTPConnection, late: threading.Event) -> None:
    late.set()
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
