"""Where a fault round plays: real hosts, load from counting clients, waiting on conditions, and the account."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from bench.children import BenchError
from bench.faults.result import Result
from h2o_console.asking.agent import AgentRefused, AgentUnreachable
from h2o_console.dev.fleet import Fleet, FleetFailed
from h2o_console.dev.plan import HostPlan
from h2o_core.hostfile import InstanceSpec
from h2o_core.io.zookeeper import ZooKeeperFailed, ZooKeeperMissing
from tests.counting.account import settle
from tests.counting.client import CountingClient, Load
from tests.counting.executions import Execution, read_executions
from tests.support.broker import RawLink

if TYPE_CHECKING:
    from h2o_console.dev.standing import ZooKeeper
    from h2o_core.pb.stats_pb2 import BrokerReport, InstancePicture, Picture

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "/service/counting"
LOOK: Final = f"{PACKAGE}/look"
BOOK: Final = f"{PACKAGE}/book"
GLANCE: Final = f"{PACKAGE}/glance"
BYSTANDER: Final = "/service/bystander"
WITHIN_S: Final = 10.0
_POLL_S: Final = 0.005
_ZONES: Final = "abc"

LOADS: Final = (
    Load(LOOK, idempotent=True, rate_per_s=120),
    Load(BOOK, idempotent=False, rate_per_s=80),
)
"""What a client asks for unless a round says otherwise: half of what one core serves by far, with 1 s of time."""

Entered = TypeVar("Entered")


class Stage:
    """All of one round, in *directory*; whatever it starts ends with the block, the youngest first."""

    def __init__(
        self, directory: Path, say: Callable[[str], None], *, seed: int | None = None, minutes: float = 10.0
    ) -> None:
        """*seed* and *minutes* are the chaos round's; without a seed it takes and prints a new one."""
        self.directory = directory
        self.say = say
        self.seed = seed
        self.minutes = minutes
        self.counted = directory / "counting"
        """Where the instances write down what they execute."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def enter(self, context: AbstractContextManager[Entered]) -> Entered:
        """Run *context* until the round ends."""
        return self._stack.enter_context(context)

    # ------------------------------------------------------------------ parts

    def counting(self, package: str = PACKAGE, count: int = 1, **environ: str) -> InstanceSpec:
        """Instances of tests/counting under the name *package*."""
        environ = {"COUNTING_DIR": str(self.counted), "COUNTING_PACKAGE": package, **environ}
        argv = (sys.executable, "-m", "tests.counting.package")
        return InstanceSpec(package, argv, count=count, env=environ, cwd=str(ROOT))

    def fleet(
        self,
        hosts: int = 2,
        *,
        more: Mapping[str, Sequence[InstanceSpec]] | None = None,
        plans: Sequence[HostPlan] | None = None,
        wait: bool = True,
        zookeeper: ZooKeeper | int = 0,
        host_file_extra: Sequence[str] = (),
    ) -> Fleet:
        """*hosts* hosts with an instance of service/counting each, and *more* by host; or these *plans*.

        Ready when it returns, unless *wait* is False; *zookeeper* and *host_file_extra* are the fleet's.
        Raises BenchError.
        """
        if plans is None:
            more = more or {}
            plans = [
                HostPlan(name, _ZONES[at % len(_ZONES)], (self.counting(), *more.get(name, ())))
                for at, name in enumerate(f"host-{at + 1}" for at in range(hosts))
            ]
        fleet = Fleet(
            self.directory / "fleet", plans, name="faults", zookeeper=zookeeper, host_file_extra=host_file_extra
        )
        try:
            self.enter(fleet)
            if wait:
                fleet.wait_ready()
        except (FleetFailed, ZooKeeperMissing, ZooKeeperFailed) as error:
            raise BenchError(str(error)) from None
        return fleet

    def client(self, endpoint: str) -> CountingClient:
        """A client of the broker at *endpoint*, without load."""
        return self.enter(CountingClient(endpoint))

    def load(self, fleet: Fleet, host: str, loads: Iterable[Load] = LOADS) -> CountingClient:
        """A client on *host* with *loads*; some of each have been served when it returns."""
        client = self.client(broker_endpoint(fleet, host))
        wanted = list(loads)
        for load in wanted:
            client.add(load)
        self.wait(lambda: client.oks >= 40 and bool(client.brokers), f"the first requests of {host} are served")
        return client

    # ------------------------------------------------------------------ looking and waiting

    def wait(self, condition: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> float:
        """Return, with the monotonic time, once *condition* holds; raises BenchError after *within_s*."""
        give_up_s = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > give_up_s:
                msg = f"not within {within_s:g} s: {what}"
                raise BenchError(msg)
            time.sleep(_POLL_S)
        return time.monotonic()

    def wait_for(self, ask: Callable[[], int], what: str, within_s: float = WITHIN_S) -> int:
        """Return what *ask* says once it is more than 0; raises BenchError after *within_s*."""
        found: list[int] = []

        def more() -> bool:
            found.append(ask())
            return found[-1] > 0

        self.wait(more, what, within_s)
        return found[-1]

    def pass_s(self, seconds: float, clients: Sequence[CountingClient]) -> None:
        """Let load flow for a while: it is what this time is for. Raises BenchError when it does not flow at all."""
        before = [client.oks for client in clients]
        time.sleep(seconds)
        if any(client.oks == had for client, had in zip(clients, before, strict=True)):
            msg = f"a client was served nothing for {seconds:g} s"
            raise BenchError(msg)

    # ------------------------------------------------------------------ the end

    def settle(
        self,
        recover_s: float | None,
        clients: Sequence[CountingClient],
        *,
        broken: Iterable[str] = (),
        notes: Iterable[str] = (),
        extra: Mapping[str, float] | None = None,
    ) -> Result:
        """End the load, wait for every answer, and hold requests against executions."""
        requests = [request for client in clients for request in client.finish()]
        odd = [
            f"{client.endpoint}: {client.malformed} malformed frames, {client.strays} answers to nothing"
            for client in clients
            if client.malformed or client.strays
        ]
        account = settle(requests, self.executions())
        return Result(recover_s, account, (*broken, *odd), tuple(notes), dict(extra or {}))

    def executions(self) -> list[Execution]:
        """What has been executed so far."""
        return read_executions(self.counted)


def broker_endpoint(fleet: Fleet, host: str) -> str:
    """Where the broker of *host* listens."""
    return f"unix:{fleet.broker_dir(host)}/broker.sock"


def picture(fleet: Fleet, host: str) -> Picture:
    """The fleet as the broker of *host* sees it, now."""
    with RawLink(broker_endpoint(fleet, host)) as link:
        return link.picture()


def report(fleet: Fleet, host: str) -> BrokerReport:
    """The counters of the broker of *host*, now."""
    with RawLink(broker_endpoint(fleet, host)) as link:
        return link.report()


def seen(fleet: Fleet, host: str, package: str = PACKAGE, on: str = "") -> list[InstancePicture]:
    """Instances of *package* (those *on* a host) that the broker of *host* would send requests to, now."""
    return [
        one
        for each in picture(fleet, host).hosts
        if on in {"", each.host}
        for one in each.instances
        if one.package == package and one.routable
    ]


def processes(fleet: Fleet, host: str, package: str = PACKAGE) -> list[dict[str, Any]]:
    """What the agent of *host* says of its own instances of *package*."""
    try:
        found = fleet.instances(host)
    except (AgentUnreachable, AgentRefused):
        return []
    return [one for one in found if f"/{one['package'].removeprefix('/')}" == package]
