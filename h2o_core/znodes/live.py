"""The brokers' ephemeral nodes, `live/<host>`: where a host's broker is, and what it can serve. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from h2o_core.documents import Reader, encode_document
from h2o_core.fields import (
    DIGEST,
    HIGHEST_PORT,
    LATEST_S,
    MOST_INSTANCES,
    WORD,
    parse_own_host,
    parse_package_name,
    remembered_package,
    remembered_version,
)
from h2o_core.names import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

LIVE_CAP_BYTES: Final = 256 << 10
_MOST_SLOTS: Final = 1_000_000
_HIGHEST_PID: Final = 1 << 32

_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}")
_INCARNATION: Final = re.compile(r"[0-9a-f]{16}")
_Z85_KEY: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """One instance as its host's broker announces it."""

    id: str
    package: str
    version: str
    digest: str
    slots: int
    started_s: float
    pid: int


@dataclass(frozen=True, slots=True)
class LiveHost:
    """A host's broker: where it is, which one it is, and what it can serve."""

    host: str
    zone: str
    address: str
    key: str
    incarnation: int
    machine: str
    wire: int
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    instances: tuple[LiveInstance, ...] = ()


def encode_live(live: LiveHost) -> bytes:
    """`live/<host>`; raises InvalidDocument above 256 KiB."""
    instances = [
        {
            "id": one.id,
            "package": dotted(one.package),
            "version": one.version,
            "digest": one.digest,
            "slots": one.slots,
            "started": one.started_s,
            "pid": one.pid,
        }
        for one in live.instances
    ]
    fields: dict[str, object] = {
        "host": live.host,
        "zone": live.zone,
        "address": live.address,
        "key": live.key,
        "incarnation": f"{live.incarnation:016x}",
        "machine": live.machine,
        "wire": live.wire,
        "labels": dict(live.labels),
        "instances": instances,
    }
    return encode_document(f"live/{live.host}", LIVE_CAP_BYTES, fields)


def parse_live(path: str, data: bytes) -> LiveHost:
    """`live/<host>` → LiveHost; raises InvalidDocument."""
    reader = Reader.of_document(path, data, LIVE_CAP_BYTES)
    instances = tuple(
        _quick_instance(item.fields) or _parse_instance(item) for item in reader.objects("instances", MOST_INSTANCES)
    )
    if len({one.id for one in instances}) != len(instances):
        reader.fail("two instances have the same id")
    return LiveHost(
        host=parse_own_host(reader),
        zone=reader.text("zone"),
        address=_parse_address(reader),
        key=reader.text("key", form=_Z85_KEY),
        incarnation=int(reader.text("incarnation", form=_INCARNATION), 16),
        machine=reader.text("machine", form=WORD),
        wire=reader.integer("wire", 1, 255),
        labels=reader.table("labels"),
        instances=instances,
    )


_instance_fields = itemgetter("id", "package", "version", "digest", "slots", "started", "pid")


def _quick_instance(fields: Mapping[str, Any]) -> LiveInstance | None:
    """What `_parse_instance` makes of it when all is well, in a third of the time; None: ask that one, it has words.

    A joining broker reads 20,000 of them.
    """
    try:
        one, package, version, digest, slots, started_s, pid = _instance_fields(fields)
        well = (
            WORD.fullmatch(one)
            and DIGEST.fullmatch(digest)
            and type(package) is type(version) is str
            and type(slots) is type(pid) is int
            and 0 <= slots <= _MOST_SLOTS
            and 0 <= pid <= _HIGHEST_PID
            and type(started_s) is float
            and 0 <= started_s < LATEST_S
        )
        return (
            LiveInstance(one, remembered_package(package), remembered_version(version), digest, slots, started_s, pid)
            if well
            else None
        )
    except (KeyError, TypeError, ValueError):
        return None


def _parse_instance(reader: Reader) -> LiveInstance:
    return LiveInstance(
        id=reader.text("id", form=WORD),
        package=parse_package_name(reader),
        version=reader.name("version", remembered_version),
        digest=reader.text("digest", form=DIGEST),
        slots=reader.integer("slots", 0, _MOST_SLOTS),
        started_s=reader.number("started"),
        pid=reader.integer("pid", 0, _HIGHEST_PID),
    )


def _parse_address(reader: Reader) -> str:
    address = reader.text("address", form=_ADDRESS)
    if not 1 <= int(address.rsplit(":", 1)[1]) <= HIGHEST_PORT:
        reader.fail(f"address is {address!r}; a port is a number from 1 to 65535")
    return address
