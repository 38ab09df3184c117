"""Ejection in any order of events: brokers that hear of each other late never leave out more than may be."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_core.ejection import NO_PROBE, TABLE, Event, Policy, Standing, State
from h2o_core.health import OUT, Sign, Verdict, honoured, may_eject, median, most_out, panics

S = 1_000_000_000
BROKERS = (0, 1, 2)
PROBE = 99


class Broker:
    """A destination for its own instances, and an origin that knows the others' from their last PONG."""

    def __init__(self) -> None:
        self.own: dict[str, Standing] = {}
        self.register: set[str] = set()
        self.told: dict[str, Verdict] = {}

    def members(self) -> set[str]:
        return self.own.keys() | self.register

    def out(self) -> set[str]:
        own = {name for name, standing in self.own.items() if standing.verdict in OUT}
        return own | {name for name in self.register - self.own.keys() if self.told.get(name) in OUT}

    def left_out(self) -> frozenset[str]:
        return honoured(self.out(), len(self.members()))

    def settle(self, now: int) -> None:
        left_out = self.left_out()
        for name, standing in self.own.items():
            if standing.verdict in OUT and name not in left_out:
                standing.handle(Event.PARDON, now)


class Pool(RuleBasedStateMachine):
    """One version at three brokers: instances come, fail, go; PONGs and the register's news arrive when they do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.dice = random.Random(7)
        self.brokers = [Broker() for _ in BROKERS]
        self.serial = 0

    def _standings(self) -> list[tuple[Broker, str, Standing]]:
        return [(one, name, standing) for one in self.brokers for name, standing in sorted(one.own.items())]

    def _eject(self, broker: Broker, standing: Standing, reason: str) -> None:
        if may_eject(broker.out(), len(broker.members())):
            standing.handle(Event.EJECT, self.now, reason=reason)

    @rule(at=st.sampled_from(BROKERS), count=st.integers(1, 4))
    def instances_come(self, at: int, count: int) -> None:
        for _ in range(count):
            self.serial += 1
            name = f"{self.dice.randrange(1 << 32):08x}"
            self.brokers[at].own[name] = Standing(self.now, self.dice.random, Policy())
        self.brokers[at].settle(self.now)

    @precondition(lambda self: self._standings())
    @rule(data=st.data())
    def an_instance_goes(self, data: st.DataObject) -> None:
        broker, name, _ = data.draw(st.sampled_from(self._standings()))
        del broker.own[name]
        broker.settle(self.now)

    @precondition(lambda self: self._standings())
    @rule(data=st.data(), signs=st.lists(st.sampled_from(Sign), min_size=1, max_size=6), often=st.sampled_from([1, 8]))
    def answers_come(self, data: st.DataObject, signs: list[Sign], often: int) -> None:
        broker, _, standing = data.draw(st.sampled_from(self._standings()))
        for sign in signs * often:
            if standing.heed(sign, 1, self.now):
                self._eject(broker, standing, standing.run_text())

    @precondition(lambda self: self._standings())
    @rule(data=st.data())
    def everything_fails(self, data: st.DataObject) -> None:
        for broker, _, standing in data.draw(st.permutations(self._standings())):
            for _ in range(6):
                if standing.heed(Sign.ILL, 1, self.now):
                    self._eject(broker, standing, standing.run_text())

    @precondition(lambda self: any(one.state is State.WAITING for _, _, one in self._standings()))
    @rule(sign=st.sampled_from(Sign), answered=st.booleans())
    def a_probe_is_taken(self, sign: Sign, answered: bool) -> None:
        waiting = next(one for _, _, one in self._standings() if one.state is State.WAITING)
        waiting.handle(Event.PROBE, self.now, request=PROBE)
        if answered:
            waiting.heed(sign, PROBE, self.now)

    @rule(passed_ms=st.sampled_from([300, 1000, 30_000, 400_000]))
    def time_passes(self, passed_ms: int) -> None:
        self.now += passed_ms * 1_000_000
        for broker in self.brokers:
            shares = [one.share if one.share is not None else 1.0 for one in broker.own.values()]
            for standing in broker.own.values():
                if standing.tick(self.now) and standing.is_worse_than(median(shares)):
                    self._eject(broker, standing, standing.share_text(median(shares)))

    @rule(teller=st.sampled_from(BROKERS), hearer=st.sampled_from(BROKERS))
    def a_pong_comes(self, teller: int, hearer: int) -> None:
        if teller != hearer:
            self.brokers[hearer].told.update(
                {name: standing.verdict for name, standing in self.brokers[teller].own.items()}
            )
            self.brokers[hearer].settle(self.now)

    @rule(hearer=st.sampled_from(BROKERS))
    def the_register_is_read(self, hearer: int) -> None:
        self.brokers[hearer].register = {name for _, name, _ in self._standings()}
        self.brokers[hearer].settle(self.now)

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def no_broker_leaves_out_more_than_may_be(self) -> None:
        for broker in self.brokers:
            total = len(broker.members())
            left_out = broker.left_out()
            assert len(left_out) <= most_out(total)
            assert left_out <= broker.members()
            assert not total or left_out < broker.members(), "never the last"
            assert not panics(total - len(left_out), total), "ejections alone are no panic"

    @invariant()
    def nobody_stays_out_for_ever_and_each_has_one_probe(self) -> None:
        for _, _, standing in self._standings():
            assert bool(standing.due_ns) is (standing.state is State.OUT)
            assert (standing.probe != NO_PROBE) is (standing.state is State.PROBING)
            assert standing.due_ns - standing.since_ns <= 330 * S
            assert standing.alert is (standing.state is not State.IN or standing.run > 0)
            assert standing.times >= (standing.state is not State.IN)
            for (_, _, before), (_, event, after) in pairwise(standing.story):
                assert TABLE[before, event] is after

    def teardown(self) -> None:
        """When all have heard all, what they say together is no more than may be."""
        for hearer in BROKERS:
            self.the_register_is_read(hearer)
        for teller in BROKERS:
            for hearer in BROKERS:
                self.a_pong_comes(teller, hearer)
        standings = self._standings()
        out = [name for _, name, standing in standings if standing.verdict in OUT]
        assert len(out) <= most_out(len(standings))


Pool.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestPool = Pool.TestCase
