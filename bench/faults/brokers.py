"""Faults of brokers: killed, stopped, started twice, started again before their session is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.counting.account import served_again_s

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage


def killed(stage: Stage) -> Result:
    """The callers' own broker dies: its agent starts the next one, and requests are served again."""
    fleet = stage.fleet(2)
    client = stage.load(fleet, "host-1")
    before = client.oks
    struck_s = time.monotonic()
    pid = fleet.kill_broker("host-1")
    stage.wait(lambda: len(client.brokers) == 2 and client.oks > before + 50, "requests are served again")
    fleet.wait_ready()
    stage.pass_s(1, [client])
    broken = [] if fleet.broker_pid("host-1") != pid else ["the broker has the old pid"]
    return stage.settle(served_again_s(client.requests(), struck_s), [client], broken=broken)
