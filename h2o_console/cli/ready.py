"""What the versions of a package can take, as the agents of its hosts say: ready slots, and how many are kept busy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange
from h2o_console.asking.hoststats import PROTOBUF, gather
from h2o_core.control import WHOLE
from h2o_core.io.clock import unix_s
from h2o_core.names import shown
from h2o_core.pb.host_pb2 import History

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """`slots`: ready ones by version. `demand`: slots that were busy on average in the last minute, of all versions.

    `silent`: hosts that did not say, and why.
    """

    slots: Mapping[str, int]
    demand: float
    silent: Mapping[str, str]

    def share(self, version: str) -> int:
        """What it gets of 10,000 parts where versions compete by load: about its part of the slots."""
        return WHOLE * self.slots.get(version, 0) // max(1, sum(self.slots.values()))


def capacity_of(package: str, agents: Mapping[str, str], timeout_s: float, token_of: Callable[[str], str]) -> Capacity:
    """Ask *agents* (host → address, "" without)."""
    gathered = gather(agents, timeout_s, token_of) if agents else None
    slots: Counter[str] = Counter()
    silent: dict[str, str] = {}
    demand = 0.0
    if gathered is None:
        return Capacity(slots, demand, silent)
    silent.update(gathered.unreachable)
    for host, answer in gathered.answers.items():
        if not answer.HasField("report"):
            silent[host] = answer.broker_problem
            continue
        here = [one for one in answer.report.instances if one.package == package]
        for one in here:
            slots[one.version] += one.slots if one.state == "ready" else 0
        if here:
            demand += _busy(package, agents[host], timeout_s, token_of(agents[host]))
    return Capacity(slots, demand, silent)


def _busy(package: str, address: str, timeout_s: float, token: str) -> float:
    """Slots of this host that the package kept busy on average (requests × how long each took / time)."""
    path = f"/history?resolution=10s&package={shown(package)}&since={unix_s() - WINDOW_S:.0f}"
    try:
        raw = exchange(address, path, timeout_s, accept=PROTOBUF, token=token)
        past = History.FromString(raw.body if raw.status == 200 else b"")
    except (AgentUnreachable, AgentRefused, DecodeError):
        return 0.0
    busy = 0.0
    for one in past.series:
        covered_s = sum(point.covered_s for point in one.points)
        if covered_s > 0:
            busy += sum(point.processing.sum for point in one.points) / 1e9 / covered_s
    return busy
