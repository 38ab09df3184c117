"""Where a fleet keeps what in ZooKeeper. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from h2o_core.names import dotted, parse_host


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a fleet keeps what. All paths are absolute."""

    fleet: str

    def __post_init__(self) -> None:
        """Raises InvalidName when the fleet's name can't stand in a path."""
        parse_host(self.fleet)

    @property
    def root(self) -> str:
        """The fleet's own root."""
        return f"/h2o/{self.fleet}"

    @property
    def lives(self) -> str:
        """The parent of the brokers' ephemeral nodes."""
        return f"{self.root}/live"

    def live(self, host: str) -> str:
        """A host's ephemeral node, written by its broker."""
        return f"{self.lives}/{host}"

    @property
    def agents(self) -> str:
        """The parent of the agents' ephemeral nodes; Prometheus' serverset_sd reads it."""
        return f"{self.root}/agents"

    def agent(self, host: str) -> str:
        """A host's ephemeral node, written by its agent."""
        return f"{self.agents}/{host}"

    @property
    def candidates(self) -> str:
        """The parent of the ephemeral nodes of those who stand for conductor (h2o_core.election)."""
        return f"{self.root}/election/conductor"

    @property
    def leader(self) -> str:
        """Where the elected conductor says who it is (`election.Leader`); ephemeral."""
        return f"{self.root}/election/leader"

    @property
    def packages(self) -> str:
        """The parent of all packages."""
        return f"{self.root}/packages"

    def package(self, package: str) -> str:
        """The parent of a package's versions."""
        return f"{self.packages}/{dotted(package)}"

    def version(self, package: str, version: str) -> str:
        """The manifest of a package at a version."""
        return f"{self.package(package)}/{version}"

    @property
    def control(self) -> str:
        """What operators decide."""
        return f"{self.root}/control"

    @property
    def epoch(self) -> str:
        """The one control node that brokers watch."""
        return f"{self.control}/epoch"

    @property
    def notes(self) -> str:
        """What people have said of findings (h2o_core.insights.notes)."""
        return f"{self.root}/notes"

    @property
    def settings(self) -> str:
        """The fleet's settings (`control.settings.FleetSettings`)."""
        return f"{self.control}/fleet"

    @property
    def traffics(self) -> str:
        """The parent of what is decided about packages' versions."""
        return f"{self.control}/traffic"

    def traffic(self, package: str) -> str:
        """Which versions of a package get what (`control.traffic.Traffic`)."""
        return f"{self.traffics}/{dotted(package)}"

    @property
    def host_controls(self) -> str:
        """The parent of what is decided about hosts."""
        return f"{self.control}/hosts"

    def host_control(self, host: str) -> str:
        """A host that is drained or avoided (`control.hosts.HostControl`)."""
        return f"{self.host_controls}/{host}"
