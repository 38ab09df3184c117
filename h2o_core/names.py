"""Names of packages and features, and the rules between tiers."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME_BYTES: Final = 200
_SEGMENT: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,62}")
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Tier(StrEnum):
    """The callable tiers. Storage engines are the fourth and are never called."""

    API = "api"
    ORCHESTRATION = "orchestration"
    SERVICE = "service"


OPERATOR: Final = "operator"
"""What a caller is called that is no instance: a person's command, a script, a test."""
GATEWAY: Final = "gateway"
"""What the door to the outside world is called as a caller."""
CALLS: Final[Mapping[str, frozenset[Tier]]] = {
    OPERATOR: frozenset(Tier),
    GATEWAY: frozenset({Tier.API}),
    Tier.API: frozenset({Tier.ORCHESTRATION, Tier.SERVICE}),
    Tier.ORCHESTRATION: frozenset({Tier.SERVICE}),
    Tier.SERVICE: frozenset(),
}
"""Who may call which tiers: a package by its own tier, the others by what they are."""
_RULES: Final[Mapping[str, str]] = {
    GATEWAY: "the gateway calls api alone; offer it in an api package",
    Tier.API: "an api calls orchestrations and services; call those, or move what both need into one",
    Tier.ORCHESTRATION: "an orchestration calls services; call those, or let an api put the two together",
    Tier.SERVICE: "a service calls nothing; let an orchestration call both, and hand over what this one needs",
}


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


def callable_tiers(caller: str) -> frozenset[Tier]:
    """The tiers that *caller* may call: a package (``/service/geo``), OPERATOR or GATEWAY."""
    return CALLS[tier_of(caller) if caller.startswith("/") else caller]


def tier_breach(caller: str, name: str) -> str:
    """Why *caller* (as for `callable_tiers`) may not call the package or feature *name*; "" when it may."""
    if tier_of(name) in callable_tiers(caller):
        return ""
    rule = _RULES[tier_of(caller) if caller.startswith("/") else caller]
    return f"{shown(caller)} may not call {shown(package_of(name))}: {rule}"


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
