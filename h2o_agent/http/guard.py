"""Who may read: everybody on this machine, from elsewhere whoever has the read token; no page in a browser.

A page that the operator's browser shows can send requests to the loopback interface, also under a name of its own
that it lets point there. So a request without a token is answered only when it names this host as its own machine
would, and says of no other origin that it came from there.
"""

from __future__ import annotations

import hmac
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from h2o_agent.http.answers import error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from h2o_core.hostfile import HostFile

FREE: Final = ("/livez", "/readyz")
"""What a load balancer asks, which has no token."""
_LOCAL_NAMES: Final = ("localhost", "agent")
_SCHEME: Final = "bearer"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, and what to type instead."""

    status: int
    sentence: str
    hint: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Guard:
    """`tokens`: any of them opens. `names`: what this host is called beside its addresses, in lower case."""

    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def refusal(self, method: str, path: str, peer: str | None, headers: Mapping[str, str]) -> Refusal | None:
        """None when it may be answered. *peer* is None on the Unix socket; *headers* have names in lower case."""
        if method not in {"GET", "HEAD"}:
            return Refusal(405, "this agent is read with GET and HEAD", "see /openapi.json", {"Allow": "GET, HEAD"})
        if peer is None or path in FREE or self._opens(headers.get("authorization", "")):
            return None
        if not _is_loopback(peer):
            return _no_token(bool(headers.get("authorization")))
        return self._from_a_page(headers)

    def _opens(self, authorization: str) -> bool:
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != _SCHEME:
            return False
        offered = shown.strip().encode()
        # every one is compared, so that the time says nothing about which it was
        return any([hmac.compare_digest(offered, token.encode()) for token in self.tokens])  # noqa: C419 - see above

    def _from_a_page(self, headers: Mapping[str, str]) -> Refusal | None:
        host = _name(headers.get("host", ""))
        if host and not _is_address(host) and host not in _LOCAL_NAMES and host not in self.names:
            hint = "ask by address: http://127.0.0.1:PORT, or send the fleet's token (h2o token)"
            return Refusal(403, "this host is not called that, and who is not known is not answered", hint, {})
        origin = headers.get("origin", "")
        site = headers.get("sec-fetch-site", "none")
        if (origin and _name(origin.partition("://")[2]) != host) or site not in {"none", "same-origin"}:
            hint = "open the address itself, or ask without a browser: curl"
            return Refusal(403, "this agent answers no page of another origin", hint, {})
        return None


def own_names(hostfile: HostFile) -> tuple[str, ...]:
    """What this host is called: in the host file, and by its machine."""
    machine = socket.gethostname()
    called = (hostfile.host, hostfile.advertise, hostfile.http_bind, machine, machine.partition(".")[0])
    return tuple(dict.fromkeys(_name(each) for each in called if each))


def _no_token(tried: bool) -> Refusal:  # noqa: FBT001 - private, of one caller
    hint = 'curl -H "Authorization: Bearer $(h2o token)" …, where the context has the fleet\'s secret_file'
    challenge = 'Bearer realm="h2o"' + (', error="invalid_token"' if tried else "")
    sentence = "this is not the fleet's read token" if tried else "from elsewhere this agent is read with a token"
    return Refusal(401, sentence, hint, {"WWW-Authenticate": challenge})


def _name(authority: str) -> str:
    """``Localhost:8101``, ``[::1]:8101`` → ``localhost``, ``::1``."""
    authority = authority.strip().lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


class Guarded:
    """The application behind its guard."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        if scope["type"] == "http":
            # a header that comes twice counts as one that says both, which no check accepts
            headers: dict[str, str] = {}
            for raw, value in scope["headers"]:
                name, text = raw.decode("latin-1"), value.decode("latin-1")
                headers[name] = f"{headers[name]}, {text}" if name in headers else text
            peer = scope["client"][0] if scope["client"] else None
            refusal = self._guard.refusal(scope["method"], scope["path"], peer, headers)
            if refusal is not None:
                answer = error(refusal.status, refusal.sentence, refusal.hint)
                answer.headers.update(refusal.headers)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
