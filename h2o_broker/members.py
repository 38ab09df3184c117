"""Who may get requests: local instances and their versions, other brokers and theirs, the pools of both. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from h2o_broker.callers import TIER_BITS
from h2o_broker.telemetry import FeatureCounter
from h2o_core.baggage import assignment_key
from h2o_core.choice import ELSEWHERE, OWN_HOST, Candidates
from h2o_core.envelope import RequestRoute, encode_answer_route, encode_answer_route_tail, encode_request_route
from h2o_core.fair_queue import FairQueue
from h2o_core.health import UNKNOWN_SHARE, Verdict
from h2o_core.load import Load, median_latency_ns
from h2o_core.names import tier_of

if TYPE_CHECKING:
    from h2o_broker.callers import Caller
    from h2o_broker.contention import Contention
    from h2o_broker.trial import Trial
    from h2o_core.assignment import CompiledTraffic, How
    from h2o_core.ejection import Standing
    from h2o_core.znodes.live import LiveInstance
    from h2o_core.znodes.packages import PackageVersion

QUEUE_PER_SLOT: Final = 2


class Health(IntEnum):
    """How a local instance or a peer broker stands. Not the life cycle, not the operators' wish."""

    CONNECTING = 0
    READY = 1
    SUSPECT = 2
    LEAVING = 3
    GONE = 4


class LocalVersion:
    """A package version's instances on this host, and the queue that they share."""

    __slots__ = ("alive", "contention", "instances", "pool", "queue", "ready", "spec")

    def __init__(self, pool: Pool, spec: PackageVersion) -> None:
        self.pool = pool
        self.spec = spec
        self.instances: list[LocalInstance] = []
        self.alive: list[LocalInstance] = []
        """Those that speak and don't leave."""
        self.ready: list[LocalInstance] = []
        """Of those, who is fit to get a request (`pools` works both out)."""
        self.queue = FairQueue()
        self.contention: Contention | None = None
        """Who gets slots: since somebody found none, until all have found one for a while."""

    def capacity(self) -> int:
        """How many may wait: twice the slots."""
        return QUEUE_PER_SLOT * sum(instance.slots for instance in self.instances)

    def free_instance(self) -> LocalInstance | None:
        """The ready one with the fewest pending that has a slot."""
        best: LocalInstance | None = None
        for instance in self.ready:
            if instance.pending < instance.slots and (best is None or instance.pending < best.pending):
                best = instance
        return best


class LocalInstance:
    """A registered process on this host. `pending`: slots taken, by ended requests too until it lets go.

    `load` is what requests of this host's own clients tell of it, as of any other host's instance.
    """

    __slots__ = (
        "answer_tail",
        "counters",
        "failing_heartbeats",
        "health",
        "heartbeat",
        "heartbeat_ns",
        "id",
        "launch",
        "load",
        "pending",
        "pid",
        "pong_ns",
        "rid",
        "route_to_client",
        "routes",
        "since_ns",
        "slots",
        "standing",
        "started_s",
        "unanswered_pings",
        "verdict",
        "version",
    )

    place = OWN_HOST

    def __init__(
        self,
        rid: bytes,
        instance_id: str,
        version: LocalVersion,
        host: str,
        admission: Admission,
        standing: Standing,
        now: int,
    ) -> None:
        self.rid = rid
        self.standing = standing
        self.verdict = Verdict.OK
        """What `standing` and its own checks come to; `judge` keeps it."""
        self.failing_heartbeats = 0
        """In a row, with a failing check of severity page."""
        self.id = instance_id
        self.version = version
        self.slots = admission.slots
        self.pid = admission.pid
        self.launch = admission.launch
        self.started_s = admission.started_s
        self.pending = 0
        self.load = version.pool.load_of_new(now)
        self.since_ns = now
        self.health = Health.READY
        self.unanswered_pings = 0
        self.pong_ns = 0
        self.heartbeat = b""
        self.heartbeat_ns = 0
        self.counters = {
            feature.name.encode(): FeatureCounter(feature.types, feature.upper95_ms)
            for feature in version.spec.features
        }
        self.answer_tail = encode_answer_route_tail(version.spec.version, instance_id, host)
        self.route_to_client = b""
        """See `route_home`."""
        self.routes: dict[Caller, bytes] = {}

    @property
    def link(self) -> bytes:
        """The routing id that frames for it go to."""
        return self.rid

    def route_home(self, incarnation: int) -> bytes:
        """The route block of its answers to this host's clients: who served. They choose nobody: no load in it."""
        self.route_to_client = encode_answer_route(incarnation, 0, 0, self.slots, self.verdict, self.answer_tail)
        return self.route_to_client

    def route_from(self, caller: Caller, incarnation: int) -> bytes:
        """The route block of a request that *caller* sends here; encoded once for each caller."""
        route = self.routes.get(caller)
        if route is None:
            route = self.routes[caller] = encode_request_route(
                RequestRoute(
                    incarnation, self.version.spec.version, self.id, caller.package, caller.version, caller.instance
                )
            )
        return route


