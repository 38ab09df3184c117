"""The switch under any order of events: one terminal answer a request, slots never negative, never leaked."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from h2o_broker.links import Links
from h2o_broker.members import Admission, Health, LocalInstance, RemoteInstance
from h2o_broker.pools import is_fit, out_of
from h2o_broker.requests import INBOUND, LOCAL, OUTBOUND
from h2o_broker.roster import PING_EVERY_NS, Roster
from h2o_broker.routing import SETTLING_NS
from h2o_broker.switch import Switch
from h2o_core.baggage import encode_headers
from h2o_core.choice import chances
from h2o_core.control.hosts import HostControl, HostState
from h2o_core.control.settings import NewVersions
from h2o_core.control.traffic import MatchRule, Traffic
from h2o_core.deadlines import BUCKET_SHIFT
from h2o_core.ejection import Policy
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HEARTBEAT,
    HELLO,
    LEAVE,
    PONG,
    REFUSED,
    RELEASED,
    REQUEST,
    REQUEST_ASSIGNED,
    REQUEST_EXACT,
    TAG_ASSIGNMENT,
    TAG_HEADERS,
    TAG_PRIORITY,
    TAG_STICKY_KEY,
    WELCOME,
    WIRE,
    Frame,
    InstanceVerdict,
    RequestRoute,
    RouteWish,
    decode,
    decode_request_route,
    encode,
    encode_answer_route,
    encode_fields,
    encode_request_route,
    encode_verdicts,
    encode_wish,
    types_hash,
)
from h2o_core.errors import Code, Executed
from h2o_core.handshakes import LinkNews
from h2o_core.health import Verdict, honoured, most_out
from h2o_core.pb.registration_pb2 import Check, Heartbeat, Hello, Welcome
from h2o_core.priorities import Priority
from h2o_core.retries import FLOOR_PER_S, JITTER_NS, SHARE
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, package_version
from tests.support.switches import decide_host, decide_traffic

FEATURE = "/service/customer/retrieve"
TYPES = types_hash("t.Request", "t.Reply")
TWICE = "/service/customer/look"
"""May be executed twice; in version 2.0.0 that is not declared."""
SPECS = {
    version: package_version(
        "/service/customer",
        version,
        [
            FeatureSpec(FEATURE, "t.Request", "t.Reply"),
            FeatureSpec(TWICE, "t.Request", "t.Reply", idempotent=version == "1.0.0"),
        ],
        b"",
    )
    for version in ("1.0.0", "2.0.0")
}
OWN = 0xAAAA
THEIRS = 0xBBBB
MS = 1_000_000
EJECTION = Policy(run=2, least_requests=4, first_s=0.5, most_s=2.0)
FIELDS = [
    b"",
    *(encode_fields({TAG_PRIORITY: bytes((each,))}) for each in Priority),
    b"\x05\0\x09nonsense",
    encode_fields({TAG_STICKY_KEY: b"customer-7", TAG_ASSIGNMENT: b"service.customer=2.0.0"}),
    encode_fields({TAG_HEADERS: encode_headers({"x": "1"})}),
]
TRAFFIC = [
    None,
    *(Traffic("/service/customer", "1.0.0", (("1.0.0", 10_000 - new), ("2.0.0", new))) for new in (0, 3_000, 10_000)),
    Traffic("/service/customer", "2.0.0", (("2.0.0", 10_000),)),
    Traffic("/service/customer", "1.0.0", (("1.0.0", 10_000),), (MatchRule("2.0.0", headers={"x": "1"}),)),
]


def health_of(member: LocalInstance | RemoteInstance) -> Health:
    return member.health if isinstance(member, LocalInstance) else member.peer.health


def version_of(member: LocalInstance | RemoteInstance) -> str:
    return member.version.spec.version if isinstance(member, LocalInstance) else member.version


class SwitchMachine(RuleBasedStateMachine):
    """Clients, instances, one peer broker on both sides; frames in any order, late, doubled and from strangers."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 20_000_000_000
        self.dice = random.Random(7)
        self.switch = Switch("host-1", OWN, self.dice.random, EJECTION)
        self.roster = Roster(self.switch, "a", "t")
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.began = self.now - 10_000 * MS
        self.switch.origin.retrying.started(self.began)
        self.switch.rare = self._rare
        self.serial = 0
        self.asked: dict[tuple[int, bytes, int], int] = {}
        """(port, routing id, correlation) of a request → terminal answers that came for it."""
        self.held: dict[tuple[bytes, int], bool] = {}
        """What instances execute: (routing id, correlation) → the slot is theirs."""
        self.at_peer: list[int] = []
        self.payloads: dict[int, bytes] = {}
        """Our correlation → the payload of its request, which is one of a kind."""
        self.sent: dict[bytes, list[bool]] = {}
        """Payload → its attempts that left for an instance or the peer: may this one have been executed?"""
        self.wishes: dict[bytes, RouteWish] = {}
        """Payload → where alone it may be executed."""
        self.decided = False
        """Operators have decided about versions at some time: what was chosen then may start later."""
        self.lost_clients: set[bytes] = set()
        self.slots: dict[bytes, int] = {}
        self.peer_rid = b""
        self.said: dict[str, Verdict] = {}
        """What the peer said last of its instances."""
        self.offered: dict[str, int] = {}
        """Its instances that want a probe → how often they may be tried: once each time that it is heard."""

    def _rare(self, port: int, rid: bytes, frame: bytes, now: int) -> None:
        if port == LOCAL:
            self.roster.on_frame(rid, frame, now)
        elif port == INBOUND:
            self.links.inbound.on_frame(rid, frame, now)
        else:
            self.links.on_outbound(rid, frame, now)

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    def _deliver(self) -> None:
        """Carry what the switch sends to whom it concerns."""
        while self.switch.out or self.switch.events:
            batch = self.switch.take()
            self.switch.events = []
            for port, rid, raw in batch:
                frame = decode(raw)
                if frame.type in {ANSWER, REFUSED} and port in {LOCAL, INBOUND}:
                    key = (port, rid, frame.correlation)
                    assert key in self.asked, "an answer that nobody asked for"
                    self.asked[key] += 1
                    assert self.asked[key] == 1, "a second terminal answer"
                elif frame.type == REQUEST and port == LOCAL:
                    assert rid in self.slots, "a request for an instance that is gone"
                    assert (rid, frame.correlation) not in self.held, "a correlation in use was used again"
                    self.held[rid, frame.correlation] = True
                    self._sent(frame)
                    self._as_decided(frame, "host-1")
                    self._as_wished(frame, "host-1", sure=True)
                    self._not_to_the_ejected(rid, frame)
                elif frame.type == REQUEST:
                    assert decode_request_route(frame.route).incarnation == THEIRS
                    self._sent(frame)
                    self._as_decided(frame, "host-2")
                    self._as_wished(frame, "host-2", sure=False)
                    self._not_to_the_peers_ejected(frame)
                    self.at_peer.append(frame.correlation)

    def _sent(self, frame: Frame) -> None:
        """Two attempts at most; what may have been executed is executed again only where that is harmless."""
        before = self.sent.setdefault(frame.payload, [])
        self.payloads[frame.correlation] = frame.payload
        harmless = frame.name == TWICE.encode() and decode_request_route(frame.route).version == "1.0.0"
        assert len(before) <= 1
        assert frame.code >= len(before), "the attempt is in the header"
        assert harmless or not any(before)
        before.append(True)

    def _not_executed(self, correlation: int) -> None:
        self.sent[self.payloads[correlation]][-1] = False

    def _as_decided(self, frame: Frame, host: str) -> None:
        """Nothing goes to a drained host but what operators send to an instance, nothing to a version of weight 0."""
        control = self.switch.hosts.get(host)
        assert control is None or control.state is HostState.AVOID or frame.flags & REQUEST_EXACT
        traffic, version = self.switch.traffic.get("/service/customer"), decode_request_route(frame.route).version
        if frame.payload not in self.wishes:
            assert traffic is None or version in traffic.reached
            assert self.decided or not frame.flags & REQUEST_ASSIGNED

    def _as_wished(self, frame: Frame, host: str, *, sure: bool) -> None:
        """*sure*: it is at an instance, which is the one in its route; at a peer only an exact one has to be."""
        wish, route = self.wishes.get(frame.payload, RouteWish()), decode_request_route(frame.route)
        assert wish.host in {"", host}
        assert wish.version in {"", route.version}
        assert wish.instance in {"", route.instance}
        assert sure or bool(frame.flags & REQUEST_EXACT) is bool(wish.instance)

    def _not_to_the_ejected(self, rid: bytes, frame: Frame) -> None:
        """Out as far as may be, nobody panics, no operator insists, nobody else was found: then only the probe goes."""
        instance = self.switch.instances[rid]
        pool = instance.version.pool
        version = instance.version.spec.version
        again = frame.code and self.switch.requests[frame.correlation].source.port == INBOUND
        insists = frame.payload.startswith(b"wish") or self.wishes.get(frame.payload, RouteWish()).instance
        if insists or again or version in pool.panicking or instance.id not in pool.left_out:
            return
        assert instance.standing.probe == frame.correlation

    def _not_to_the_peers_ejected(self, frame: Frame) -> None:
        route = decode_request_route(frame.route)
        pool = self.roster.pool_named("/service/customer")
        if frame.payload in self.wishes or route.version in pool.panicking or route.instance not in pool.left_out:
            return
        assert self.said[route.instance] is Verdict.PROBING
        self.offered[route.instance] -= 1
        assert self.offered[route.instance] >= 0, "one request for each time that it is offered"

    # ------------------------------------------------------------------ members

    @initialize(share=st.booleans())
    def begin(self, share: bool) -> None:
        self.switch.new_versions = NewVersions.SHARE if share else NewVersions.HOLD
        for order, spec in enumerate(SPECS.values(), start=1):
            self.roster.pool_of(spec).order[spec.version] = order

    @precondition(lambda self: len(self.slots) < 4)
    @rule(slots=st.integers(1, 3), version=st.sampled_from(sorted(SPECS)))
    def instance_registers(self, slots: int, version: str) -> None:
        rid = f"i{self._next()}".encode()
        self.slots[rid] = slots
        self.roster.admit(rid, 1, rid.decode(), SPECS[version], Admission(slots, 1, "", 0.0), self.now)
        self._deliver()

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def instance_dies(self, data: st.DataObject) -> None:
        self._dies(data.draw(st.sampled_from(sorted(self.slots))))

    def _dies(self, rid: bytes) -> None:
        del self.slots[rid]
        self.held = {key: held for key, held in self.held.items() if key[0] != rid}
        self.roster.unreachable(rid, self.now)
        self._deliver()

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def instance_leaves(self, data: st.DataObject) -> None:
        rid = data.draw(st.sampled_from(sorted(self.slots)))
        self.switch.on_local(rid, encode(LEAVE), self.now)
        self._deliver()
        if rid not in self.switch.instances:
            del self.slots[rid]

    @precondition(lambda self: not self.peer_rid)
    @rule(instances=st.integers(0, 2), version=st.sampled_from(sorted(SPECS)))
    def peer_appears(self, instances: int, version: str) -> None:
        live = LiveHost("host-2", "b", "127.0.0.1:1", "k" * 40, THEIRS, "m", WIRE)
        self.links.host_up(live)
        self.peer_rid = self.links.peers["host-2"].rid
        for number in range(instances):
            remote = LiveInstance(f"r{self._next()}-{number}", "/service/customer", version, "d", 2, 0.0, 1)
            self.links.instances.up("host-2", remote, self.roster.pool_named("/service/customer"), self.now)
        welcome = Welcome(wire=WIRE, host="host-2", incarnation=THEIRS, fleet="t").SerializeToString()
        self.switch.on_outbound(self.peer_rid, encode(WELCOME, payload=welcome), self.now)
        self._deliver()

    @precondition(lambda self: self.peer_rid)
    @rule()
    def peer_vanishes(self) -> None:
        self.links.host_down("host-2", self.now)
        self.peer_rid = b""
        self.at_peer.clear()
        self._deliver()

    @precondition(lambda self: self.peer_rid)
    @rule(same=st.booleans())
    def peer_answers_ping(self, same: bool) -> None:
        body = (THEIRS if same else THEIRS + 1).to_bytes(8, "big") + self.now.to_bytes(8, "big")
        self.switch.on_outbound(self.peer_rid, encode(PONG, payload=body), self.now)
        if not same:
            self.at_peer.clear()
        self._deliver()

    @precondition(lambda self: self.peer_rid and self.links.peers["host-2"].instances)
    @rule(data=st.data(), verdict=st.sampled_from([*Verdict, 9]), percent=st.sampled_from([0, 50, 100, 255]))
    def peer_judges_its_instances(self, data: st.DataObject, verdict: int, percent: int) -> None:
        known = sorted(self.links.peers["host-2"].instances)
        told = [InstanceVerdict(one, verdict, percent) for one in data.draw(st.sets(st.sampled_from([*known, "gone"])))]
        body = THEIRS.to_bytes(8, "big") + self.now.to_bytes(8, "big") + encode_verdicts(told)
        before = self.said
        self.said = {one.instance: Verdict(verdict) for one in told if verdict in set(Verdict)}
        for name, now in self.said.items():
            if now is Verdict.PROBING and before.get(name) is not now:
                self.offered[name] = 1
        self.switch.on_outbound(self.peer_rid, encode(PONG, payload=body), self.now)
        self._deliver()

    @precondition(lambda self: self.switch.instances)
    @rule(data=st.data(), fails=st.booleans(), times=st.integers(1, 2))
    def an_instance_says_how_it_is(self, data: st.DataObject, fails: bool, times: int) -> None:
        rid = data.draw(st.sampled_from(sorted(self.switch.instances)))
        status = Check.Status.FAIL if fails else Check.Status.PASS
        beat = Heartbeat(checks=[Check(name="store", status=status, severity=Check.Severity.PAGE)]).SerializeToString()
        for _ in range(times):
            self.switch.on_local(rid, encode(HEARTBEAT, payload=beat), self.now)
        self._deliver()

    @precondition(lambda self: self.peer_rid)
    @rule(asked_ago_ms=st.sampled_from([0, 300, 5000]))
    def peer_does_not_know_the_link(self, asked_ago_ms: int) -> None:
        """What went over the connection before is lost, unless the PONG is older than our last HELLO."""
        peer = self.links.peers["host-2"]
        asked = max(0, self.now - asked_ago_ms * MS)
        before = peer.in_flight
        stale = asked < peer.greeted_ns
        body = THEIRS.to_bytes(8, "big") + asked.to_bytes(8, "big")
        self.switch.on_outbound(self.peer_rid, encode(PONG, flags=1, payload=body), self.now)
        assert peer.in_flight == (before if stale else 0)
        self.at_peer = self.at_peer if stale else []
        self._deliver()

    @precondition(lambda self: self.peer_rid)
    @rule(news=st.sampled_from(LinkNews))
    def connection_news(self, news: LinkNews) -> None:
        self.links.on_news("127.0.0.1:1", news, self.now)
        assert self.links.peers["host-2"].health is not Health.READY or news is not LinkNews.LOST
        self._deliver()

    # ------------------------------------------------------------------ what operators decide

    @rule(traffic=st.sampled_from(TRAFFIC))
    def operators_decide_about_versions(self, traffic: Traffic | None) -> None:
        self.decided |= traffic is not None
        decide_traffic(self.switch, "/service/customer", traffic, self.now)
        self._deliver()

    @rule(
        host=st.sampled_from(["host-1", "host-2"]),
        state=st.sampled_from([None, None, *HostState]),
        grace_s=st.sampled_from([0.0, 0.04, 1.0, 300.0]),
    )
    def operators_decide_about_a_host(self, host: str, state: HostState | None, grace_s: float) -> None:
        control = HostControl(host, state, "ann", grace_s=grace_s) if state is not None else None
        decide_host(self.switch, host, control, self.now)
        self._deliver()

    @precondition(lambda self: self.slots)
    @rule(grace_s=st.sampled_from([0.0, 0.04, 1.0]), passed_ms=st.sampled_from([30, 300, 2000]))
    def this_host_is_drained_while_it_works(self, grace_s: float, passed_ms: int) -> None:
        """Single rules hardly ever come from a request that runs to the end of a grace."""
        self.client_asks(0, 1000, TWICE)
        self.operators_decide_about_a_host("host-1", HostState.DRAIN, grace_s)
        self.time_passes(passed_ms)

    # ------------------------------------------------------------------ requests

    @rule(
        client=st.integers(0, 2),
        remaining=st.sampled_from([0, 1, 50, 1000]),
        name=st.sampled_from([FEATURE, TWICE, TWICE, "/service/customer/nothing"]),
        fields=st.sampled_from(FIELDS),
    )
    def client_asks(self, client: int, remaining: int, name: str, fields: bytes = b"") -> None:
        rid, correlation = f"c{client}".encode(), self._next()
        self.asked[LOCAL, rid, correlation] = 0
        frame = encode(
            REQUEST,
            correlation=correlation,
            remaining_ms=remaining,
            types=TYPES,
            name=name.encode(),
            fields=fields,
            payload=f"ask {correlation}".encode(),
        )
        self.switch.on_local(rid, frame, self.now)
        self._deliver()

    @rule(data=st.data(), host=st.sampled_from(["", "host-1", "host-2"]), version=st.sampled_from(["", *SPECS, "9"]))
    def operator_asks_for_a_place(self, data: st.DataObject, host: str, version: str) -> None:
        """A wish is kept or nobody gets it; also from a package, which is not allowed to have one."""
        known = [*(one.id for one in self.switch.instances.values()), *(f"r{at}-0" for at in range(3))]
        wish = RouteWish(host, version, data.draw(st.sampled_from(["", *sorted(known)])))
        rid = data.draw(st.sampled_from([b"c0", *sorted(self.slots)]))
        correlation = self._next()
        payload = f"wish {correlation}".encode()
        self.wishes[payload] = wish
        self.asked[LOCAL, rid, correlation] = 0
        route = data.draw(st.sampled_from([encode_wish(wish), b"\x09broken"]))
        frame = encode(
            REQUEST,
            correlation=correlation,
            remaining_ms=1000,
            types=TYPES,
            route=route,
            name=FEATURE.encode(),
            payload=payload,
        )
        self.switch.on_local(rid, frame, self.now)
        allowed = rid == b"c0" and route[:1] != b"\x09"
        assert allowed or not route or self.asked[LOCAL, rid, correlation] == 0
        self._deliver()
        assert allowed or not route or self.asked[LOCAL, rid, correlation] == 1, "refused at once"

    @rule(
        remaining=st.sampled_from([0, 50, 1000]),
        version=st.sampled_from([*SPECS, "9"]),
        ours=st.booleans(),
        data=st.data(),
        exact=st.booleans(),
        caller=st.sampled_from(["/api/x", "/api/y"]),
        fields=st.sampled_from(FIELDS),
    )
    def peer_asks(
        self,
        remaining: int,
        version: str,
        ours: bool,
        data: st.DataObject,
        exact: bool,
        caller: str,
        fields: bytes,
    ) -> None:
        rid, correlation = b"peer-in", self._next()
        if rid not in self.switch.inbound:
            hello = Hello(wire=WIRE, host="host-2", incarnation=THEIRS).SerializeToString()
            self.switch.on_inbound(rid, encode(HELLO, payload=hello), self.now)
        instance = data.draw(st.sampled_from(["gone", *sorted(one.id for one in self.switch.instances.values())]))
        payload = f"peer's {correlation}".encode()
        self.wishes[payload] = RouteWish("host-1", version, instance if exact else "")
        route = encode_request_route(RequestRoute(OWN if ours else OWN + 1, version, instance, caller, "1", "z"))
        if ours:
            self.asked[INBOUND, rid, correlation] = 0
        frame = encode(
            REQUEST,
            flags=REQUEST_EXACT if exact else 0,
            correlation=correlation,
            remaining_ms=remaining,
            types=TYPES,
            route=route,
            name=FEATURE.encode(),
            fields=fields,
            payload=payload,
        )
        self.switch.on_inbound(rid, frame, self.now)
        self._deliver()

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        code=st.sampled_from([0, 5, 9, 10, 10, 11, 200]),
        executed=st.sampled_from(Executed),
        twice=st.booleans(),
        release=st.booleans(),
    )
    def instance_answers(self, data: st.DataObject, code: int, executed: Executed, twice: bool, release: bool) -> None:
        rid, correlation = data.draw(st.sampled_from(sorted(self.held)))
        del self.held[rid, correlation]
        if executed is Executed.NO:
            self._not_executed(correlation)
        kind = RELEASED if release else ANSWER
        frame = encode(kind, flags=executed, code=code, correlation=correlation, payload=b"y")
        for _ in range(1 + twice):
            self.switch.on_local(rid, frame, self.now)
        if rid not in self.switch.instances:
            self.slots.pop(rid, None)
        self._deliver()

    @precondition(lambda self: self.slots)
    @rule(executed=st.sampled_from(Executed), meanwhile=st.sampled_from(["time passes", "it cancels", "all die"]))
    def a_request_fails_where_it_went(self, executed: Executed, meanwhile: str) -> None:
        """The way to a second attempt, which single rules hardly ever go from its beginning to its end."""
        self.client_asks(0, 1000, TWICE)
        asked = f"ask {self.serial}".encode()
        at = [key for key in self.held if self.payloads[key[1]] == asked]
        for rid, correlation in at:
            del self.held[rid, correlation]
            if executed is Executed.NO:
                self._not_executed(correlation)
            frame = encode(ANSWER, flags=executed, code=Code.INTERNAL, correlation=correlation)
            self.switch.on_local(rid, frame, self.now)
            if rid not in self.switch.instances:
                self.slots.pop(rid, None)
        self._deliver()
        if meanwhile == "it cancels":
            self.switch.on_local(b"c0", encode(CANCEL, correlation=self.serial), self.now)
        elif meanwhile == "all die":
            for rid in list(self.slots):
                self._dies(rid)
        self._deliver()
        self.time_passes(30)

    @precondition(lambda self: self.at_peer and self.peer_rid)
    @rule(
        refused=st.booleans(),
        code=st.sampled_from([Code.OK, Code.OVERLOADED, Code.UNAVAILABLE, Code.INTERNAL]),
        executed=st.sampled_from(Executed),
        ours=st.booleans(),
        data=st.data(),
    )
    def peer_answers(self, refused: bool, code: Code, executed: Executed, ours: bool, data: st.DataObject) -> None:
        correlation = data.draw(st.sampled_from(self.at_peer))
        route = encode_answer_route(OWN if ours else OWN + 1, 0, 0, 1, 0, b"\0\0\0")
        if ours:
            self.at_peer.remove(correlation)
        if ours and (refused or executed is Executed.NO):
            self._not_executed(correlation)
        kind = REFUSED if refused else ANSWER
        frame = encode(kind, flags=executed, code=code, correlation=correlation, route=route)
        self.switch.on_outbound(self.peer_rid, frame, self.now)
        self._deliver()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def caller_cancels(self, data: st.DataObject) -> None:
        port, rid, correlation = data.draw(st.sampled_from(sorted(self.asked)))
        receive = self.switch.on_local if port == LOCAL else self.switch.on_inbound
        receive(rid, encode(CANCEL, correlation=correlation), self.now)
        self._deliver()

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_stranger_answers(self, data: st.DataObject) -> None:
        _, correlation = data.draw(st.sampled_from(sorted(self.held)))
        self.switch.on_local(b"stranger", encode(ANSWER, correlation=correlation), self.now)
        self.switch.on_outbound(b"stranger", encode(ANSWER, correlation=correlation), self.now)
        self._deliver()

    @rule(data=st.binary(max_size=64), port=st.sampled_from([LOCAL, INBOUND, OUTBOUND]))
    def garbage_arrives(self, data: bytes, port: int) -> None:
        receive = (self.switch.on_local, self.switch.on_inbound, self.switch.on_outbound)[port]
        receive(b"stranger", data, self.now)
        self.switch.out[:] = [one for one in self.switch.out if one[1] != b"stranger"]
        self._deliver()

    @precondition(lambda self: self.switch.instances)
    @rule(data=st.data())
    def a_send_fails(self, data: st.DataObject) -> None:
        """The next request for one instance finds its link gone: it was not executed and goes elsewhere."""
        rid, correlation = b"c9", self._next()
        self.asked[LOCAL, rid, correlation] = 0
        frame = encode(
            REQUEST,
            correlation=correlation,
            remaining_ms=900,
            types=TYPES,
            name=FEATURE.encode(),
            payload=f"ask {correlation}".encode(),
        )
        self.switch.on_local(rid, frame, self.now)
        batch = self.switch.take()
        for port, to, raw in batch:
            if port == LOCAL and decode(raw).type == REQUEST:
                self.switch.unsent(to, raw, self.now)
                self.slots.pop(to, None)
                self.held = {key: held for key, held in self.held.items() if key[0] != to}
                self.roster.unreachable(to, self.now)
            else:
                self.switch.out.insert(0, (port, to, raw))
        self._deliver()

    @rule(passed_ms=st.sampled_from([1, 30, 300, 2000]))
    def time_passes(self, passed_ms: int) -> None:
        self.now += passed_ms * MS
        self.switch.expire(self.now)
        if passed_ms * MS >= PING_EVERY_NS:
            self.roster.ping_round(self.now)
            self.links.ping_round(self.now)
            self.switch.judge.tick(self.now)
            self.offered = {name: 1 for name, verdict in self.said.items() if verdict is Verdict.PROBING}
            self._follow_the_link()
        self._deliver()

    def _follow_the_link(self) -> None:
        """A link that libzmq gave up is another one now, and what was on its way over the old one has ended."""
        peer = self.links.peers.get("host-2")
        if peer is not None and peer.rid != self.peer_rid:
            assert peer.in_flight == 0
            self.peer_rid = peer.rid
            self.at_peer.clear()

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def slots_are_what_is_held(self) -> None:
        for rid, instance in self.switch.instances.items():
            held = sum(1 for key in self.held if key[0] == rid)
            assert instance.pending == held, (rid, instance.pending, held)
            assert 0 <= instance.pending <= instance.slots

    @invariant()
    def never_more_are_left_out_than_may_be(self) -> None:
        for pool in self.switch.pools.values():
            for version, crowd in pool.crowds.items():
                left_out = {one.id for one in crowd} & pool.left_out
                assert len(left_out) <= most_out(len(crowd))
                assert left_out == honoured(out_of(crowd), len(crowd))
                assert version in pool.fits
        for instance in self.switch.instances.values():
            assert instance.route_to_client[14:15] in {b"", bytes([instance.verdict])}, "clients are told another"

    @invariant()
    def nothing_waits_beside_a_free_slot(self) -> None:
        for pool in self.switch.pools.values():
            for version in pool.local.values():
                waiting = {one.id for one in self.switch.requests.values() if one.queued_at is version}
                assert set(version.queue) == waiting
                assert version.queue.size == len(waiting) <= version.capacity()
                if version.free_instance() is not None:
                    assert not waiting

    @invariant()
    def a_drained_host_has_no_queue_and_after_its_grace_nothing_but_what_operators_insist_on(self) -> None:
        drain, wakes_ns = self.switch.draining.drain, self.switch.next_wakeup()
        assert (drain is not None) is self.switch.destination.drained
        if drain is None:
            return
        assert not any(version.queue.size for pool in self.switch.pools.values() for version in pool.local.values())
        if drain.over:
            here = [one for one in self.switch.requests.values() if isinstance(one.target, LocalInstance)]
            assert all(one.ended or one.flags & REQUEST_EXACT for one in here)
            assert all(one.ended or one.sent_ns >= drain.ends_ns for one in here)
        else:
            assert wakes_ns is not None
            assert wakes_ns <= drain.ends_ns + (1 << BUCKET_SHIFT)

    @invariant()
    def who_is_not_well_is_chosen_only_when_nobody_of_its_version_is_or_most_are_not(self) -> None:
        for pool in self.switch.pools.values():
            chosen = [(version_of(one), health_of(one)) for one in pool.candidates]
            ready = {version for version, health in chosen if health is Health.READY}
            for version, health in chosen:
                assert health in {Health.READY, Health.SUSPECT}
                assert health is Health.READY or version not in ready
            for one in (
                *self.switch.instances.values(),
                *(one for peer in self.links.peers.values() for _, one in peer.instances.values()),
            ):
                here = isinstance(one, LocalInstance)
                if ("host-1" if here else "host-2") in self.switch.hosts:
                    assert one not in pool.candidates.members or not self.switch.destination.drained or not here
                elif health_of(one) is Health.READY and version_of(one) in {version for version, _ in chosen}:
                    well = is_fit(one, pool.left_out) or version_of(one) in pool.panicking
                    assert (one in pool.candidates.members) is well

    @invariant()
    def the_odds_of_all_candidates_are_one(self) -> None:
        for pool in self.switch.pools.values():
            if pool.candidates:
                odds = chances(pool.candidates, self.now)
                assert abs(sum(odds) - 1) < 1e-9
                assert all(one.load.value(one.pending, self.now) > 0 for one in pool.candidates)

    @invariant()
    def what_is_open_is_what_was_not_answered(self) -> None:
        open_at_sources = sum(
            len(source.requests) for table in (self.switch.sources, self.switch.inbound) for source in table.values()
        )
        unanswered = sum(1 for answers in self.asked.values() if not answers)
        assert open_at_sources == unanswered

    @invariant()
    def retries_keep_to_their_budget(self) -> None:
        """The operator is the one caller here, and every request of its ends as one, however often it is tried."""
        budget = self.switch.caller("operator", "").budgets.get("/service/customer")
        ended = sum(1 for (port, _, _), answers in self.asked.items() if port == LOCAL and answers)
        if budget is not None:
            assert budget.retried <= SHARE * ended + FLOOR_PER_S * (self.now - self.began) / 1e9 + 1e-6

    @invariant()
    def it_wakes_up_for_what_waits(self) -> None:
        waiting = [one for one in self.switch.requests.values() if one.first is not None and one.first.waits]
        due = self.switch.origin.retrying.next_ns()
        assert not waiting or (due is not None and due <= self.now + JITTER_NS + (1 << BUCKET_SHIFT))
        assert (self.switch.next_wakeup() or 0) <= (due or self.switch.next_wakeup() or 0)

    def teardown(self) -> None:
        """After the longest deadline every request has its one answer, and nothing is left but held slots."""
        self.now += 10_000 * MS
        self.switch.expire(self.now)
        self._deliver()
        assert all(answers == 1 for answers in self.asked.values())
        assert len(self.switch.requests) == len(self.held)
        assert all(request.ended for request in self.switch.requests.values())
        peers = self.links.peers.values()
        assert all(peer.in_flight == 0 for peer in peers)


SwitchMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSwitch = SwitchMachine.TestCase


def test_a_suspect_instance_is_chosen_only_when_nobody_else_is_left() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.instance_registers(3, "1.0.0")
    machine.instance_registers(3, "1.0.0")
    silent, well = machine.switch.instances
    pool = machine.roster.pool_named("/service/customer")
    for _ in range(5):
        machine.now += PING_EVERY_NS
        machine.roster.ping_round(machine.now)
        machine.switch.on_local(well, encode(PONG, payload=b"\0" * 16), machine.now)
    assert [one.link for one in pool.candidates] == [well]
    machine.roster.unreachable(well, machine.now)
    assert machine.switch.instances[silent].health is Health.SUSPECT
    assert [one.link for one in pool.candidates] == [silent]


def test_a_host_whose_instances_are_all_suspect_refuses_once_and_then_lets_wait() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.instance_registers(1, "1.0.0")
    for _ in range(5):
        machine.now += PING_EVERY_NS
        machine.roster.ping_round(machine.now)
    machine.switch.take()
    hello = Hello(wire=WIRE, host="host-2", incarnation=THEIRS).SerializeToString()
    machine.switch.on_inbound(b"peer-in", encode(HELLO, payload=hello), machine.now)
    route = encode_request_route(RequestRoute(OWN, "1.0.0", "", "/api/x", "1", "z"))
    machine.switch.take()
    for attempt in (0, 1):
        frame = encode(
            REQUEST,
            code=attempt,
            correlation=5 + attempt,
            remaining_ms=900,
            types=TYPES,
            route=route,
            name=FEATURE.encode(),
        )
        machine.switch.on_inbound(b"peer-in", frame, machine.now)
    ((_, _, refused),) = machine.switch.take()
    frame = decode(refused)
    assert (frame.type, frame.correlation, frame.code, frame.flags) == (REFUSED, 5, Code.UNAVAILABLE, 1)
    (version,) = machine.roster.pool_named("/service/customer").local.values()
    assert version.queue.size == 1, "the second attempt waits for the instance to speak again"


