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
    report: _stats_pb2.BrokerReport
    broker_problem: str
    children: _containers.RepeatedCompositeFieldContainer[ChildReport]
    vitals: Vitals
    def __init__(self, host: _Optional[str] = ..., fleet: _Optional[str] = ..., zone: _Optional[str] = ..., version: _Optional[str] = ..., as_of_s: _Optional[float] = ..., report_age_s: _Optional[float] = ..., report: _Optional[_Union[_stats_pb2.BrokerReport, _Mapping]] = ..., broker_problem: _Optional[str] = ..., children: _Optional[_Iterable[_Union[ChildReport, _Mapping]]] = ..., vitals: _Optional[_Union[Vitals, _Mapping]] = ...) -> None: ...

class ChildReport(_message.Message):
    __slots__ = ("key", "package", "state", "launch", "pid", "started_s", "age_s", "due_in_s", "failures", "restarts", "exited", "last_exit", "last_exit_known", "last_exit_s", "why", "crash_loops", "cpu_pct", "rss_bytes")
    KEY_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STARTED_S_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    DUE_IN_S_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_KNOWN_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_S_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    CRASH_LOOPS_FIELD_NUMBER: _ClassVar[int]
    CPU_PCT_FIELD_NUMBER: _ClassVar[int]
    RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    key: str
    package: str
    state: str
    launch: str
    pid: int
    started_s: float
    age_s: float
    due_in_s: float
    failures: int
    restarts: int
    exited: bool
    last_exit: int
    last_exit_known: bool
    last_exit_s: float
    why: str
    crash_loops: bool
    cpu_pct: float
    rss_bytes: int
    def __init__(self, key: _Optional[str] = ..., package: _Optional[str] = ..., state: _Optional[str] = ..., launch: _Optional[str] = ..., pid: _Optional[int] = ..., started_s: _Optional[float] = ..., age_s: _Optional[float] = ..., due_in_s: _Optional[float] = ..., failures: _Optional[int] = ..., restarts: _Optional[int] = ..., exited: bool = ..., last_exit: _Optional[int] = ..., last_exit_known: bool = ..., last_exit_s: _Optional[float] = ..., why: _Optional[str] = ..., crash_loops: bool = ..., cpu_pct: _Optional[float] = ..., rss_bytes: _Optional[int] = ...) -> None: ...

class Vitals(_message.Message):
    __slots__ = ("cpu_pct", "steal_pct", "cores", "load1", "memory_total_bytes", "memory_available_bytes", "disk_total_bytes", "disk_available_bytes", "clock_skew_s", "clock_skew_known", "log_lines_dropped")
    CPU_PCT_FIELD_NUMBER: _ClassVar[int]
    STEAL_PCT_FIELD_NUMBER: _ClassVar[int]
    CORES_FIELD_NUMBER: _ClassVar[int]
    LOAD1_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_AVAILABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_AVAILABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CLOCK_SKEW_S_FIELD_NUMBER: _ClassVar[int]
    CLOCK_SKEW_KNOWN_FIELD_NUMBER: _ClassVar[int]
    LOG_LINES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    cpu_pct: float
    steal_pct: float
    cores: int
    load1: float
    memory_total_bytes: int
    memory_available_bytes: int
    disk_total_bytes: int
    disk_available_bytes: int
    clock_skew_s: float
    clock_skew_known: bool
    log_lines_dropped: int
    def __init__(self, cpu_pct: _Optional[float] = ..., steal_pct: _Optional[float] = ..., cores: _Optional[int] = ..., load1: _Optional[float] = ..., memory_total_bytes: _Optional[int] = ..., memory_available_bytes: _Optional[int] = ..., disk_total_bytes: _Optional[int] = ..., disk_available_bytes: _Optional[int] = ..., clock_skew_s: _Optional[float] = ..., clock_skew_known: bool = ..., log_lines_dropped: _Optional[int] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("host", "as_of_s", "resolution_s", "series", "truncated", "lost_minutes", "refused_bytes")
    HOST_FIELD_NUMBER: _ClassVar[int]
    AS_OF_S_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_S_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    LOST_MINUTES_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BYTES_FIELD_NUMBER: _ClassVar[int]
    host: str
    as_of_s: float
    resolution_s: float
    series: _containers.RepeatedCompositeFieldContainer[Series]
    truncated: bool
    lost_minutes: int
    refused_bytes: int
    def __init__(self, host: _Optional[str] = ..., as_of_s: _Optional[float] = ..., resolution_s: _Optional[float] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ..., truncated: bool = ..., lost_minutes: _Optional[int] = ..., refused_bytes: _Optional[int] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("kind", "package", "version", "points")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    package: str
    version: str
    points: _containers.RepeatedCompositeFieldContainer[Point]
    def __init__(self, kind: _Optional[str] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("t_s", "outcomes", "processing", "instances", "in_flight", "queued", "vitals", "covered_s")
    T_S_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    VITALS_FIELD_NUMBER: _ClassVar[int]
    COVERED_S_FIELD_NUMBER: _ClassVar[int]
    t_s: float
    outcomes: _containers.RepeatedCompositeFieldContainer[_stats_pb2.OutcomeCount]
    processing: _stats_pb2.Sketch
    instances: int
    in_flight: int
    queued: int
    vitals: Vitals
    covered_s: float
    def __init__(self, t_s: _Optional[float] = ..., outcomes: _Optional[_Iterable[_Union[_stats_pb2.OutcomeCount, _Mapping]]] = ..., processing: _Optional[_Union[_stats_pb2.Sketch, _Mapping]] = ..., instances: _Optional[int] = ..., in_flight: _Optional[int] = ..., queued: _Optional[int] = ..., vitals: _Optional[_Union[Vitals, _Mapping]] = ..., covered_s: _Optional[float] = ...) -> None: ...
