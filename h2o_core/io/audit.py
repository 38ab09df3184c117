"""Reads the audit: every entry, the newest first, or the one of an epoch."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_core.audit import parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NoNode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Container, Sequence

    from h2o_core.audit import Entry
    from h2o_core.io.registry import Registry

_AUDIT: Final = "audit"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AT_ONCE: Final = 100


async def days(registry: Registry) -> list[str]:
    """Those that have entries, the newest first; none where nobody has decided anything."""
    return sorted((name for name in await _names(registry, _AUDIT) if _DAY.fullmatch(name)), reverse=True)


async def newest_first(
    registry: Registry, of_days: Sequence[str], known: Container[str] = ()
) -> AsyncGenerator[tuple[str, bytes]]:
    """(path, bytes) of all entries of these *days*, but for the paths that are *known*."""
    for day in of_days:
        epochs = (name for name in await _names(registry, f"{_AUDIT}/{day}") if name.isdecimal())
        ordered = (f"{_AUDIT}/{day}/{name}" for name in sorted(epochs, key=int, reverse=True))
        wanted = [path for path in ordered if path not in known]
        for start in range(0, len(wanted), _AT_ONCE):
            paths = wanted[start : start + _AT_ONCE]
            for path, node in zip(paths, await asyncio.gather(*map(registry.get, paths)), strict=True):
                if node is not None:
                    yield path, node.data


async def entry_of(registry: Registry, of_days: Sequence[str], epoch: int) -> Entry | None:
    """The entry of that *epoch*, which is kept under one of these *days*; None: there is none that can be read."""
    for day in of_days:
        path = f"{_AUDIT}/{day}/{epoch}"
        node = await registry.get(path)
        if node is not None:
            with suppress(InvalidDocument):
                return parse_entry(path, node.data)
            return None
    return None


async def _names(registry: Registry, path: str) -> list[str]:
    try:
        return await registry.children(path)
    except NoNode:
        return []
