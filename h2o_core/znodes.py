"""Every ZooKeeper path, document and access list of a fleet. Pure: bytes in, checked values out."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from h2o_core.documents import Reader, encode_document
from h2o_core.envelope import types_hash
from h2o_core.names import dotted, from_dotted, package_of, parse_feature, parse_host, parse_package, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIVE_CAP_BYTES: Final = 256 << 10
PACKAGE_CAP_BYTES: Final = 1000 << 10
"""Below ZooKeeper's own 1 MiB a packet: a write above that would cost the whole session."""
SMALL_CAP_BYTES: Final = 16 << 10
_MOST_INSTANCES: Final = 4096
_MOST_FEATURES: Final = 4096
_MOST_SLOTS: Final = 1_000_000
_HIGHEST_PORT: Final = 65_535
_HIGHEST_ORDER: Final = (1 << 63) - 2
_HIGHEST_PID: Final = 1 << 32
_LATEST_S: Final = 1e12
_NAMES_REMEMBERED: Final = 4096
"""A fleet's hosts name the same few hundred packages and versions again and again."""

_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}")
_HOSTNAME: Final = re.compile(r"[0-9a-fA-F:.]{2,45}|[A-Za-z0-9._-]{1,253}")
_INCARNATION: Final = re.compile(r"[0-9a-f]{16}")
_DIGEST: Final = re.compile(r"[0-9a-f]{16,128}")
_Z85_KEY: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
        """What people have said of findings (h2o_core.notes)."""
        return f"{self.root}/notes"

    @property
    def settings(self) -> str:
        """The fleet's settings (`control.FleetSettings`)."""
        return f"{self.control}/fleet"

    @property
    def traffics(self) -> str:
        """The parent of what is decided about packages' versions."""
        return f"{self.control}/traffic"

    def traffic(self, package: str) -> str:
        """Which versions of a package get what (`control.Traffic`)."""
        return f"{self.traffics}/{dotted(package)}"

    @property
    def host_controls(self) -> str:
        """The parent of what is decided about hosts."""
        return f"{self.control}/hosts"

    def host_control(self, host: str) -> str:
        """A host that is drained or avoided (`control.HostControl`)."""
        return f"{self.host_controls}/{host}"


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """One instance as its host's broker announces it."""

    id: str
    package: str
    version: str
    digest: str
    slots: int
    started_s: float
    pid: int


