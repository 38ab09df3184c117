"""Is the fleet as it was planned, from one host's point of view? Pure: agents' answers in, sentences out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from h2o_console.dev.plan import HostPlan


def expected_counts(hosts: Iterable[HostPlan]) -> dict[tuple[str, str], int]:
    """(host, package) → how many instances it is to have."""
    counts: dict[tuple[str, str], int] = {}
    for host in hosts:
        for spec in host.instances:
            key = (host.name, shown(spec.package))
            counts[key] = counts.get(key, 0) + spec.count
    return counts


def missing_at(
    host: str,
    hosts: Iterable[Mapping[str, Any]],
    instances: Iterable[Mapping[str, Any]],
    running: Collection[str],
    expected: Mapping[tuple[str, str], int],
) -> list[str]:
    """What *host* does not see yet of the *running* hosts and the *expected* instances, one sentence each."""
    linked = {each["host"] for each in hosts if each["link"] in {"self", "up"} and each["agent"]}
    absent = sorted(set(running) - linked)
    found = [f"{host} is not linked to {', '.join(absent)}"] if absent else []
    ready: dict[tuple[str, str], int] = {}
    for each in instances:
        if each["state"] == "ready" and each["routable"]:
            key = (each["host"], shown(each["package"]))
            ready[key] = ready.get(key, 0) + 1
    for (where, package), count in expected.items():
        seen = ready.get((where, package), 0)
        if where in running and seen < count:
            found.append(f"{host} sees {seen} of {count} {package} on {where}")
    return found
