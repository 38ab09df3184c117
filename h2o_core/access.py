"""Who may do what to which node: roles, their credentials, and the access list of every path. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Role(StrEnum):
    """In what capacity a process speaks to ZooKeeper."""

    BROKER = "broker"
    AGENT = "agent"
    OPERATOR = "operator"
    DEPLOYER = "deployer"


class Permission(IntFlag):
    """ZooKeeper's. CREATE and DELETE are about the children; WRITE is about the node's own bytes."""

    READ = 1
    WRITE = 2
    CREATE = 4
    DELETE = 8
    ADMIN = 16
    ALL = 31


@dataclass(frozen=True, slots=True)
class Credential:
    """What a role shows to ZooKeeper (scheme `digest`)."""

    user: str
    password: str

    @property
    def digest(self) -> str:
        """How ZooKeeper's access lists name it: SHA-1 is its scheme's, the password has 256 random bits."""
        hashed = sha1(f"{self.user}:{self.password}".encode(), usedforsecurity=False).digest()
        return f"{self.user}:{b64encode(hashed).decode()}"


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One line of a node's access list."""

    scheme: str
    id: str
    permissions: Permission


@dataclass(frozen=True, slots=True)
class Token:
    """What somebody shows to an agent; who shows one with a *name* is known by it."""

    token: str = field(repr=False)
    name: str = ""


_TOKEN_LENGTH: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,30}")  # shorter than a token
_WORK: Final = Permission.WRITE | Permission.CREATE | Permission.DELETE
_EVERYONE: Final = dict.fromkeys(Role, Permission.CREATE)
# Below the fleet's root, by the first part of the path, beside READ for every role and ADMIN for the operator.
_GRANTS: Final[dict[str, dict[Role, Permission]]] = {
    "live": {Role.BROKER: _WORK},
    "agents": {Role.AGENT: _WORK},
    "packages": {Role.BROKER: Permission.CREATE, Role.DEPLOYER: _WORK},  # a manifest is written once
    "control": {Role.OPERATOR: _WORK, Role.AGENT: _WORK},  # the conductor is an agent
    "desired": {Role.OPERATOR: _WORK, Role.AGENT: _WORK, Role.DEPLOYER: _WORK},
    "election": {Role.AGENT: _WORK},
    "notes": {Role.OPERATOR: _WORK, Role.AGENT: _WORK},  # agents write for who has no way to ZooKeeper
    # Who writes history can't rewrite it.
    "audit": {Role.OPERATOR: Permission.CREATE, Role.AGENT: Permission.CREATE, Role.DEPLOYER: Permission.CREATE},
    "calls": {Role.AGENT: Permission.CREATE},  # agents make the calls that are journalled
}


def credentials_of(secret: bytes, fleet: str) -> dict[Role, Credential]:
    """One credential a role from the fleet's secret, as for the links between brokers."""
    return {role: Credential(role.value, _derived(secret, f"h2o/{fleet}/zookeeper/{role}").hex()) for role in Role}


def read_token(secret: bytes, fleet: str) -> str:
    """What an agent of the fleet is shown by whoever reads it from another machine."""
    return _derived(secret, f"h2o/{fleet}/read").hex()


def write_token(secret: bytes, fleet: str) -> str:
    """What an agent of the fleet is shown by whoever has it do something: who holds it is not known by name."""
    return _derived(secret, f"h2o/{fleet}/write").hex()


def journal_key(secret: bytes, fleet: str) -> bytes:
    """What digests of journalled requests are made with: a plain digest of ``{"id": 11}`` is soon guessed."""
    return _derived(secret, f"h2o/{fleet}/journal")


def _derived(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose; HKDF-SHA256 (RFC 5869)."""
    return hmac.digest(hmac.digest(b"h2o/1", secret, sha256), f"{purpose}\1".encode(), sha256)


def parse_tokens(text: str) -> tuple[str, ...]:
    """A token file's: one a line, so that an old one holds until everybody has the new one. Raises ValueError."""
    return tuple(one.token for one in _parse_tokens(text, named=False))


def parse_named_tokens(text: str) -> tuple[Token, ...]:
    """As `parse_tokens`, each with a name before it or none: ``alice 5f…``. Raises ValueError."""
    return _parse_tokens(text, named=True)


def _parse_tokens(text: str, *, named: bool) -> tuple[Token, ...]:
    tokens = tuple(_parse_token(line.split(), named=named) for line in map(str.strip, text.splitlines()) if line)
    if not tokens:
        msg = "it holds no token; write one: openssl rand -hex 32"
        raise ValueError(msg)
    return tokens


def _parse_token(words: list[str], *, named: bool) -> Token:
    *names, token = words
    if len(names) > named or len(token) < _TOKEN_LENGTH or not token.isprintable():
        before = ", with a name before it or none" if named else ""
        msg = f"a token is a word of {_TOKEN_LENGTH} letters or more{before}; write one: openssl rand -hex 32"
        raise ValueError(msg)
    if names and not _NAME.fullmatch(names[0]):
        # it may be a token, so it is not shown
        msg = "the first word of a line is no name; write at most 31 letters, digits and . _ @ + -"
        raise ValueError(msg)
    return Token(token, *names)


def acl_for(path: str, *, dev: bool, credentials: Mapping[Role, Credential]) -> tuple[AccessEntry, ...]:
    """The access list that *path* (absolute) is created with; only *dev* returns an open one."""
    if dev:
        return (_world(Permission.ALL),)
    parts = path.strip("/").split("/")
    if len(parts) < 2:  # /h2o itself: every fleet makes its root there, none can remove another's
        return (_world(Permission.READ | Permission.CREATE),)
    grants = _EVERYONE if len(parts) == 2 else _GRANTS.get(parts[2], {Role.OPERATOR: _WORK})
    if parts[2:] == ["control"]:
        grants = grants | {Role.BROKER: Permission.CREATE}  # the first broker makes epoch and settings
    entries = [
        AccessEntry(
            "digest", credentials[role].digest, Permission.READ | grants.get(role, Permission(0)) | _admin(role)
        )
        for role in Role
    ]
    if parts[2:3] == ["agents"]:
        entries.append(_world(Permission.READ))  # Prometheus' serverset_sd has no credentials
    return tuple(entries)


def world_can_write(entries: Iterable[AccessEntry]) -> bool:
    """Anybody at all may change such a node."""
    return any(one.scheme == "world" and one.permissions & ~Permission.READ for one in entries)


def _admin(role: Role) -> Permission:
    return Permission.ADMIN if role is Role.OPERATOR else Permission(0)


def _world(permissions: Permission) -> AccessEntry:
    return AccessEntry("world", "anyone", permissions)
