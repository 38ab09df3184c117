"""What the conductor does while it is elected: looks at what is decided, and carries out what is due.

It looks when control has changed and when the next thing is due. Each change is a plan like an operator's, with the
guards, in a transaction that checks that this agent is still the one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_agent.conductor.duties import Due, HostHealth, Outlook, Remark, dues, outlook, to_be_asked
from h2o_agent.conductor.lateness import behind_s
from h2o_core.audit import Author
from h2o_core.documents import InvalidDocument
from h2o_core.io.changes import FencedOff, Refused, StaleChange, execute, read_decided
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.registry import NoNode, RegisterError
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Situation

if TYPE_CHECKING:
    from h2o_core.io.registry import MirrorEvent, Operation, Registry
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided, Fleet

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
"""After the register, or a clock, did not do."""
AGAIN_S: Final = 5.0
"""What could not be done, because of a host's health or a guard, is looked at again."""
LONGEST_S: Final = 60.0
"""Clocks are set, and the next due comes at most so much late for that."""
SHORTEST_S: Final = 0.05
TIMELESS_S: Final = 30.0
ORIGIN: Final = "h2o-agent conductor"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the conductor has from its agent.

    `register_s`: the register's Unix time at the earliest, None when unknown; `compare_clocks` has it known, and
    raises RegisterError. `health` of another host. `fleet`: as this host's broker sees it, with those that were asked.
    """

    register_s: Callable[[], float | None]
    compare_clocks: Callable[[], Awaitable[None]]
    health: Callable[[str], Awaitable[HostHealth]]
    fleet: Callable[[Decided, Mapping[str, HostHealth]], Fleet]


class NotDue(Exception):
    """Somebody has decided otherwise in the last moment."""


class NoClock(Exception):
    """The register's time can't be had here; another agent may do better."""


class Work:
    """One term. `run` until cancelled; `seen`, `remarks`, `next_s` and `problem` say how it stands."""

    def __init__(
        self, registry: Registry, host: str, around: Surroundings, fence: Callable[[], Sequence[Operation]]
    ) -> None:
        """*fence*: operations for each of its transactions."""
        self._registry = registry
        self._host = host
        self._around = around
        self._fence = fence
        self._wake = asyncio.Event()
        self._told: set[Remark] = set()
        self._timeless_s: float | None = None
        self.seen: tuple[Due, ...] = ()
        self.remarks: tuple[Remark, ...] = ()
        self.next_s: float | None = None
        self.problem = ""

    async def run(self) -> None:
        """Raises FencedOff when another agent conducts, NoClock when the register's time is not known for 30 s."""
        mirror = self._registry.mirror(self._registry.paths.epoch, self._on_epoch, depth=0)
        try:
            while True:
                self._wake.clear()
                pause_s = await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()
        finally:
            mirror.close()

    def _on_epoch(self, _: MirrorEvent) -> None:
        self._wake.set()

    async def _look(self) -> float:
        """Once; the seconds until the next time."""
        try:
            now_s = await self._register_s()
            if now_s is None:
                return RETRY_S
            found = await self._carry_out(await read_decided(self._registry), now_s)
        except FencedOff:
            raise
        except NoNode:  # no broker has ever been here, so nothing is decided
            return RETRY_S
        except (RegisterError, InvalidDocument) as error:
            self._complain(f"what is decided can't be read or written: {error}")
            return RETRY_S
        self.problem = ""
        self._remark(found)
        return self._pause_s(now_s)

    async def _register_s(self) -> float | None:
        """Raises RegisterError, NoClock."""
        now_s = self._around.register_s()
        if now_s is None:
            await self._around.compare_clocks()
            now_s = self._around.register_s()
        if now_s is not None:
            self._timeless_s = None
            return now_s
        here_s = monotonic_ns() / 1e9
        self._timeless_s = here_s if self._timeless_s is None else self._timeless_s
        self._complain("the register's time is not known: its answers take too long, or this agent is not registered")
        if here_s - self._timeless_s > TIMELESS_S:
            raise NoClock(self.problem)
        return None

    async def _carry_out(self, decided: Decided, now_s: float) -> Outlook:
        """Everything that is due; what is left, with remarks on what could not be done."""
        found = [await self._by_register(decided, due, now_s) for due in dues(decided)]
        hosts = sorted(to_be_asked(found, now_s))
        healths = dict(zip(hosts, await asyncio.gather(*map(self._around.health, hosts)), strict=True))
        ahead = outlook(found, healths, now_s)
        kept = [remark for due in ahead.changes if (remark := await self._change(due, healths, now_s)) is not None]
        self.seen = tuple(found)
        return replace(ahead, remarks=(*ahead.remarks, *kept))

    async def _by_register(self, decided: Decided, due: Due, now_s: float) -> Due:
        """*due*, later by how far the clock of who wrote it was behind."""
        if due.intent is None or due.at_s > now_s:
            return due
        return replace(due, at_s=due.at_s + await behind_s(self._registry, decided, due.document))

    async def _change(self, due: Due, healths: Mapping[str, HostHealth], now_s: float) -> Remark | None:
        """Make it; the remark when it stays as it is. Raises RegisterError, FencedOff."""
        author = Author(f"conductor@{self._host}", ORIGIN, due.reason)

        def make(decided: Decided) -> Plan:
            # its time in the register's clock may be later than it says
            if due not in [replace(one, at_s=due.at_s) for one in dues(decided)] or due.intent is None:
                raise NotDue
            return plan(due.intent, Situation(decided, self._around.fleet(decided, healths)), author, now_s)

        try:
            applied = await execute(self._registry, make, author, also=self._fence())
        except (NotDue, StaleChange):
            self._wake.set()
            return None
        except Refused as refusal:
            return Remark(due.duty, due.subject, due.at_s, f"{due.reason}; it stays so, a guard refuses: {refusal}")
        except CannotPlan as problem:
            return Remark(due.duty, due.subject, due.at_s, f"{due.reason}; it stays so: {problem.sentence}")
        log.info("change %s, epoch %d: %s", applied.change_id or "none", applied.epoch, due.reason)
        return None

    def _remark(self, ahead: Outlook) -> None:
        for remark in ahead.remarks:
            if remark not in self._told:
                log.warning("%s", remark.sentence)
        self._told = set(ahead.remarks)
        self.remarks, self.next_s = ahead.remarks, ahead.next_s

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem

    def _pause_s(self, now_s: float) -> float:
        again_s = AGAIN_S if any(due.intent is not None and due.at_s <= now_s for due in self.seen) else LONGEST_S
        if self.next_s is None:
            return again_s
        return min(again_s, max(SHORTEST_S, self.next_s - now_s))
