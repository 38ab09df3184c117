"""The manifest: what a package offers, with the descriptors that let others call it without its .proto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from h2o_core.pb import manifest_pb2
from h2o_service.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google._upb._message import FileDescriptor as NativeFile  # the stubs' name for the C implementation's
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message

    from h2o_service.feature import Feature

    AnyFile = FileDescriptor | NativeFile


def manifest_of(
    package: str, version: str, features: Iterable[Feature], min_available: int = 0
) -> manifest_pb2.Manifest:
    """The manifest with its features sorted by name; the same declarations always give the same bytes."""
    ordered = sorted(features, key=lambda feature: feature.name)
    types = [each for feature in ordered for each in (feature.request_type, feature.reply_type)]
    return manifest_pb2.Manifest(
        package=package,
        version=version,
        features=[
            manifest_pb2.Feature(
                name=feature.name,
                request_type=feature.request_type.DESCRIPTOR.full_name,
                reply_type=feature.reply_type.DESCRIPTOR.full_name,
                idempotent=feature.idempotent,
                mean_ms=feature.promise.mean_ms,
                upper95_ms=feature.promise.upper95_ms,
            )
            for feature in ordered
        ],
        descriptors=descriptor_set(types).SerializeToString(deterministic=True),
        min_available=min_available,
    )


def descriptor_set(types: Iterable[type[Message]]) -> FileDescriptorSet:
    """The files that define *types* and all they import: dependencies first, each once."""
    seen: dict[str, bytes] = {}
    files: list[FileDescriptorProto] = []

    def add(file: AnyFile) -> None:
        if file.name in seen:
            if seen[file.name] != file.serialized_pb:
                msg = f"two different files are both called {file.name}; give one another path and generate it again"
                raise DeclarationError(msg)
            return
        seen[file.name] = file.serialized_pb
        for dependency in file.dependencies:
            add(dependency)
        files.append(FileDescriptorProto.FromString(file.serialized_pb))

    for each in types:
        add(each.DESCRIPTOR.file)
    return FileDescriptorSet(file=files)
