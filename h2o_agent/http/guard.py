"""Who may read: everybody on this machine, from elsewhere whoever has a token; no page in a browser. Who may write.

A page that the operator's browser shows can send requests to the loopback interface, also under a name of its own
that it lets point there. So a request without a token is answered only when it names this host as its own machine
would, and says of no other origin that it came from there.

What has the agent do something is a POST, on the few paths that take one: from the Unix socket, or with a write token,
also on loopback, where other users of this machine are. A browser's is refused whatever it shows.
"""

from __future__ import annotations

import hmac
import pwd
import socket
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from h2o_agent.http.answers import error
from h2o_agent.http.connection import MOST_WRITTEN_BYTES, PEER_UID

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from h2o_core.access import Token
    from h2o_core.hostfile import HostFile

FREE: Final = ("/livez", "/readyz")
"""What a load balancer asks, which has no token."""
POSTED_ALONE: Final = ("/register", "/changes", "/notes")
"""What is for those who may write, to the last question."""
KNOWN_AS: Final = "known_as"
"""The key of a request's state that says who writes, "" for one whom nothing but the fleet's own token vouches for."""
READING: Final = ("GET", "HEAD")
_LOCAL_NAMES: Final = ("localhost", "agent")
_SCHEME: Final = "bearer"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, and what to type instead."""

    status: int
    sentence: str
    hint: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Guard:
    """`tokens`: any of them opens to readers, and so does each of the `writers`, who may write.

    `names`: what this host is called beside its addresses, in lower case; `host`: its name in the fleet.
    """

    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    writers: tuple[Token, ...] = ()
    host: str = ""

    def refusal(
        self, method: str, path: str, peer: str | None, headers: Mapping[str, str], writable: Collection[str] = ()
    ) -> Refusal | None:
        """None when it may be answered. *peer* is None on the Unix socket; *headers* have names in lower case.

        *writable*: the paths that take a POST.
        """
        if method not in READING or path in POSTED_ALONE:
            if method != "POST" or path not in writable:
                return _no_such_method(path, writable=path in writable)
            return self._no_page_writes(headers) or self._no_writer(peer, headers) or _no_json(headers)
        if peer is None or path in FREE or self._opens(headers.get("authorization", "")):
            return None
        if not _is_loopback(peer):
            return _no_token(bool(headers.get("authorization")))
        return self._from_a_page(headers)

    def known_as(self, headers: Mapping[str, str], uid: int | None) -> str:
        """Who writes: by the name of the token shown, else by the *uid* on the Unix socket; "" when neither tells."""
        writer = self._writer(headers.get("authorization", ""))
        if writer is not None and writer.name:
            return writer.name
        return "" if uid is None else f"{_user(uid)}@{self.host}"

    def _writer(self, authorization: str) -> Token | None:
        found = [one for one in self.writers if _shows(authorization, one.token)]
        return found[0] if found else None

    def _opens(self, authorization: str) -> bool:
        # every one is compared, so that the time says nothing about which it was
        every = [_shows(authorization, token) for token in self.tokens]
        return any(every) or self._writer(authorization) is not None

    def _no_writer(self, peer: str | None, headers: Mapping[str, str]) -> Refusal | None:
        shown = headers.get("authorization", "")
        if self._writer(shown) is not None or (peer is None and not shown):
            return None
        if self._opens(shown):
            return Refusal(403, "this token reads, and this needs one that writes", _WRITE_HINT)
        challenge = _challenge(bool(shown))
        sentence = "this is no write token of this host" if shown else "this needs the write token, on loopback as well"
        return Refusal(401, sentence, _WRITE_HINT, challenge)

    def _no_page_writes(self, headers: Mapping[str, str]) -> Refusal | None:
        """Browsers say where a POST comes from; what no page is on this host, no page needs."""
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            return Refusal(403, "this agent does nothing for a page in a browser", "ask without one: h2o call, curl")
        return None

    def _from_a_page(self, headers: Mapping[str, str]) -> Refusal | None:
        host = _name(headers.get("host", ""))
        if host and not _is_address(host) and host not in _LOCAL_NAMES and host not in self.names:
            hint = "ask by address: http://127.0.0.1:PORT, or send the fleet's token (h2o token)"
            return Refusal(403, "this host is not called that, and who is not known is not answered", hint)
        origin = headers.get("origin", "")
        site = headers.get("sec-fetch-site", "none")
        if (origin and _name(origin.partition("://")[2]) != host) or site not in {"none", "same-origin"}:
            hint = "open the address itself, or ask without a browser: curl"
            return Refusal(403, "this agent answers no page of another origin", hint)
        return None


def own_names(hostfile: HostFile) -> tuple[str, ...]:
    """What this host is called: in the host file, and by its machine."""
    machine = socket.gethostname()
    called = (hostfile.host, hostfile.advertise, hostfile.http_bind, machine, machine.partition(".")[0])
    return tuple(dict.fromkeys(_name(each) for each in called if each))


_WRITE_HINT: Final = (
    'curl -H "Authorization: Bearer $(h2o token --write)" …, where the context has the fleet\'s secret_file or a '
    "write_token_file; or ask over the Unix socket, as the host's user"
)


def _no_such_method(path: str, *, writable: bool) -> Refusal:
    allowed = ", ".join((*READING * (path not in POSTED_ALONE), *("POST",) * writable))
    sentence = f"this path takes {allowed}" if writable else "this agent is read with GET and HEAD"
    return Refusal(405, sentence, "see /openapi.json", {"Allow": allowed})


def _no_json(headers: Mapping[str, str]) -> Refusal | None:
    media, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != _JSON or charset not in {"", "charset=utf-8"} or "content-encoding" in headers:
        return Refusal(415, "a body here is JSON in UTF-8, as it is", f'curl -H "Content-Type: {_JSON}" …')
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > MOST_WRITTEN_BYTES:
        return Refusal(413, f"a body has at most {MOST_WRITTEN_BYTES >> 10} KiB", "send less")
    return None


def _no_token(tried: bool) -> Refusal:  # noqa: FBT001 - private, of one caller
    hint = 'curl -H "Authorization: Bearer $(h2o token)" …, where the context has the fleet\'s secret_file'
    sentence = "this is not the fleet's read token" if tried else "from elsewhere this agent is read with a token"
    return Refusal(401, sentence, hint, _challenge(tried))


def _challenge(tried: bool) -> dict[str, str]:  # noqa: FBT001 - as above
    return {"WWW-Authenticate": 'Bearer realm="h2o"' + (', error="invalid_token"' if tried else "")}


def _shows(authorization: str, token: str) -> bool:
    scheme, _, shown = authorization.partition(" ")
    return scheme.lower() == _SCHEME and hmac.compare_digest(shown.strip().encode(), token.encode())


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


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
    """The application behind its guard. *writable*: the paths that take a POST."""

    def __init__(self, app: ASGIApp, guard: Guard, writable: Collection[str] = ()) -> None:
        self._app = app
        self._guard = guard
        self._writable = writable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        if scope["type"] == "http":
            # a header that comes twice counts as one that says both, which no check accepts
            headers: dict[str, str] = {}
            for raw, value in scope["headers"]:
                name, text = raw.decode("latin-1"), value.decode("latin-1")
                headers[name] = f"{headers[name]}, {text}" if name in headers else text
            state = scope.setdefault("state", {})
            peer = None if PEER_UID in state else (scope["client"] or ("",))[0]
            refusal = self._guard.refusal(scope["method"], scope["path"], peer, headers, self._writable)
            if refusal is not None:
                answer = error(refusal.status, refusal.sentence, refusal.hint)
                answer.headers.update(refusal.headers)
                await answer(scope, receive, send)
                return
            if scope["method"] == "POST":
                state[KNOWN_AS] = self._guard.known_as(headers, state.get(PEER_UID))
        await self._app(scope, receive, send)