def test_what_the_only_host_refuses_is_sent_there_once_more() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.peer_appears(1, "1.0.0")
    machine.client_asks(1, 1000, FEATURE)
    for attempt in (0, 1):
        (asked,) = machine.switch.requests.values()
        assert (asked.attempt, machine.at_peer) == (attempt, [asked.id] * (attempt + 1))
        route = encode_answer_route(OWN, 0, 0, 1, 0, b"\0\0\0")
        refused = encode(REFUSED, code=Code.UNAVAILABLE, correlation=asked.id, route=route)
        machine._not_executed(asked.id)
        machine.switch.on_outbound(machine.peer_rid, refused, machine.now)
        machine._deliver()
    assert not machine.switch.requests, "the second refusal is told"


@pytest.mark.parametrize(("new_versions", "serving"), [(NewVersions.HOLD, {"1.0.0"}), (NewVersions.SHARE, set(SPECS))])
def test_who_serves_when_nobody_has_decided(new_versions: NewVersions, serving: set[str]) -> None:
    machine = SwitchMachine()
    machine.begin(share=new_versions is NewVersions.SHARE)
    for version in ("2.0.0", "1.0.0"):
        machine.instance_registers(3, version)
    pool = machine.roster.pool_named("/service/customer")
    assert {one.version.spec.version for one in pool.candidates if isinstance(one, LocalInstance)} == serving


