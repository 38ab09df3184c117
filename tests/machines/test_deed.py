"""One change at its dialog under every order of keys, answers, pictures and rows: only what was seen is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from h2o_console.acting.choices import Known, Meant, begun, choices
from h2o_console.acting.deed import UNSEEN_S, Asks, Deed, Do, Phase
from h2o_core.audit import Edit
from h2o_core.plan.intents import Avoid, Drain, Restore
from h2o_core.plan.plan import Ask, Effect, Friction, Plan
from h2o_core.plan.situation import Decided
from h2o_core.verdicts import CAPACITY, Guard, Verdict

if TYPE_CHECKING:
    from h2o_console.acting.request import Request

HOSTS = tuple(f"host-{at}" for at in range(6))
NAME = "yes"
ANSWERS = {
    Asks.NOTHING: (),
    Asks.ARM: ("a",),
    Asks.ENTER: ("enter",),
    Asks.YES: ("y",),
    Asks.NAME: (*NAME, "enter"),
}
KEYS = ("y", "enter", "escape", "a", "q", "r", "o", "tab", "e", "s", "backspace", "down", "d")


class Made(NamedTuple):
    """What a plan takes."""

    ask: Ask
    refused: bool
    empty: bool


PLANS = st.builds(Made, st.sampled_from(Ask), st.booleans(), st.sampled_from([False, False, False, True]))


def some_plan(request: Request, made: Made) -> Plan:
    guards = (Guard(CAPACITY, Verdict.REFUSED, "too little is left"),) if made.refused else ()
    edits = () if made.empty else (Edit("control/hosts/x", None, b"x"),)
    friction = Friction(made.ask, NAME)
    return Plan(request.wish(Decided(0)), 41, "does something", edits, Effect(), guards, "", "", friction)


@dataclass(frozen=True)
class Picture:
    """What stood on the screen from `at_s` on: this plan, and this question about it."""

    at_s: float
    plan: Plan | None
    asks: Asks


@dataclass
class Screen:
    """What a person could see, told apart from what the deed knows."""

    shown: list[Picture] = field(default_factory=lambda: [Picture(0.0, None, Asks.NOTHING)])

    def paint(self, at_s: float, plan: Plan | None, asks: Asks) -> None:
        if (self.shown[-1].plan, self.shown[-1].asks) != (plan, asks):
            self.shown.append(Picture(at_s, plan, asks))

    def seen_at(self, at_s: float) -> Picture:
        """What had been there for so long that somebody who pressed a key then meant it; all that came later is not."""
        latest = max(at for at, one in enumerate(self.shown) if one.at_s <= at_s)
        one = self.shown[latest]
        return one if at_s - one.at_s >= UNSEEN_S else Picture(at_s, None, Asks.NOTHING)


class Deeds(RuleBasedStateMachine):
    """Rows that move under a cursor, a person, a register that answers late, others who are faster."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0
        self.rows = list(HOSTS)
        self.cursor = HOSTS[0]
        self.marks: list[str] = []
        self.armed = False
        self.deed: Deed | None = None
        self.meant: tuple[str, ...] = ()
        self.verb: type = Drain
        self.screen = Screen()
        self.numbers: list[int] = []
        self.typed: list[tuple[float, str]] = []
        self.executed = 0

    @initialize(armed=st.booleans())
    def begin(self, armed: bool) -> None:
        self.armed = armed

    # the list, which does as it likes

    @rule(
        order=st.permutations(HOSTS),
        gone=st.sets(st.sampled_from(HOSTS)),
        cursor=st.sampled_from(HOSTS),
        marks=st.lists(st.sampled_from(HOSTS), max_size=2, unique=True),
    )
    def list_moves(self, order: list[str], gone: set[str], cursor: str, marks: list[str]) -> None:
        self.rows = [one for one in order if one not in gone]
        self.cursor, self.marks = cursor, marks

    # one change

    @precondition(lambda self: self.deed is None)
    @rule(letter=st.sampled_from("dvi"))
    def two_strokes(self, letter: str) -> None:
        self.meant = tuple(self.marks) or (self.cursor,)
        offered = {one.letter: one for one in choices(Meant(self.meant), Known(lambda: "salt"))}
        (request,) = begun(offered[letter], 1_770_000_000.0)
        self.verb = {"d": Drain, "v": Avoid, "i": Restore}[letter]
        self.deed = Deed(request)
        self.deed.armed(self.armed)
        self.numbers = [self.deed.number]

    @precondition(lambda self: self.phase is Phase.PREPARING)
    @rule(plan=PLANS, painted=st.booleans())
    def plan_comes(self, plan: Made, painted: bool) -> None:
        assert self.deed is not None
        assert self.deed.came(self.deed.number, some_plan(self.deed.request, plan))
        if painted:
            self.it_is_painted(0.31)

    @precondition(lambda self: self.deed is not None and (len(self.numbers) > 1 or self.phase is not Phase.PREPARING))
    @rule(plan=PLANS)
    def plan_comes_too_late(self, plan: Made) -> None:
        assert self.deed is not None
        assert not self.deed.came(self.numbers[0], some_plan(self.deed.request, plan)), (
            "an answer to an earlier question was taken"
        )

    @precondition(lambda self: self.deed is not None)
    @rule(seconds=st.sampled_from([0.0, 0.05, 0.29, 0.31, 0.31, 1.0]))
    def it_is_painted(self, seconds: float) -> None:
        deed = self.deed
        if deed is None:
            return
        self.screen.paint(self.now_s, deed.plan, deed.asks)
        deed.painted(deed.look, self.now_s)
        self.now_s += seconds

    @precondition(lambda self: self.deed is not None)
    @rule()
    def it_is_told_that_what_was_there_before_was_painted(self) -> None:
        assert self.deed is not None
        self.deed.painted(self.deed.look - 1, self.now_s)
        self.now_s += 0.31

    @precondition(lambda self: self.deed is not None)
    @rule()
    def it_lapses_or_is_armed_elsewhere(self) -> None:
        assert self.deed is not None
        self.armed = not self.armed
        self.deed.armed(self.armed)

    @precondition(lambda self: self.phase is Phase.WRITING)
    @rule(how=st.sampled_from(["stale", "stale", "failed", "written"]), late=st.booleans())
    def register_answers(self, how: str, late: bool) -> None:
        deed = self.deed
        assert deed is not None
        number = self.numbers[0] if late else deed.number
        if how == "stale" and deed.stale(number, "bob was faster"):
            self.numbers.append(deed.number)
        elif how == "failed":
            deed.failed(number, "no", "", may_over=True)
        elif how == "written" and deed.written(number):
            self.deed = None

    @precondition(lambda self: self.phase in {Phase.SHOWN, Phase.PREPARING})
    @rule(buffered_s=st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.9]), asks=st.sampled_from([None, None, None, *Asks]))
    def answer(self, buffered_s: float, asks: Asks | None) -> None:
        """What a person would press for what is asked, or for what they take it for."""
        if self.deed is None:
            return
        for key in ANSWERS[asks or self.deed.asks]:
            self.key(key, buffered_s)

    @precondition(lambda self: self.deed is not None)
    @rule(key=st.sampled_from(KEYS), buffered_s=st.sampled_from([0.0, 0.0, 0.1, 0.31, 0.9]))
    def key(self, key: str, buffered_s: float) -> None:
        deed = self.deed
        if deed is None:
            return
        at_s = self.now_s - buffered_s
        before, phase = deed.typed, deed.phase
        do = deed.press(key, key if len(key) == 1 else "", at_s)
        if deed.typed != before:
            self.typed = [*self.typed[: max(len(deed.typed) - 1, 0)], (at_s, key)]
        if do is Do.EXECUTE:
            assert phase is Phase.SHOWN
            self._was_meant(deed, at_s)
        elif do is Do.ARM:
            assert self.screen.seen_at(at_s).asks is Asks.ARM
            self.armed = True
            deed.armed(True)
        elif do in {Do.AGAIN, Do.OVER}:
            self.numbers.append(deed.number)
        elif do is Do.EDIT:
            deed.asked_otherwise(deed.request)
            self.numbers.append(deed.number)
        elif do is Do.LEAVE and phase is not Phase.WRITING:
            self.deed = None

    @precondition(lambda self: self.deed is None)
    @rule(
        letter=st.sampled_from("dvi"),
        plan=PLANS,
        seconds=st.sampled_from([0.05, 0.31]),
        late_s=st.sampled_from([0.0, 0.2]),
    )
    def whole_way(self, letter: str, plan: Made, seconds: float, late_s: float) -> None:
        """As it usually goes, or a little too fast."""
        self.two_strokes(letter)
        self.plan_comes(plan, painted=False)
        self.it_is_painted(seconds)
        self.answer(late_s, None)
        self.it_is_painted(seconds)
        self.answer(late_s, None)

    @property
    def phase(self) -> Phase | None:
        return None if self.deed is None else self.deed.phase

    def _was_meant(self, deed: Deed, at_s: float) -> None:
        """What is carried out is what stood on the screen when the key came, about what was meant at the beginning."""
        agreed = deed.agreed
        assert agreed is not None
        seen = self.screen.seen_at(at_s)
        assert agreed.plan is seen.plan, "another plan than the one that was seen"
        assert seen.asks in {Asks.ENTER, Asks.YES, Asks.NAME}
        assert self.armed
        assert self.screen.shown[-1] == seen, "something else stood there by then"
        intent = agreed.plan.intent
        assert isinstance(intent, (Drain, Avoid, Restore))
        assert type(intent) is self.verb
        assert intent.hosts == self.meant
        assert agreed.force == bool(agreed.plan.refused)
        if agreed.plan.refused or agreed.plan.friction.ask is Ask.NAME:
            assert deed.typed == NAME
            assert all(self.screen.seen_at(at).plan is agreed.plan for at, _ in self.typed[-len(NAME) :])
        self.executed += 1

    @invariant()
    def one_is_written_at_a_time(self) -> None:
        deed = self.deed
        if deed is not None and deed.phase is Phase.WRITING:
            assert deed.agreed is not None
            assert deed.press("y", "y", self.now_s + 10) is Do.THROWN_AWAY
            assert deed.press("enter", "", self.now_s + 10) is Do.THROWN_AWAY


TestDeeds = Deeds.TestCase
TestDeeds.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


def test_the_way_that_it_goes_usually() -> None:
    """That the machine above can get there at all."""
    deeds = Deeds()
    deeds.begin(armed=True)
    deeds.two_strokes("d")
    deeds.plan_comes(Made(Ask.YES, refused=False, empty=False), painted=False)
    deeds.key("y", 0.0)
    deeds.it_is_painted(0.05)
    deeds.key("y", 0.0)
    assert deeds.executed == 0, "nobody has seen it yet"
    deeds.now_s += 0.3
    deeds.key("y", 0.1)
    assert deeds.executed == 0, "it was pressed before, and looked at late"
    deeds.list_moves(list(HOSTS), set(HOSTS), HOSTS[3], [])
    deeds.key("y", 0.0)
    assert deeds.executed == 1
