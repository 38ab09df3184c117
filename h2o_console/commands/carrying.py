"""Carries an intent out: observe, plan; once somebody has agreed to the plan, apply it and wait for every broker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_console.asking.register import NoRegister, agent_address, in_register, read_agents, read_lives
from h2o_console.commands.applied import wait_for_all
from h2o_console.commands.entries import subjects
from h2o_console.commands.observing import PATIENCE_S, Concern, observed, read_registered
from h2o_core.io import changes
from h2o_core.io.clock import unix_s
from h2o_core.io.context import agent_token
from h2o_core.io.registry import RegisterError, RegisterRefused, RegisterUnavailable
from h2o_core.names import from_operator
from h2o_core.plan.intents import ChangeSettings, Undo
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import SETTINGS, Decided, Situation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from h2o_console.commands.applied import Everybody
    from h2o_console.commands.observing import Observed
    from h2o_core.audit import Author
    from h2o_core.context import Context
    from h2o_core.io.changes import Applied
    from h2o_core.io.registry import Registry
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan

Result = TypeVar("Result")
Wish = Callable[[Decided], "Intent"]
"""What somebody wants, of what is decided: an end an hour later than the one that stands there."""
APPLY_S: Final = 45.0
"""For a change to be written, with ZooKeeper away in between (`changes.PATIENCE_S`)."""
_OBSERVE_S: Final = 3 * PATIENCE_S
"""For agents to say how they are and what they remember, beside what reading the register takes."""
_STILL_TRUE_S: Final = 5.0
"""A fleet that was observed longer ago is observed again before anything is written."""


class NotApplied(Exception):
    """ZooKeeper did not take the change, for a reason that is not its absence; nothing was written."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that can be looked at, and what it was made of."""

    plan: Plan
    decided: Decided
    observed: Observed


def concern_of(intent: Intent) -> Concern:
    """What has to be read for it."""
    if isinstance(intent, ChangeSettings):
        return Concern(everything=True)
    if isinstance(intent, Undo):
        packages, hosts = subjects(intent.entry)
        everything = any(edit.path == SETTINGS for edit in intent.entry.edits)
        return Concern(tuple(map(from_operator, packages)), hosts, everything)
    package: str = getattr(intent, "package", "")
    hosts = getattr(intent, "hosts", ())
    return Concern((package,) if package else (), hosts)


class Planner:
    """Plans for one author at one fleet, and reads; there is nothing in it that could write.

    Everything here blocks, and raises NoRegister when ZooKeeper is out of reach.
    """

    writes = False

    def __init__(self, context: Context, author: Author, timeout_s: float) -> None:
        self._context = context
        self._author = author
        self._timeout_s = timeout_s

    def prepare(self, wish: Wish) -> Prepared:
        """The plan as things stand; raises CannotPlan, NotApplied, InvalidDocument and NoContext."""

        async def read(registry: Registry) -> tuple[Decided, Observed, Intent]:
            decided = await changes.read_decided(registry)
            intent = wish(decided)
            return decided, await self._observe(registry, concern_of(intent)), intent

        decided, seen, intent = self._in_register(read, within_s=self._timeout_s + _OBSERVE_S)
        return Prepared(plan(intent, Situation(decided, seen.fleet), self._author, unix_s()), decided, seen)

    def wait(
        self,
        prepared: Prepared,
        applied: Applied,
        acknowledged: Collection[str],
        progress: Callable[[int, Collection[str]], None] | None = None,
    ) -> Everybody:
        """For those that were there before and those that are there now: whose node has gone may still route."""
        agents = dict(prepared.observed.agents)
        with suppress(NoRegister):  # those that were there before are asked all the same
            agents |= self._in_register(self._live_agents)
        paths = [edit.path for edit in (applied.plan or prepared.plan).edits]
        return wait_for_all(
            agents, applied.epoch, paths, self._timeout_s, self.token_of, acknowledged=acknowledged, progress=progress
        )

    def token_of(self, address: str) -> str:
        """What an agent is shown; raises NoContext."""
        return agent_token(self._context, address)

    async def _observe(self, registry: Registry, concern: Concern) -> Observed:
        remarks: list[str] = []
        registered = await read_registered(registry, concern, remarks.append)
        return await observed(registered, self._timeout_s, self.token_of, remarks)

    async def _live_agents(self, registry: Registry) -> dict[str, str]:
        found = {each.host: agent_address(each) for each in await read_agents(registry, _ignored)}
        return {live.host: found.get(live.host, "") for live in await read_lives(registry, _ignored)}

    def _in_register(self, work: Callable[[Registry], Awaitable[Result]], *, within_s: float | None = None) -> Result:
        async def careful(registry: Registry) -> Result:
            try:
                return await work(registry)
            except (RegisterUnavailable, RegisterRefused):
                raise
            except RegisterError as error:
                raise NotApplied(str(error)) from None

        return in_register(self._context, self._timeout_s, careful, within_s=within_s, writes=self.writes)


class Carrier(Planner):
    """As a planner, and carries out."""

    writes = True

    def execute(self, prepared: Prepared, wish: Wish, *, force: bool) -> Applied:
        """Apply what somebody has agreed to.

        Raises StalePlan and StaleChange when it does not come out the same any more, Refused unless *force*, and as
        `prepare`.
        """

        async def write(registry: Registry) -> Applied:
            seen = prepared.observed
            if unix_s() - seen.at_s > _STILL_TRUE_S:
                seen = await self._observe(registry, concern_of(prepared.plan.intent))

            def make(decided: Decided) -> Plan:
                return plan(wish(decided), Situation(decided, seen.fleet), self._author, unix_s())

            return await changes.execute(registry, make, self._author, shown=prepared.plan, force=force)

        return self._in_register(write, within_s=APPLY_S)


def _ignored(_sentence: str) -> None:
    """It was said when the fleet was observed."""
