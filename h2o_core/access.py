"""Who may do what to which node: roles, their credentials, and the access list of every path. Pure."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass
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


_TOKEN_LENGTH: Final = 16
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
    # Who writes history can't rewrite it.
    "audit": {Role.OPERATOR: Permission.CREATE, Role.AGENT: Permission.CREATE, Role.DEPLOYER: Permission.CREATE},
}


def credentials_of(secret: bytes, fleet: str) -> dict[Role, Credential]:
    """One credential a role from the fleet's secret; HKDF-SHA256 (RFC 5869), as for the links between brokers."""
    pseudo_random = hmac.digest(b"h2o/1", secret, sha256)
    return {
        role: Credential(
            role.value, hmac.digest(pseudo_random, f"h2o/{fleet}/zookeeper/{role}\1".encode(), sha256).hex()
        )
        for role in Role
    }


def read_token(secret: bytes, fleet: str) -> str:
    """What an agent of the fleet is shown by whoever reads it from another machine; derived as the credentials are."""
    pseudo_random = hmac.digest(b"h2o/1", secret, sha256)
    return hmac.digest(pseudo_random, f"h2o/{fleet}/read\1".encode(), sha256).hex()


def parse_tokens(text: str) -> tuple[str, ...]:
    """A token file's: one a line, so that an old one holds until everybody has the new one. Raises ValueError."""
    tokens = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not tokens:
        msg = "it holds no token; write one: openssl rand -hex 32"
        raise ValueError(msg)
    if any(len(token) < _TOKEN_LENGTH or " " in token or not token.isprintable() for token in tokens):
        msg = f"a token is a word of {_TOKEN_LENGTH} letters or more; write one: openssl rand -hex 32"
        raise ValueError(msg)
    return tokens


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
