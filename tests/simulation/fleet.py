"""The fleet that is simulated: its packages, their versions and features, what runs on each host."""

from __future__ import annotations

from dataclasses import dataclass

from h2o_core.envelope import types_hash
from h2o_core.znodes.packages import FeatureSpec, PackageVersion, package_version

FLEET = "sim"
KEY = "k" * 40
TYPES = types_hash("t.Request", "t.Reply")

IDEMPOTENT = {
    "/api/web/signup": False,
    "/orchestration/account/create": False,
    "/service/customer/retrieve": True,
    "/service/customer/create": False,
    "/service/mail/send": False,
}
FEATURES = tuple(IDEMPOTENT)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """An instance that a host's agent keeps running."""

    package: str
    version: str
    slots: int


PROCESSES = (
    ProcessSpec("/api/web", "1.0.0", 4),
    ProcessSpec("/orchestration/account", "1.0.0", 3),
    ProcessSpec("/service/customer", "1.0.0", 2),
    ProcessSpec("/service/customer", "1.0.0", 1),
    ProcessSpec("/service/customer", "2.0.0", 2),
    ProcessSpec("/service/mail", "1.0.0", 1),
)
"""On every host, in this order."""


def _manifest(spec: ProcessSpec) -> PackageVersion:
    features = [
        FeatureSpec(name, "t.Request", "t.Reply", idempotent=idempotent)
        for name, idempotent in IDEMPOTENT.items()
        if name.startswith(f"{spec.package}/")
    ]
    return package_version(spec.package, spec.version, features, b"")


MANIFESTS = {(spec.package, spec.version): _manifest(spec) for spec in PROCESSES}


def host_names(hosts: int) -> list[str]:
    """The hosts of a fleet of that many."""
    return [f"host-{number}" for number in range(1, hosts + 1)]
