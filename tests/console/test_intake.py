"""What is heard of a fleet and taken in again gives the same store, also when much of it is no answer at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.intake import Intake
from h2o_console.store.fleet import Store
from h2o_console.store.pictured import HostPart
from h2o_console.store.recalled import SLOT_S
from h2o_core.errors import Code
from h2o_core.pb.host_pb2 import History, Point, Series
from h2o_core.pb.stats_pb2 import OutcomeCount
from tests.console.fake_fleet import FakeFleet, example

NOW_S = 1_770_000_000.0


@dataclass
class Listener:
    """Hears a fleet, each second everything."""

    fleet: FakeFleet
    now_s: float = 1000.0
    store: Store = field(default_factory=Store)
    heard: list[tuple[Heard, float]] = field(default_factory=list[tuple[Heard, float]])

    def __post_init__(self) -> None:
        self.intake = Intake(self.store, lambda heard, now_s: self.heard.append((heard, now_s)))

    def picture(self) -> None:
        self.intake.hosts("127.0.0.1:1", self._ask("/hosts"), self.now_s, "127.0.0.1:2: connection refused")
        self.intake.instances(self._ask("/instances?fleet=1"), self.now_s)
        self.intake.promises(self._ask("/features?fleet=1"), self.now_s)

    def _ask(self, path: str) -> bytes:
        return json.dumps(self.fleet.document(self.fleet.hosts[0], path)).encode()

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.fleet.advance(1.0)
            self.now_s += 1.0
            for host in self.fleet.hosts:
                self.intake.stats(host, self.fleet.stats(host).SerializeToString(), self.now_s)
                self.intake.expect(host, 1.0, self.now_s)


def told(host: str, resolution_s: float = SLOT_S) -> bytes:
    """What *host* remembers: four minutes that ended four minutes ago."""
    point = Point(t_s=NOW_S - 2 * resolution_s, outcomes=[OutcomeCount(code=Code.OK, count=90)], instances=1)
    series = Series(kind="package", package="/service/geo", version="1.0.0", points=[point])
    return History(host=host, as_of_s=NOW_S, resolution_s=resolution_s, series=[series]).SerializeToString()


def pictured(part: HostPart | None) -> object:
    """What a picture has of a host, sketches as lists."""
    return part and (
        replace(part, served=(), calls=()),
        [(one.package, one.version, one.now.outcomes, one.now.times.lists()) for one in part.served],
        [(one.caller, one.feature, one.now.outcomes, one.now.times.lists()) for one in part.calls],
    )


def views(store: Store, now_s: float) -> list[object]:
    """All that screens can read of it."""
    names = sorted(store.names())
    hosts = store.servers(now_s)
    return [
        store.fleet(now_s),
        hosts,
        [store.host(host.name, now_s) for host in hosts],
        store.instances(now_s),
        store.features(now_s),
        store.calls(now_s),
        store.control,
        {version: counts.outcomes for version, counts in store.past.before(now_s).items()},
        [pictured(store.host_part(host.name, now_s)) for host in hosts],
        [store.package(name, now_s) for name in names],
        [store.times(name, now_s) for name in names],
    ]


def test_what_was_heard_and_is_taken_in_again_gives_the_same_views() -> None:
    listener = Listener(example(3, 12))
    listener.picture()
    listener.fleet.called("host-1", "api/customer", "service/geo/retrieve", "OK", 40)
    listener.run(20)
    listener.intake.failure("host-2", "no answer in 2 s", listener.now_s)
    listener.intake.still("host-3", listener.now_s)
    listener.fleet.hosts.remove("host-1")
    listener.picture()
    listener.run(30)
    listener.intake.control(b'{"epoch": 7, "documents": {}, "entries": [], "age_s": 0.5}', listener.now_s)
    listener.intake.control_stands(listener.now_s + 2.0)
    listener.intake.history("host-2", told("host-2"), listener.now_s)
    assert listener.store.control is not None
    assert (listener.store.control.epoch, listener.store.control.read_s) == (7, listener.now_s + 2.0)
    listener.intake.no_control(listener.now_s + 4.0)
    listener.intake.trouble("127.0.0.1:1", "connection refused", "h2o dev", listener.now_s)
    again = Store()
    intake = Intake(again)
    for heard, now_s in listener.heard:
        intake.take(heard, now_s)
    assert {heard.kind for heard, _ in listener.heard} == set(Kind)
    for now_s in (listener.now_s, listener.now_s + 7.5, listener.now_s + 90.0):
        assert views(again, now_s) == views(listener.store, now_s)


def test_what_can_t_be_read_is_heard_all_the_same_and_leaves_the_store_as_it_was() -> None:
    listener = Listener(FakeFleet(2))
    listener.picture()
    before, fed = views(listener.store, 1000.0), len(listener.heard)
    for heard in (
        Heard(Kind.HOSTS, "127.0.0.1:1", b"<html>"),
        Heard(Kind.INSTANCES, body=b"[1]"),
        Heard(Kind.PROMISES, body=b"\xff"),
        Heard(Kind.STATS, "host-1", b"\xff" * 1000),
        Heard(Kind.HISTORY, "host-1", b"\xff" * 1000),
        Heard(Kind.HISTORY, "host-1", told("host-2")),
        Heard(Kind.HISTORY, "host-1", told("host-1", resolution_s=60.0)),
        Heard(Kind.STATS, "host-1", listener.fleet.stats("host-2").SerializeToString()),
    ):
        with pytest.raises(OutOfReach):
            listener.intake.take(heard, 1000.0)
        assert listener.heard[-1][0].body == heard.body
    assert len(listener.heard) == fed + 8
    assert views(listener.store, 1000.0) == before
