"""Operators who read, plan and commit at the same time, in every order, over a model of the register.

The model takes for granted what one ZooKeeper transaction gives: all edits at one epoch, or none. That `execute` keeps
to these steps on a real one is tests/system/test_execute.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from h2o_core.audit import Author, Entry
from h2o_core.control.hosts import HostState
from h2o_core.control.traffic import WHOLE, MatchRule
from h2o_core.io.changes import ATTEMPTS
from h2o_core.plan.intents import Avoid, ChangeSettings, Drain, Extend, Restore, RollBack, Shift, Undo
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.planning import plan
from h2o_core.plan.routes import routes
from h2o_core.plan.situation import Demand, Situation, decided_of
from tests.support.situations import (
    BOB,
    NOW_S,
    SHARE,
    A,
    B,
    decided,
    drained,
    running,
    three_hosts,
    weights,
    with_demand,
)

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided

HOSTS = ("host-1", "host-2", "host-3")
VERSIONS = ("1.0", "2.0")
FLEET = with_demand(
    three_hosts(
        *(running(A, "2.0", host) for host in HOSTS[:2]),
        *(running(B, "1.0", host) for host in HOSTS[1:]),
    ),
    A,
    "1.0",
    Demand(2.0, 50.0, 0.0),
)
STARTS = (
    decided(),
    decided(SHARE),
    decided(weights(("1.0", 9_000), ("2.0", 1_000))),
    decided(weights(("2.0", 5_000), ("1.0", 5_000), rules=[MatchRule("2.0", keys=("k",))]), drained("host-3")),
    decided(drained("host-1", HostState.AVOID), drained("host-2")),
)


def _one(version: str, of: int) -> Shift:
    return Shift(A, {version: of})


def _both(of: int, stable: str) -> Shift:
    return Shift(A, {"1.0": of, "2.0": WHOLE - of}, stable)


some_hosts = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=3, unique=True).map(tuple)
ends = st.sampled_from([0.0, NOW_S + 3_600, NOW_S + 7_200])
parts = st.integers(0, WHOLE)
intents = st.one_of(
    st.builds(_one, st.sampled_from(VERSIONS), parts),
    st.builds(_both, parts, st.sampled_from(VERSIONS)),
    st.builds(Shift, st.just(B), st.just({"1.0": WHOLE})),
    st.builds(RollBack, st.just(A), st.sampled_from(["", *VERSIONS])),
    st.builds(Drain, some_hosts, ends, st.just(300.0)),
    st.builds(Avoid, some_hosts, ends),
    st.builds(Restore, some_hosts),
    st.builds(Extend, ends, some_hosts),
    st.builds(Extend, ends, package=st.just(A)),
    st.builds(ChangeSettings, st.dictionaries(st.just("new_versions"), st.sampled_from(["hold", "share"]), min_size=1)),
    st.builds(ChangeSettings, st.dictionaries(st.just("tiers"), st.sampled_from(["enforce", "warn"]), min_size=1)),
)


def made(intent: Intent, there: Decided, author: Author = BOB, now_s: float = NOW_S) -> Plan | None:
    """None: there is no such change."""
    try:
        return plan(intent, Situation(there, FLEET), author, now_s)
    except CannotPlan:
        return None


def entry_of(change: Plan, author: Author = BOB) -> Entry:
    """What stands in the journal of it."""
    return Entry(
        change.epoch + 1,
        f"{change.epoch + 1:016x}",
        NOW_S,
        author,
        change.edits,
        change.sentence,
        change.command,
        change.guards,
        change.until_s,
        change.undo_of,
    )


def applied(there: Decided, change: Plan) -> Decided:
    """The register after it."""
    return decided_of(there.epoch + 1, there.with_edits(change.edits).documents)


@given(st.sampled_from(STARTS), st.lists(intents, max_size=4), intents)
def test_undo_after_do_is_as_if_nothing_had_been_done(start: Decided, before: list[Intent], intent: Intent):
    """Of each intent, after any others: byte for byte, and undoing the undo does it again."""
    there = start
    for one in before:
        change = made(one, there)
        there = applied(there, change) if change is not None else there
    done = made(intent, there)
    if done is None:
        return
    after = applied(there, done)
    undo = plan(Undo(entry_of(done)), Situation(after, FLEET), BOB, NOW_S + 9)
    undone = applied(after, undo)
    assert undone.documents == there.documents
    redo = plan(Undo(entry_of(undo)), Situation(undone, FLEET), BOB, NOW_S + 10)
    assert applied(undone, redo).documents == after.documents


@given(st.sampled_from(STARTS), intents)
def test_a_plan_made_again_is_the_same_and_its_effect_is_what_comes(start: Decided, intent: Intent):
    done = made(intent, start)
    if done is None:
        return
    again = made(intent, start, now_s=NOW_S + 1)
    assert again is not None
    assert done.same_as(again)
    after = routes(applied(start, done), FLEET)
    for share in done.effect.shares:
        assert after[share.package].given.get(share.version, 0) == share.after
    for load in done.effect.instances:
        part = after[load.instance.package].parts().get(load.instance.id, 0.0)
        demand = 2.0 if load.instance.package == A else 0.0
        assert load.after.busy is not None
        assert abs(load.after.busy - part * demand) < 1e-9


@dataclass
class Operator:
    """Somebody between reading and committing. `agreed`: the plan that they mean."""

    author: Author
    intent: Intent | None = None
    agreed: Plan | None = None
    attempts: int = 0


class Operators(RuleBasedStateMachine):
    """Three of them; nobody forces anything."""

    def __init__(self) -> None:
        super().__init__()
        self.start = self.there = STARTS[0]
        self.journal: list[Entry] = []
        self.operators = [Operator(Author(name, "a test", "because")) for name in ("ada", "bob", "eve")]
        self.now_s = NOW_S
        self.told = 0

    @initialize(start=st.sampled_from(STARTS[:3]))
    def begin(self, start: Decided) -> None:
        self.start = self.there = start

    @rule(who=st.integers(0, 2), intent=intents)
    def read_and_plan(self, who: int, intent: Intent) -> None:
        """What stands there now; somebody else may commit before this one does."""
        self._plan(self.operators[who], intent)

    @rule(who=st.integers(0, 2), host=st.sampled_from(HOSTS))
    def read_and_plan_a_drain(self, who: int, host: str) -> None:
        """More of what excludes one another."""
        self._plan(self.operators[who], Drain((host,), 0.0, 300.0))

    @precondition(lambda self: self.journal)
    @rule(who=st.integers(0, 2), back=st.integers(1, 5), over=st.booleans())
    def read_and_plan_an_undo(self, who: int, back: int, over: bool) -> None:
        self._plan(self.operators[who], Undo(self.journal[-min(back, len(self.journal))], over))

    def _plan(self, operator: Operator, intent: Intent) -> None:
        operator.agreed = made(intent, self.there, operator.author, self.now_s)
        operator.intent, operator.attempts = intent, 0
        if operator.agreed is not None and operator.agreed.refused:
            operator.agreed = None

    @precondition(lambda self: any(one.agreed for one in self.operators))
    @rule(who=st.integers(0, 2))
    def commit(self, who: int) -> None:
        """One transaction; at another epoch nothing is written, and the plan is made again."""
        operator = self.operators[who]
        change = operator.agreed
        if change is None or operator.intent is None:
            return
        if change.epoch == self.there.epoch:
            operator.agreed = None
            if change.edits:
                self.journal.append(entry_of(change, operator.author))
                self.there = applied(self.there, change)
            return
        operator.attempts += 1
        again = made(operator.intent, self.there, operator.author, self.now_s)
        if again is None or again.refused or not change.same_as(again) or operator.attempts >= ATTEMPTS:
            operator.agreed = None
            self.told += 1
        else:
            operator.agreed = again

    @rule()
    def time_passes(self) -> None:
        self.now_s += 1.0

    @invariant()
    def somebody_is_left(self) -> None:
        """No order of steps drains the last instance that a package, or a version with weight, has."""
        for route in routes(self.there, FLEET).values():
            assert route.well, route
            if not route.by_load:
                for version, given_parts in route.given.items():
                    assert not given_parts or route.takers.get(version), route

    @invariant()
    def the_epoch_counts_the_journal(self) -> None:
        assert self.there.epoch == self.start.epoch + len(self.journal)

    @invariant()
    def the_journal_explains_each_document(self) -> None:
        documents = dict(self.start.documents)
        for entry in self.journal:
            for edit in entry.edits:
                assert documents.get(edit.path) == edit.before
                documents.pop(edit.path, None)
                if edit.after is not None:
                    documents[edit.path] = edit.after
            assert not entry.forced
        assert documents == self.there.documents
        assert not self.there.unreadable


TestOperators = Operators.TestCase
