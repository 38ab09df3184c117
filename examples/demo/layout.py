"""What the demo runs where: three hosts in two zones, six packages, service/customer in two versions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from h2o_console.dev.plan import HostPlan
from h2o_core.hostfile import InstanceSpec

if TYPE_CHECKING:
    from pathlib import Path

ZONES: Final = {"host-1": "a", "host-2": "a", "host-3": "b"}

_MODULES: Final = {
    ("/api/customer", "5.1.0"): "api_customer",
    ("/orchestration/registration", "1.0.3"): "orchestration_registration",
    ("/service/customer", "1.4.2"): "service_customer_1_4",
    ("/service/customer", "2.0.0"): "service_customer",
    ("/service/email", "1.1.0"): "service_email",
    ("/service/geo", "0.9.1"): "service_geo",
    ("/service/payment", "3.2.0"): "service_payment",
}
_PLACES: Final = {
    "host-1": (
        ("/api/customer", "5.1.0"),
        ("/orchestration/registration", "1.0.3"),
        ("/service/customer", "1.4.2"),
        ("/service/geo", "0.9.1"),
    ),
    "host-2": (
        ("/api/customer", "5.1.0"),
        ("/service/customer", "1.4.2"),
        ("/service/customer", "2.0.0"),
        ("/service/email", "1.1.0"),
        ("/service/payment", "3.2.0"),
    ),
    "host-3": (
        ("/orchestration/registration", "1.0.3"),
        ("/service/customer", "2.0.0"),
        ("/service/email", "1.1.0"),
        ("/service/geo", "0.9.1"),
        ("/service/payment", "3.2.0"),
    ),
}
"""Uneven on purpose: not every package runs on every server."""


def expected() -> list[tuple[str, str, str]]:
    """(host, package without its slash, version) of every instance that has to come up."""
    return sorted((host, package[1:], version) for host, places in _PLACES.items() for package, version in places)


def hosts(state: Path) -> tuple[HostPlan, ...]:
    """The hosts and what each is to run; *state* is a directory for the packages' own files."""
    return tuple(HostPlan(host, zone, _instances(host, state)) for host, zone in ZONES.items())


def _instances(host: str, state: Path) -> tuple[InstanceSpec, ...]:
    env = {"CUSTOMER_DB": str(state / "customer.db"), "EMAIL_OUTBOX": str(state / "outbox.jsonl")}
    return tuple(
        InstanceSpec(package, (sys.executable, "-m", f"examples.{_MODULES[package, version]}"), env=env)
        for package, version in _PLACES[host]
    )
