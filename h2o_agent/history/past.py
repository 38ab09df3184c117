"""The host's history: told of each report and of its vitals, asked by HTTP. The disk has a thread of its own.

One thread writes and reads, in the order of asking: who asks after a minute was handed over finds it in the file,
and nothing is there twice. A disk that is full or slow costs history, which is counted, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_agent.history.answering import (
    HOST,
    MINUTE_S,
    PACKAGE,
    Answer,
    folded,
    minute,
    samples_in,
    samples_of,
)
from h2o_agent.history.fold import Fold
from h2o_agent.history.records import MINUTE, encode
from h2o_agent.history.rings import Ring
from h2o_agent.history.segments import SPAN_S, Segments
from h2o_agent.history.tally import Tally
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from h2o_agent.history.answering import Query, Sample
    from h2o_agent.history.rings import Frame, Key
    from h2o_core.pb.host_pb2 import History, Vitals
    from h2o_core.pb.stats_pb2 import BrokerReport

log = logging.getLogger(__name__)

MEMORY_BYTES: Final = 16 << 20
"""Of the points of each resolution."""
_FAREWELL_S: Final = 2.0


class Past:
    """Feed it with `heard` and `sampled`, ask it with `answer`, end it with `close`."""

    def __init__(self, host: str, directory: Path) -> None:
        self._host = host
        self._fold = Fold()
        self._seconds = Ring(1, 120, MEMORY_BYTES)
        self._tens = Ring(10, 360, MEMORY_BYTES)
        self._minute = Ring(MINUTE_S, 1, MEMORY_BYTES)
        self._segments = Segments(directory)
        self._disk = ThreadPoolExecutor(1, "history")
        self._lost_minutes = 0
        self._failing = False

    def heard(self, report: BrokerReport) -> None:
        """A fresh report of the broker."""
        tallies = self._fold.report(report)
        self._add({(PACKAGE, package, version): tally for (package, version), tally in tallies.items()})

    def sampled(self, vitals: Vitals, covered_s: float) -> None:
        """How the server did, over the *covered_s* until now."""
        self._add({(HOST, "", ""): Tally(covered_s, vitals=vitals)})

    async def answer(self, query: Query, most_bytes: int) -> History:
        """What is whole of what is asked for, the newest that fits."""
        now_s = unix_s()
        if query.resolution_s >= MINUTE_S:
            return await asyncio.get_running_loop().run_in_executor(
                self._disk, self._from_disk, query, most_bytes, now_s
            )
        ring = self._seconds if query.resolution_s == self._seconds.resolution_s else self._tens
        frames = list(ring.frames(query.since_s, now_s))
        return await asyncio.to_thread(self._from_memory, frames, query, most_bytes, now_s)

    async def close(self) -> None:
        """Write what there is of the minute that is not over. Idempotent."""
        frame = self._minute.close()
        if frame is not None:
            self._write(frame)
        closing = asyncio.get_running_loop().run_in_executor(self._disk, self._segments.close)
        await asyncio.wait([closing], timeout=_FAREWELL_S)
        self._disk.shutdown(wait=False)

    def _add(self, tallies: Mapping[Key, Tally]) -> None:
        now_s = unix_s()
        self._seconds.add(now_s, tallies)
        self._tens.add(now_s, tallies)
        whole = self._minute.add(now_s, tallies)
        if whole is not None:
            self._write(whole)

    def _from_memory(self, frames: list[Frame], query: Query, most_bytes: int, now_s: float) -> History:
        answer = Answer(most_bytes)
        answer.add(samples_of(frames, query))
        return answer.history(self._host, now_s, query, self._lost_minutes)

    def _write(self, frame: Frame) -> None:
        asyncio.get_running_loop().run_in_executor(self._disk, self._append, frame, unix_s())

    # ------------------------------------------------------------------ on the disk's thread

    def _append(self, frame: Frame, now_s: float) -> None:
        try:
            self._segments.append(encode(MINUTE, minute(frame)), now_s)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.error("history is not written, and those minutes are lost: %s", error)  # noqa: TRY400 - it says it all
            self._failing = True
            self._lost_minutes += 1

    def _from_disk(self, query: Query, most_bytes: int, now_s: float) -> History:
        answer = Answer(most_bytes)
        query = replace(query, since_s=max(query.since_s, now_s - SPAN_S))
        samples = self._minutes(query, answer, now_s)
        if query.resolution_s > MINUTE_S:
            samples = folded(samples, query.resolution_s, query.since_s, now_s)
        for sample in samples:
            if answer.full:
                answer.truncated = True
                break
            answer.add((sample,))
        return answer.history(self._host, now_s, query, self._lost_minutes)

    def _minutes(self, query: Query, answer: Answer, now_s: float) -> Iterator[Sample]:
        """What is asked for of the minutes on the disk, the newest first; what is refused is *answer*'s to tell."""
        for decoded in self._segments.read(query.since_s):
            answer.refused_bytes += decoded.refused_bytes
            for kind, body in reversed(decoded.records):
                if kind != MINUTE:
                    continue
                try:
                    yield from samples_in(body, query, now_s)
                except ValueError:  # its checksum holds, but it is no minute: another program's, or hostile
                    answer.refused_bytes += len(body)
