"""Which of what is heard is recorded: in a small fleet everything, in a large one each host ever more rarely. Pure.

What is left out is never replaced by what would say something else: a host that has stood still since an answer that
was left out has that answer recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from h2o_console.feed.heard import Heard, Kind

SEGMENT_S: Final = 120.0
PACES_S: Final = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""How rarely a host may be recorded; what is counted over the last minute needs two readings in it."""
_SHARE: Final = 0.006
"""Of one core, for recording."""
_SEGMENTS: Final = 45
"""So many segments, an hour and a half, are to fit into what may be kept, before any of them has to go."""
_AT_ONCE_S: Final = 1.0
_CONTROL: Final = "/control"
"""No host is called so."""
_SLACK: Final = 0.9
_OTHER: Final = 1.2


@dataclass(slots=True)
class Cost:
    """What recording an answer costs, smoothed: bytes, CPU time. `begin_bytes`: what every segment begins with."""

    answer_bytes: float = 2000.0
    answer_s: float = 0.0005
    begin_bytes: float = 0.0

    def add(self, size: int, cpu_s: float) -> None:
        """An answer was recorded."""
        self.answer_bytes += 0.02 * (size - self.answer_bytes)
        self.answer_s += 0.02 * (cpu_s - self.answer_s)


def pace_s(hosts: int, cost: Cost, most_bytes: int) -> float:
    """How rarely each of *hosts* is to be recorded, so that it costs no more than it may."""
    room = max(most_bytes / _SEGMENTS - cost.begin_bytes, most_bytes / _SEGMENTS / 10)
    wanted_s = max(hosts * cost.answer_bytes * SEGMENT_S / room, hosts * cost.answer_s / _SHARE)
    if wanted_s <= _AT_ONCE_S:
        return 0.0
    return next((pace for pace in PACES_S if pace >= wanted_s), PACES_S[-1])


@dataclass(slots=True)
class Choice:
    """Hears everything, gives what is to be recorded. `pace_s` may be changed at any time."""

    pace_s: float = 0.0
    _recorded_s: dict[str, float] = field(default_factory=dict[str, float])
    """Host, "" for the fleet's picture, `_CONTROL` → when it was last recorded."""
    _left_out: dict[str, Heard] = field(default_factory=dict[str, Heard])
    """Host → its newest answer, when that was left out."""
    _said: dict[str, Heard] = field(default_factory=dict[str, Heard])
    """Host, or "" → what is wrong with it, as it was last recorded."""
    _expected_s: dict[str, float] = field(default_factory=dict[str, float])
    _promised: bytes = b""

    @property
    def hosts(self) -> int:
        """How many are recorded."""
        return len(self._recorded_s.keys() - {"", _CONTROL})

    def forget(self, before_s: float) -> None:
        """Hosts of which nothing was recorded since then are gone."""
        for host in [host for host, at_s in self._recorded_s.items() if at_s < before_s]:
            for table in (self._recorded_s, self._left_out, self._said, self._expected_s):
                table.pop(host, None)

    def hear(self, heard: Heard, at_s: float) -> Iterator[Heard]:
        """What of it is to be recorded now."""
        match heard.kind:
            case Kind.STATS | Kind.STILL:
                yield from self._counters(heard, at_s)
            case Kind.CONTROL_STANDS:
                if self._due(_CONTROL, at_s):
                    yield self._now(_CONTROL, heard, at_s)
            case Kind.HOSTS:
                if self._due("", at_s) or "" in self._said:
                    self._said.pop("", None)
                    yield self._now("", heard, at_s)
            case Kind.FAILURE | Kind.TROUBLE:
                of = heard.of if heard.kind is Kind.FAILURE else ""
                if self._due(of, at_s) or self._said.get(of) != heard:
                    self._said[of] = heard
                    yield self._now(of, heard, at_s)
            case Kind.EXPECT:
                yield from self._expected(heard)
            case Kind.PROMISES:
                if heard.body != self._promised:
                    self._promised = heard.body
                    yield heard
            case _:
                yield heard

    def _counters(self, heard: Heard, at_s: float) -> Iterator[Heard]:
        host = heard.of
        if not self._due(host, at_s) and host not in self._said:
            if heard.kind is Kind.STATS:
                self._left_out[host] = heard
            return
        self._said.pop(host, None)
        left_out = self._left_out.pop(host, None)
        yield self._now(host, left_out if left_out is not None and heard.kind is Kind.STILL else heard, at_s)

    def _expected(self, heard: Heard) -> Iterator[Heard]:
        """As often as it is recorded, when that is more rarely: else a replay would call it silent."""
        expected_s = max(heard.seconds, self.pace_s and heard.seconds + self.pace_s)
        last_s = self._expected_s.get(heard.of, 0.0)
        if not last_s / _OTHER <= expected_s <= last_s * _OTHER:
            self._expected_s[heard.of] = expected_s
            yield replace(heard, seconds=expected_s)

    def _due(self, of: str, at_s: float) -> bool:
        return at_s - self._recorded_s.get(of, float("-inf")) >= self.pace_s * _SLACK

    def _now(self, of: str, heard: Heard, at_s: float) -> Heard:
        self._recorded_s[of] = at_s
        return heard
