"""Writes and reads the journal of calls that may change data: an entry before each is made, and its end after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from h2o_core.audit import day_of
from h2o_core.calls import (
    MOST_A_DAY,
    OUTCOME,
    Entry,
    encode_call,
    encode_outcome,
    names_of,
    parse_call,
    parse_outcome,
    path_of,
)
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NodeExists, NoNode, RegisterError, RegisterUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.calls import Call, Outcome
    from h2o_core.io.registry import Registry

PATIENCE_S: Final = 10.0
_AGAIN_S: Final = 0.5
_AT_ONCE: Final = 100


class JournalFull(RegisterError):
    """The fleet has as many entries of this day as it may have."""


async def begin(registry: Registry, call: Call) -> str:
    """Write that *call* is about to be made, and return where; raises RegisterError, and then it is not to be made."""
    path = path_of(call)
    try:
        count = len(await registry.children(path.rpartition("/")[0]))
    except NoNode:
        count = 0
    if count >= MOST_A_DAY:
        msg = f"{MOST_A_DAY:,} calls of this day are journalled, which is the most"
        raise JournalFull(msg)
    await registry.create(path, encode_call(call))
    return path


async def complete(registry: Registry, path: str, outcome: Outcome) -> None:
    """Write how the call at *path* ended; raises RegisterError when ZooKeeper is away for longer than a few seconds."""
    data = encode_outcome(outcome)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _until_written(registry, f"{path}/{OUTCOME}", data)
    except TimeoutError:
        msg = f"ZooKeeper was away for {PATIENCE_S:g} s, and does not know how the call ended"
        raise RegisterUnavailable(msg) from None


async def _until_written(registry: Registry, path: str, data: bytes) -> None:
    while True:
        try:
            await registry.create(path, data)
        except NodeExists:  # the answer to an earlier attempt was lost
            return
        except RegisterUnavailable:
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def read_calls(
    registry: Registry,
    since_s: float = 0.0,
    *,
    until_s: float | None = None,
    most: int = 100,
    on_damaged: Callable[[InvalidDocument], None] | None = None,
) -> list[Entry]:
    """The newest *most* entries of calls made from *since_s* to *until_s* (Unix time), the newest first.

    What can't be read is left out and told. Raises RegisterError.
    """
    try:
        days = await registry.children("calls")
    except NoNode:  # nobody has ever made such a call
        return []
    found: list[Entry] = []
    for day in sorted(days, reverse=True):
        if day < day_of(since_s) or (until_s is not None and day > day_of(until_s)):
            continue
        names = names_of(await registry.children(f"calls/{day}"))
        while names and len(found) < most:
            some, names = names[:_AT_ONCE], names[_AT_ONCE:]
            for one in await asyncio.gather(*(_entry(registry, f"calls/{day}/{name}") for name in some)):
                if isinstance(one, InvalidDocument):
                    if on_damaged is not None:
                        on_damaged(one)
                elif one is not None and since_s <= one.call.at_s and (until_s is None or one.call.at_s <= until_s):
                    found.append(one)
    return found[:most]


async def _entry(registry: Registry, path: str) -> Entry | InvalidDocument | None:
    node, end = await asyncio.gather(registry.get(path), registry.get(f"{path}/{OUTCOME}"))
    if node is None:
        return None
    try:
        call = parse_call(path, node.data)
        return Entry(call, None if end is None else parse_outcome(f"{path}/{OUTCOME}", end.data))
    except InvalidDocument as error:
        return error
