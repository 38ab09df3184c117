"""A register that stands still: real plans of a fleet in memory, and what was written to it, by whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

from h2o_console.acting.arming import Changing
from h2o_console.commands.applied import Everybody
from h2o_console.commands.carrying import Prepared
from h2o_console.commands.drained import HostDrain
from h2o_console.commands.executor import Executor, ReadOnly
from h2o_console.commands.observing import Observed
from h2o_core.audit import Author
from h2o_core.context import Context
from h2o_core.insights.notes import Note, Says
from h2o_core.io.changes import Applied, Refused, StalePlan
from h2o_core.names import from_operator
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Decided, Demand, Fleet, Host, Instance, Situation, decided_of

if TYPE_CHECKING:
    from h2o_console.acting.request import Request
    from h2o_core.insights.finding import Key
    from h2o_core.plan.plan import Plan
    from tests.console.still_fleet import StillFleet

NOW_S = 1_770_000_000.0


def somebody() -> Changing:
    """Who may change something here, and has not armed yet."""
    return Changing(Context(name="prod", fleet="h2o"), "ada@desk", "h2o-console on desk")


@dataclass
class StillRegister:
    """`written`: each plan that was carried out. `held`: set it to let preparations through, `writes` for writes."""

    fleet: Fleet
    decided: Decided = field(default_factory=lambda: Decided(41))
    written: list[tuple[Plan, Author]] = field(default_factory=list["tuple[Plan, Author]"])
    noted: list[Note] = field(default_factory=list["Note"])
    held: Event = field(default_factory=Event)
    writes: Event = field(default_factory=Event)
    applied_by: Everybody = field(default_factory=lambda: Everybody(3, {}))
    carriers: int = 0

    def __post_init__(self) -> None:
        self.held.set()
        self.writes.set()

    def executor(self, changing: Changing, clock: Callable[[], float]) -> Executor:
        return _Still(self, changing, clock)

    def plan(self, request: Request, author: Author) -> Plan:
        return plan(request.wish(self.decided), Situation(self.decided, self.fleet), author, NOW_S)

    def meanwhile(self, request: Request, who: str = "bob@desk") -> None:
        """Somebody else was faster."""
        self._write(self.plan(request, Author(who, "h2o on desk")))

    def _write(self, made: Plan) -> None:
        after = self.decided.with_edits(made.edits)
        self.decided = decided_of(self.decided.epoch + 1, after.documents)

    def write(self, made: Plan, author: Author) -> Applied:
        self._write(made)
        self.written.append((made, author))
        return Applied(self.decided.epoch, f"{self.decided.epoch:016x}", made)


class _Still(Executor):
    def __init__(self, register: StillRegister, changing: Changing, clock: Callable[[], float]) -> None:
        super().__init__(changing, clock)
        self._register = register
        self._now = clock

    def prepare(self, request: Request) -> Prepared:
        assert self._register.held.wait(10)
        made = self._register.plan(request, self.changing.author(request.reason))
        observed = Observed(self._register.fleet, {}, {}, NOW_S)
        return Prepared(made, self._register.decided, observed)

    def execute(self, request: Request, prepared: Prepared, *, force: bool) -> Applied:
        if not self.changing.armed(self._now()):
            raise ReadOnly
        assert self._register.writes.wait(10)
        author = self.changing.author(request.reason)
        again = self._register.plan(request, author)
        if not prepared.plan.same_as(again):
            raise StalePlan(prepared.plan, again, ())
        if again.refused and not force:
            raise Refused(again)
        return self._register.write(again, author) if again.edits else Applied(self._register.decided.epoch, "", again)

    def note(self, key: Key, says: Says, until_s: float, reason: str) -> Note:
        if not self.changing.armed(self._now()):
            raise ReadOnly
        author = self.changing.author(reason)
        made = Note(key.kind, key.subject, says, author.actor, NOW_S, until_s, author.reason)
        self._register.noted.append(made)
        return made

    def wait(self, prepared: Prepared, applied: Applied, progress: Callable[[int, Collection[str]], None]) -> Everybody:
        progress(self._register.applied_by.hosts, [])
        return self._register.applied_by

    def drained(self, prepared: Prepared, hosts: Collection[str]) -> Iterator[list[HostDrain]]:
        return iter([[HostDrain(host, safe=True) for host in hosts]])


def fleet_of(still: StillFleet) -> Fleet:
    """The same hosts and instances, all well, and none of them busy."""
    hosts = {name: Host(name, one.zone, age_s=1.0, healthy=True) for name, one in still.hosts.items()}
    instances = tuple(
        Instance(one.id, from_operator(one.package), one.version, one.host, one.slots or 8)
        for one in still.running.values()
        if one.id
    )
    versions: dict[str, tuple[str, ...]] = {}
    for one in instances:
        versions[one.package] = tuple(dict.fromkeys((*versions.get(one.package, ()), one.version)))
    demand = {(one.package, one.version): Demand(0.5, 20.0, 0.0) for one in instances}
    return replace(Fleet(), hosts=hosts, instances=instances, versions=versions, demand=demand)
