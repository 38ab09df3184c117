"""The conductor of a fleet, in each agent: stands for election, and while elected sees to what is due."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from h2o_agent.conductor.candidacy import Candidacy
from h2o_agent.conductor.conducting import Conducting
from h2o_core.control import HostState, parse_host_control
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NodeGone, NodeSeen, Synced

if TYPE_CHECKING:
    from h2o_core.io.registry import MirrorEvent, Registry

log = logging.getLogger(__name__)


class Conductor:
    """One agent's. `run` until cancelled; `leave` hands over first, when the host is about to go."""

    def __init__(self, registry: Registry, host: str) -> None:
        """*registry* is somebody else's to start and to stop."""
        self._registry = registry
        self._host = host
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
        return Conducting(
            leading=self._candidacy.leading,
            standing=self._candidacy.standing,
            drained=self._drained,
            leader=self._candidacy.leader,
            term=self._candidacy.term,
        )

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
        if self._drained:
            self._candidacy.withdraw()
        elif not self._leaving:
            self._candidacy.rejoin()

    def _lead(self) -> None:
        """Elected."""

    def _yield(self) -> None:
        """Not any more."""
