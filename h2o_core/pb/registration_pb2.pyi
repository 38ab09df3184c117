from h2o_core.pb import manifest_pb2 as _manifest_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Hello(_message.Message):
    __slots__ = ("wire", "host", "incarnation", "program", "pid")
    WIRE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    wire: int
    host: str
    incarnation: int
    program: str
    pid: int
    def __init__(self, wire: _Optional[int] = ..., host: _Optional[str] = ..., incarnation: _Optional[int] = ..., program: _Optional[str] = ..., pid: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("wire", "host", "zone", "incarnation", "fleet", "dev")
    WIRE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    FLEET_FIELD_NUMBER: _ClassVar[int]
    DEV_FIELD_NUMBER: _ClassVar[int]
    wire: int
    host: str
    zone: str
    incarnation: int
    fleet: str
    dev: bool
    def __init__(self, wire: _Optional[int] = ..., host: _Optional[str] = ..., zone: _Optional[str] = ..., incarnation: _Optional[int] = ..., fleet: _Optional[str] = ..., dev: bool = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("manifest", "slots", "pid", "launch", "previous", "replace_manifest")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    REPLACE_MANIFEST_FIELD_NUMBER: _ClassVar[int]
    manifest: _manifest_pb2.Manifest
    slots: int
    pid: int
    launch: str
    previous: str
    replace_manifest: bool
    def __init__(self, manifest: _Optional[_Union[_manifest_pb2.Manifest, _Mapping]] = ..., slots: _Optional[int] = ..., pid: _Optional[int] = ..., launch: _Optional[str] = ..., previous: _Optional[str] = ..., replace_manifest: bool = ...) -> None: ...

class Registered(_message.Message):
    __slots__ = ("instance", "host", "zone", "incarnation", "fleet")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    FLEET_FIELD_NUMBER: _ClassVar[int]
    instance: str
    host: str
    zone: str
    incarnation: int
    fleet: str
    def __init__(self, instance: _Optional[str] = ..., host: _Optional[str] = ..., zone: _Optional[str] = ..., incarnation: _Optional[int] = ..., fleet: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("executing", "checks")
    EXECUTING_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    executing: int
    checks: _containers.RepeatedCompositeFieldContainer[Check]
    def __init__(self, executing: _Optional[int] = ..., checks: _Optional[_Iterable[_Union[Check, _Mapping]]] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("name", "status", "severity", "output", "observed", "unit", "time_s")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PASS: _ClassVar[Check.Status]
        WARN: _ClassVar[Check.Status]
        FAIL: _ClassVar[Check.Status]
    PASS: Check.Status
    WARN: Check.Status
    FAIL: Check.Status
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NOTE: _ClassVar[Check.Severity]
        TICKET: _ClassVar[Check.Severity]
        PAGE: _ClassVar[Check.Severity]
    NOTE: Check.Severity
    TICKET: Check.Severity
    PAGE: Check.Severity
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TIME_S_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: Check.Status
    severity: Check.Severity
    output: str
    observed: float
    unit: str
    time_s: float
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[Check.Status, str]] = ..., severity: _Optional[_Union[Check.Severity, str]] = ..., output: _Optional[str] = ..., observed: _Optional[float] = ..., unit: _Optional[str] = ..., time_s: _Optional[float] = ...) -> None: ...
