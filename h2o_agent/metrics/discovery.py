"""`/sd/prometheus`: the fleet's agents as Prometheus' http_sd reads them. Pure.

A list of `{"targets": ["host:port"], "labels": {…}}`. Labels that begin with `__meta_` are for relabelling and go
after it; the others stay with every series.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot

_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")


def targets(snapshot: Snapshot) -> list[dict[str, Any]]:
    """All agents in the register, also while no broker answers; zones and labels as far as the broker knows them."""
    told = snapshot.told
    hosts = {} if told is None else {host.host: host for host in told.picture.hosts}
    found: list[dict[str, Any]] = []
    for name, address in sorted(snapshot.agents.items()):
        labels = {"host": name, "fleet": snapshot.fleet}
        known = hosts.get(name)
        if known is not None:
            labels["zone"] = known.zone
            labels["__meta_h2o_link"] = known.link
            labels |= {f"__meta_h2o_label_{_NOT_IN_A_NAME.sub('_', key)}": said for key, said in known.labels.items()}
        elif name == snapshot.host:
            labels["zone"] = snapshot.zone
        found.append({"targets": [address], "labels": labels})
    return found
