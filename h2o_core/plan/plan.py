"""A control change, computed and not yet applied: what it does, what speaks against it, and the way back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_core.verdicts import Verdict

if TYPE_CHECKING:
    from h2o_core.audit import Edit
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Instance
    from h2o_core.verdicts import Guard

LOAD_TOLERANCE: Final = 0.10
"""Two predictions of one thing may differ by so much of its slots: demand is measured anew for each."""
SHARE_TOLERANCE: Final = 100
"""The same for the parts out of 10,000 of versions that compete by load."""


class CannotPlan(Exception):
    """There is no such change; `hint`: what to type instead, "" when the sentence says it. `kind` is for exit codes."""

    class Kind(StrEnum):
        """What is wrong: the words that were typed (2), or nothing of that name is there (3)."""

        USAGE = "usage"
        NO_MATCH = "no_match"

    def __init__(self, sentence: str, hint: str = "", kind: Kind = Kind.USAGE) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Share:
    """What a version of a package gets of its requests, in parts out of 10,000, besides match rules.

    `by_load`: it competes, nobody decides; the parts are those of the slots.
    """

    package: str
    version: str
    before: int
    after: int
    by_load: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """`busy` slots (predicted; None: not known) of `slots`."""

    busy: float | None
    slots: int

    @property
    def part(self) -> float | None:
        """How full it is, 1.0 for entirely; None: not known."""
        if self.busy is None:
            return None
        return self.busy / self.slots if self.slots else float(self.busy > 0)


@dataclass(frozen=True, slots=True)
class InstanceLoad:
    """An instance whose load changes."""

    instance: Instance
    before: Load
    after: Load


@dataclass(frozen=True, slots=True)
class HostLoad:
    """A host whose instances' load changes, all of them together."""

    host: str
    before: Load
    after: Load


@dataclass(frozen=True, slots=True)
class Effect:
    """What would be different. `shares`: of the packages whose shares change, all their versions.

    `moved_per_s`: requests that another instance gets than before; None: not known. `moved_parts`: the largest part
    (out of 10,000) of one package's requests that go to another version.
    """

    shares: tuple[Share, ...] = ()
    instances: tuple[InstanceLoad, ...] = ()
    hosts: tuple[HostLoad, ...] = ()
    moved_per_s: float | None = 0.0
    moved_parts: int = 0


class Ask(StrEnum):
    """How a person says that they mean it."""

    ENTER = "enter"
    YES = "yes"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Friction:
    """By what a change does, not by its verb (CONSOLE.md "Keys"). `name` is what is to be typed for Ask.NAME."""

    ask: Ask
    name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change made of what was decided at `epoch`; applied by `h2o_core.io.changes.execute` alone.

    `sentence`: what it does, for people and the journal. `remarks`: what is worth knowing beside it. `edits` is empty
    when all of it is so already: nothing is written. `undo` and `command` are command lines, quoted for a shell:
    what takes it back before anything else is decided, and what makes the same plan.
    """

    intent: Intent
    epoch: int
    sentence: str
    edits: tuple[Edit, ...]
    effect: Effect
    guards: tuple[Guard, ...]
    undo: str
    command: str
    friction: Friction
    remarks: tuple[str, ...] = ()
    until_s: float = 0.0
    undo_of: str = ""

    @property
    def refused(self) -> tuple[Guard, ...]:
        """The guards that only force gets past."""
        return tuple(one for one in self.guards if one.verdict is Verdict.REFUSED)

    def same_as(self, other: Plan) -> bool:
        """Effect and guards came out the same: what was agreed to is still what would happen (DESIGN §4).

        The same documents change, each version's decided share is exactly the same before and after, each verdict
        is. What is measured breathes: predicted loads may differ by a tenth of the slots, shares of versions that
        compete by load by a point. What is known in one and unknown in the other is not the same.
        """
        return (
            {one.path for one in self.edits} == {one.path for one in other.edits}
            and _verdicts(self.guards) == _verdicts(other.guards)
            and _same_shares(self.effect.shares, other.effect.shares)
            and _same_loads(_loads(self.effect), _loads(other.effect))
        )


def _verdicts(guards: tuple[Guard, ...]) -> set[tuple[str, Verdict, str]]:
    return {(one.name, one.verdict, one.subject) for one in guards}


def _same_shares(ours: tuple[Share, ...], theirs: tuple[Share, ...]) -> bool:
    mine = {(one.package, one.version): one for one in ours}
    others = {(one.package, one.version): one for one in theirs}
    return mine.keys() == others.keys() and all(_same_share(mine[key], others[key]) for key in mine)


def _same_share(one: Share, other: Share) -> bool:
    tolerance = SHARE_TOLERANCE if one.by_load and other.by_load else 0
    return abs(one.before - other.before) <= tolerance and abs(one.after - other.after) <= tolerance


Parts: TypeAlias = "tuple[float | None, float | None]"


def _loads(effect: Effect) -> dict[tuple[str, str], Parts]:
    hosts = {("host", one.host): (one.before.part, one.after.part) for one in effect.hosts}
    return hosts | {("instance", one.instance.id): (one.before.part, one.after.part) for one in effect.instances}


def _same_loads(ours: dict[tuple[str, str], Parts], theirs: dict[tuple[str, str], Parts]) -> bool:
    """Who is in one alone may differ from before to after by no more than what is known twice may differ."""
    for key in ours.keys() | theirs.keys():
        mine, other = ours.get(key), theirs.get(key)
        if mine is not None and other is not None:
            pairs = list(zip(mine, other, strict=True))
        else:
            pairs = [mine or other or (None, None)]
        if not all(_alike(*pair) for pair in pairs):
            return False
    return True


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= LOAD_TOLERANCE
