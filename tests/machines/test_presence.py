"""Presence against a model of the register, of links and of time: what its docstring promises, after every event."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from h2o_broker.register.presence import (
    AT_ONCE_NS,
    LINGER_NS,
    MOMENT_NS,
    RECENT_NS,
    Change,
    Drop,
    Presence,
    Put,
    Reason,
    Standing,
)
from h2o_core.znodes.live import LiveHost, LiveInstance

OWN = "own"
OTHERS = [f"host-{at}" for at in range(1, 6)]
S = 1_000_000_000
HOSTS = st.sampled_from([OWN, *OTHERS])
RESYNCS = st.lists(st.tuples(HOSTS, st.integers(0, 2)), unique_by=lambda one: one[0], max_size=6)
"""Host → 0: its node is gone; else its incarnation. Who isn't named is as before."""
EXODUSES = st.lists(
    st.tuples(HOSTS, st.sampled_from([0, 0, 0.5, 1.5, 3])), unique_by=lambda one: one[0], min_size=2, max_size=5
)


def live(host: str, incarnation: int = 1, instances: int = 1) -> LiveHost:
    return LiveHost(
        host,
        "a",
        "127.0.0.1:7101",
        "k" * 40,
        incarnation,
        "m",
        1,
        instances=tuple(
            LiveInstance(f"{host}-{at}", "/service/echo", "1.0", "d", 1, 0.0, 1) for at in range(instances)
        ),
    )


class PresenceMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.presence = Presence(OWN)
        self.now = S
        self.nodes: dict[str, LiveHost] = {}
        """The register, as last read."""
        self.remembered: dict[str, LiveHost] = {}
        """Of the file, while the register is not read."""
        self.counts: dict[str, LiveHost] = {}
        """What the changes amount to."""
        self.last_node: dict[str, LiveHost] = {}
        self.answering: set[str] = set()
        self.vanished_ns: dict[str, int] = {}
        """Hosts without a node that are to count while they answer, and since when."""
        self.protected: set[str] = set()
        self.withdrawn: set[str] = set()
        self.connected = False
        self.to_lose = False
        self.read_ns = 0
        self.log: list[tuple[int, str]] = []
        self.standings: dict[str, Standing | None] = {}
        self.version = -1

    # ---- the model's own bookkeeping

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case Put(live=one):
                    if one.host not in self.counts or self.counts[one.host].incarnation != one.incarnation:
                        self.answering.discard(one.host)  # a new link
                    self.counts[one.host] = one
                case Drop(host=host):
                    assert host not in self.nodes, "its node stands"
                    assert host not in self.remembered, "the register has not been read"
                    assert host not in self.answering or host in self.withdrawn, "it answers"
                    del self.counts[host]
                    self.answering.discard(host)
                    for known in (self.protected, self.withdrawn):
                        known.discard(host)
                    self.vanished_ns.pop(host, None)

    def node_gone(self, host: str, *, reading: bool) -> None:
        """As the register tells it, and the model judges it."""
        del self.nodes[host]
        self.log.append((self.now, host))
        gone = {name for at, name in self.log if self.now - at <= AT_ONCE_NS and name not in self.nodes}
        answers = host in self.answering
        if answers:
            self.vanished_ns[host] = self.now
        if 2 * len(gone) > len(gone) + len(self.nodes) + len(self.remembered):
            self.protected |= gone & self.vanished_ns.keys() - self.withdrawn
        if answers and self.to_lose and (reading or self.now - self.read_ns < RECENT_NS):
            self.protected.add(host)
        self.take(self.presence.gone(host, self.now))
        assert host == OWN or answers == (host in self.counts)

    def node_seen(self, host: str, incarnation: int, instances: int) -> None:
        one = live(host, incarnation, instances)
        self.nodes[host] = self.last_node[host] = one
        self.remembered.pop(host, None)
        for known in (self.protected, self.withdrawn):
            known.discard(host)
        self.vanished_ns.pop(host, None)
        self.log = [entry for entry in self.log if entry[1] != host]
        self.take(self.presence.seen(one))

    def resync(self, data: st.DataObject) -> None:
        """All that has changed while nobody looked, in any order, then that the picture is whole."""
        for host, what in data.draw(RESYNCS):
            if what == 0 and host in self.nodes:
                self.node_gone(host, reading=True)
            elif what:
                self.node_seen(host, what, 1)
        if self.to_lose:
            self.protected |= self.vanished_ns.keys() - self.withdrawn
        missing, self.remembered = self.remembered, {}
        for host in missing:
            if host in self.answering:
                self.vanished_ns[host] = self.now
                self.protected.add(host)
        self.take(self.presence.synced(self.now))
        self.read_ns, self.connected = self.now, True

    # ---- what can happen

    @initialize(hosts=st.sets(st.sampled_from(OTHERS)))
    def remember(self, hosts: set[str]) -> None:
        self.remembered = {host: live(host) for host in sorted(hosts)}
        self.last_node = dict(self.remembered)
        self.to_lose = bool(hosts)
        self.take(self.presence.remember(self.remembered.values()))

    @precondition(lambda self: not self.connected)
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        self.to_lose = self.to_lose or self.read_ns != 0
        self.log.clear()
        self.presence.connected()
        self.resync(data)

    @precondition(lambda self: self.connected)
    @rule()
    def disconnect(self) -> None:
        self.presence.disconnected()
        self.connected = False

    @precondition(lambda self: self.connected)
    @rule(host=HOSTS, incarnation=st.integers(1, 2), instances=st.integers(0, 2))
    def node_comes(self, host: str, incarnation: int, instances: int) -> None:
        self.node_seen(host, incarnation, instances)

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def most_of_a_whole_fleet_goes(self, data: st.DataObject) -> None:
        """Around the half, which chance alone seldom meets: who answered before, at once or with a pause."""
        for host in [OWN, *OTHERS]:
            self.node_seen(host, 1, 1)
        for host in OTHERS:
            self.a_link_changes(host, answers=True)
        self.time_passes(data.draw(st.sampled_from([0.5, 31])))
        for host, pause_s in data.draw(EXODUSES):
            self.node_gone(host, reading=False)
            self.time_passes(pause_s)

    @precondition(lambda self: self.connected and self.nodes)
    @rule(data=st.data())
    def nodes_go(self, data: st.DataObject) -> None:
        names = data.draw(st.lists(st.sampled_from(sorted(self.nodes)), min_size=1, unique=True))
        for host in names:
            self.node_gone(host, reading=False)

    @precondition(lambda self: self.connected)
    @rule(host=st.sampled_from(OTHERS))
    def a_node_is_spoiled(self, host: str) -> None:
        """It stands, and what it says can't be used."""
        assume(host in self.counts)
        self.nodes[host] = self.last_node[host]
        for known in (self.protected, self.withdrawn):
            known.discard(host)
        self.vanished_ns.pop(host, None)
        self.log = [entry for entry in self.log if entry[1] != host]
        self.take(self.presence.unreadable(host))

    @rule(host=st.sampled_from(OTHERS), answers=st.booleans())
    def a_link_turns(self, host: str, answers: bool) -> None:
        self.a_link_changes(host, answers=answers)

    def a_link_changes(self, host: str, *, answers: bool) -> None:
        if host not in self.counts:
            return
        if answers:
            self.answering.add(host)
        else:
            self.answering.discard(host)
        self.take(self.presence.link(host, answers=answers))

    @rule(by_s=st.sampled_from([0.5, 1.5, 3, 9, 31, 100]))
    def the_clock_goes_on(self, by_s: float) -> None:
        self.time_passes(by_s)

    def time_passes(self, by_s: float) -> None:
        """Whoever asks to be woken is."""
        until = self.now + int(by_s * S)
        while (due := self.presence.next_wakeup()) is not None and due <= until:
            self.now = max(self.now, due)
            changes = self._due_changes()
            told = self.presence.tick(self.now)
            assert told, "woken for nothing"
            self.withdrawn |= changes
            self.take(told)
        self.now = until

    def _due_changes(self) -> set[str]:
        """Those whose moment is over now, and nobody protects."""
        return {
            host
            for host, since in self.vanished_ns.items()
            if self.connected and host not in self.protected and self.now >= since + MOMENT_NS
        }

    # ---- what holds

    @invariant()
    def another_standing_is_another_version(self) -> None:
        now = {host: self.presence.standing(host) for host in OTHERS}
        assert now == self.standings or self.presence.version > self.version
        self.standings, self.version = now, self.presence.version

    @invariant()
    def who_is_in_the_register_counts_as_it_says(self) -> None:
        for host, one in self.nodes.items():
            assert host == OWN or self.counts[host] == one

    @invariant()
    def who_is_remembered_counts(self) -> None:
        for host, one in self.remembered.items():
            assert self.counts[host] == one
            assert self.presence.standing(host) is Standing.REMEMBERED

    @invariant()
    def who_counts_without_a_node_answers_and_is_named(self) -> None:
        without = self.counts.keys() - self.nodes.keys() - self.remembered.keys()
        assert without <= self.answering
        assert {one.host for one, _ in self.presence.kept()} == without

    @invariant()
    def who_is_protected_counts_in_full(self) -> None:
        reasons = {one.host: reason for one, reason in self.presence.kept()}
        for host in self.protected - {OWN}:
            assert self.counts[host] == self.last_node[host]
            assert reasons[host] in {Reason.MASS, Reason.RECONNECTION}

    @invariant()
    def who_vanished_alone_has_its_moment_and_no_more(self) -> None:
        for host in self.vanished_ns.keys() - self.protected - {OWN}:
            age = self.now - self.vanished_ns[host]
            if host in self.withdrawn:
                assert self.counts[host] == replace(self.last_node[host], instances=())
                assert age < MOMENT_NS + LINGER_NS
            else:
                assert self.counts[host] == self.last_node[host]
                assert age < MOMENT_NS or not self.connected

    def teardown(self) -> None:
        """Connected and left alone, the lonely go in the end: nobody is kept for ever but by rule."""
        if self.connected:
            self.time_passes(100)
            assert self.counts.keys() - self.nodes.keys() - self.remembered.keys() == self.protected - {OWN}


