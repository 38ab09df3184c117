"""The world of a run: hosts, brokers, processes, network and register on one agenda; a script happens to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from h2o_agent.views.drain import remains
from h2o_broker.drain_report import drain_report
from h2o_core.control.hosts import HostState
from h2o_core.envelope import TAG_PRIORITY, TAG_STICKY_KEY, encode_fields
from tests.simulation.agenda import MS, Agenda, S
from tests.simulation.broker import Broker
from tests.simulation.fleet import PROCESSES, host_names
from tests.simulation.instance import Instance
from tests.simulation.network import Network
from tests.simulation.operators import Operators
from tests.simulation.process import Process
from tests.simulation.properties import Properties
from tests.simulation.register import Register
from tests.simulation.script import (
    START_NS,
    BrokerKilled,
    BrokerStalled,
    BrokerStopped,
    Call,
    ConnectionCut,
    ConnectionGivenUp,
    Entry,
    HostTaken,
    InstanceFails,
    InstanceHung,
    InstanceKilled,
    InstanceLeaves,
    InstanceSlow,
    Options,
    Partitioned,
    RegisterAway,
    SwitchedOff,
    Weighed,
)
from tests.simulation.witness import Violated, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2o_core.errors import Code

REST_NS = 25 * S
"""After the last entry of a script: its faults, the longest call and a session's end are over, and all links stand."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run."""

    seed: int
    steps: int
    calls: int
    executed: int
    outcomes: Mapping[str, int]
    late: int
    """Calls that their SDK had to end, although a broker had them."""
    lost: int
    """Frames lost between brokers."""
    fingerprint: str


