"""A fleet that exists only as what its agents answer: counters that move, over real HTTP, one server a host.

``python -m tests.console.fake_fleet --hosts 3 --packages 12`` serves one until it is interrupted, for eyes,
for tmux and for measuring the console with many packages.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

from h2o_agent.views.hoststats import fingerprint
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.io.clock import rfc3339
from h2o_core.pb.host_pb2 import ChildReport, HostStats
from h2o_core.pb.stats_pb2 import (
    BrokerReport,
    CallerReport,
    FeatureStats,
    InstanceReport,
    OutcomeCount,
    RegisterReport,
    Sketch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOBUF: Final = "application/x-protobuf"


@dataclass
class Endpoint:
    """A feature of one instance, counted."""

    name: str
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    sketch: Histogram = field(default_factory=Histogram)
    last_error: str = ""
    last_error_s: float | None = None

    def count(self, code: str, took_ms: float, at_s: float, error: str = "") -> None:
        self.outcomes[code] = self.outcomes.get(code, 0) + 1
        self.sketch.record(int(took_ms * 1e6))
        if code != "OK":
            self.last_error, self.last_error_s = error or f"{code} happened", at_s


@dataclass
class Instance:
    """One instance: how much it is asked, how long it takes, how often it fails (share of INTERNAL)."""

    id: str
    package: str
    version: str
    host: str
    features: tuple[str, ...] = ("retrieve", "create")
    per_s: float = 10.0
    takes_ms: float = 5.0
    fails: float = 0.0
    error: str = "boom"
    state: str = "ready"
    in_flight: int = 0
    started_s: float = 0.0
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])


@dataclass
class Broker:
    """What a host's broker says of itself."""

    incarnation: str
    started_s: float


class FakeFleet:
    """Hosts, instances and a clock (`now_s`, unix) that only `advance` moves."""

    def __init__(self, hosts: int = 3, *, now_s: float = 1_770_000_000.0, seed: int = 7) -> None:
        self.now_s = now_s
        self.dice = Random(seed)
        self.hosts = [f"host-{number + 1}" for number in range(hosts)]
        self.agents: dict[str, str | None] = dict.fromkeys(self.hosts)
        self.brokers = {host: Broker(f"{number:016x}", now_s - 3600) for number, host in enumerate(self.hosts)}
        self.instances: dict[str, Instance] = {}
        self.promises: list[dict[str, Any]] = []
        self.callers: dict[str, dict[tuple[str, str], dict[str, int]]] = {host: {} for host in self.hosts}
        self.register: dict[str, tuple[str, float]] = dict.fromkeys(self.hosts, ("connected", 0.0))
        self.children: dict[str, list[ChildReport]] = {}
        self.picture_version = 1
        self.fleet = "demo"

    def run(self, package: str, version: str, host: str, *, upper95_ms: float = 50.0, **more: Any) -> Instance:
        """Start an instance."""
        number = len(self.instances) + 1
        made = Instance(f"{number:04x}{number * 7919 % 65536:04x}", package, version, host, **more)
        made.started_s = made.started_s or self.now_s - 1800
        self.instances[made.id] = made
        for feature in made.features:
            made.endpoints[feature] = Endpoint(f"{package}/{feature}")
            promise = {
                "name": f"{package}/{feature}",
                "package": package,
                "version": version,
                "request_type": "t.Request",
                "reply_type": "t.Reply",
                "idempotent": True,
                "mean_ms": upper95_ms / 2,
                "upper95_ms": upper95_ms,
            }
            if promise not in self.promises:
                self.promises.append(promise)
        return made

    def stop(self, instance: Instance) -> None:
        """It is gone from everywhere at once."""
        del self.instances[instance.id]

    def called(self, host: str, caller: str, feature: str, code: str, count: int = 1) -> None:
        """What a caller on *host* got."""
        counts = self.callers[host].setdefault((caller, feature), {})
        counts[code] = counts.get(code, 0) + count

    def restart_broker(self, host: str) -> None:
        """Another incarnation; all counters start again."""
        before = self.brokers[host]
        self.brokers[host] = Broker(f"{int(before.incarnation, 16) + 4096:016x}", self.now_s)
        for instance in self.instances.values():
            if instance.host == host:
                instance.started_s = self.now_s
                instance.endpoints = {name: Endpoint(one.name) for name, one in instance.endpoints.items()}
        self.callers[host] = {}

    def advance(self, seconds: float) -> None:
        """Let time pass: requests are made, answered, counted."""
        for instance in self.instances.values():
            for number, endpoint in enumerate(instance.endpoints.values()):
                expected = instance.per_s * seconds / (number + 1)
                for _ in range(int(expected) + (self.dice.random() < expected % 1)):
                    took_ms = instance.takes_ms * self.dice.lognormvariate(0, 0.5)
                    failed = self.dice.random() < instance.fails
                    endpoint.count("INTERNAL" if failed else "OK", took_ms, self.now_s, instance.error)
        self.now_s += seconds

    # what agents answer

    def document(self, host: str, path: str) -> dict[str, Any] | None:
        """The answer of *host*'s agent at *path*."""
        state, silent_s = self.register[host]
        head = {
            "schema": 1,
            "fleet": self.fleet,
            "host": host,
            "as_of": rfc3339(self.now_s),
            "picture_age_s": 0.2,
            "register": {"state": state, "silent_s": silent_s},
        }
        match path:
            case "/hosts":
                return {**head, "hosts": [self._host(name) for name in self.hosts]}
            case "/instances?fleet=1":
                return {**head, "instances": [_listed(one) for one in self.instances.values()]}
            case "/features?fleet=1":
                return {**head, "features": self.promises}
            case _:
                return None

    def _host(self, name: str) -> dict[str, Any]:
        return {
            "host": name,
            "zone": "a",
            "address": "127.0.0.1:41234",
            "incarnation": self.brokers[name].incarnation,
            "link": "up",
            "rtt_ms": 0.4,
            "agent": self.agents[name],
            "instances": sum(one.host == name for one in self.instances.values()),
            "labels": {},
        }

    def stats(self, host: str) -> HostStats:
        """What *host*'s agent answers at /stats."""
        state, silent_s = self.register[host]
        broker = self.brokers[host]
        report = BrokerReport(
            host=host,
            fleet=self.fleet,
            incarnation=int(broker.incarnation, 16),
            now_s=self.now_s,
            started_s=broker.started_s,
            pid=1,
            picture_version=self.picture_version,
            register=RegisterReport(state=state, silent_s=silent_s),
            instances=[_counted(one) for one in self.instances.values() if one.host == host],
            callers=[
                CallerReport(caller=f"/{caller}", version="1", feature=f"/{feature}", outcomes=_outcomes(outcomes))
                for (caller, feature), outcomes in self.callers[host].items()
            ],
        )
        stats = HostStats(host=host, fleet=self.fleet, zone="a", version="0.1.0", as_of_s=self.now_s, report=report)
        stats.children.extend(self.children.get(host, ()))
        return stats


