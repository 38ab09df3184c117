from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Manifest(_message.Message):
    __slots__ = ("package", "version", "features", "descriptors", "min_available")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTORS_FIELD_NUMBER: _ClassVar[int]
    MIN_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    package: str
    version: str
    features: _containers.RepeatedCompositeFieldContainer[Feature]
    descriptors: bytes
    min_available: int
    def __init__(self, package: _Optional[str] = ..., version: _Optional[str] = ..., features: _Optional[_Iterable[_Union[Feature, _Mapping]]] = ..., descriptors: _Optional[bytes] = ..., min_available: _Optional[int] = ...) -> None: ...

class Feature(_message.Message):
    __slots__ = ("name", "request_type", "reply_type", "idempotent", "mean_ms", "upper95_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TYPE_FIELD_NUMBER: _ClassVar[int]
    REPLY_TYPE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    MEAN_MS_FIELD_NUMBER: _ClassVar[int]
    UPPER95_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_type: str
    reply_type: str
    idempotent: bool
    mean_ms: float
    upper95_ms: float
    def __init__(self, name: _Optional[str] = ..., request_type: _Optional[str] = ..., reply_type: _Optional[str] = ..., idempotent: bool = ..., mean_ms: _Optional[float] = ..., upper95_ms: _Optional[float] = ...) -> None: ...