class World:
    """A pure function of seed, options and script, step by step."""

    def __init__(self, seed: int, options: Options, *, tells: bool = False) -> None:
        self.seed = seed
        self.options = options
        self.late = 0
        self.switched_off = 0
        """Hosts whose power has failed after they were drained."""
        self.agenda = Agenda(START_NS)
        self.witness = Witness(tells=tells)
        self.watch = Properties(self.witness)
        self.network = Network(self.agenda, self.witness, seed, hostile=options.hostile)
        self.register = Register(self.agenda, seed)
        self.operators = Operators(self.agenda, seed)
        self.hosts = host_names(options.hosts)
        self.brokers: dict[str, Broker] = {}
        self._serial = 0
        for host in self.hosts:
            self.brokers[host] = Broker(self, host)
        self.clients = [Process(self, host, f"client of {host}") for host in self.hosts]
        specs = [replace(spec, slots=spec.slots * options.slots) for spec in PROCESSES]
        self._places = [(host, spec) for host in self.hosts for spec in specs]
        self.instances: list[Instance | None] = [None] * len(self._places)
        for place in range(len(self._places)):
            self._start(place)

    def serial(self) -> int:
        """A number that was not used before."""
        self._serial += 1
        return self._serial

    def run(self, script: Sequence[Entry]) -> Summary:
        """All of *script*, and then rest; raises Violated."""
        for entry in script:
            self.agenda.at(entry.at_ns, self._happen, entry)
        last_ns = max((entry.at_ns for entry in script), default=START_NS)
        self.agenda.run(last_ns + REST_NS)
        self.witness.all_ended()
        for broker in self.brokers.values():
            self.watch.at_rest(broker, epoch=self.operators.epoch, heals=not self.options.hostile)
        return Summary(
            self.seed,
            self.agenda.steps,
            len(self.witness.calls),
            sum(len(asked.started) for asked in self.witness.calls),
            dict(sorted(self.witness.outcomes.items())),
            self.late,
            self.network.lost,
            self.witness.fingerprint,
        )

    # ------------------------------------------------------------------ what happens

    def _happen(self, entry: Entry) -> None:
        match entry:
            case Call():
                self._call(entry)
            case Partitioned(host=host, other=other, ms=ms):
                self.network.partition(self.hosts[host], self.hosts[other], ms * MS)
            case ConnectionCut(host=host, other=other) | ConnectionGivenUp(host=host, other=other):
                again = isinstance(entry, ConnectionCut)
                self.network.cut(self.hosts[host], self.hosts[other], again=again)
            case Weighed(parts=parts):
                self.operators.weigh(parts)
            case HostTaken(host=host, state=state, ms=ms, grace_ms=grace_ms):
                self.operators.put(self.hosts[host], state, grace_ms / 1000)
                self.agenda.after(ms * MS, self.operators.put, self.hosts[host], None)
            case SwitchedOff(host=host, ms=ms):
                self.operators.put(self.hosts[host], HostState.DRAIN)
                self._off_when_safe(self.hosts[host], ms)
            case BrokerKilled() | BrokerStopped() | BrokerStalled() | RegisterAway():
                self._to_broker(entry)
            case _:
                self._to_instance(entry)

    def _off_when_safe(self, host: str, ms: int) -> None:
        """Safe is what the host's agent says, and that all apply it."""
        broker = self.brokers[host]
        drain = drain_report(broker.switch, lambda _: 0, broker.moment())
        applied = all(one.known.decisions.applied == self.operators.epoch for one in self.brokers.values())
        if drain is None or not applied or remains(drain, drain.callers, {}):
            self.agenda.after(20 * MS, self._off_when_safe, host, ms)
            return
        self.switched_off += 1
        del self.brokers[host]
        broker.die()
        for place, (where, _) in enumerate(self._places):
            instance = self.instances[place]
            if where == host and instance is not None:
                instance.die()
                self._start_later(place, ms)
        self.agenda.after(ms * MS, self._start_broker, host)
        self.agenda.after(2 * ms * MS, self.operators.put, host, None)

    def _to_broker(self, entry: BrokerKilled | BrokerStopped | BrokerStalled | RegisterAway) -> None:
        broker = self.brokers.get(self.hosts[entry.host])
        if broker is None:
            return
        ns = entry.ms * MS
        if isinstance(entry, BrokerKilled | BrokerStopped):
            del self.brokers[broker.host]
            (broker.die if isinstance(entry, BrokerKilled) else broker.stop)()
            self.agenda.after(ns, self._start_broker, broker.host)
        elif isinstance(entry, BrokerStalled):
            broker.stall()
            self.agenda.after(ns, broker.go_on)
        else:
            broker.view.away(ns)

    def _start_broker(self, host: str) -> None:
        self.brokers[host] = Broker(self, host)

    def _to_instance(
        self, entry: InstanceKilled | InstanceHung | InstanceLeaves | InstanceFails | InstanceSlow
    ) -> None:
        instance = self.instances[entry.process]
        if instance is None:
            return
        match entry:
            case InstanceKilled():
                instance.die()
                self._start_later(entry.process, entry.ms)
            case InstanceLeaves():
                instance.leave()
            case InstanceHung():
                instance.hang()
            case InstanceFails():
                instance.fails = True
            case InstanceSlow():
                instance.slow = True
        self.agenda.after(entry.ms * MS, instance.recover)

    def _call(self, call: Call) -> None:
        client = self.clients[call.host]
        deadline_ns = self.agenda.now + call.task.timeout_ms * MS
        fields: dict[int, bytes] = {}
        if call.key:
            fields[TAG_STICKY_KEY] = call.key.encode()
        if call.priority is not None:
            fields[TAG_PRIORITY] = bytes((call.priority,))
        correlation = client.ask(call.task, None, deadline_ns, _nothing, fields=encode_fields(fields))
        if call.cancel_ms:
            self.agenda.after(call.cancel_ms * MS, client.abandon, correlation)

    # ------------------------------------------------------------------ instances

    def _start(self, place: int) -> None:
        host, spec = self._places[place]
        self.instances[place] = Instance(self, host, f"{spec.package[1:]} {spec.version}", spec)

    def _start_later(self, place: int, ms: int) -> None:
        self.instances[place] = None
        self.agenda.after(ms * MS, self._start, place)

    def crash(self, instance: Instance) -> None:
        """Its own doing."""
        instance.die()
        self._start_later(self.instances.index(instance), 200)

    def gone(self, instance: Instance) -> None:
        """It has left, and its agent starts another."""
        if instance.lives:
            instance.die()
            self._start_later(self.instances.index(instance), 200)


def _nothing(code: Code) -> None:
    del code


def run(seed: int, options: Options, script: Sequence[Entry], *, tells: bool = False) -> Summary:
    """One run; raises Violated."""
    return World(seed, options, tells=tells).run(script)


def failure(seed: int, options: Options, script: Sequence[Entry], *, tells: bool = False) -> str:
    """What is wrong in a run; "" when nothing is. An exception of the product is wrong, too."""
    try:
        run(seed, options, script, tells=tells)
    except Violated as violated:
        return str(violated)
    except Exception as error:  # noqa: BLE001 - whatever the cores raise is a finding
        return f"{type(error).__name__}: {error}"
    return ""
