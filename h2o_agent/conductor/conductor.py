"""The conductor of a fleet, in each agent: stands for election, and while elected sees to what is due."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_agent.conductor.candidacy import Candidacy
from h2o_agent.conductor.conducting import Conducting
from h2o_agent.conductor.work import NoClock, Work
from h2o_core.control.hosts import HostState, parse_host_control
from h2o_core.documents import InvalidDocument
from h2o_core.io.changes import FencedOff
from h2o_core.io.registry import NodeGone, NodeSeen, Synced

if TYPE_CHECKING:
    from h2o_agent.conductor.work import Surroundings
    from h2o_core.io.registry import MirrorEvent, Registry

log = logging.getLogger(__name__)

REST_S: Final = 10.0
"""After it could not do its work, so long this agent does not stand."""


class Conductor:
    """One agent's. `run` until cancelled; `leave` hands over first, when the host is about to go."""

    def __init__(self, registry: Registry, host: str, around: Surroundings) -> None:
        """*registry* is somebody else's to start and to stop."""
        self._registry = registry
        self._host = host
        self._around = around
        self._work: Work | None = None
        self._working: asyncio.Task[None] | None = None
        self._candidacy = Candidacy(registry, host, self._lead, self._yield)
        self._drained = False
        self._leaving = False

    @property
    def leading(self) -> bool:
        """This agent conducts, as far as it knows: also while another has just been elected, for a moment."""
        return self._candidacy.leading

    @property
    def now(self) -> Conducting:
        """What it can tell."""
        found = Conducting(
            leading=self._candidacy.leading,
            standing=self._candidacy.standing,
            drained=self._drained,
            leader=self._candidacy.leader,
            term=self._candidacy.term,
        )
        work = self._work
        if work is None:
            return found
        return replace(found, dues=work.seen, remarks=work.remarks, next_s=work.next_s, problem=work.problem)

    async def run(self) -> None:
        """Stand, as long as the host is neither drained nor leaving."""
        self._registry.mirror(self._registry.paths.host_control(self._host), self._on_own_host, depth=0)
        self._candidacy.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._candidacy.close()

    def leave(self) -> None:
        """The host leaves: a successor conducts while its instances still finish."""
        self._leaving = True
        self._candidacy.withdraw()

    def _on_own_host(self, event: MirrorEvent) -> None:
        """Whoever is drained is about to be switched off: it hands over, and stands again when it is used again."""
        match event:
            case NodeSeen(data=data):
                try:
                    control = parse_host_control(f"control/hosts/{self._host}", data)
                    self._drained = control.state is HostState.DRAIN
                except InvalidDocument as error:
                    log.warning("whether this host is drained can't be read, it counts as before: %s", error)
            case NodeGone():
                self._drained = False
            case Synced():
                pass
        self._stand_or_not()

    def _stand_or_not(self) -> None:
        if self._drained or self._leaving:
            self._candidacy.withdraw()
        else:
            self._candidacy.rejoin()

    def _lead(self) -> None:
        self._work = Work(self._registry, self._host, self._around, self._candidacy.fence)
        self._working = asyncio.get_running_loop().create_task(self._until_deposed(self._work))

    def _yield(self) -> None:
        self._work = None
        if self._working is not None:
            self._working.cancel()

    async def _until_deposed(self, work: Work) -> None:
        try:
            await work.run()
        except FencedOff as refusal:
            log.warning("another agent conducts: %s", refusal)
            self._candidacy.deposed()
        except NoClock as problem:
            log.warning("this agent can't conduct, another may: %s", problem)
            self._rest()
        except Exception:
            # what it stumbles over another one may see to; and a task's own failure nobody would hear of
            log.exception("the conductor can't go on; another agent may")
            self._rest()

    def _rest(self) -> None:
        self._candidacy.withdraw()
        asyncio.get_running_loop().call_later(REST_S, self._stand_or_not)
