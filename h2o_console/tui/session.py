"""What all screens share: store and boards over it, whose fleet it is, the clocks, and whether time stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from h2o_console.feed.clocks import monotonic_s
from h2o_console.rows.board import Board, Snapshot
from h2o_console.rows.callers import CallRow, call_row
from h2o_console.rows.features import FeatureRow, feature_row
from h2o_console.rows.headcount import Headcount
from h2o_console.rows.hosts import HostRow, host_row
from h2o_console.rows.instances import InstanceRow, instance_row
from h2o_console.rows.packages import PackageRow, package_board
from h2o_console.rows.past import HOUR, Span
from h2o_console.rows.told import Said, Telling, Told
from h2o_console.rows.triage import FindingRow, finding_rows
from h2o_console.store.fleet import Store
from h2o_console.store.views import CallView, FeatureView, FleetView, HostView, InstanceDetail, InstanceView
from h2o_console.tui.changes import Changes
from h2o_console.tui.tailing import Tails
from h2o_console.tui.trials import Trials
from h2o_core.io.clock import rfc3339, unix_s

if TYPE_CHECKING:
    from h2o_console.acting.arming import Changing
    from h2o_console.commands.executor import Executor
    from h2o_console.recording.player import Player
    from h2o_console.recording.recorder import Recorder
    from h2o_console.rows.cells import Glyph
    from h2o_console.rows.places import Place
    from h2o_console.store.control import ControlSeen
    from h2o_console.store.insight import Insight
    from h2o_console.tui.contexts import Contexts
    from h2o_console.tui.register_reading import RegisterReader

_FLEET_S: Final = 0.95
_LOOK_S: Final = 1.0
"""Where a package runs changes seldom: the store is asked again so often while the same is on screen."""
V = TypeVar("V")
W = TypeVar("W")


class Feed(Protocol):
    """Who asks the agents: the hosts on screen each second, and whatever is asked besides."""

    def look_at(self, hosts: Iterable[str]) -> None:
        """These are on screen."""
        ...

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        """What *host*'s agent answers at *path*; the future raises OutOfReach."""
        ...

    def read(self, host: str, path: str, take: Callable[[bytes], W]) -> Future[W]:
        """What *take* makes, in the feed's thread, of the protobuf that *host*'s agent answers at *path*."""
        ...

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Host → its agent's address, and what opens it."""
        ...


