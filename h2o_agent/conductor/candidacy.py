"""Performs in ZooKeeper what the election orders, tells it what happens, and makes known who conducts."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from h2o_agent.conductor.election import Election, Instruction, Lead, Look, Remove, Stand, Watch, Yield
from h2o_core.documents import InvalidDocument
from h2o_core.election import Leader, encode_leader, parse_leader, prefix_of
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import (
    Check,
    Create,
    Delete,
    NodeGone,
    NodeSeen,
    NoNode,
    RegisterError,
    RegisterUnavailable,
    StateKind,
    TransactionFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from h2o_core.election import Candidate
    from h2o_core.io.registry import MirrorEvent, Operation, Registry, RegistryState

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0


class Candidacy:
    """One agent's. `start`, then `withdraw` and `rejoin` as the host is drained and used again; `close` ends it."""

    def __init__(
        self, registry: Registry, host: str, on_lead: Callable[[], None], on_yield: Callable[[], None]
    ) -> None:
        """It stands from its first `rejoin` on. *on_lead* and *on_yield* are called in turns."""
        self._registry = registry
        self._host = host
        self._on_lead = on_lead
        self._on_yield = on_yield
        self._election = Election(stands=False)
        self._session = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._announcing: asyncio.Task[None] | None = None
        self._closed = False
        self.leader: Leader | None = None
        """Who says that it conducts; None: nobody, or the register has not been read."""

    @property
    def leading(self) -> bool:
        """This agent conducts, as far as it knows; only `fence` makes sure."""
        return self._election.leading

    @property
    def standing(self) -> str:
        """Where this candidate is, in a word."""
        return str(self._election.state)

    @property
    def term(self) -> int | None:
        """The number of its candidature while it conducts; a successor's is higher."""
        own = self._election.own
        return own.number if own is not None and self.leading else None

    def fence(self) -> list[Operation]:
        """What every transaction of the conductor has in it: it is done only while this agent is the one."""
        own = self._election.own
        if own is None or not self.leading:
            msg = "another agent conducts, or none"
            raise RegisterUnavailable(msg)
        return [Check(f"{self._registry.paths.candidates}/{own.name}", 0)]

    def start(self) -> None:
        """On the running loop."""
        self._registry.mirror(self._registry.paths.leader, self._on_leader, depth=0)
        self._registry.listen(self._on_state)

    def close(self) -> None:
        """Yield, and do nothing more; the node goes with the session."""
        self._closed = True
        self._perform(self._election.lost())
        for task in self._tasks:
            task.cancel()

    def withdraw(self) -> None:
        """Let another agent conduct, at once."""
        self._perform(self._election.withdraw())

    def rejoin(self) -> None:
        """Stand (again)."""
        self._perform(self._election.rejoin())

    def deposed(self) -> None:
        """The register has refused a transaction for its fence."""
        own = self._election.own
        if own is not None:
            self._perform(self._election.gone(own.name))

    # ------------------------------------------------------------------ what ZooKeeper says

    def _on_state(self, state: RegistryState) -> None:
        if self._closed:
            return
        if state.kind is StateKind.CONNECTED:
            self._session = state.session_id
            self._perform(self._election.connected(state.session_id))
        else:
            self._perform(self._election.lost())

    def _on_leader(self, event: MirrorEvent) -> None:
        match event:
            case NodeSeen(data=data):
                try:
                    self.leader = parse_leader(self._registry.paths.leader, data)
                except InvalidDocument as error:
                    log.warning("who conducts can't be read: %s", error)
                    self.leader = None
            case NodeGone():
                self.leader = None
            case _:
                pass

    # ------------------------------------------------------------------ what the election orders

    def _perform(self, instructions: list[Instruction]) -> None:
        for one in instructions:
            match one:
                case Look():
                    self._spawn(self._look(one))
                case Stand():
                    self._spawn(self._stand(one))
                case Remove():
                    self._spawn(self._remove(one))
                case Watch(name=name):
                    path = f"{self._registry.paths.candidates}/{name}"
                    self._registry.when_gone(path, lambda name=name: self._gone(name))
                case Lead(candidate=candidate):
                    log.info("this agent conducts, in term %d", candidate.number)
                    self._announcing = self._spawn(self._announce(candidate))
                    self._on_lead()
                case Yield():
                    log.info("this agent conducts no more")
                    if self._announcing is not None:
                        self._announcing.cancel()
                    self._on_yield()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _gone(self, name: str) -> None:
        if not self._closed:
            self._perform(self._election.gone(name))

    async def _look(self, order: Look) -> None:
        if order.paused:
            await asyncio.sleep(RETRY_S)
        try:
            names = await self._registry.children(self._registry.paths.candidates)
        except NoNode:
            names = []
        except RegisterError as error:
            self._failed(order.serial, error)
            return
        self._perform(self._election.looked(order.serial, names))

    async def _stand(self, order: Stand) -> None:
        prefix = prefix_of(self._host, self._session)
        try:
            await self._registry.create_next(f"{self._registry.paths.candidates}/{prefix}", b"")
        except RegisterError as error:
            self._failed(order.serial, error)
            return
        self._perform(self._election.done(order.serial))

    async def _remove(self, order: Remove) -> None:
        try:
            if order.serial:  # no successor says anything as long as our candidate is there
                await self._unsay()
            for name in order.names:
                with suppress(NoNode):
                    await self._registry.delete(f"{self._registry.paths.candidates}/{name}")
        except RegisterError as error:
            self._failed(order.serial, error)
            return
        self._perform(self._election.done(order.serial))

    async def _unsay(self) -> None:
        """It would say so for as long as the session lives, if there is nobody to say something else."""
        there = await self._registry.get(self._registry.paths.leader)
        if there is not None and there.owner == self._registry.state.session_id:
            with suppress(NoNode):
                await self._registry.delete(self._registry.paths.leader)

    def _failed(self, serial: int, error: RegisterError) -> None:
        if not isinstance(error, RegisterUnavailable):
            log.warning("standing for conductor: %s", error)
        self._perform(self._election.failed(serial))

    async def _announce(self, candidate: Candidate) -> None:
        """Say to all agents who conducts, in the place of who did; again until it is said, or we are deposed."""
        path = self._registry.paths.leader
        own = Check(f"{self._registry.paths.candidates}/{candidate.name}", 0)
        saying = Create(path, encode_leader(Leader(self._host, candidate.number, unix_s())), ephemeral=True)
        while True:
            try:
                there = await self._registry.get(path)
                before = [] if there is None else [Delete(path, there.version)]
                await self._registry.transact([own, *before, saying])
            except TransactionFailed as failure:
                if failure.index == 0:
                    self._gone(candidate.name)
                    return
            except RegisterError as error:
                log.warning("could not say that this agent conducts: %s", error)
            else:
                return
            await asyncio.sleep(RETRY_S)
