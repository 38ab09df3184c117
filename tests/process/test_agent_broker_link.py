"""The agent's questions to a real broker: report and picture, silence, a restarted broker, fresh on demand."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from h2o_agent.broker_link import FRESH_S, PERIOD_S, BrokerLink
from tests.process.test_agent_processes import until
from tests.support.broker import BrokerProcess, RawLink
from tests.support.processes import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from h2o_core.pb.stats_pb2 import BrokerReport


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as process:
        yield process


class Ear:
    """A running link, and what it told."""

    def __init__(self, endpoint: str) -> None:
        self.reports: list[BrokerReport] = []
        self.silences = 0
        self.link = BrokerLink(endpoint, self.reports.append, self._silent)

    def _silent(self, waited_s: float) -> None:
        assert waited_s >= 0
        self.silences += 1


@asynccontextmanager
async def listening(endpoint: str) -> AsyncGenerator[Ear]:
    ear = Ear(endpoint)
    task = asyncio.create_task(ear.link.run())
    try:
        yield ear
    finally:
        task.cancel()
        _, goes_on = await asyncio.wait([task], timeout=PATIENCE_S)
        assert not goes_on, "it ends when it is told to"


async def test_it_hears_the_report_and_a_picture_that_belongs_to_it(broker: BrokerProcess):
    async with listening(broker.endpoint) as ear:
        await until(lambda: ear.link.last, "the first report")
        heard = ear.link.last
        assert heard is not None
        assert heard.report.host == "host-1"
        assert [host.host for host in heard.picture.hosts] == ["host-1"]
        picture = heard.picture
        await until(lambda: len(ear.reports) > 1, "the second report")
        assert ear.link.last is not None
        assert ear.link.last.picture is picture, "an unchanged picture is not asked for again"
        with RawLink(broker.endpoint) as raw:
            instance = raw.registered()
            await until(lambda: ear.link.last and ear.link.last.picture is not picture, "the picture changes")
            assert [one.instance for one in ear.link.last.picture.hosts[0].instances] == [instance]


async def test_it_hears_silence_and_the_next_broker(broker: BrokerProcess):
    async with listening(broker.endpoint) as ear:
        await until(lambda: ear.reports, "the first report")
        before = ear.reports[-1].incarnation
        broker.kill()
        await until(lambda: ear.silences, "its silence")
        broker.start()
        await until(lambda: ear.reports[-1].incarnation != before, "the next broker's report")
        assert ear.link.last is not None
        assert ear.link.last.picture.hosts[0].incarnation == ear.reports[-1].incarnation


async def test_fresh_means_now_and_needs_no_second_question(broker: BrokerProcess):
    async with listening(broker.endpoint) as ear:
        await until(lambda: ear.reports, "the first report")
        await asyncio.sleep(FRESH_S * 1.5)
        assert len(ear.reports) == 1, f"it asks once in {PERIOD_S} s"
        await asyncio.gather(*(ear.link.refresh() for _ in range(20)))
        assert len(ear.reports) == 2
        await ear.link.refresh()
        assert len(ear.reports) == 2


async def test_fresh_gives_up_on_a_broker_that_is_away(tmp_path: Path):
    async with listening(f"unix:{tmp_path}/broker.sock") as ear:
        began_s = time.monotonic()
        await ear.link.refresh()
        assert ear.link.last is None
        assert time.monotonic() - began_s < 1.0


@pytest.mark.parametrize("ticks", range(6))
async def test_it_ends_at_whatever_moment_it_is_told_to(tmp_path: Path, ticks: int):
    """Also in the one between a nudge and its noticing it."""
    async with listening(f"unix:{tmp_path}/broker.sock") as ear:
        await until(lambda: ear.silences, "it has asked, and pauses")
        asking = asyncio.create_task(ear.link.refresh())
        for _ in range(ticks):
            await asyncio.sleep(0)
    await asking