@dataclass(slots=True)
class Session:
    """One person at one fleet. `clock` is the store's; `wall` gives unix seconds for the eye.

    `keys`: the keys of each command, by its id. `odd`: sentences about mistakes in the person's own files. `changing`:
    who may carry changes out; None: nobody ever here, and `unchanging` says why. `executor`: carries them out; None:
    the one that goes to the register. `span`: how far back graphs go. `recorder` keeps what is heard (None: nobody
    does); `replaying` plays a recording (None: it is the present). `contexts`: other fleets, `goes_to` the one that
    comes next. `register` reads what agents don't tell, `me` is how the journal calls this person.
    """

    context: str
    store: Store = field(default_factory=Store)
    poller: Feed | None = None
    ascii_only: bool = False
    clock: Callable[[], float] = monotonic_s
    wall: Callable[[], float] = unix_s
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    odd: tuple[str, ...] = ()
    span: Span = HOUR
    changing: Changing | None = None
    executor: Callable[[Changing, Callable[[], float]], Executor] | None = None
    unchanging: str = "nothing can be changed from here: no fleet is known"
    recorder: Recorder | None = None
    replaying: Player | None = None
    contexts: Contexts | None = None
    goes_to: str = ""
    register: RegisterReader | None = None
    me: str = ""
    packages: Board[PackageRow] = field(init=False)
    hosts: Board[HostRow] = field(init=False)
    instances: Board[InstanceRow] = field(init=False)
    features: Board[FeatureRow] = field(init=False)
    calls: Board[CallRow] = field(init=False)
    findings: Board[FindingRow] = field(init=False)
    control: ControlSeen | None = None
    changes: Changes = field(init=False)
    trials: Trials = field(init=False)
    fleet: FleetView = field(default_factory=FleetView)
    insight: Insight | None = None
    telling: Telling = field(default_factory=Telling)
    frozen_at_s: float | None = None
    tails: Tails = field(default_factory=Tails)
    _fleet_s: float = float("-inf")
    _seen: int = -1
    _servers: Snapshot[HostView] = field(init=False)
    _running: Snapshot[InstanceView] = field(init=False)
    _served: Snapshot[FeatureView] = field(init=False)
    _called: Snapshot[CallView] = field(init=False)
    _found: Snapshot[FindingRow] = field(init=False)
    _headcount: Headcount = field(init=False)
    _looked_at: tuple[tuple[str, ...], frozenset[str]] = ((), frozenset())
    _looked_s: float = float("-inf")

    def __post_init__(self) -> None:
        store = self.store
        self.changes = Changes(lambda: self.register, self.wall)
        self.trials = Trials(lambda: self.register)
        self.packages = package_board(store, lambda: self.told, self.telling.take_changed)
        self._headcount = Headcount(store.briefs)
        self._servers = Snapshot(store.servers, lambda view: view.name)
        self.hosts = Board(self._servers.dirty, self._host_row)
        self._running = Snapshot(store.instances, lambda view: view.key)
        self.instances = Board(self._running.dirty, self._instance_row)
        self._served = Snapshot(store.features, lambda view: view.key)
        self.features = Board(self._served.dirty, lambda key, _: self._made(feature_row, self._served.views.get(key)))
        self._called = Snapshot(store.calls, lambda view: view.key)
        self.calls = Board(self._called.dirty, lambda key, _: self._made(call_row, self._called.views.get(key)))
        self._found = Snapshot(self._findings, lambda row: row.key)
        self.findings = Board(self._found.dirty, lambda key, _: self._found.views.get(key), elsewhere_s=_FLEET_S)

    def feature_names(self) -> Iterable[str]:
        """The names of all features."""
        return sorted({view.feature for view in self.store.features(self.clock())})

    def _findings(self, _now_s: float) -> Iterable[FindingRow]:
        return finding_rows(self.insight, () if self.control is None else self.control.notes, self.wall())

    def _made(self, make: Callable[[V, Told], W], view: V | None) -> W | None:
        return None if view is None else make(view, self.told)

    def _host_row(self, name: str, _now_s: float) -> HostRow | None:
        view = self._servers.views.get(name)
        return None if view is None else host_row(view, self.told)

    def _instance_row(self, key: str, now_s: float) -> InstanceRow | None:
        view = self._running.views.get(key)
        if view is None:
            return None
        p50_ms, p95_ms = self.store.times_of(view.host, view.id, now_s)
        return instance_row(replace(view, p50_ms=p50_ms, p95_ms=p95_ms), self.told)

    def instance_keys(self) -> Iterable[str]:
        """The keys of all instances."""
        self._running.dirty(self.clock())
        return self._running.views.keys()

    def host_of(self, instance: str) -> str:
        """The host that an instance runs on, by the instance's key; "" when it is gone."""
        view = self._running.views.get(instance)
        if view is None:
            self._running.dirty(self.clock())
            view = self._running.views.get(instance)
        return "" if view is None else view.host

    def package_of(self, instance: str) -> str:
        """The package of an instance, by the instance's key; "" when it is gone."""
        view = self._running.views.get(instance) if self.host_of(instance) else None
        return "" if view is None else view.package

    def instance(self, key: str, now_s: float) -> InstanceDetail | None:
        """An instance in full, by its key; None when it is gone."""
        return self.store.instance(self.host_of(key), key, now_s)

    def update(self) -> None:
        """Bring fleet, findings and control up to now, unless frozen; boards are brought by who shows their list."""
        if self.frozen_at_s is not None:
            return
        now_s = self.clock()
        self.control = self.store.control
        self.changes.update(self.control)
        # Ages move each second; what is not an age shows at once.
        if now_s - self._fleet_s >= _FLEET_S or self.store.changed != self._seen:
            self.fleet, self._fleet_s, self._seen = self.store.fleet(now_s), now_s, self.store.changed
        self._hear()

    def _hear(self) -> None:
        """Somebody may have looked again."""
        if self.insight is not (insight := self.store.insight) and self.frozen_at_s is None:
            self.insight = insight
            self.telling.tell(Told(insight))

    @property
    def glyphs(self) -> Mapping[Glyph, int]:
        """How many packages are how; stands still while frozen."""
        if self.frozen_at_s is None:
            self._headcount.update(self.told, self.clock())
        return self._headcount.glyphs

    @property
    def told(self) -> Told:
        """What findings say of whom; stands still while frozen."""
        self._hear()
        return self.telling.told

    def insights_of(self, place: Place) -> tuple[Said, ...]:
        """Findings about a package, a host, an instance or a feature, the worst first; stands still while frozen."""
        return self.told.of(place)

    def freeze(self) -> None:
        """Stop the picture, or let it run again; the store goes on either way."""
        self._headcount.update(self.told, self.clock())  # some screens count for themselves, and others may come
        self.frozen_at_s = self.clock() if self.frozen_at_s is None else None

    @property
    def frozen_s(self) -> float | None:
        """How long the picture has stood still; None when it runs."""
        return None if self.frozen_at_s is None else self.clock() - self.frozen_at_s

    def hand_s(self) -> float:
        """The clock of the person, which no recording stops or hastens."""
        return self.clock() if self.replaying is None else monotonic_s()

    def utc(self) -> str:
        """``14:02:07 UTC``."""
        return f"{rfc3339(self.wall())[11:19]} UTC"

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]] | None:
        """What *host*'s agent answers at *path*; None where nobody asks."""
        return None if self.poller is None else self.poller.ask(host, path)

    def read(self, host: str, path: str, take: Callable[[bytes], W]) -> Future[W] | None:
        """What *take* makes, in the feed's thread, of what *host*'s agent answers; None where nobody asks."""
        return None if self.poller is None else self.poller.read(host, path, take)

    def look_at(self, packages: Iterable[str], hosts: Iterable[str] = ()) -> None:
        """These packages and hosts are on screen: they are asked each second."""
        seen, now_s = (tuple(packages), frozenset(hosts)), self.clock()
        if seen == self._looked_at and now_s - self._looked_s < _LOOK_S:
            return  # a key never waits for the store
        self._looked_at, self._looked_s = seen, now_s
        self.store.look_at(seen[0])
        if self.poller is not None:
            self.poller.look_at({*self.store.hosts_of(seen[0]), *hosts})
