from h2o_core.pb import explain_pb2 as _explain_pb2
from h2o_core.pb import manifest_pb2 as _manifest_pb2
from h2o_core.pb import registration_pb2 as _registration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ask(_message.Message):
    __slots__ = ("what", "package", "version", "question")
    class What(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REPORT: _ClassVar[Ask.What]
        PICTURE: _ClassVar[Ask.What]
        MANIFEST: _ClassVar[Ask.What]
        WHY: _ClassVar[Ask.What]
    REPORT: Ask.What
    PICTURE: Ask.What
    MANIFEST: Ask.What
    WHY: Ask.What
    WHAT_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    what: Ask.What
    package: str
    version: str
    question: _explain_pb2.Question
    def __init__(self, what: _Optional[_Union[Ask.What, str]] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., question: _Optional[_Union[_explain_pb2.Question, _Mapping]] = ...) -> None: ...

class Sketch(_message.Message):
    __slots__ = ("index", "count", "zero", "sum")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ZERO_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    index: _containers.RepeatedScalarFieldContainer[int]
    count: _containers.RepeatedScalarFieldContainer[int]
    zero: int
    sum: int
    def __init__(self, index: _Optional[_Iterable[int]] = ..., count: _Optional[_Iterable[int]] = ..., zero: _Optional[int] = ..., sum: _Optional[int] = ...) -> None: ...

class OutcomeCount(_message.Message):
    __slots__ = ("code", "count")
    CODE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    code: int
    count: int
    def __init__(self, code: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class FeatureStats(_message.Message):
    __slots__ = ("feature", "outcomes", "processing", "last_error", "last_error_time_s")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_TIME_S_FIELD_NUMBER: _ClassVar[int]
    feature: str
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeCount]
    processing: Sketch
    last_error: str
    last_error_time_s: float
    def __init__(self, feature: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeCount, _Mapping]]] = ..., processing: _Optional[_Union[Sketch, _Mapping]] = ..., last_error: _Optional[str] = ..., last_error_time_s: _Optional[float] = ...) -> None: ...

class InstanceReport(_message.Message):
    __slots__ = ("instance", "package", "version", "pid", "launch", "slots", "in_flight", "started_s", "state", "pong_age_ms", "heartbeat", "heartbeat_age_ms", "features", "verdict", "verdict_why", "verdict_until_s")
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
    VERDICT_UNTIL_S_FIELD_NUMBER: _ClassVar[int]
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
    heartbeat: _registration_pb2.Heartbeat
    heartbeat_age_ms: float
    features: _containers.RepeatedCompositeFieldContainer[FeatureStats]
    verdict: str
    verdict_why: str
    verdict_until_s: float
    def __init__(self, instance: _Optional[str] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., pid: _Optional[int] = ..., launch: _Optional[str] = ..., slots: _Optional[int] = ..., in_flight: _Optional[int] = ..., started_s: _Optional[float] = ..., state: _Optional[str] = ..., pong_age_ms: _Optional[float] = ..., heartbeat: _Optional[_Union[_registration_pb2.Heartbeat, _Mapping]] = ..., heartbeat_age_ms: _Optional[float] = ..., features: _Optional[_Iterable[_Union[FeatureStats, _Mapping]]] = ..., verdict: _Optional[str] = ..., verdict_why: _Optional[str] = ..., verdict_until_s: _Optional[float] = ...) -> None: ...

class CallerReport(_message.Message):
    __slots__ = ("caller", "version", "feature", "outcomes", "latency", "breaches")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    BREACHES_FIELD_NUMBER: _ClassVar[int]
    caller: str
    version: str
    feature: str
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeCount]
    latency: Sketch
    breaches: int
    def __init__(self, caller: _Optional[str] = ..., version: _Optional[str] = ..., feature: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeCount, _Mapping]]] = ..., latency: _Optional[_Union[Sketch, _Mapping]] = ..., breaches: _Optional[int] = ...) -> None: ...

class PeerReport(_message.Message):
    __slots__ = ("host", "state", "incarnation", "rtt_ms", "pong_age_ms", "in_flight", "why")
    HOST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    PONG_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    host: str
    state: str
    incarnation: int
    rtt_ms: float
    pong_age_ms: float
    in_flight: int
    why: str
    def __init__(self, host: _Optional[str] = ..., state: _Optional[str] = ..., incarnation: _Optional[int] = ..., rtt_ms: _Optional[float] = ..., pong_age_ms: _Optional[float] = ..., in_flight: _Optional[int] = ..., why: _Optional[str] = ...) -> None: ...