def test_a_host_that_comes_back_leaves_no_link_of_its_old_broker_behind() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.instance_registers(1, "1.0.0")
    for rid, incarnation in ((b"old", THEIRS), (b"beside", THEIRS), (b"new", THEIRS + 1)):
        hello = Hello(wire=WIRE, host="host-2", incarnation=incarnation).SerializeToString()
        machine.switch.on_inbound(rid, encode(HELLO, payload=hello), machine.now)
    assert set(machine.switch.inbound) == {b"new"}


def test_a_broken_connection_is_suspect_at_once_and_answers_until_pongs_are_missed() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.peer_appears(1, "1.0.0")
    peer = machine.links.peers["host-2"]
    machine.links.on_news(peer.address, LinkNews.LOST, machine.now)
    assert (peer.health, peer.answers) == (Health.SUSPECT, True)
    machine.links.on_news(peer.address, LinkNews.TRYING, machine.now)
    rid = peer.rid
    for _ in range(4):
        machine.time_passes(300)
    assert (peer.health, peer.answers, peer.rid) == (Health.SUSPECT, False, rid)
    machine.peer_answers_ping(same=True)
    assert (peer.health, peer.answers) == (Health.READY, True)


def test_a_link_that_libzmq_gave_up_is_opened_again_under_another_name() -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.peer_appears(1, "1.0.0")
    peer = machine.links.peers["host-2"]
    rid = peer.rid
    machine.links.on_news(peer.address, LinkNews.LOST, machine.now)
    machine.time_passes(300)
    assert peer.rid == rid, "libzmq may try again yet"
    machine.time_passes(2000)
    assert peer.rid != rid


