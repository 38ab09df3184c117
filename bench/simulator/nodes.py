"""What a simulated fleet has in ZooKeeper and in its brokers' picture: the documents that the real ones write. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.simulator.host import SLOTS
from h2o_core.manifests import manifest_from_package_version
from h2o_core.pb.stats_pb2 import HostPicture, InstancePicture, Picture
from h2o_core.znodes.agents import AgentNode
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, PackageVersion, package_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.simulator.plan import Feature, Host, Plan

_KEY: Final = "0" * 40
_TYPE: Final = "bench.Nothing"


def manifests(plan: Plan) -> list[PackageVersion]:
    """One a package and version."""
    return [
        package_version(package.name, version, map(_spec, package.features), b"")
        for package in plan.packages
        for version in package.versions
    ]


def _spec(feature: Feature) -> FeatureSpec:
    mean_ms = feature.promised_ms / 3
    return FeatureSpec(feature.name, _TYPE, _TYPE, idempotent=True, mean_ms=mean_ms, upper95_ms=feature.promised_ms)


def agent_node(host: Host, port: int) -> AgentNode:
    """`agents/<host>`."""
    return AgentNode(host.name, "127.0.0.1", port, host.zone, f"machine-{host.number}")


def live_host(host: Host, started_s: float, digests: dict[tuple[str, str], str]) -> LiveHost:
    """`live/<host>`; *digests* by package and version."""
    return LiveHost(
        host=host.name,
        zone=host.zone,
        address=address(host),
        key=_KEY,
        incarnation=host.number + 1,
        machine=f"machine-{host.number}",
        wire=1,
        labels={"rack": f"r{host.number % 12}"},
        instances=tuple(
            LiveInstance(
                id=one.id,
                package=one.package.name,
                version=one.version,
                digest=digests[one.package.name, one.version],
                slots=SLOTS,
                started_s=started_s,
                pid=1000 + one.number,
            )
            for one in host.instances
        ),
    )


def address(host: Host) -> str:
    """Where its broker would be."""
    return f"127.0.0.1:{20_000 + host.number}"


def picture(plan: Plan, versions: Iterable[PackageVersion], started_s: float) -> Picture:
    """The fleet as every broker in it sees it."""
    return Picture(
        version=1,
        as_of_s=started_s,
        hosts=[_host(host, started_s) for host in plan.hosts],
        manifests=[manifest_from_package_version(one, descriptors=False) for one in versions],
    )


def _host(host: Host, started_s: float) -> HostPicture:
    return HostPicture(
        host=host.name,
        zone=host.zone,
        address=address(host),
        incarnation=host.number + 1,
        link="up",
        labels={"rack": f"r{host.number % 12}"},
        register="registered",
        instances=[
            InstancePicture(
                instance=one.id,
                package=one.package.name,
                version=one.version,
                slots=SLOTS,
                started_s=started_s,
                routable=True,
            )
            for one in host.instances
        ],
    )