class RegisterReport(_message.Message):
    __slots__ = ("state", "silent_s", "picture_age_s", "error", "from_file", "alarms", "alarms_left_out", "vanished")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SILENT_S_FIELD_NUMBER: _ClassVar[int]
    PICTURE_AGE_S_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FROM_FILE_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    VANISHED_FIELD_NUMBER: _ClassVar[int]
    state: str
    silent_s: float
    picture_age_s: float
    error: str
    from_file: bool
    alarms: _containers.RepeatedCompositeFieldContainer[Alarm]
    alarms_left_out: int
    vanished: _containers.RepeatedCompositeFieldContainer[Vanished]
    def __init__(self, state: _Optional[str] = ..., silent_s: _Optional[float] = ..., picture_age_s: _Optional[float] = ..., error: _Optional[str] = ..., from_file: bool = ..., alarms: _Optional[_Iterable[_Union[Alarm, _Mapping]]] = ..., alarms_left_out: _Optional[int] = ..., vanished: _Optional[_Iterable[_Union[Vanished, _Mapping]]] = ...) -> None: ...

class Vanished(_message.Message):
    __slots__ = ("host", "since_s")
    HOST_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    host: str
    since_s: float
    def __init__(self, host: _Optional[str] = ..., since_s: _Optional[float] = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("kind", "path", "since_s", "sentence")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    path: str
    since_s: float
    sentence: str
    def __init__(self, kind: _Optional[str] = ..., path: _Optional[str] = ..., since_s: _Optional[float] = ..., sentence: _Optional[str] = ...) -> None: ...

class QueueReport(_message.Message):
    __slots__ = ("package", "version", "queued", "capacity", "callers", "over_s")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    OVER_S_FIELD_NUMBER: _ClassVar[int]
    package: str
    version: str
    queued: int
    capacity: int
    callers: _containers.RepeatedCompositeFieldContainer[CallerShare]
    over_s: int
    def __init__(self, package: _Optional[str] = ..., version: _Optional[str] = ..., queued: _Optional[int] = ..., capacity: _Optional[int] = ..., callers: _Optional[_Iterable[_Union[CallerShare, _Mapping]]] = ..., over_s: _Optional[int] = ...) -> None: ...

class CallerShare(_message.Message):
    __slots__ = ("caller", "started", "refused", "waiting")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    caller: str
    started: int
    refused: int
    waiting: int
    def __init__(self, caller: _Optional[str] = ..., started: _Optional[int] = ..., refused: _Optional[int] = ..., waiting: _Optional[int] = ...) -> None: ...

class RetryReport(_message.Message):
    __slots__ = ("caller", "version", "package", "retried", "refused")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    RETRIED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    caller: str
    version: str
    package: str
    retried: int
    refused: int
    def __init__(self, caller: _Optional[str] = ..., version: _Optional[str] = ..., package: _Optional[str] = ..., retried: _Optional[int] = ..., refused: _Optional[int] = ...) -> None: ...

class BrokerReport(_message.Message):
    __slots__ = ("host", "zone", "fleet", "incarnation", "now_s", "started_s", "pid", "picture_version", "epoch", "register", "instances", "callers", "peers", "queues", "counters", "strangers", "epoch_seen", "unapplied", "tiers", "retries", "assignments", "pools", "experiments", "control", "drain")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    HOST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    FLEET_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    NOW_S_FIELD_NUMBER: _ClassVar[int]
    STARTED_S_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PICTURE_VERSION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    STRANGERS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_SEEN_FIELD_NUMBER: _ClassVar[int]
    UNAPPLIED_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    host: str
    zone: str
    fleet: str
    incarnation: int
    now_s: float
    started_s: float
    pid: int
    picture_version: int
    epoch: int
    register: RegisterReport
    instances: _containers.RepeatedCompositeFieldContainer[InstanceReport]
    callers: _containers.RepeatedCompositeFieldContainer[CallerReport]
    peers: _containers.RepeatedCompositeFieldContainer[PeerReport]
    queues: _containers.RepeatedCompositeFieldContainer[QueueReport]
    counters: _containers.ScalarMap[str, int]
    strangers: str
    epoch_seen: int
    unapplied: _containers.RepeatedScalarFieldContainer[str]
    tiers: str
    retries: _containers.RepeatedCompositeFieldContainer[RetryReport]
    assignments: _containers.RepeatedCompositeFieldContainer[AssignmentReport]
    pools: _containers.RepeatedCompositeFieldContainer[PoolReport]
    experiments: _containers.RepeatedCompositeFieldContainer[ExperimentReport]
    control: HostControlReport
    drain: DrainReport
    def __init__(self, host: _Optional[str] = ..., zone: _Optional[str] = ..., fleet: _Optional[str] = ..., incarnation: _Optional[int] = ..., now_s: _Optional[float] = ..., started_s: _Optional[float] = ..., pid: _Optional[int] = ..., picture_version: _Optional[int] = ..., epoch: _Optional[int] = ..., register: _Optional[_Union[RegisterReport, _Mapping]] = ..., instances: _Optional[_Iterable[_Union[InstanceReport, _Mapping]]] = ..., callers: _Optional[_Iterable[_Union[CallerReport, _Mapping]]] = ..., peers: _Optional[_Iterable[_Union[PeerReport, _Mapping]]] = ..., queues: _Optional[_Iterable[_Union[QueueReport, _Mapping]]] = ..., counters: _Optional[_Mapping[str, int]] = ..., strangers: _Optional[str] = ..., epoch_seen: _Optional[int] = ..., unapplied: _Optional[_Iterable[str]] = ..., tiers: _Optional[str] = ..., retries: _Optional[_Iterable[_Union[RetryReport, _Mapping]]] = ..., assignments: _Optional[_Iterable[_Union[AssignmentReport, _Mapping]]] = ..., pools: _Optional[_Iterable[_Union[PoolReport, _Mapping]]] = ..., experiments: _Optional[_Iterable[_Union[ExperimentReport, _Mapping]]] = ..., control: _Optional[_Union[HostControlReport, _Mapping]] = ..., drain: _Optional[_Union[DrainReport, _Mapping]] = ...) -> None: ...

class ExperimentReport(_message.Message):
    __slots__ = ("package", "experiment", "salt", "stable", "since_s", "arms", "by_rule", "broken")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    STABLE_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    BY_RULE_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    package: str
    experiment: str
    salt: str
    stable: str
    since_s: float
    arms: _containers.RepeatedCompositeFieldContainer[ArmReport]
    by_rule: int
    broken: int
    def __init__(self, package: _Optional[str] = ..., experiment: _Optional[str] = ..., salt: _Optional[str] = ..., stable: _Optional[str] = ..., since_s: _Optional[float] = ..., arms: _Optional[_Iterable[_Union[ArmReport, _Mapping]]] = ..., by_rule: _Optional[int] = ..., broken: _Optional[int] = ...) -> None: ...

class ArmReport(_message.Message):
    __slots__ = ("version", "parts", "sticky", "random")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    STICKY_FIELD_NUMBER: _ClassVar[int]
    RANDOM_FIELD_NUMBER: _ClassVar[int]
    version: str
    parts: int
    sticky: ArmSample
    random: ArmSample
    def __init__(self, version: _Optional[str] = ..., parts: _Optional[int] = ..., sticky: _Optional[_Union[ArmSample, _Mapping]] = ..., random: _Optional[_Union[ArmSample, _Mapping]] = ...) -> None: ...

class ArmSample(_message.Message):
    __slots__ = ("assigned", "carried", "outcomes", "latency", "groups")
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    assigned: int
    carried: int
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeCount]
    latency: Sketch
    groups: KeyGroups
    def __init__(self, assigned: _Optional[int] = ..., carried: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeCount, _Mapping]]] = ..., latency: _Optional[_Union[Sketch, _Mapping]] = ..., groups: _Optional[_Union[KeyGroups, _Mapping]] = ...) -> None: ...