@pytest.mark.parametrize("alive", [True, False])
def test_a_greeting_under_a_living_broker_s_name_is_not_answered(alive: bool) -> None:
    machine = SwitchMachine()
    machine.begin(share=True)
    machine.peer_appears(1, "1.0.0")
    for rid, incarnation in ((b"old", THEIRS), (b"double", THEIRS + 1)):
        if not alive and rid == b"double":
            for _ in range(4):
                machine.time_passes(300)
        hello = Hello(wire=WIRE, host="host-2", incarnation=incarnation).SerializeToString()
        machine.switch.on_inbound(rid, encode(HELLO, payload=hello), machine.now)
    assert set(machine.switch.inbound) == ({b"old"} if alive else {b"double"})


def test_a_broker_that_has_only_just_started_says_so() -> None:
    machine = SwitchMachine()
    switch = machine.switch
    ask = encode(REQUEST, correlation=1, remaining_ms=5000, types=TYPES, name=FEATURE.encode())
    machine.roster.pool_of(SPECS["1.0.0"]).order["1.0.0"] = 1
    codes: list[int] = []
    for just_started in (False, True):
        if just_started:
            switch.origin.started(machine.now)
        for wait_ns in (0, SETTLING_NS):
            switch.on_local(b"c", ask, machine.now + wait_ns)
            ((_, _, answer),) = switch.take()
            codes.append(decode(answer).code)
    assert codes == [Code.NO_ROUTE, Code.NO_ROUTE, Code.UNAVAILABLE, Code.NO_ROUTE]
