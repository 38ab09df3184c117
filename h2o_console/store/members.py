"""One instance, or one caller's calls, as the console remembers it: what was counted last, and what a reading adds.

Pure. Outcomes are compared at each reading. Sketches cost ten times as much, so they wait for `time`, which counts what
was timed since it was called last. This is what the console does most: ten thousand features a second in a fleet of
250 hosts, so the windows to count into are remembered, and nothing is made that is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_console.feed.counters import MOST, changed_parts, parse_part
from h2o_console.pb.lean_pb2 import Caller, Feature
from h2o_console.store.buckets import WINDOW_S
from h2o_console.store.outcomes import CounterReset, by_code, counted_since
from h2o_console.store.pace import Between, Pace
from h2o_console.store.sketches import TimedUntil
from h2o_console.store.windows import Window
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.feed.answers import Instance
    from h2o_console.pb.lean_pb2 import InstanceReport
    from h2o_console.store.views import InstanceView
    from h2o_core.histogram import Histogram
    from h2o_core.pb.host_pb2 import ChildReport


@dataclass(slots=True)
class Counter:
    """Outcomes and times since the broker started. `newest` came last, times were counted up to `timed`."""

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    newest: bytes = b""
    timed: TimedUntil = field(default_factory=TimedUntil)

    def more_outcomes(self, part: Feature | Caller, raw: bytes) -> dict[str, int]:
        """What was counted since the last reading; nothing when a counter went down: then this one is the base."""
        self.newest = raw
        try:
            return counted_since(self.outcomes, part.outcomes)
        except CounterReset:
            self.timed.start_from(part.sketch)
            return {}

    def start_from(self, part: Feature | Caller, raw: bytes) -> None:
        """Count what comes after this."""
        self.outcomes, self.newest = by_code(part.outcomes), raw
        self.timed.start_from(part.sketch)

    def more_times(self, kind: type[Feature | Caller]) -> Histogram | None:
        """What was timed since the last call; None when nothing was."""
        try:
            return self.timed.more(parse_part(kind, self.newest).sketch)
        except CounterReset:
            return None


@dataclass(slots=True)
class Endpoint:
    """One feature of one instance. `whole` is its version's window; its own is kept while somebody looks at it."""

    wire_name: str
    whole: Window
    counter: Counter = field(default_factory=Counter)
    window: Window | None = None

    def add_outcomes(self, now_s: float, more: dict[str, int]) -> None:
        """Of the last reading."""
        self.whole.add_outcomes(now_s, more)
        if self.window is not None:
            self.window.add_outcomes(now_s, more)

    def add_times(self, now_s: float, times: Histogram) -> None:
        """Of the last readings."""
        self.whole.add_times(now_s, times)
        if self.window is not None:
            self.window.add_times(now_s, times)


@dataclass(frozen=True, slots=True)
class LastError:
    """A feature's newest error, by its host's clock."""

    text: str
    at_s: float


