"""A broker's pure parts without sockets: a package's instances, here and on other hosts, and what is sent to them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.requests import LOCAL
from h2o_broker.roster import Roster
from h2o_broker.routing import SETTLING_NS
from h2o_broker.switch import Switch
from h2o_core.envelope import (
    ANSWER,
    REQUEST,
    WELCOME,
    WIRE,
    Frame,
    RouteWish,
    decode,
    decode_request_route,
    encode,
    encode_answer_route,
    encode_answer_route_tail,
    encode_fields,
    encode_wish,
    types_hash,
    with_route,
)
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Welcome
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, package_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic

PACKAGE = "/service/customer"
FEATURE = f"{PACKAGE}/retrieve"
TYPES = types_hash("t.Request", "t.Reply")
OWN = 0xAAAA
NOW = SETTLING_NS * 2


class Broker:
    """host-1's; versions are registered in their order here. Instances are named when they are made."""

    def __init__(self, versions: tuple[str, ...] = ("1.0.0", "2.0.0"), dice: Callable[[], float] | None = None) -> None:
        self.switch = Switch("host-1", OWN, dice or Random(7).random)
        self.roster = Roster(self.switch, "a", "t")
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.specs = {
            version: package_version(PACKAGE, version, [FeatureSpec(FEATURE, "t.Request", "t.Reply")], b"")
            for version in versions
        }
        for order, spec in enumerate(self.specs.values(), start=1):
            self.roster.pool_of(spec).order[spec.version] = order
        self.pool = self.switch.pools[PACKAGE]
        self.serial = 0

    def here(self, instance: str, version: str, slots: int = 64) -> None:
        """An instance of this host."""
        self.roster.admit(instance.encode(), 1, instance, self.specs[version], Admission(slots, 1, "", 0.0), NOW)
        self.switch.take()

    def there(self, host: str, instance: str, version: str) -> None:
        """An instance of another host, whose broker is linked."""
        if host not in self.links.peers:
            self.links.host_up(LiveHost(host, "a", f"{host}:1", "k" * 40, len(host), "m", WIRE))
            welcome = Welcome(wire=WIRE, host=host, incarnation=len(host), fleet="t").SerializeToString()
            self.links.on_outbound(self.links.peers[host].rid, encode(WELCOME, payload=welcome), NOW)
        self.links.instances.up(host, LiveInstance(instance, PACKAGE, version, "d", 64, 1.0, 1), self.pool, NOW)
        self.switch.take()

    def sends(
        self,
        fields: Mapping[int, bytes] | bytes = b"",
        wish: RouteWish | None = None,
        client: bytes = b"client",
        name: str = FEATURE,
    ) -> Frame:
        """The one frame that goes out for a client's request: to an instance, to another broker, or its answer."""
        self.serial += 1
        frame = encode(
            REQUEST,
            correlation=self.serial,
            remaining_ms=1000,
            types=TYPES,
            name=name.encode(),
            fields=fields if isinstance(fields, bytes) else encode_fields(dict(fields)),
        )
        self.switch.on_local(client, with_route(frame, encode_wish(wish or RouteWish())), NOW)
        ((self.port, self.rid, sent),) = self.switch.take()
        return decode(sent)

    def serves(self, fields: Mapping[int, bytes] | bytes = b"", wish: RouteWish | None = None) -> str:
        """The instance that a request goes to, here or elsewhere; it is done at once."""
        frame = self.sends(fields, wish)
        name = served(frame)
        self.done(frame)
        return name

    def spread(self, requests: int = 200) -> dict[str, int]:
        """How many of so many requests without a word go to each version; each is done at once."""
        counts: dict[str, int] = {}
        for _ in range(requests):
            frame = self.sends()
            version = decode_request_route(frame.route).version
            counts[version] = counts.get(version, 0) + 1
            self.done(frame)
        return counts

    def done(self, frame: Frame) -> None:
        """Whoever got *frame*, the last one that was sent, has done it."""
        if self.port == LOCAL:
            self.switch.on_local(self.rid, encode(ANSWER, flags=2, correlation=frame.correlation), NOW)
        else:
            route = encode_answer_route(OWN, 0, 0, 64, 0, encode_answer_route_tail("1", "i", "h"))
            answer = encode(ANSWER, flags=2, correlation=frame.correlation, route=route)
            self.switch.on_outbound(self.rid, answer, NOW)
        self.switch.take()


def served(frame: Frame) -> str:
    """The instance that a REQUEST is for."""
    assert frame.type == REQUEST, said(frame)
    return decode_request_route(frame.route).instance


def said(frame: Frame) -> str:
    """What an answer that failed says."""
    return Failure.FromString(frame.payload).message


def decide_traffic(switch: Switch, package: str, traffic: Traffic | None, now: int) -> None:
    """One decision, and nothing else with it."""
    switch.put_traffic(package, traffic, now)
    switch.settle(now)


def decide_host(switch: Switch, host: str, control: HostControl | None, now: int, *, over: bool = False) -> None:
    """One decision, and nothing else with it."""
    switch.put_host_control(host, control, over=over)
    switch.settle(now)
