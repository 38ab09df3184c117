"""A broker that reads control, against a register that is written, damaged, wiped and restored between any two reads.

The model takes for granted what ZooKeeper gives: reads see whole transactions, in order, and a node made anew has
another time of creation. That the shell reads in this order is tests/system/test_control.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_broker.register.decisions import Decisions, Unreadable, Wanted, parse_decided
from h2o_broker.register.last_known import LastKnown
from h2o_core.control.epoch import EPOCH_CHANGES, Change, Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.settings import FleetSettings, NewVersions, encode_settings
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.register import Node
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from h2o_broker.register.decisions import Decided

PATHS = Paths("t")
TRAFFIC = [PATHS.traffic(f"/service/{name}") for name in ("a", "b")]
HOST = PATHS.host_control("host-1")
ALL = [*TRAFFIC, HOST, PATHS.settings]
BAD = [b"", b"{", b'{"schema": 9}', b"x" * (300 << 10)]


def good(path: str, number: int) -> bytes:
    if path == PATHS.settings:
        return encode_settings(FleetSettings(new_versions=[*NewVersions][number % 2]))
    if path == HOST:
        return encode_host_control(HostControl("host-1", [*HostState][number % 2], "ada", f"reason {number}"))
    part = number % 10_000
    weights = (("1.0", 10_000 - part), ("2.0", part))
    return encode_traffic(Traffic(f"/service/{path[-1]}", "1.0", weights, owner="ada"))


def readable(path: str, data: bytes | None) -> Decided | None:
    try:
        return None if data is None else parse_decided(PATHS, path, data)
    except InvalidDocument:
        return None


@dataclass
class Register:
    """All nodes at one moment. `line` differs after a wipe or a restore: the history is another one."""

    life: int = 1
    zxid: int = 1
    line: int = 0
    epoch: Epoch = field(default_factory=Epoch)
    epoch_data: bytes = encode_epoch(Epoch())
    documents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    seen: set[str] = field(default_factory=set[str])
    """Paths that stood there on this line, or that a change of it has named."""

    def copy(self) -> Register:
        return replace(self, documents=dict(self.documents), seen=set(self.seen))

    def node(self) -> Node:
        return Node(self.epoch_data, 0, 0, self.zxid, 0, 0, self.life)


class DecisionsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.register = Register()
        self.copies = [self.register.copy()]
        self.decisions = Decisions(PATHS)
        self.in_force: dict[str, Decided] = {}
        self.serial = 0
        self.lines = 0
        self.read_line = -1
        self.reading: Wanted | None = None
        self.left: list[str] = []
        self.found: dict[str, bytes | Unreadable | None] = {}

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    # ------------------------------------------------------------------ the register

    @rule(
        edits=st.dictionaries(st.sampled_from(ALL), st.sampled_from(["good", "bad", "gone"]), min_size=1, max_size=3),
        foreign=st.booleans(),
    )
    def decide(self, edits: dict[str, str], foreign: bool) -> None:
        register = self.register
        if register.epoch_data != encode_epoch(register.epoch):
            return  # nobody writes over an epoch that can't be read
        for path, how in edits.items():
            if how == "gone":
                register.documents.pop(path, None)
            else:
                number = self._next()
                register.documents[path] = good(path, number) if how == "good" else BAD[number % len(BAD)]
        register.seen |= edits.keys()
        named = tuple(path.removeprefix(f"{PATHS.root}/") for path in edits)
        named += ("control/rollouts/service.a", "desired/host-1") if foreign else ()
        change = Change(register.epoch.epoch + 1, named, f"c{self._next()}")
        changes = (*register.epoch.changes, change)[-EPOCH_CHANGES:]
        self._write_epoch(Epoch(change.epoch, change.change_id, changes))
        self.copies.append(register.copy())

    def _write_epoch(self, epoch: Epoch) -> None:
        self.register.epoch, self.register.epoch_data = epoch, encode_epoch(epoch)
        self.register.zxid = self._next() + 1

    @rule(count=st.integers(60, 70))
    def decide_often(self, count: int) -> None:
        """More than the epoch's node lists."""
        for _ in range(count):
            self.decide({TRAFFIC[0]: "good"}, foreign=False)

    @rule(data=st.sampled_from(BAD))
    def damage_epoch(self, data: bytes) -> None:
        self.register.epoch_data, self.register.zxid = data, self._next() + 1

    @rule()
    def mend_epoch(self) -> None:
        self._write_epoch(self.register.epoch)

    @rule(higher=st.booleans())
    def wipe(self, higher: bool) -> None:
        """A broker makes the epoch's node again: this one, or one that has seen less."""
        self.lines += 1
        epoch = Epoch(self.decisions.highest if higher else 0)
        self.register = Register(self._next() + 1, self._next() + 1, self.lines, epoch, encode_epoch(epoch))
        self.copies = [self.register.copy()]

    @rule(back=st.integers(1, 5))
    def restore(self, back: int) -> None:
        self.lines += 1
        self.register = self.copies[-back:][0].copy()
        changes = self.register.epoch.changes
        named = {f"{PATHS.root}/{path}" for change in changes for path in change.paths}
        self.register.line, self.register.seen = self.lines, set(self.register.documents) | named
        self.register.zxid = self._next() + 1
        self.copies = [self.register.copy()]

    # ------------------------------------------------------------------ the broker

    @precondition(lambda self: self.reading is None)
    @rule()
    def begin(self) -> None:
        self.reading = self.decisions.wanted(self.register.node())
        if self.reading is None:
            return
        self.found = {}
        everything = [*self.register.documents, PATHS.settings]
        self.left = sorted(everything if self.reading.everything else self.reading.paths)
        assert all(self.decisions.concerns(path) for path in self.left)

    @precondition(lambda self: self.left)
    @rule(refused=st.booleans())
    def read_one(self, refused: bool) -> None:
        path = self.left.pop()
        there = self.register.documents.get(path)
        self.found[path] = Unreadable("no access") if refused and there in BAD else there

    @precondition(lambda self: self.reading is not None and not self.left)
    @rule()
    def finish(self) -> None:
        assert self.reading is not None
        wanted, self.reading = self.reading, None
        register, before, applied = self.register, dict(self.in_force), self.decisions.applied
        named = (
            {f"{PATHS.root}/{path}" for one in register.epoch.changes if one.epoch > applied for path in one.paths}
            if register.line == self.read_line and wanted.epoch is not None
            else set[str]()
        )
        decisions = self.decisions.settle(wanted, register.node(), self.found)
        if decisions is None:
            assert self.decisions.applied == applied
            return
        for decision in decisions:
            if decision.value is None:
                del self.in_force[decision.path]
            else:
                self.in_force[decision.path] = decision.value
        if wanted.epoch is not None:
            assert self.decisions.applied == register.epoch.epoch
        for path in ALL:
            there = register.documents.get(path)
            value = readable(path, there)
            if value is not None:
                assert self.in_force.get(path) == value, "what can be read is in force"
                assert path not in self.decisions.bad
            elif there is not None:
                assert self.in_force.get(path) == before.get(path), "the last good one stays"
                assert path in self.decisions.bad
            elif path in named:
                assert path not in self.in_force, "a change has ended it"
            elif path not in register.seen:
                assert self.in_force.get(path) == before.get(path), "the register has lost it"
                assert (path in self.in_force) is (path in self.decisions.gone)
        if wanted.epoch is not None:  # without it nobody knows which history was read
            self.read_line = register.line

    @rule()
    def lose_the_connection(self) -> None:
        self.reading, self.left = None, []

    @rule()
    def catch_up(self) -> None:
        """With nobody writing, one reading is enough."""
        self.lose_the_connection()
        self.begin()
        while self.left:
            self.read_one(refused=False)
        if self.reading is not None:
            self.finish()
        self.begin()
        assert self.reading is None
        assert {path for path, there in self.register.documents.items() if readable(path, there) is None} == set(
            self.decisions.bad
        )

    @rule()
    def restart(self) -> None:
        """What the file brings back is what was in force."""
        self.lose_the_connection()
        old = self.decisions
        self.decisions = Decisions(PATHS)
        last = LastKnown("t", "host-1", 0.0, old.highest, (), old.applied, old.change_id)
        decisions, problems = self.decisions.remember(last, old.documents)
        assert problems == []
        assert {one.path: one.value for one in decisions} == self.in_force
        self.read_line = -1

    @invariant()
    def nothing_is_claimed_that_is_not_in_force(self) -> None:
        """Of the history that was read last; what came to pass behind a broker's back it can't know."""
        register, decisions = self.register, self.decisions
        assert decisions.applied <= decisions.highest
        if register.line != self.read_line or decisions.applied < register.epoch.epoch:
            return
        for path, there in register.documents.items():
            value = readable(path, there)
            assert value is None or self.in_force.get(path) == value
        assert set(decisions.unapplied) == {path.removeprefix(f"{PATHS.root}/") for path in decisions.bad}


TestDecisions = DecisionsMachine.TestCase
