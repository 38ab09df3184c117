"""Reads the logs of many hosts at once: what is there (`read`), and what comes (`follow`), merged by time.

A slow consumer slows the agents' connections down, and no more: nothing piles up here. A broken connection is
tried again from the cursor of the last batch that came whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_console.logs.entries import Batch, Kind, Line, Malformed, Notice, Unpacker
from h2o_console.logs.merge import History, Window
from h2o_console.logs.stream import StreamBroken, StreamRefused, body_of
from h2o_core.io.clock import monotonic_ns, rfc3339, unix_s
from h2o_core.times import Moment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from h2o_console.logs.question import Question, Target

SILENCE_S: Final = 12.0
"""An agent says something every 5 s."""
_QUEUED: Final = 4
_CHECK_S: Final = 1.0
_BAD_REQUEST: Final = 400
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0

Given = TypeVar("Given")


@dataclass(slots=True)
class Places:
    """Where each host's reader stands; give it to `follow` what `read` has left there. `since_s`: Unix time."""

    cursors: dict[str, str] = field(default_factory=dict[str, str])
    since_s: float = field(default_factory=unix_s)
    """Of hosts without a cursor, what came later is wanted."""


async def read(
    targets: Sequence[Target], question: Question, places: Places | None = None, *, silence_s: float = SILENCE_S
) -> AsyncGenerator[Batch]:
    """All that is there, in order of time; hosts that don't answer are named by a notice.

    Raises StreamRefused (status 400) when the question is wrong: a time that is none, say.
    """
    places = Places() if places is None else places
    tail = question.tail
    if tail is None:
        async with aclosing(_read(targets, question, places, silence_s)) as batches:
            async for batch in batches:
                yield batch
        return
    kept: deque[Line] = deque(maxlen=tail)
    async with aclosing(_read(targets, question, places, silence_s)) as batches:
        async for batch in batches:
            kept.extend(batch.lines)
            if batch.notices:
                yield Batch(notices=batch.notices)
    yield Batch(tuple(kept))


async def _read(
    targets: Sequence[Target], question: Question, places: Places, silence_s: float
) -> AsyncGenerator[Batch]:
    queues: dict[str, asyncio.Queue[Batch | None]] = {target.host: asyncio.Queue(_QUEUED) for target in targets}
    merged = History(queues)
    tasks = [asyncio.create_task(_once(target, question, places, silence_s, queues[target.host])) for target in targets]
    try:
        while (host := merged.hungry) is not None:
            batch = await _next(queues[host], tasks, None)
            if batch is None:
                merged.end(host)
                batch = Batch()
            for line in batch.lines:
                merged.add(line)
            due = merged.due()
            if due or batch.notices:
                yield Batch(tuple(due), batch.notices)
        _check(tasks)
        due = merged.due()
        if due:
            yield Batch(tuple(due))
    finally:
        await _end(tasks)


async def _next(queue: asyncio.Queue[Given], tasks: Sequence[asyncio.Task[None]], until_ns: int | None) -> Given:
    """What comes next; raises TimeoutError at *until_ns*, and what ended one of the tasks."""
    while True:
        _check(tasks)
        left_s = _CHECK_S if until_ns is None else min(_CHECK_S, max(0.0, (until_ns - monotonic_ns()) / 1e9))
        try:
            async with asyncio.timeout(left_s):
                return await queue.get()
        except TimeoutError:
            if until_ns is not None and monotonic_ns() >= until_ns:
                raise


def _check(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Not a TaskGroup: a generator that is closed early must end without an exception."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _once(
    target: Target, question: Question, places: Places, silence_s: float, queue: asyncio.Queue[Batch | None]
) -> None:
    """One host's answer to its end; None after it."""
    try:
        async with aclosing(_batches(target, question.path(target), silence_s)) as batches:
            async for batch in batches:
                await queue.put(batch)
                places.cursors[target.host] = batch.cursor
    except (StreamBroken, Malformed) as error:
        await queue.put(Batch(notices=(Notice(Kind.LOST, target.host, why=str(error)),)))
    except StreamRefused as refused:
        if refused.status == _BAD_REQUEST:
            raise
        kind = Kind.NOTHING if refused.status == 404 else Kind.LOST
        await queue.put(Batch(notices=(Notice(kind, target.host, why=refused.error),)))
    finally:
        await queue.put(None)


async def _batches(target: Target, path: str, silence_s: float) -> AsyncGenerator[Batch]:
    """Raises StreamBroken, StreamRefused, Malformed."""
    unpacker = Unpacker(target.host)
    async with aclosing(body_of(target, path, silence_s)) as pieces:
        async for piece in pieces:
            for batch in unpacker.feed(piece):
                yield batch


async def follow(
    targets: Sequence[Target], question: Question, places: Places | None = None, *, silence_s: float = SILENCE_S
) -> AsyncGenerator[Batch]:
    """What is there (as `read`, unless *places* say that it has been read) and then what comes, without an end."""
    if places is None:
        places = Places()
        async with aclosing(read(targets, question, places, silence_s=silence_s)) as batches:
            async for batch in batches:
                yield batch
    came: asyncio.Queue[Batch] = asyncio.Queue(_QUEUED * max(1, len(targets)))
    tasks = [asyncio.create_task(_on_and_on(target, question, places, silence_s, came)) for target in targets]
    window = Window()
    try:
        while True:
            notices: tuple[Notice, ...] = ()
            try:
                batch = await _next(came, tasks, window.next_wakeup())
            except TimeoutError:
                pass
            else:
                window.add(batch.lines, Moment(monotonic_ns(), unix_s()))
                notices = batch.notices
            due = window.due(monotonic_ns())
            if due or notices:
                yield Batch(tuple(due), notices)
    finally:
        await _end(tasks)


async def _on_and_on(
    target: Target, question: Question, places: Places, silence_s: float, came: asyncio.Queue[Batch]
) -> None:
    """One host, for as long as somebody wants it: said once that it is lost, and once that it is back."""
    pause_s, lost = _FIRST_PAUSE_S, False
    while True:
        cursor = places.cursors.get(target.host, "")
        since = rfc3339(places.since_s) if not cursor else ""
        try:
            path = question.path(target, follow=True, cursor=cursor, since=since)
            async with aclosing(_batches(target, path, silence_s)) as batches:
                async for batch in batches:
                    if lost:
                        lost, pause_s = False, _FIRST_PAUSE_S
                        await came.put(Batch(notices=(Notice(Kind.BACK, target.host),)))
                    if batch.lines or batch.notices:
                        await came.put(batch)
                    places.cursors[target.host] = batch.cursor
            why = "it ended its answer"
        except (StreamBroken, Malformed) as error:
            why = str(error)
        except StreamRefused as refused:
            why = "" if refused.status == 404 else refused.error
        if why and not lost:
            lost = True
            await came.put(Batch(notices=(Notice(Kind.LOST, target.host, why=why),)))
        await asyncio.sleep(pause_s if why else _LONGEST_PAUSE_S)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
