"""Names of packages and features, and the rules between tiers."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

MAX_NAME_BYTES: Final = 200
_SEGMENT: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,62}")
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Tier(StrEnum):
    """The callable tiers. Storage engines are the fourth and are never called."""

    API = "api"
    ORCHESTRATION = "orchestration"
    SERVICE = "service"


class InvalidName(ValueError):
    """A name is not of the form that the sentence describes."""


def _segments(name: str, least: int, form: str) -> list[str]:
    if len(name.encode()) > MAX_NAME_BYTES:
        msg = f"a name has at most {MAX_NAME_BYTES} bytes, this one has {len(name.encode())}"
        raise InvalidName(msg)
    parts = name.split("/")
    if len(parts) < least + 1 or parts[0]:
        msg = f"{name!r} is not of the form {form}"
        raise InvalidName(msg)
    for part in parts[1:]:
        if not _SEGMENT.fullmatch(part):
            msg = f"{part!r} in {name!r} is not a lower-case word of letters, digits, '-' and '_'"
            raise InvalidName(msg)
    if parts[1] not in {tier.value for tier in Tier}:
        msg = f"{name!r} starts with tier {parts[1]!r}; the tiers are api, orchestration, service"
        raise InvalidName(msg)
    return parts[1:]


def parse_package(name: str) -> str:
    """Return *name* when it is a package, ``/tier/service``; raise InvalidName otherwise."""
    if len(_segments(name, 2, "/{tier}/{service}")) != 2:
        msg = f"{name!r} is a feature, not a package; a package is /{{tier}}/{{service}}"
        raise InvalidName(msg)
    return name


def parse_feature(name: str) -> str:
    """Return *name* when it is a feature, ``/tier/service/foo[/bar…]``; raise InvalidName otherwise."""
    _segments(name, 3, "/{tier}/{service}/{foo}[/{bar}…]")
    return name


def parse_version(version: str) -> str:
    """Return *version* when it can stand in a path and a file name; raise InvalidName otherwise."""
    if not _VERSION.fullmatch(version):
        msg = f"{version!r} is not a version; use letters, digits and . + _ - (at most 63)"
        raise InvalidName(msg)
    return version


def parse_host(host: str) -> str:
    """Return *host* when it can stand in a path and a file name; raise InvalidName otherwise."""
    if not _HOST.fullmatch(host):
        msg = f"{host!r} is not a host name; use letters, digits and . _ - (at most 63)"
        raise InvalidName(msg)
    return host


def package_of(feature: str) -> str:
    """``/service/customer/retrieve`` → ``/service/customer``."""
    end = feature.find("/", feature.find("/", 1) + 1)
    return feature if end < 0 else feature[:end]


def tier_of(name: str) -> Tier:
    """The tier a package or feature belongs to."""
    return Tier(name[1 : name.index("/", 1)])


def from_operator(typed: str) -> str:
    """What an operator types (``service.customer``, ``service/customer``) → ``/service/customer``.

    Dots become slashes only when there is no slash, so a glob such as ``*/cust*`` passes untouched.
    """
    name = typed if "/" in typed else typed.replace(".", "/")
    return name if name.startswith("/") else "/" + name


def shown(name: str) -> str:
    """``/service/customer`` → ``service/customer``: output has no leading slash."""
    return name.removeprefix("/")


def dotted(name: str) -> str:
    """``/service/customer`` → ``service.customer``, for znodes and files."""
    return name.removeprefix("/").replace("/", ".")


def from_dotted(name: str) -> str:
    """``service.customer`` → ``/service/customer``."""
    return "/" + name.replace(".", "/")


def matches(pattern: str, name: str) -> bool:
    """Does what an operator typed mean this package or feature?

    A glob matches the whole name; a plain word matches the name, or any of its segments' runs:
    ``customer``, ``service/customer`` and ``cust*`` all find ``/service/customer``.
    """
    wanted = from_operator(pattern)
    if fnmatchcase(name, wanted) or name.startswith(wanted.rstrip("/") + "/"):
        return True
    tail = name.split("/", 2)[-1]
    return "/" not in pattern.strip("/") and fnmatchcase(tail, pattern)