class KeyGroups(_message.Message):
    __slots__ = ("assigned", "ended", "errors", "application", "ticks")
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    assigned: _containers.RepeatedScalarFieldContainer[int]
    ended: _containers.RepeatedScalarFieldContainer[int]
    errors: _containers.RepeatedScalarFieldContainer[int]
    application: _containers.RepeatedScalarFieldContainer[int]
    ticks: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, assigned: _Optional[_Iterable[int]] = ..., ended: _Optional[_Iterable[int]] = ..., errors: _Optional[_Iterable[int]] = ..., application: _Optional[_Iterable[int]] = ..., ticks: _Optional[_Iterable[int]] = ...) -> None: ...

class HostControlReport(_message.Message):
    __slots__ = ("state", "owner", "reason", "since_s", "until_s", "grace_s")
    STATE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    UNTIL_S_FIELD_NUMBER: _ClassVar[int]
    GRACE_S_FIELD_NUMBER: _ClassVar[int]
    state: str
    owner: str
    reason: str
    since_s: float
    until_s: float
    grace_s: float
    def __init__(self, state: _Optional[str] = ..., owner: _Optional[str] = ..., reason: _Optional[str] = ..., since_s: _Optional[float] = ..., until_s: _Optional[float] = ..., grace_s: _Optional[float] = ...) -> None: ...

