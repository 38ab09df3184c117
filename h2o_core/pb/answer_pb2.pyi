from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Failure(_message.Message):
    __slots__ = ("message", "hint", "application_code", "at", "detail", "traceback")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    message: str
    hint: str
    application_code: str
    at: str
    detail: bytes
    traceback: str
    def __init__(self, message: _Optional[str] = ..., hint: _Optional[str] = ..., application_code: _Optional[str] = ..., at: _Optional[str] = ..., detail: _Optional[bytes] = ..., traceback: _Optional[str] = ...) -> None: ...
