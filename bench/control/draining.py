"""Three hosts at half of their slots, whose users go elsewhere when their host is drained: for rounds that drain one.

Users are like those of a gateway: its balancer gives them to the other gateways while its host is drained.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bench.children import BenchError
from bench.control.deciding import decide_host
from bench.faults.stage import BOOK, LOOK, PACKAGE, broker_endpoint
from h2o_console.asking.agent import AgentRefused, AgentUnreachable
from h2o_console.dev.plan import HostPlan
from h2o_core.control.hosts import HostControl, HostState
from tests.counting.client import Load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.faults.stage import Stage
    from h2o_console.dev.fleet import Fleet
    from tests.counting.client import CountingClient

HOSTS: Final = ("host-1", "host-2", "host-3")
SLOTS: Final = 16
"""An instance's; there is one on each host."""
WORK_S: Final = 0.025
SAFE_WITHIN_S: Final = 30.0
_ZONES: Final = "abc"


class Gateways:
    """The fleet under load, and on each host two clients: one of its own users, one for those of a drained host.

    Of the fleet's 48 slots 24 are always asked for, also of the 32 that are left; nothing may fail.
    """

    def __init__(self, stage: Stage) -> None:
        """Raises BenchError."""
        self.stage = stage
        spec = stage.counting(COUNTING_SLOTS=str(SLOTS))
        plans = [HostPlan(host, zone, (spec,)) for host, zone in zip(HOSTS, _ZONES, strict=True)]
        self.fleet: Fleet = stage.fleet(plans=plans)
        self.own = {host: self._client(host, BOOK, SLOTS // 2) for host in HOSTS}
        self.guests = {host: self._client(host, LOOK, SLOTS // 4) for host in HOSTS}
        for client in self.guests.values():
            client.pause()

    def _client(self, host: str, feature: str, in_flight: int) -> CountingClient:
        client = self.stage.client(broker_endpoint(self.fleet, host))
        client.add(Load(feature, idempotent=feature == LOOK, in_flight=in_flight, delay_s=WORK_S))
        self.stage.wait(lambda: client.oks > 0, f"{host} serves", within_s=30)
        return client

    @property
    def clients(self) -> Sequence[CountingClient]:
        """All of them."""
        return (*self.own.values(), *self.guests.values())

    @property
    def served(self) -> int:
        """Requests that were OK, so far."""
        return sum(client.oks for client in self.clients)

    def serve(self, count: int) -> None:
        """Go on until so many more were served."""
        enough = self.served + count
        self.stage.wait(lambda: self.served >= enough, f"{count} more requests are served", within_s=60 + count / 100)

    # ------------------------------------------------------------------ one drain

    def drain(self, host: str) -> float:
        """Its users go to the other two, and it is drained: the seconds until its power-off is safe."""
        began_s = time.monotonic()
        decide_host(self.fleet, host, HostControl(host, HostState.DRAIN, "bench", since_s=time.time(), grace_s=60))
        if self.is_safe(host) or not any("still sends" in one or "under way" in one for one in self.remains(host)):
            msg = f"{host} is full of users, and its agent does not say so"
            raise BenchError(msg)
        for other in HOSTS:
            if other != host:
                self.guests[other].resume()
        self.own[host].pause()
        self.stage.wait(lambda: self.is_safe(host), f"{host} may be switched off", within_s=SAFE_WITHIN_S)
        return time.monotonic() - began_s

    def undrain(self, host: str) -> None:
        """Everybody comes back."""
        decide_host(self.fleet, host, None)
        for guests in self.guests.values():
            guests.pause()
        self.own[host].resume()

    def told(self, host: str) -> dict[str, Any]:
        """What its agent answers at `/drain`; empty when it does not."""
        with suppress(AgentUnreachable, AgentRefused):
            return dict(self.fleet.ask(host, "/drain"))
        return {}

    def is_safe(self, host: str) -> bool:
        """Its agent says so."""
        return bool(self.told(host).get("safe"))

    def remains(self, host: str) -> list[str]:
        """What stands in the way."""
        return list(self.told(host).get("remains", []))

    # ------------------------------------------------------------------ its power

    def power_off(self, host: str) -> None:
        """SIGKILL for its agent, its broker and its instances, at once."""
        pids = [one["pid"] for one in self.fleet.instances(host) if one["package"] == PACKAGE[1:]]
        for pid in (self.fleet.agents[host].pid, self.fleet.broker_pid(host), *pids):
            os.kill(pid, signal.SIGKILL)
        self.fleet.agents[host].wait(SAFE_WITHIN_S)
        del self.fleet.agents[host]

    def power_on(self, host: str) -> None:
        """It is started again, and is still drained: nobody is given to its instance."""
        self.fleet.start_host(host)
        self.stage.wait(lambda: bool(self.told(host).get("instances")), f"{host} is back", within_s=60)
        if self.told(host)["state"] != "drained":
            msg = f"{host} comes back, and is not drained"
            raise BenchError(msg)
