"""Manifests between their two forms: the protobuf one on the wire, the PackageVersion in ZooKeeper."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from h2o_core.documents import InvalidDocument
from h2o_core.names import dotted, parse_package
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.znodes.packages import (
    FeatureSpec,
    PackageVersion,
    encode_package_version,
    package_version,
    parse_package_version,
)

_PATH: Final = "the manifest"


def package_version_from_manifest(manifest: Manifest) -> PackageVersion:
    """What an instance registered, checked; raises InvalidDocument.

    It goes through its own document, so that whatever a broker accepts every other broker can read.
    """
    try:
        package = parse_package(manifest.package)
        features = [
            FeatureSpec(one.name, one.request_type, one.reply_type, one.idempotent, one.mean_ms, one.upper95_ms)
            for one in manifest.features
        ]
        version = package_version(package, manifest.version, features, manifest.descriptors)
        data = encode_package_version(replace(version, min_available=manifest.min_available))
    except InvalidDocument:
        raise
    except ValueError as error:  # InvalidName, or a NaN, which JSON can't hold
        raise InvalidDocument(_PATH, str(error)) from None
    return parse_package_version(f"packages/{dotted(package)}/{manifest.version}", data)


def manifest_from_package_version(version: PackageVersion, *, descriptors: bool = True) -> Manifest:
    """The protobuf form; a Picture carries manifests without descriptors."""
    return Manifest(
        package=version.package,
        version=version.version,
        features=[
            Feature(
                name=one.name,
                request_type=one.request_type,
                reply_type=one.reply_type,
                idempotent=one.idempotent,
                mean_ms=one.mean_ms,
                upper95_ms=one.upper95_ms,
            )
            for one in version.features
        ],
        descriptors=version.descriptors if descriptors else b"",
        min_available=version.min_available,
    )
