"""One instance, or one caller's calls, as the console remembers it: what was counted last, and what a reading adds.

Pure. Outcomes are compared at each reading. Sketches cost ten times as much, so they wait for `time`, which counts what
was timed since it was called last. This is what the console does most: ten thousand features a second in a fleet of
250 hosts, so the windows to count into are remembered, and nothing is made that is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_console.feed.counters import parse_outcomes, parse_part
from h2o_console.pb.lean_pb2 import Caller, Feature
from h2o_console.store.windows import CounterReset, Pace, Window, counts_since, times_since
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_console.feed.answers import Instance
    from h2o_console.pb.lean_pb2 import InstanceReport
    from h2o_console.store.views import InstanceView
    from h2o_core.histogram import Histogram
    from h2o_core.pb.host_pb2 import ChildReport
    from h2o_core.pb.stats_pb2 import OutcomeCount


@dataclass(slots=True)
class Counter:
    """Outcomes and times since the broker started; `base` is the sketch up to which times were counted."""

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    base: bytes = b""
    newest: bytes = b""

    def more_outcomes(self, outcomes: dict[str, int], sketch: bytes) -> dict[str, int]:
        """What was counted since the last reading; nothing when a counter went down: then this one is the base."""
        earlier, self.outcomes, self.newest = self.outcomes, outcomes, sketch
        try:
            return counts_since(earlier, outcomes)
        except CounterReset:
            self.base = sketch
            return {}

    def start_from(self, outcomes: dict[str, int], sketch: bytes) -> None:
        """Count what comes after this."""
        self.outcomes, self.base, self.newest = outcomes, sketch, sketch

    def more_times(self) -> Histogram | None:
        """What was timed since the base, which this reading becomes; None when nothing was."""
        earlier, self.base = self.base, self.newest
        if earlier == self.newest:
            return None
        try:
            times = times_since(earlier, self.newest)
        except CounterReset:
            return None
        return times if times.buckets or times.zero else None


@dataclass(slots=True)
class Endpoint:
    """One feature of one instance. `whole` is its version's window; its own is kept while somebody looks at it."""

    wire_name: str
    whole: Window
    counter: Counter = field(default_factory=Counter)
    window: Window | None = None


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
    _raw: list[bytes] = field(default_factory=list[bytes])
    _untimed: list[Endpoint] = field(default_factory=list[Endpoint])

    @property
    def launch(self) -> str:
        """The agent's token for this start."""
        return self.report.launch if self.report is not None else ""

    def read(
        self,
        report: InstanceReport,
        features: list[bytes],
        from_s: float | None,
        now_s: float,
        window_of: Callable[[str, str, str], Window],
    ) -> None:
        """Take in what its broker counted; without *from_s* as a base for the next reading.

        *window_of*: (package, version, feature) → where all its instances are counted together.
        """
        self.report, self.view = report, None
        before, known, requests = self._raw, len(self._raw), 0
        more: dict[str, int] = {}
        for at, data in enumerate(features):
            if at < known and before[at] == data:
                continue
            feature = parse_part(Feature, data)
            endpoint = self._endpoint(feature.feature, window_of)
            if feature.last_error:
                self.errors[shown(feature.feature)] = LastError(feature.last_error, feature.last_error_time_s)
            if from_s is None:
                endpoint.counter.start_from(parse_outcomes(feature.outcomes), feature.processing)
            else:
                requests += self._count(endpoint, feature.outcomes, feature.processing, now_s, more)
        self._raw = features
        if more:
            self.window.add_outcomes(now_s, more)
        if from_s is not None:
            self.pace.add(from_s, now_s, requests)

    def _endpoint(self, wire_name: str, window_of: Callable[[str, str, str], Window]) -> Endpoint:
        endpoint = self.endpoints.get(wire_name)
        if endpoint is None:
            whole = window_of(self.package, self.version, shown(wire_name))
            endpoint = self.endpoints[wire_name] = Endpoint(wire_name, whole)
        return endpoint

    def _count(
        self, endpoint: Endpoint, counts: Iterable[OutcomeCount], sketch: bytes, now_s: float, whole: dict[str, int]
    ) -> int:
        """Requests that are new; they are added to *whole*."""
        more = endpoint.counter.more_outcomes(parse_outcomes(counts), sketch)
        self._untimed.append(endpoint)
        if not more:
            return 0
        endpoint.whole.add_outcomes(now_s, more)
        if endpoint.window is not None:
            endpoint.window.add_outcomes(now_s, more)
        requests = 0
        for code, count in more.items():
            whole[code] = whole.get(code, 0) + count
            requests += count
        return requests

    def time(self, now_s: float) -> None:
        """Count the times since the last call."""
        waiting, self._untimed = self._untimed, []
        for endpoint in waiting:  # some of them several times, which costs a comparison
            times = endpoint.counter.more_times()
            if times is not None:
                self.window.add_times(now_s, times)
                endpoint.whole.add_times(now_s, times)
                if endpoint.window is not None:
                    endpoint.window.add_times(now_s, times)

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
class Call:
    """What one caller on a host got from one feature, counted at the origin. Never added to what members count."""

    caller: str
    version: str
    feature: str
    windows: tuple[Window, ...] = ()
    """Where its outcomes are counted; the first takes its times, too."""
    counter: Counter = field(default_factory=Counter)

    @property
    def key(self) -> tuple[str, str, str]:
        """Who calls what."""
        return self.caller, self.version, self.feature

    def read(self, wire: Caller, now_s: float, *, counting: bool) -> None:
        """Take in its newest state; without *counting* as a base for the next one."""
        outcomes = parse_outcomes(wire.outcomes)
        if not counting:
            self.counter.start_from(outcomes, wire.latency)
            return
        more = self.counter.more_outcomes(outcomes, wire.latency)
        for window in self.windows if more else ():
            window.add_outcomes(now_s, more)

    def time(self, now_s: float) -> None:
        """Count the times since the last call."""
        times = self.counter.more_times()
        if times is not None and self.windows:
            self.windows[0].add_times(now_s, times)

    def forget_times(self) -> None:
        """What was timed until now is of no use."""
        self.counter.base = self.counter.newest
