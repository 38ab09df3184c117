"""A console that has just been opened knows from a real agent's history how it was before."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_agent.history.answering import MINUTE_S, PACKAGE, minute
from h2o_agent.history.records import MINUTE, encode
from h2o_agent.history.rings import Frame
from h2o_agent.history.segments import Segments
from h2o_agent.history.tally import Tally
from h2o_console.dev.plan import HostPlan
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.io.client import Client
from tests.support.fleet import ECHO, running
from tests.system.test_cli_fleet import BOUND_S, within
from tests.system.test_cli_triage import causes, console

if TYPE_CHECKING:
    from h2o_console.dev.fleet import Fleet

MINUTES = 16


def remember(fleet: Fleet) -> None:
    """As if service/echo had taken a millisecond, ten times a second, until a minute ago."""
    times = Histogram()
    for _ in range(600):
        times.record(1_000_000)
    segments = Segments(Path(fleet.layout.state("host-1")) / "history")
    newest = int(time.time() // MINUTE_S) - 1
    for at in range(newest - MINUTES, newest + 1):
        tally = Tally(60.0, {Code.OK.value: 600}, times, instances=1)
        t_s = float(at * MINUTE_S)
        frame = Frame(t_s, {(PACKAGE, "/service/echo", "1.0.0"): tally.point(t_s).SerializeToString()})
        segments.append(encode(MINUTE, minute(frame)), time.time())
    segments.close()


def call(fleet: Fleet) -> None:
    """Ten requests that take long."""

    async def all_at_once() -> None:
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            long = Duration(nanos=30_000_000)
            calls = (client.call("/service/echo/wait", long, StringValue, timeout_s=10) for _ in range(10))
            await asyncio.gather(*calls)

    asyncio.run(all_at_once())


def test_what_is_slower_than_it_was_is_found_by_who_has_not_seen_how_it_was(tmp_path: Path) -> None:
    with running(tmp_path / "fleet", (HostPlan("host-1", "a", (ECHO,)),)) as fleet:
        remember(fleet)
        call(fleet)
        with console(fleet) as store:

            def slow() -> bool:
                call(fleet)
                return [(kind, subject) for kind, subject, _ in causes(store)] == [("slow", "service/echo")]

            within(BOUND_S, slow, "the finding")
            assert store.insight is not None
            sentence = store.insight.news.groups[0].cause.sentence
            assert "before 1.0 ms" in sentence, sentence
