"""Manifests, `packages/<package>/<version>`: what a package offers at a version, and what makes two differ. Pure."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from h2o_core.documents import LARGE_CAP_BYTES, Reader, encode_document
from h2o_core.envelope import types_hash
from h2o_core.fields import DIGEST, MOST_INSTANCES, parse_package_name
from h2o_core.names import dotted, package_of, parse_feature, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_FEATURES: Final = 4096
_HIGHEST_ORDER: Final = (1 << 63) - 2


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
    return encode_document(f"packages/{dotted(manifest.package)}/{manifest.version}", LARGE_CAP_BYTES, fields)


def parse_package_version(path: str, data: bytes, created: int = 0) -> PackageVersion:
    """`packages/<package>/<version>` → PackageVersion; *created* is the node's czxid. Raises InvalidDocument."""
    reader = Reader.of_document(path, data, LARGE_CAP_BYTES)
    package = parse_package_name(reader)
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
    digest = reader.text("digest", form=DIGEST)
    if digest != manifest_digest(features, descriptors):
        reader.fail(f"the digest {digest} is not that of its features and descriptors")
    if "after" in reader.fields:
        created = max(created, reader.integer("after", 0, _HIGHEST_ORDER) + 1)
    ordered = tuple(sorted(features, key=lambda one: one.name))
    least = reader.integer("min_available", 0, MOST_INSTANCES) if "min_available" in reader.fields else 0
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