def _listed(one: Instance) -> dict[str, Any]:
    return {
        "id": one.id,
        "package": one.package,
        "version": one.version,
        "host": one.host,
        "zone": "a",
        "state": one.state,
        "routable": one.state == "ready",
        "why": "",
        "slots": 64,
        "in_flight": None,
        "queued": None,
        "started": rfc3339(one.started_s),
        "pid": None,
    }


def _counted(one: Instance) -> InstanceReport:
    return InstanceReport(
        instance=one.id,
        package=f"/{one.package}",
        version=one.version,
        pid=1,
        launch=f"{one.id}.1",
        slots=64,
        in_flight=one.in_flight,
        started_s=one.started_s,
        state=one.state,
        features=[_endpoint(endpoint) for endpoint in one.endpoints.values()],
    )


def _endpoint(endpoint: Endpoint) -> FeatureStats:
    index, count = endpoint.sketch.lists()
    return FeatureStats(
        feature=f"/{endpoint.name}",
        outcomes=_outcomes(endpoint.outcomes),
        processing=Sketch(index=index, count=count, zero=endpoint.sketch.zero, sum=endpoint.sketch.sum_ns),
        last_error=endpoint.last_error,
        last_error_time_s=endpoint.last_error_s or 0.0,
    )


def _outcomes(counts: Mapping[str, int]) -> list[OutcomeCount]:
    return [OutcomeCount(code=Code[code], count=count) for code, count in counts.items()]


