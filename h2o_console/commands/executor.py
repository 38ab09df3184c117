"""The one place where the console makes clients of the register: unarmed, it makes none that could write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.commands import noting
from h2o_console.commands.carrying import Carrier, NotApplied, Planner
from h2o_console.commands.drained import watch
from h2o_core.documents import InvalidDocument
from h2o_core.insights.notes import Says
from h2o_core.plan.intents import Drain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from h2o_console.acting.arming import Changing
    from h2o_console.acting.request import Request
    from h2o_console.commands.applied import Everybody
    from h2o_console.commands.carrying import Prepared
    from h2o_console.commands.drained import HostDrain
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Note
    from h2o_core.io.changes import Applied

TIMEOUT_S: Final = 5.0
"""For ZooKeeper to be reached, and for brokers to apply a change; as long as `h2o` does."""


class ReadOnly(Exception):
    """Nobody has armed this console, or not lately; nothing was written."""

    def __init__(self) -> None:
        super().__init__("this console is read-only; nothing was written")


class Executor:
    """For one console; everything blocks, and raises as `Planner` and `Carrier` do. *clock*: monotonic seconds."""

    def __init__(self, changing: Changing, clock: Callable[[], float], timeout_s: float = TIMEOUT_S) -> None:
        self.changing = changing
        self._clock = clock
        self._timeout_s = timeout_s

    def prepare(self, request: Request) -> Prepared:
        """The plan as things stand."""
        return self._planner(request.reason).prepare(request.wish)

    def execute(self, request: Request, prepared: Prepared, *, force: bool) -> Applied:
        """Apply what somebody has agreed to; raises ReadOnly unless armed."""
        changing = self.changing
        if not changing.armed(self._clock()):
            raise ReadOnly
        carrier = Carrier(changing.context, changing.author(request.reason), self._timeout_s)
        return carrier.execute(prepared, request.wish, force=force)

    def note(self, key: Key, says: Says, until_s: float, reason: str) -> Note:
        """Say of a finding who looks after it, or that it is to be quiet until then (Unix time); 0 takes that back.

        Raises ReadOnly unless armed.
        """
        changing, timeout_s = self.changing, self._timeout_s
        if not changing.armed(self._clock()):
            raise ReadOnly
        context, author = changing.context, changing.author(reason)
        try:
            if not until_s:
                return noting.take_back(context, author, key, says, timeout_s)
            if says is Says.MUTED:
                return noting.mute(context, author, key, until_s, timeout_s)
            return noting.acknowledge(context, author, key, timeout_s)
        except (noting.NotNoted, InvalidDocument) as error:
            raise NotApplied(str(error)) from None

    def wait(self, prepared: Prepared, applied: Applied, progress: Callable[[int, Collection[str]], None]) -> Everybody:
        """Until every broker applies it."""
        return self._planner("").wait(prepared, applied, (), progress)

    def drained(self, prepared: Prepared, hosts: Collection[str]) -> Iterator[list[HostDrain]]:
        """How far drained hosts are, again and again, until each may be switched off, or it is of no use to wait."""
        intent, standing = prepared.plan.intent, prepared.decided.hosts
        graces_s = [standing[host].grace_s for host in hosts if host in standing]
        graces_s += [intent.grace_s] if isinstance(intent, Drain) else []
        return watch(hosts, prepared.observed.agents, self._planner("").token_of, max(graces_s, default=0.0))

    def _planner(self, reason: str) -> Planner:
        changing = self.changing
        return Planner(changing.context, changing.author(reason), self._timeout_s)