class DrainReport(_message.Message):
    __slots__ = ("since_s", "grace_left_s", "given_up", "queued", "instances", "callers", "senders")
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    GRACE_LEFT_S_FIELD_NUMBER: _ClassVar[int]
    GIVEN_UP_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    SENDERS_FIELD_NUMBER: _ClassVar[int]
    since_s: float
    grace_left_s: float
    given_up: int
    queued: int
    instances: _containers.RepeatedCompositeFieldContainer[DrainedInstance]
    callers: _containers.RepeatedCompositeFieldContainer[LocalCaller]
    senders: _containers.RepeatedCompositeFieldContainer[LateSender]
    def __init__(self, since_s: _Optional[float] = ..., grace_left_s: _Optional[float] = ..., given_up: _Optional[int] = ..., queued: _Optional[int] = ..., instances: _Optional[_Iterable[_Union[DrainedInstance, _Mapping]]] = ..., callers: _Optional[_Iterable[_Union[LocalCaller, _Mapping]]] = ..., senders: _Optional[_Iterable[_Union[LateSender, _Mapping]]] = ...) -> None: ...

class DrainedInstance(_message.Message):
    __slots__ = ("instance", "package", "version", "in_flight", "held")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    instance: str
    package: str
    version: str
    in_flight: int
    held: int
    def __init__(self, instance: _Optional[str] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., in_flight: _Optional[int] = ..., held: _Optional[int] = ...) -> None: ...

class LocalCaller(_message.Message):
    __slots__ = ("caller", "version", "instance", "pid", "in_flight", "asked_age_s")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    ASKED_AGE_S_FIELD_NUMBER: _ClassVar[int]
    caller: str
    version: str
    instance: str
    pid: int
    in_flight: int
    asked_age_s: float
    def __init__(self, caller: _Optional[str] = ..., version: _Optional[str] = ..., instance: _Optional[str] = ..., pid: _Optional[int] = ..., in_flight: _Optional[int] = ..., asked_age_s: _Optional[float] = ...) -> None: ...

class LateSender(_message.Message):
    __slots__ = ("host", "refused", "age_s")
    HOST_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    host: str
    refused: int
    age_s: float
    def __init__(self, host: _Optional[str] = ..., refused: _Optional[int] = ..., age_s: _Optional[float] = ...) -> None: ...

class PoolReport(_message.Message):
    __slots__ = ("package", "version", "healthy", "total", "panic", "panics")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PANIC_FIELD_NUMBER: _ClassVar[int]
    PANICS_FIELD_NUMBER: _ClassVar[int]
    package: str
    version: str
    healthy: int
    total: int
    panic: bool
    panics: int
    def __init__(self, package: _Optional[str] = ..., version: _Optional[str] = ..., healthy: _Optional[int] = ..., total: _Optional[int] = ..., panic: bool = ..., panics: _Optional[int] = ...) -> None: ...

class AssignmentReport(_message.Message):
    __slots__ = ("package", "version", "how", "broken", "count")
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    package: str
    version: str
    how: str
    broken: bool
    count: int
    def __init__(self, package: _Optional[str] = ..., version: _Optional[str] = ..., how: _Optional[str] = ..., broken: bool = ..., count: _Optional[int] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("version", "as_of_s", "hosts", "manifests")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_S_FIELD_NUMBER: _ClassVar[int]
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    MANIFESTS_FIELD_NUMBER: _ClassVar[int]
    version: int
    as_of_s: float
    hosts: _containers.RepeatedCompositeFieldContainer[HostPicture]
    manifests: _containers.RepeatedCompositeFieldContainer[_manifest_pb2.Manifest]
    def __init__(self, version: _Optional[int] = ..., as_of_s: _Optional[float] = ..., hosts: _Optional[_Iterable[_Union[HostPicture, _Mapping]]] = ..., manifests: _Optional[_Iterable[_Union[_manifest_pb2.Manifest, _Mapping]]] = ...) -> None: ...

class HostPicture(_message.Message):
    __slots__ = ("host", "zone", "address", "incarnation", "link", "labels", "instances", "why", "register")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    HOST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    host: str
    zone: str
    address: str
    incarnation: int
    link: str
    labels: _containers.ScalarMap[str, str]
    instances: _containers.RepeatedCompositeFieldContainer[InstancePicture]
    why: str
    register: str
    def __init__(self, host: _Optional[str] = ..., zone: _Optional[str] = ..., address: _Optional[str] = ..., incarnation: _Optional[int] = ..., link: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., instances: _Optional[_Iterable[_Union[InstancePicture, _Mapping]]] = ..., why: _Optional[str] = ..., register: _Optional[str] = ...) -> None: ...

class InstancePicture(_message.Message):
    __slots__ = ("instance", "package", "version", "slots", "started_s", "routable", "why")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_S_FIELD_NUMBER: _ClassVar[int]
    ROUTABLE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    instance: str
    package: str
    version: str
    slots: int
    started_s: float
    routable: bool
    why: str
    def __init__(self, instance: _Optional[str] = ..., package: _Optional[str] = ..., version: _Optional[str] = ..., slots: _Optional[int] = ..., started_s: _Optional[float] = ..., routable: bool = ..., why: _Optional[str] = ...) -> None: ...
