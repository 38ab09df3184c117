from examples.messages import customer_pb2 as _customer_pb2
from examples.messages import geo_pb2 as _geo_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Profile(_message.Message):
    __slots__ = ("customer", "position")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    customer: _customer_pb2.Customer
    position: _geo_pb2.Position
    def __init__(self, customer: _Optional[_Union[_customer_pb2.Customer, _Mapping]] = ..., position: _Optional[_Union[_geo_pb2.Position, _Mapping]] = ...) -> None: ...