class FleetServer:
    """Serves a fleet's agents on loopback, with ETags; `slow_s` delays a host, `down` answers 503 for it."""

    def __init__(self, fleet: FakeFleet) -> None:
        self.fleet = fleet
        self.slow_s: dict[str, float] = {}
        self.down: set[str] = set()
        self.raw: dict[tuple[str, str], bytes] = {}
        self.kinds: dict[tuple[str, str], str] = {}
        self.histories: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, int]] = []
        self.lock = threading.Lock()
        self._servers: dict[str, ThreadingHTTPServer] = {}

    def __enter__(self) -> Self:
        for host in self.fleet.hosts:
            self.start(host)
        return self

    def __exit__(self, *_: object) -> None:
        for host in list(self._servers):
            self.stop(host)

    def start(self, host: str, port: int = 0) -> str:
        """Let *host*'s agent answer; its address."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self, host))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._servers[host] = server
        address = f"127.0.0.1:{server.server_address[1]}"
        self.fleet.agents[host] = address
        return address

    def stop(self, host: str) -> None:
        """Nobody answers for *host* any more."""
        server = self._servers.pop(host)
        server.shutdown()
        server.server_close()

    def address(self, host: str) -> str:
        """Where *host*'s agent answers."""
        return f"127.0.0.1:{self._servers[host].server_address[1]}"


def _handler(served: FleetServer, host: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(served.slow_s.get(host, 0.0))
            if host not in served.fleet.hosts or host not in served._servers:
                self.close_connection = True
                return
            status, body, etag = self._answer()
            if status == 200 and self.headers.get("If-None-Match") == etag:
                status, body = 304, b""
            served.asked.append((host, self.path, status))
            self.send_response(status)
            self.send_header("ETag", etag)
            kind = PROTOBUF if etag else "application/json"
            self.send_header("Content-Type", served.kinds.get((host, self.path), kind))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[int, bytes, str]:
            if host in served.down:
                return 503, b'{"error": "the broker does not answer", "hint": "h2o hosts"}', ""
            raw = served.raw.get((host, self.path))
            if raw is not None:
                return 200, raw, "W/raw" if self.path == "/stats" else ""
            if self.path.startswith("/history?") and host in served.histories:
                return 200, served.histories[host], "W/history"
            with served.lock:
                if self.path == "/stats":
                    stats = served.fleet.stats(host)
                    return 200, stats.SerializeToString(), f'W/"{fingerprint(stats)}"'
                document = served.fleet.document(host, self.path)
            if document is None:
                return 404, b'{"error": "no such path"}', ""
            return 200, json.dumps(document).encode(), ""

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def example(hosts: int = 3, packages: int = 10, *, now_s: float = 1_770_000_000.0) -> FakeFleet:
    """The demo's packages, some of them in trouble, and as many healthy ones as are asked for."""
    fleet = FakeFleet(hosts, now_s=now_s)
    first, second, last = fleet.hosts[0], fleet.hosts[1 % hosts], fleet.hosts[-1]
    fleet.run("api/customer", "2.4.0", first, per_s=40, takes_ms=41, fails=0.12, upper95_ms=300)
    fleet.run("api/customer", "2.3.9", second, per_s=36, takes_ms=35, upper95_ms=300)
    fleet.run("service/geo", "1.1.3", first, per_s=220, takes_ms=6, upper95_ms=60)
    fleet.run("service/geo", "1.1.3", last, per_s=220, takes_ms=48, upper95_ms=60)
    fleet.run("service/payment", "3.0.1", first, per_s=35, takes_ms=22, upper95_ms=90)
    fleet.run("service/payment", "3.1.0", last, per_s=11, takes_ms=22, upper95_ms=90)
    fleet.run("orchestration/registration", "1.0.0", second, per_s=14, takes_ms=12)
    fleet.run("service/email", "0.9.2", second, per_s=0.4, takes_ms=120, upper95_ms=400)
    for number in range(packages - 5):
        for host in dict.fromkeys((fleet.hosts[number % hosts], fleet.hosts[(number + 1) % hosts])):
            fleet.run(f"service/plain-{number:03}", f"1.{number % 7}.0", host, per_s=5 + number % 17, takes_ms=4)
    return fleet


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--packages", type=int, default=10)
    parser.add_argument("--rate", type=float, default=1.0, help="of the requests, as a factor")
    options = parser.parse_args()
    fleet = example(options.hosts, options.packages, now_s=time.time())
    for instance in fleet.instances.values():
        instance.per_s *= options.rate
    with FleetServer(fleet) as served:
        print(f"http://{served.address(fleet.hosts[0])}", flush=True)  # noqa: T201 - it is a program
        while True:
            before = time.time()
            with served.lock:
                fleet.advance(max(before - fleet.now_s, 0.0))
            time.sleep(1.0)


if __name__ == "__main__":
    main()
