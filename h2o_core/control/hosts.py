"""Hosts that operators want out of the way, `control/hosts/<host>`: avoided or drained. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from h2o_core.documents import Reader, encode_document
from h2o_core.fields import parse_moment, parse_own_host

HOST_CONTROL_CAP_BYTES: Final = 16 << 10
GRACE_S: Final = 300.0
"""What a drained host's requests get to finish, unless somebody says otherwise."""
LONGEST_GRACE_S: Final = 86_400.0


class HostState(StrEnum):
    """What requests a host gets: none, or those that nobody else can take."""

    DRAIN = "drain"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True)
class HostControl:
    """A host that operators want out of the way. Unix times; `until_s` 0: until somebody says otherwise.

    `grace_s`: what has come to a host before it is drained may take that long to finish, and is ended then.
    """

    host: str
    state: HostState
    owner: str
    reason: str = ""
    since_s: float = 0.0
    until_s: float = 0.0
    grace_s: float = GRACE_S


def encode_host_control(control: HostControl) -> bytes:
    """`control/hosts/<host>`; raises InvalidDocument for what `parse_host_control` would not read."""
    fields: dict[str, object] = {
        "host": control.host,
        "state": control.state.value,
        "owner": control.owner,
        "reason": control.reason,
        "since": control.since_s,
        "until": control.until_s,
        "grace": control.grace_s,
    }
    path = f"control/hosts/{control.host}"
    data = encode_document(path, HOST_CONTROL_CAP_BYTES, fields)
    parse_host_control(path, data)
    return data


def parse_host_control(path: str, data: bytes) -> HostControl:
    """`control/hosts/<host>` → HostControl; raises InvalidDocument."""
    reader = Reader.of_document(path, data, HOST_CONTROL_CAP_BYTES)
    host = parse_own_host(reader)
    word = reader.text("state")
    if word not in set(HostState):
        reader.fail(f"state is {word!a:.60}; it is drain or avoid")
    since_s, until_s = parse_moment(reader, "since"), parse_moment(reader, "until")
    if until_s and until_s <= since_s:
        reader.fail("until is not after since; 0 is for no end")
    return HostControl(
        host=host,
        state=HostState(word),
        owner=reader.text("owner"),
        reason=reader.text("reason", empty=True),
        since_s=since_s,
        until_s=until_s,
        grace_s=_grace(reader),
    )


def _grace(reader: Reader) -> float:
    """Documents of before there was a grace have none."""
    if "grace" not in reader.fields:
        return GRACE_S
    grace_s = reader.number("grace")
    if grace_s > LONGEST_GRACE_S:
        reader.fail(f"grace is {grace_s:g} s; at most {LONGEST_GRACE_S:,.0f} s (a day) are allowed, 0 ends all at once")
    return grace_s
