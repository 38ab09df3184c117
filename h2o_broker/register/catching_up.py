"""Reads what operators decided whenever the epoch rises, and has it applied together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from h2o_broker.register.decisions import Unreadable
from h2o_broker.register.live_node import RETRY_S
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.registry import NoNode, RegisterError, RegisterUnavailable
from h2o_core.times import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_broker.register.decisions import Wanted
    from h2o_broker.register.known import Known
    from h2o_core.io.registry import Registry

log = logging.getLogger(__name__)


class CatchingUp:
    """`run` for ever; `ring` whenever the epoch's node may be other than before, or a connection is new."""

    def __init__(self, registry: Registry, known: Known, settled: Callable[[], None]) -> None:
        """*settled* is called each time that what is in force is what was decided."""
        self._registry = registry
        self._paths = registry.paths
        self._known = known
        self._settled = settled
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Look at the epoch."""
        self._rung.set()

    async def run(self) -> None:
        """Catch up at each ring; while ZooKeeper is away, at the next connection's."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                while not await self._caught_up():
                    pass
            except RegisterUnavailable:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._rung.wait()
                self._rung.set()
            except RegisterError as error:
                log.error("control can't be read: %s", error)  # noqa: TRY400 - the sentence says it all

    async def _caught_up(self) -> bool:
        """One reading; False: somebody decided something meanwhile, so read again."""
        epoch = await self._registry.get(self._paths.epoch)
        if epoch is None:  # it will be made, which rings
            return True
        wanted = self._known.decisions.wanted(epoch)
        if wanted is None:
            self._known.confirmed(_now())
        else:
            before = self._known.decisions.applied
            found = await self._read(wanted)
            epoch = await self._registry.get(self._paths.epoch)
            if epoch is None or not self._known.decided(wanted, epoch, found, _now()):
                return False
            if (applied := self._known.decisions.applied) != before:
                log.info("epoch %d is applied: %d documents read", applied, len(found))
        self._settled()
        return True

    async def _read(self, wanted: Wanted) -> dict[str, bytes | Unreadable | None]:
        paths = sorted(await self._all() if wanted.everything else wanted.paths)
        return dict(zip(paths, await asyncio.gather(*map(self._document, paths)), strict=True))

    async def _all(self) -> Iterable[str]:
        paths = [self._paths.settings]
        for parent in (self._paths.traffics, self._paths.host_controls):
            with suppress(NoNode):
                paths += [f"{parent}/{name}" for name in await self._registry.children(parent)]
        return paths

    async def _document(self, path: str) -> bytes | Unreadable | None:
        try:
            node = await self._registry.get(path)
        except RegisterUnavailable:
            raise
        except RegisterError as error:
            return Unreadable(str(error))
        return None if node is None else node.data


def _now() -> Moment:
    return Moment(monotonic_ns(), unix_s())