TestPresence = PresenceMachine.TestCase


class Story:
    """A fleet of own, host-1 … host-n, all linked and read once."""

    def __init__(self, hosts: int) -> None:
        self.presence = Presence(OWN)
        self.presence.connected()
        self.names = OTHERS[:hosts]
        for host in (OWN, *self.names):
            self.presence.seen(live(host))
        self.presence.synced(S)
        for host in self.names:
            self.presence.link(host, answers=True)

    def reasons(self) -> dict[str, Reason]:
        return {one.host: reason for one, reason in self.presence.kept()}


def test_a_dead_host_goes_with_its_node():
    story = Story(3)
    assert story.presence.link("host-1", answers=False) == []
    assert story.presence.gone("host-1", 2 * S) == [Drop("host-1")]


def test_a_lone_healthy_host_has_a_moment_and_what_it_works_on_has_longer():
    story = Story(3)
    assert story.presence.gone("host-1", 2 * S) == []
    assert story.reasons() == {"host-1": Reason.MOMENT}
    assert story.presence.next_wakeup() == 2 * S + MOMENT_NS
    assert story.presence.tick(2 * S + MOMENT_NS) == [Put(live("host-1", instances=0))]
    assert story.presence.tick(2 * S + MOMENT_NS + LINGER_NS) == [Drop("host-1")]
    assert story.presence.next_wakeup() is None


def test_more_than_half_at_once_stay_the_first_of_them_too():
    story = Story(4)
    for at, host in enumerate(story.names[:3]):
        assert story.presence.gone(host, 2 * S + at * S // 2) == []
    assert set(story.reasons().values()) == {Reason.MASS}
    assert story.presence.tick(1000 * S) == []
    assert story.presence.link("host-2", answers=False) == [Drop("host-2")]
    assert story.presence.seen(live("host-1")) == [Put(live("host-1"))]
    assert story.reasons() == {"host-3": Reason.MASS}


def test_one_after_the_other_is_no_mass():
    story = Story(4)
    for at, host in enumerate(story.names[:3]):
        story.presence.gone(host, (2 + 3 * at) * S)
    assert set(story.reasons().values()) == {Reason.MOMENT}


def test_half_is_not_more_than_half():
    story = Story(3)
    for host in story.names[:2]:
        story.presence.gone(host, 2 * S)
    assert set(story.reasons().values()) == {Reason.MOMENT}


def test_the_first_connection_of_all_is_no_reconnection_and_later_ones_are_for_30_seconds():
    story = Story(5)
    story.presence.gone("host-1", 2 * S)
    assert story.reasons() == {"host-1": Reason.MOMENT}
    story.presence.disconnected()
    assert story.presence.next_wakeup() is None
    assert story.presence.tick(100 * S) == []
    story.presence.connected()
    story.presence.gone("host-2", 100 * S)
    story.presence.synced(100 * S)
    story.presence.gone("host-3", 129 * S)
    story.presence.gone("host-4", 133 * S)
    assert story.reasons() == {
        "host-1": Reason.RECONNECTION,
        "host-2": Reason.RECONNECTION,
        "host-3": Reason.RECONNECTION,
        "host-4": Reason.MOMENT,
    }


def test_the_file_s_hosts_go_when_the_register_is_read_without_them():
    presence = Presence(OWN)
    presence.remember([live("host-1"), live("host-2"), live("host-3"), live(OWN)])
    presence.link("host-2", answers=True)
    presence.connected()
    presence.seen(live("host-3", 2))
    assert presence.synced(S) == [Drop("host-1")]
    assert [(one.host, reason) for one, reason in presence.kept()] == [("host-2", Reason.RECONNECTION)]
