"""Merging the lines of hosts: none is lost or doubled, hosts keep their order, what can be ordered is."""

from __future__ import annotations

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from h2o_console.logs.entries import Line
from h2o_console.logs.merge import WINDOW_S, History, Window
from h2o_core.logs import Entry, Severity
from h2o_core.times import Moment

HOSTS = ("a", "b", "c")
WINDOW_NS = int(WINDOW_S * 1e9)


def line(host: str, at_s: float, number: int = 0) -> Line:
    return Line(host, "", Entry(at_s, Severity.INFO, str(number)), b"")


class Following(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.now_ns = 10**12
        self.came: dict[str, list[Line]] = {host: [] for host in HOSTS}
        self.given: dict[str, list[Line]] = {host: [] for host in HOSTS}
        self.arrived: dict[int, int] = {}
        self.number = 0

    @rule(host=st.sampled_from(HOSTS), late_s=st.lists(st.floats(-5, 5), max_size=4))
    def come(self, host: str, late_s: list[float]) -> None:
        lines: list[Line] = []
        for each_s in late_s:
            self.number += 1
            lines.append(line(host, self.now_ns / 1e9 - each_s, self.number))
            self.arrived[self.number] = self.now_ns
        self.came[host] += lines
        self.window.add(lines, Moment(self.now_ns, self.now_ns / 1e9))

    @rule(milliseconds=st.integers(0, 400))
    def passes(self, milliseconds: int) -> None:
        self.now_ns += milliseconds * 1_000_000
        for one in self.window.due(self.now_ns):
            self.given[one.host].append(one)
        for number, at_ns in self.arrived.items():
            if at_ns + WINDOW_NS <= self.now_ns:
                assert any(one.entry.body == str(number) for given in self.given.values() for one in given)

    @invariant()
    def every_host_keeps_its_order(self) -> None:
        for host in HOSTS:
            assert self.given[host] == self.came[host][: len(self.given[host])]

    @invariant()
    def it_wakes_up_for_what_waits(self) -> None:
        waiting = self.number - sum(map(len, self.given.values()))
        wakeup_ns = self.window.next_wakeup()
        assert (wakeup_ns is not None) == (waiting > 0)
        assert wakeup_ns is None or wakeup_ns <= self.now_ns + WINDOW_NS


TestFollowing = Following.TestCase


@given(st.lists(st.tuples(st.sampled_from(HOSTS), st.floats(0, 0.29), st.floats(0, 5)), max_size=30))
def test_what_is_late_by_less_than_the_window_is_in_order(said: list[tuple[str, float, float]]):
    """Each line was written at some time and came up to 0.29 s later; a host's lines in their order."""
    written: list[tuple[float, float, str]] = []
    for host in HOSTS:
        came_s = 0.0
        for at_s, late_s in sorted((at_s, late_s) for each, late_s, at_s in said if each == host):
            came_s = max(came_s, at_s + late_s)
            written.append((came_s, at_s, host))
    window = Window()
    given: list[Line] = []
    for came_s, at_s, host in sorted(written):
        given += window.due(int(came_s * 1e9))
        window.add([line(host, 1000 + at_s)], Moment(int(came_s * 1e9), 2000.0))
    given += window.due(10**12)
    times = [one.entry.timestamp_s for one in given]
    assert times == sorted(1000 + at_s for _, at_s, _ in written)


@given(st.lists(st.lists(st.integers(0, 20), max_size=6).map(sorted), min_size=3, max_size=3))
def test_history_is_in_order_whoever_is_read_first(times: list[list[int]]):
    merged = History(HOSTS)
    given: list[Line] = []
    left = {host: [line(host, float(at)) for at in each] for host, each in zip(HOSTS, times, strict=True)}
    while (host := merged.hungry) is not None:
        if left[host]:
            for one in left[host][:2]:
                merged.add(one)
            del left[host][:2]
        else:
            merged.end(host)
        given += merged.due()
    given += merged.due()
    assert [one.entry.timestamp_s for one in given] == sorted(float(at) for each in times for at in each)
