"""One instance, or one caller's calls, as the console remembers it: what was counted last, and what a reading adds.

Pure. Outcomes are compared at each reading. Sketches cost ten times as much, so they wait for `time`, which counts what
was timed since it was called last. This is what the console does most: ten thousand features a second in a fleet of
250 hosts, so the windows to count into are remembered, and nothing is made that is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

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


class Counter(TimedUntil):
    """Outcomes and times since the broker started, as they came last, and up to where times were counted."""

    __slots__ = ("_newest", "_outcomes")

    def __init__(self) -> None:
        super().__init__()
        self._outcomes: dict[str, int] = {}
        self._newest = b""

    def more_outcomes(self, part: Feature | Caller, raw: bytes) -> dict[str, int]:
        """What was counted since the last reading; nothing when a counter went down: then this one is the base."""
        self._newest = raw
        try:
            return counted_since(self._outcomes, part.outcomes)
        except CounterReset:
            self.start_from(part.sketch)
            return {}

    def take_as_base(self, part: Feature | Caller, raw: bytes) -> None:
        """Count what comes after this."""
        self._outcomes, self._newest = by_code(part.outcomes), raw
        self.start_from(part.sketch)

    def more_times(self, kind: type[Feature | Caller]) -> Histogram | None:
        """What was timed since the last call; None when nothing was."""
        try:
            return self.more(parse_part(kind, self._newest).sketch)
        except CounterReset:
            return None


class Endpoint(Counter):
    """One feature of one instance. `whole` is its version's window; its own is kept while somebody looks at it."""

    __slots__ = ("whole", "window", "wire_name")

    def __init__(self, wire_name: str, whole: Window) -> None:
        super().__init__()
        self.wire_name = wire_name
        self.whole = whole
        self.window: Window | None = None


class LastError(NamedTuple):
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
        bucket: int,
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
                endpoint.take_as_base(feature, raw)
                continue
            self._untimed[name] = endpoint
            if new := endpoint.more_outcomes(feature, raw):
                endpoint.whole.add_outcomes(bucket, new)
                if endpoint.window is not None:
                    endpoint.window.add_outcomes(bucket, new)
                for code, count in new.items():
                    more[code] = more.get(code, 0) + count
        if more:
            self.window.add_outcomes(bucket, more)
        if since is not None:
            self.pace.add(since, sum(more.values()))

    def _new_endpoint(self, wire_name: str, window_of: Callable[[str, str, str], Window]) -> Endpoint:
        whole = window_of(self.package, self.version, shown(wire_name))
        endpoint = self.endpoints[wire_name] = Endpoint(wire_name, whole)
        return endpoint

    def time(self, bucket: int) -> None:
        """Count the times since the last call."""
        waiting, self._untimed = self._untimed, {}
        for endpoint in waiting.values():
            if (times := endpoint.more_times(Feature)) is not None:
                self.window.add_times(bucket, times)
                endpoint.whole.add_times(bucket, times)
                if endpoint.window is not None:
                    endpoint.window.add_times(bucket, times)

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


class Call(Counter):
    """What one caller on a host got from one feature, counted at the origin. Never added to what members count."""

    __slots__ = ("breaches", "caller", "everywhere", "feature", "here", "version")

    def __init__(self, caller: str, version: str, feature: str, everywhere: Window) -> None:
        """*everywhere*: where the same is counted of all hosts together."""
        super().__init__()
        self.caller, self.version, self.feature = caller, version, feature
        self.everywhere, self.here = everywhere, Window()
        self.breaches = Breaches()

    def read(self, part: Caller, raw: bytes, bucket: int) -> dict[str, int]:
        """Take in its newest state; the outcomes that are new."""
        more = self.more_outcomes(part, raw)
        if more:
            self.here.add_outcomes(bucket, more)
            self.everywhere.add_outcomes(bucket, more)
        return more

    def time(self, bucket: int) -> None:
        """Count the times since the last call."""
        if (times := self.more_times(Caller)) is not None:
            self.here.add_times(bucket, times)
            self.everywhere.add_times(bucket, times)
