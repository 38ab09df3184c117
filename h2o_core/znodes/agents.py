"""The agents' ephemeral nodes, `agents/<host>`, which Prometheus reads too. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from h2o_core.documents import SMALL_CAP_BYTES, Reader, encode_document
from h2o_core.fields import HIGHEST_PORT, WORD, parse_own_host

_HOSTNAME: Final = re.compile(r"[0-9a-fA-F:.]{2,45}|[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class AgentNode:
    """Where a host's agent serves HTTP."""

    host: str
    address: str
    port: int
    zone: str
    machine: str


def encode_agent(agent: AgentNode) -> bytes:
    """`agents/<host>`, in the form that Prometheus' serverset_sd reads."""
    fields: dict[str, object] = {
        "serviceEndpoint": {"host": agent.address, "port": agent.port},
        "additionalEndpoints": {},
        "status": "ALIVE",
        "host": agent.host,
        "zone": agent.zone,
        "machine": agent.machine,
    }
    return encode_document(f"agents/{agent.host}", SMALL_CAP_BYTES, fields)


def parse_agent(path: str, data: bytes) -> AgentNode:
    """`agents/<host>` → AgentNode; raises InvalidDocument."""
    reader = Reader.of_document(path, data, SMALL_CAP_BYTES)
    endpoint = reader.object("serviceEndpoint")
    return AgentNode(
        host=parse_own_host(reader),
        address=endpoint.text("host", form=_HOSTNAME),
        port=endpoint.integer("port", 1, HIGHEST_PORT),
        zone=reader.text("zone"),
        machine=reader.text("machine", form=WORD),
    )
