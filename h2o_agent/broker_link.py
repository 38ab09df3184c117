"""Asks the host's broker once a second: its report, and its picture of the fleet when that has changed."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_core.envelope import ASK, TOLD, MalformedFrame, decode, encode
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.link import Link
from h2o_core.pb.stats_pb2 import Ask, BrokerReport, Picture

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
SEEK_S: Final = 0.1
"""While no broker answers: it is about to be there."""
TIMEOUT_S: Final = 1.0


FRESH_S: Final = 0.2
FRESH_WAIT_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Heard:
    """What the broker said last, and when (monotonic)."""

    report: BrokerReport
    picture: Picture
    at_ns: int


class BrokerLink:
    """`last` is what the broker said, None before it ever answered. `run` until cancelled."""

    def __init__(
        self, endpoint: str, on_report: Callable[[BrokerReport], None], on_silence: Callable[[float], None]
    ) -> None:
        """*on_report* for each report; *on_silence(waited_s)* for each question without an answer."""
        self._endpoint = endpoint
        self._on_report = on_report
        self._on_silence = on_silence
        self._nudge = asyncio.Event()
        self._answered = asyncio.Event()
        self._link: Link | None = None
        self._beat_s = random.uniform(0.3, 0.7)  # apart from a second's edge, and from this machine's other agents
        self.last: Heard | None = None

    async def refresh(self) -> None:
        """Have `last` no older than 0.2 s, if the broker answers within another quarter of a second."""
        if self.last is not None and monotonic_ns() - self.last.at_ns < FRESH_S * 1e9:
            return
        self._nudge.set()
        self._answered.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(FRESH_WAIT_S):
                await self._answered.wait()

    async def ask(self, question: Ask) -> bytes | None:
        """What the broker tells; None when it does not answer."""
        return None if self._link is None else await _question(self._link, question)

    async def run(self) -> None:
        """Ask, for ever."""
        link = self._link = Link(self._endpoint)
        try:
            while True:
                asked_ns = monotonic_ns()
                heard = await self._ask(link)
                self._answered.set()
                if heard is None:
                    self._on_silence((monotonic_ns() - asked_ns) / 1e9)
                    pause_s = SEEK_S
                else:
                    self.last = heard
                    self._on_report(heard.report)
                    pause_s = self._until_beat_s()
                await self._pause(pause_s)
        finally:
            self._link = None
            link.close()

    def _until_beat_s(self) -> float:
        """Until its place in the next second: a second of history that nobody was asked in would be a hole."""
        pause_s = (self._beat_s - unix_s()) % PERIOD_S
        return pause_s if pause_s >= FRESH_S else pause_s + PERIOD_S

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._nudge.wait()
        self._nudge.clear()

    async def _ask(self, link: Link) -> Heard | None:
        """The broker's report, with a picture that is as new as the report says; None when it does not answer."""
        try:
            body = await _question(link, Ask(what=Ask.REPORT))
            if body is None:
                return None
            report = BrokerReport.FromString(body)
            last = self.last
            if last is not None and _same_picture(last.report, report):
                return Heard(report, last.picture, monotonic_ns())
            body = await _question(link, Ask(what=Ask.PICTURE))
            return None if body is None else Heard(report, Picture.FromString(body), monotonic_ns())
        except (DecodeError, MalformedFrame) as error:
            log.warning("the broker's answer can't be read: %s", error)
            return None


def _same_picture(old: BrokerReport, new: BrokerReport) -> bool:
    return (old.incarnation, old.picture_version) == (new.incarnation, new.picture_version)


async def _question(link: Link, ask: Ask) -> bytes | None:
    """The answer's payload; None when there is none in time."""
    correlation = link.next_correlation()
    frame = encode(ASK, correlation=correlation, payload=ask.SerializeToString())
    outcome = await link.submit(correlation, frame, monotonic_ns() + int(TIMEOUT_S * 1e9))
    if not isinstance(outcome, bytes):
        return None
    answer = decode(outcome)
    return answer.payload if answer.type == TOLD else None
