"""A session with the register that is over when its block is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from h2o_core.io.registry import Registry

R = TypeVar("R", bound="Registry")
T = TypeVar("T")


@asynccontextmanager
async def opened(registry: R) -> AsyncGenerator[R]:
    """Connected within ten seconds."""
    try:
        await registry.start(10)
        yield registry
    finally:
        await registry.stop()


def in_session(make: Callable[[], Registry], work: Callable[[Registry], Awaitable[T]]) -> T:
    """What *work* returns, for tests that run no loop of their own."""

    async def run() -> T:
        async with opened(make()) as registry:
            return await work(registry)

    return asyncio.run(run())