@dataclass(frozen=True, slots=True)
class LiveHost:
    """A host's broker: where it is, which one it is, and what it can serve."""

    host: str
    zone: str
    address: str
    key: str
    incarnation: int
    machine: str
    wire: int
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    instances: tuple[LiveInstance, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A feature as its package declares it. `types` is what requests for it carry in their header."""

    name: str
    request_type: str
    reply_type: str
    idempotent: bool = False
    mean_ms: float = 0.0
    upper95_ms: float = 0.0
    types: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Hash the types once: brokers compare them for each request."""
        object.__setattr__(self, "types", types_hash(self.request_type, self.reply_type))


@dataclass(frozen=True, slots=True)
class PackageVersion:
    """A manifest. `created` is the order of its registration (0: not read from ZooKeeper): the smaller was first.

    That is the node's czxid, or one more than `after`, what its writer knew as the highest so far: a wiped
    ensemble counts from anew, and what is registered there again keeps its place. `min_available`: so many
    instances its author wants to take requests at least; 0: nothing is said.
    """

    package: str
    version: str
    digest: str
    features: tuple[FeatureSpec, ...]
    descriptors: bytes
    created: int = field(default=0, compare=False)
    min_available: int = 0


@dataclass(frozen=True, slots=True)
class AgentNode:
    """Where a host's agent serves HTTP."""

    host: str
    address: str
    port: int
    zone: str
    machine: str


def encode_live(live: LiveHost) -> bytes:
    """`live/<host>`; raises InvalidDocument above 256 KiB."""
    instances = [
        {
            "id": one.id,
            "package": dotted(one.package),
            "version": one.version,
            "digest": one.digest,
            "slots": one.slots,
            "started": one.started_s,
            "pid": one.pid,
        }
        for one in live.instances
    ]
    fields: dict[str, object] = {
        "host": live.host,
        "zone": live.zone,
        "address": live.address,
        "key": live.key,
        "incarnation": f"{live.incarnation:016x}",
        "machine": live.machine,
        "wire": live.wire,
        "labels": dict(live.labels),
        "instances": instances,
    }
    return encode_document(f"live/{live.host}", LIVE_CAP_BYTES, fields)


def parse_live(path: str, data: bytes) -> LiveHost:
    """`live/<host>` → LiveHost; raises InvalidDocument."""
    reader = Reader.of_document(path, data, LIVE_CAP_BYTES)
    instances = tuple(
        _quick_instance(item.fields) or _parse_instance(item) for item in reader.objects("instances", _MOST_INSTANCES)
    )
    if len({one.id for one in instances}) != len(instances):
        reader.fail("two instances have the same id")
    return LiveHost(
        host=_parse_own_host(reader),
        zone=reader.text("zone"),
        address=_parse_address(reader),
        key=reader.text("key", form=_Z85_KEY),
        incarnation=int(reader.text("incarnation", form=_INCARNATION), 16),
        machine=reader.text("machine", form=_WORD),
        wire=reader.integer("wire", 1, 255),
        labels=reader.table("labels"),
        instances=instances,
    )


_instance_fields = itemgetter("id", "package", "version", "digest", "slots", "started", "pid")


def _quick_instance(fields: Mapping[str, Any]) -> LiveInstance | None:
    """What `_parse_instance` makes of it when all is well, in a third of the time; None: ask that one, it has words.

    A joining broker reads 20,000 of them.
    """
    try:
        one, package, version, digest, slots, started_s, pid = _instance_fields(fields)
        well = (
            _WORD.fullmatch(one)
            and _DIGEST.fullmatch(digest)
            and type(package) is type(version) is str
            and type(slots) is type(pid) is int
            and 0 <= slots <= _MOST_SLOTS
            and 0 <= pid <= _HIGHEST_PID
            and type(started_s) is float
            and 0 <= started_s < _LATEST_S
        )
        return LiveInstance(one, _package(package), _version(version), digest, slots, started_s, pid) if well else None
    except (KeyError, TypeError, ValueError):
        return None


def _parse_instance(reader: Reader) -> LiveInstance:
    return LiveInstance(
        id=reader.text("id", form=_WORD),
        package=_parse_package_name(reader),
        version=reader.name("version", _version),
        digest=reader.text("digest", form=_DIGEST),
        slots=reader.integer("slots", 0, _MOST_SLOTS),
        started_s=reader.number("started"),
        pid=reader.integer("pid", 0, _HIGHEST_PID),
    )


def _parse_own_host(reader: Reader) -> str:
    host = reader.name("host", parse_host)
    if host != reader.path.rsplit("/", 1)[-1]:
        reader.fail(f"it says that it is of host {host!r}")
    return host


def _parse_package_name(reader: Reader) -> str:
    return reader.name("package", _package)


@lru_cache(_NAMES_REMEMBERED)
def _package(name: str) -> str:
    return parse_package(from_dotted(name))


_version = lru_cache(_NAMES_REMEMBERED)(parse_version)


def _parse_address(reader: Reader) -> str:
    address = reader.text("address", form=_ADDRESS)
    if not 1 <= int(address.rsplit(":", 1)[1]) <= _HIGHEST_PORT:
        reader.fail(f"address is {address!r}; a port is a number from 1 to 65535")
    return address


def encode_agent(agent: AgentNode) -> bytes:
    """`agents/<host>`, in the form that Prometheus' serverset_sd reads."""
    fields: dict[str, object] = {
        "serviceEndpoint": {"host": agent.address, "port": agent.port},
        "additionalEndpoints": {},
        "status": "ALIVE",
        "host": agent.host,
        "zone": agent.zone,
        "machine": agent.machine,
    }
    return encode_document(f"agents/{agent.host}", SMALL_CAP_BYTES, fields)


def parse_agent(path: str, data: bytes) -> AgentNode:
    """`agents/<host>` → AgentNode; raises InvalidDocument."""
    reader = Reader.of_document(path, data, SMALL_CAP_BYTES)
    endpoint = reader.object("serviceEndpoint")
    return AgentNode(
        host=_parse_own_host(reader),
        address=endpoint.text("host", form=_HOSTNAME),
        port=endpoint.integer("port", 1, _HIGHEST_PORT),
        zone=reader.text("zone"),
        machine=reader.text("machine", form=_WORD),
    )


def manifest_digest(features: Iterable[FeatureSpec], descriptors: bytes) -> str:
    """What makes two manifests of a version differ: names, types, `idempotent`, descriptors; not the promised times."""
    rows = sorted([one.name, one.request_type, one.reply_type, one.idempotent] for one in features)
    return blake2b(json.dumps(rows).encode() + b"\0" + descriptors, digest_size=20).hexdigest()


def package_version(package: str, version: str, features: Iterable[FeatureSpec], descriptors: bytes) -> PackageVersion:
    """A manifest in its one form: features sorted by name, and the digest worked out."""
    ordered = tuple(sorted(features, key=lambda one: one.name))
    return PackageVersion(package, version, manifest_digest(ordered, descriptors), ordered, descriptors)


def encode_package_version(manifest: PackageVersion, after: int = 0) -> bytes:
    """`packages/<package>/<version>`; *after* see PackageVersion. Raises InvalidDocument above 1,000 KiB."""
    features = [
        {
            "name": one.name,
            "request_type": one.request_type,
            "reply_type": one.reply_type,
            "idempotent": one.idempotent,
            "mean_ms": one.mean_ms,
            "upper95_ms": one.upper95_ms,
        }
        for one in manifest.features
    ]
    fields: dict[str, object] = {
        "package": dotted(manifest.package),
        "version": manifest.version,
        "digest": manifest.digest,
        "features": features,
        "descriptors": b64encode(manifest.descriptors).decode(),
    }
    if after > 0:
        fields["after"] = after
    if manifest.min_available:
        fields["min_available"] = manifest.min_available
    return encode_document(f"packages/{dotted(manifest.package)}/{manifest.version}", PACKAGE_CAP_BYTES, fields)


def parse_package_version(path: str, data: bytes, created: int = 0) -> PackageVersion:
    """`packages/<package>/<version>` → PackageVersion; *created* is the node's czxid. Raises InvalidDocument."""
    reader = Reader.of_document(path, data, PACKAGE_CAP_BYTES)
    package = _parse_package_name(reader)
    version = reader.name("version", parse_version)
    if path.rsplit("/", 2)[-2:] != [dotted(package), version]:
        reader.fail(f"it says that it is {dotted(package)}/{version}")
    features = tuple(_parse_feature(item, package) for item in reader.objects("features", _MOST_FEATURES))
    if len({one.name for one in features}) != len(features):
        reader.fail("two features have the same name")
    try:
        descriptors = b64decode(reader.raw_text("descriptors"), validate=True)
    except ValueError:
        reader.fail("descriptors is not base64")
    digest = reader.text("digest", form=_DIGEST)
    if digest != manifest_digest(features, descriptors):
        reader.fail(f"the digest {digest} is not that of its features and descriptors")
    if "after" in reader.fields:
        created = max(created, reader.integer("after", 0, _HIGHEST_ORDER) + 1)
    ordered = tuple(sorted(features, key=lambda one: one.name))
    least = reader.integer("min_available", 0, _MOST_INSTANCES) if "min_available" in reader.fields else 0
    return PackageVersion(package, version, digest, ordered, descriptors, created, least)


def _parse_feature(reader: Reader, package: str) -> FeatureSpec:
    name = reader.name("name", parse_feature)
    if package_of(name) != package:
        reader.fail(f"{name} is not a feature of {package}")
    return FeatureSpec(
        name=name,
        request_type=reader.text("request_type"),
        reply_type=reader.text("reply_type"),
        idempotent=reader.flag("idempotent"),
        mean_ms=reader.number("mean_ms"),
        upper95_ms=reader.number("upper95_ms"),
    )