@dataclass(slots=True)
class Member:
    """One instance: its newest counters (None: only listed, not counted), its pace and its last minute."""

    id: str
    package: str
    version: str
    host: str
    zone: str
    report: InstanceReport | None = None
    listed: Instance | None = None  # without counters of its own: as the broker or the agent lists it
    child: ChildReport | None = None
    pace: Pace = field(default_factory=Pace)
    window: Window = field(default_factory=Window)
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    errors: dict[str, LastError] = field(default_factory=dict[str, LastError])
    watched_s: float | None = None
    view: InstanceView | None = None
    """As it was shown last; None: something has changed."""
    rps: float | None = None
    """The same of its pace alone."""
    _raw: list[bytes] = field(default_factory=list[bytes])
    _untimed: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])

    @property
    def launch(self) -> str:
        """The agent's token for this start."""
        return self.report.launch if self.report is not None else ""

    def read(
        self,
        report: InstanceReport,
        features: list[bytes],
        since: Between | None,
        now_s: float,
        window_of: Callable[[str, str, str], Window],
    ) -> None:
        """Take in what its broker counted *since* then; None: as a base for the next reading.

        *window_of*: (package, version, feature) → where all its instances are counted together.
        """
        self.report, self.view, self.rps = report, None, None
        before, self._raw = self._raw, features
        more: dict[str, int] = {}
        for raw in changed_parts(before, features):
            feature = parse_part(Feature, raw)
            name = feature.feature
            endpoint = self.endpoints.get(name) or self._new_endpoint(name, window_of)
            if error := feature.last_error:
                self.errors[shown(name)] = LastError(error, feature.last_error_time_s)
            if since is None:
                endpoint.counter.start_from(feature, raw)
                continue
            self._untimed[name] = endpoint
            if new := endpoint.counter.more_outcomes(feature, raw):
                endpoint.add_outcomes(now_s, new)
                for code, count in new.items():
                    more[code] = more.get(code, 0) + count
        if more:
            self.window.add_outcomes(now_s, more)
        if since is not None:
            self.pace.add(since, sum(more.values()))

    def _new_endpoint(self, wire_name: str, window_of: Callable[[str, str, str], Window]) -> Endpoint:
        whole = window_of(self.package, self.version, shown(wire_name))
        endpoint = self.endpoints[wire_name] = Endpoint(wire_name, whole)
        return endpoint

    def time(self, now_s: float) -> None:
        """Count the times since the last call."""
        waiting, self._untimed = self._untimed, {}
        for endpoint in waiting.values():
            if (times := endpoint.counter.more_times(Feature)) is not None:
                self.window.add_times(now_s, times)
                endpoint.add_times(now_s, times)

    def watch(self, now_s: float) -> None:
        """Somebody looks at this one instance: keep each feature's last minute from now on."""
        if self.watched_s is None:
            self.watched_s = now_s
        for endpoint in self.endpoints.values():
            endpoint.window = endpoint.window or Window()

    def unwatch(self) -> None:
        """Nobody does any more."""
        self.watched_s = None
        for endpoint in self.endpoints.values():
            endpoint.window = None


def listed_member(instance: Instance) -> Member:
    """One that is only listed."""
    return Member(instance.id, instance.package, instance.version, instance.host, instance.zone, listed=instance)


@dataclass(slots=True)
class Breaches:
    """Calls against the tier rules: how many since the broker started, and when there were more in the last minute."""

    counted: int = 0
    lately: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def read(self, counted: int, now_s: float, *, counting: bool) -> None:
        """Take in the counter's newest state, without *counting* as a base for the next one."""
        more, self.counted = counted - self.counted, counted
        if counting and 0 < more < MOST:
            self.lately = [*(one for one in self.lately if one[0] > now_s - WINDOW_S), (now_s, more)]

    def since(self, then_s: float) -> int:
        """How many after that moment."""
        return sum(more for at_s, more in self.lately if at_s > then_s)


@dataclass(slots=True)
class Call:
    """What one caller on a host got from one feature, counted at the origin. Never added to what members count."""

    caller: str
    version: str
    feature: str
    everywhere: Window
    """Of all hosts together."""
    here: Window = field(default_factory=Window)
    counter: Counter = field(default_factory=Counter)
    breaches: Breaches = field(default_factory=Breaches)

    def read(self, part: Caller, raw: bytes, now_s: float, *, counting: bool) -> dict[str, int]:
        """Take in its newest state, without *counting* as a base for the next one; the outcomes that are new."""
        self.breaches.read(part.breaches, now_s, counting=counting)
        if not counting:
            self.counter.start_from(part, raw)
            return {}
        more = self.counter.more_outcomes(part, raw)
        if more:
            self.here.add_outcomes(now_s, more)
            self.everywhere.add_outcomes(now_s, more)
        return more

    def time(self, now_s: float) -> None:
        """Count the times since the last call."""
        if (times := self.counter.more_times(Caller)) is not None:
            self.here.add_times(now_s, times)
            self.everywhere.add_times(now_s, times)