class RemoteInstance:
    """Another host's instance, as the register tells of it. `pending`: what this broker has sent there."""

    __slots__ = (
        "id",
        "load",
        "peer",
        "pending",
        "routes",
        "share",
        "since_ns",
        "slots",
        "started_s",
        "verdict",
        "version",
    )

    def __init__(self, peer: Peer, live: LiveInstance, load: Load, now: int) -> None:
        self.id = live.id
        self.peer = peer
        self.version = live.version
        self.slots = live.slots
        self.started_s = live.started_s
        self.pending = 0
        self.load = load
        self.verdict = Verdict.OK
        """Its own broker's."""
        self.share = UNKNOWN_SHARE
        """Of successes, as its broker told last."""
        self.since_ns = now
        self.routes: dict[Caller, bytes] = {}

    @property
    def link(self) -> bytes:
        """The routing id that frames for it go to."""
        return self.peer.rid

    @property
    def place(self) -> int:
        """How far it is from here."""
        return self.peer.place

    def route_from(self, caller: Caller) -> bytes:
        """The route block of a request that *caller* sends there; encoded once for each caller."""
        route = self.routes.get(caller)
        if route is None:
            route = self.routes[caller] = encode_request_route(
                RequestRoute(
                    self.peer.incarnation, self.version, self.id, caller.package, caller.version, caller.instance
                )
            )
        return route


class Peer:
    """Another host's broker and our outbound link to it."""

    __slots__ = (
        "address",
        "answers",
        "connected",
        "failed_handshakes",
        "given_up_ns",
        "greeted_ns",
        "health",
        "host",
        "in_flight",
        "incarnation",
        "instances",
        "labels",
        "linked",
        "place",
        "pong_ns",
        "refused",
        "rid",
        "rtt_ns",
        "servers",
        "told",
        "unanswered_pings",
        "why",
        "zone",
    )

    def __init__(
        self, host: str, zone: str, address: str, incarnation: int, rid: bytes, labels: dict[str, str]
    ) -> None:
        self.host = host
        self.zone = zone
        self.address = address
        self.incarnation = incarnation
        self.rid = rid
        self.labels = labels
        self.place = ELSEWHERE
        self.health = Health.CONNECTING
        self.in_flight = 0
        self.pong_ns = 0
        self.rtt_ns = 0
        self.unanswered_pings = 0
        self.instances: dict[str, tuple[Pool, RemoteInstance]] = {}
        self.told: set[str] = set()
        """Instances that its last PONG told of: not OK, or with a low share of successes."""
        self.servers: dict[bytes, RemoteInstance] = {}
        """The tails of its answers' route blocks (version, instance, host) → who served; as they come."""
        self.answers = False
        """PONGs come, as the incarnation that is known; a link can be suspect and answer: its connection broke."""
        self.connected = False
        """There is a connection, as far as was heard: without one a PING would only wait in a queue."""
        self.linked = False
        """There is a link, or libzmq tries to make one."""
        self.refused = False
        """The keys of the two ends don't fit, as far as can be told."""
        self.why = ""
        """What is wrong with the link and what to do, for people; empty when nothing is known to be."""
        self.failed_handshakes = 0
        self.given_up_ns = 0
        """When libzmq ended the link without trying again; 0: it has not."""
        self.greeted_ns = 0
        """When we last said HELLO because the other side did not know the link."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Of instances that compete for the same requests: whom to choose from."""

    chosen: list[LocalInstance | RemoteInstance]
    probes: list[LocalInstance | RemoteInstance]
    """Out, and their next request decides whether they are back."""
    healthy: int
    total: int
    panic: bool
    """Health is ignored: too few are healthy to carry what all of them carried."""


class Pool:
    """A package: its versions, where they run, and whom a request may be given to now (`pools` works that out)."""

    __slots__ = (
        "assigned",
        "assignment_key",
        "by_version",
        "candidates",
        "crowds",
        "fits",
        "idempotent",
        "left_out",
        "local",
        "order",
        "package",
        "panicking",
        "panics",
        "probes",
        "remote",
        "tier",
        "traffic",
        "trial",
        "wanting",
    )

    def __init__(self, package: str) -> None:
        self.package = package
        self.tier = TIER_BITS[tier_of(package)]
        """Its one bit; see `Caller.forbidden`."""
        self.order: dict[str, int] = {}
        """Version → order of registration."""
        self.local: dict[str, LocalVersion] = {}
        self.remote: dict[str, list[RemoteInstance]] = {}
        self.candidates = Candidates[LocalInstance | RemoteInstance](())
        """Everybody that requests can reach: without a traffic document they choose among these."""
        self.traffic: CompiledTraffic | None = None
        """What operators decided about its versions."""
        self.trial: Trial | None = None
        """Counts by version, while that is an experiment."""
        self.by_version: dict[str, Candidates[LocalInstance | RemoteInstance]] = {}
        """With a traffic document, by version that it reaches and that has somebody: whom a request may be given to."""
        self.assignment_key = assignment_key(package)
        self.assigned: dict[tuple[str, How, bool], int] = {}
        """Requests of this host by the version that they got, what decided it, and `broken` (h2o_core.assignment)."""
        self.idempotent: set[tuple[str, bytes]] = set()
        """Version and feature, of those that may be executed twice."""
        self.crowds: dict[str, list[LocalInstance | RemoteInstance]] = {}
        """Version → its instances, but for those that leave, whose link is not up yet, or whose host is drained."""
        self.fits: dict[str, Fit] = {}
        """Version → how these stand, together with those that compete with them."""
        self.left_out: frozenset[str] = frozenset()
        """Ids of instances that are out; never more of a version than may be."""
        self.wanting: list[LocalInstance | RemoteInstance] = []
        """Their next request decides whether they are back…"""
        self.probes: list[LocalInstance | RemoteInstance] = []
        """…and of these none has been sent one yet since they were last heard to want it."""
        self.panicking: set[str] = set()
        self.panics: dict[str, int] = {}
        """Version → how often it came into panic."""

    def load_of_new(self, now: int) -> Load:
        """What to believe of an instance that joins now: it is as fast as those that serve."""
        return Load(now, median_latency_ns((one.load for one in self.candidates), now))


@dataclass(frozen=True, slots=True)
class Admission:
    """What a registration brings besides its manifest."""

    slots: int
    pid: int
    launch: str
    started_s: float
