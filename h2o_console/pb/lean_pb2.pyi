from h2o_core.pb import stats_pb2 as _stats_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HostStats(_message.Message):
    __slots__ = ("host", "fleet", "zone", "version", "as_of_s", "report_age_s", "report", "broker_problem", "children", "vitals")
    HOST_FIELD_NUMBER: _ClassVar[int]
    FLEET_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_S_FIELD_NUMBER: _ClassVar[int]
    REPORT_AGE_S_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    BROKER_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    VITALS_FIELD_NUMBER: _ClassVar[int]
    host: str
    fleet: str
    zone: str
    version: str
    as_of_s: float
    report_age_s: float
    report: BrokerReport
    broker_problem: str
    children: _containers.RepeatedScalarFieldContainer[bytes]
    vitals: bytes
    def __init__(self, host: _Optional[str] = ..., fleet: _Optional[str] = ..., zone: _Optional[str] = ..., version: _Optional[str] = ..., as_of_s: _Optional[float] = ..., report_age_s: _Optional[float] = ..., report: _Optional[_Union[BrokerReport, _Mapping]] = ..., broker_problem: _Optional[str] = ..., children: _Optional[_Iterable[bytes]] = ..., vitals: _Optional[bytes] = ...) -> None: ...

class BrokerReport(_message.Message):
    __slots__ = ("incarnation", "now_s", "started_s", "picture_version", "epoch", "register", "instances", "callers", "peers", "queues", "counters", "strangers", "unapplied", "pools")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    NOW_S_FIELD_NUMBER: _ClassVar[int]
    STARTED_S_FIELD_NUMBER: _ClassVar[int]
    PICTURE_VERSION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    STRANGERS_FIELD_NUMBER: _ClassVar[int]
    UNAPPLIED_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    incarnation: int
    now_s: float
    started_s: float
    picture_version: int
    epoch: int
    register: _stats_pb2.RegisterReport
    instances: _containers.RepeatedCompositeFieldContainer[InstanceReport]
    callers: _containers.RepeatedScalarFieldContainer[bytes]
    peers: _containers.RepeatedScalarFieldContainer[bytes]
    queues: _containers.RepeatedScalarFieldContainer[bytes]
    counters: _containers.ScalarMap[str, int]
    strangers: str
    unapplied: _containers.RepeatedScalarFieldContainer[str]
    pools: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, incarnation: _Optional[int] = ..., now_s: _Optional[float] = ..., started_s: _Optional[float] = ..., picture_version: _Optional[int] = ..., epoch: _Optional[int] = ..., register: _Optional[_Union[_stats_pb2.RegisterReport, _Mapping]] = ..., instances: _Optional[_Iterable[_Union[InstanceReport, _Mapping]]] = ..., callers: _Optional[_Iterable[bytes]] = ..., peers: _Optional[_Iterable[bytes]] = ..., queues: _Optional[_Iterable[bytes]] = ..., counters: _Optional[_Mapping[str, int]] = ..., strangers: _Optional[str] = ..., unapplied: _Optional[_Iterable[str]] = ..., pools: _Optional[_Iterable[bytes]] = ...) -> None: ...

class InstanceReport(_message.Message):
    __slots__ = ("instance", "package", "version", "pid", "launch", "slots", "in_flight", "started_s", "state", "pong_age_ms", "heartbeat", "heartbeat_age_ms", "features", "verdict", "verdict_why")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    STARTED_S_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PONG_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_WHY_FIELD_NUMBER: _ClassVar[int]
    instance: str
    package: str
    version: str
    pid: int
    launch: str
    slots: int
    in_flight: int
    started_s: float
    state: str
    pong_age_ms: float
    heartbeat: bytes
    heartbeat_age_ms: float
    features: _containers.RepeatedScalarFieldContainer[bytes]
    verdict: str
    verdict_why: str
    def __init__(self, instance: _Optional[str] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., pid: _Optional[int] = ..., launch: _Optional[str] = ..., slots: _Optional[int] = ..., in_flight: _Optional[int] = ..., started_s: _Optional[float] = ..., state: _Optional[str] = ..., pong_age_ms: _Optional[float] = ..., heartbeat: _Optional[bytes] = ..., heartbeat_age_ms: _Optional[float] = ..., features: _Optional[_Iterable[bytes]] = ..., verdict: _Optional[str] = ..., verdict_why: _Optional[str] = ...) -> None: ...

class Feature(_message.Message):
    __slots__ = ("feature", "outcomes", "sketch", "last_error", "last_error_time_s")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    SKETCH_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_TIME_S_FIELD_NUMBER: _ClassVar[int]
    feature: str
    outcomes: _containers.RepeatedCompositeFieldContainer[_stats_pb2.OutcomeCount]
    sketch: bytes
    last_error: str
    last_error_time_s: float
    def __init__(self, feature: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[_stats_pb2.OutcomeCount, _Mapping]]] = ..., sketch: _Optional[bytes] = ..., last_error: _Optional[str] = ..., last_error_time_s: _Optional[float] = ...) -> None: ...

class Sketch(_message.Message):
    __slots__ = ("index", "count", "zero", "sum")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ZERO_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    index: bytes
    count: _containers.RepeatedScalarFieldContainer[int]
    zero: int
    sum: int
    def __init__(self, index: _Optional[bytes] = ..., count: _Optional[_Iterable[int]] = ..., zero: _Optional[int] = ..., sum: _Optional[int] = ...) -> None: ...

class Caller(_message.Message):
    __slots__ = ("caller", "version", "feature", "outcomes", "sketch", "breaches")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    SKETCH_FIELD_NUMBER: _ClassVar[int]
    BREACHES_FIELD_NUMBER: _ClassVar[int]
    caller: str
    version: str
    feature: str
    outcomes: _containers.RepeatedCompositeFieldContainer[_stats_pb2.OutcomeCount]
    sketch: bytes
    breaches: int
    def __init__(self, caller: _Optional[str] = ..., version: _Optional[str] = ..., feature: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[_stats_pb2.OutcomeCount, _Mapping]]] = ..., sketch: _Optional[bytes] = ..., breaches: _Optional[int] = ...) -> None: ...
