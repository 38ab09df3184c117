from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Question(_message.Message):
    __slots__ = ("feature", "sticky_key", "caller", "headers", "request_id")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    STICKY_KEY_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    feature: str
    sticky_key: str
    caller: str
    headers: _containers.ScalarMap[str, str]
    request_id: str
    def __init__(self, feature: _Optional[str] = ..., sticky_key: _Optional[str] = ..., caller: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("feature", "package", "caller", "sticky_key", "epoch", "at_s", "code", "sentence", "warning", "how", "version", "rule", "bucket", "broken", "versions", "candidates", "request_id", "chosen", "attempt")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    STICKY_KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    feature: str
    package: str
    caller: str
    sticky_key: str
    epoch: int
    at_s: float
    code: str
    sentence: str
    warning: str
    how: str
    version: str
    rule: int
    bucket: int
    broken: bool
    versions: _containers.RepeatedCompositeFieldContainer[VersionShare]
    candidates: _containers.RepeatedCompositeFieldContainer[Considered]
    request_id: str
    chosen: str
    attempt: int
    def __init__(self, feature: _Optional[str] = ..., package: _Optional[str] = ..., caller: _Optional[str] = ..., sticky_key: _Optional[str] = ..., epoch: _Optional[int] = ..., at_s: _Optional[float] = ..., code: _Optional[str] = ..., sentence: _Optional[str] = ..., warning: _Optional[str] = ..., how: _Optional[str] = ..., version: _Optional[str] = ..., rule: _Optional[int] = ..., bucket: _Optional[int] = ..., broken: bool = ..., versions: _Optional[_Iterable[_Union[VersionShare, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[Considered, _Mapping]]] = ..., request_id: _Optional[str] = ..., chosen: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class VersionShare(_message.Message):
    __slots__ = ("version", "weight", "chance", "instances", "candidates")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CHANCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    version: str
    weight: int
    chance: float
    instances: int
    candidates: int
    def __init__(self, version: _Optional[str] = ..., weight: _Optional[int] = ..., chance: _Optional[float] = ..., instances: _Optional[int] = ..., candidates: _Optional[int] = ...) -> None: ...

class Considered(_message.Message):
    __slots__ = ("instance", "version", "host", "zone", "eligible", "why", "chance", "load_ms", "latency_ms", "success", "pending", "slots", "inclusion", "place")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    CHANCE_FIELD_NUMBER: _ClassVar[int]
    LOAD_MS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    instance: str
    version: str
    host: str
    zone: str
    eligible: bool
    why: str
    chance: float
    load_ms: float
    latency_ms: float
    success: float
    pending: int
    slots: int
    inclusion: float
    place: str
    def __init__(self, instance: _Optional[str] = ..., version: _Optional[str] = ..., host: _Optional[str] = ..., zone: _Optional[str] = ..., eligible: bool = ..., why: _Optional[str] = ..., chance: _Optional[float] = ..., load_ms: _Optional[float] = ..., latency_ms: _Optional[float] = ..., success: _Optional[float] = ..., pending: _Optional[int] = ..., slots: _Optional[int] = ..., inclusion: _Optional[float] = ..., place: _Optional[str] = ...) -> None: ...
