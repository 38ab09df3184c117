"""Faults of instances: killed, stopped, continued late, crashing again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.faults.stage import BYSTANDER, Stage, processes, seen

if TYPE_CHECKING:
    from bench.faults.result import Result


def killed_idle(stage: Stage) -> Result:
    """An instance without a request dies beside the load: it is unrouted everywhere, and nobody notices else."""
    fleet = stage.fleet(2, more={"host-2": [stage.counting(BYSTANDER)]})
    client = stage.load(fleet, "host-1")
    (victim,) = seen(fleet, "host-1", BYSTANDER)
    struck_s = time.monotonic()
    fleet.kill_instance(victim.instance)
    unrouted_s = stage.wait(
        lambda: victim.instance not in {one.instance for one in seen(fleet, "host-1", BYSTANDER)},
        "host-1 does not route to it any more",
    )
    stage.wait(lambda: bool(seen(fleet, "host-1", BYSTANDER)), "its agent has started another")
    stage.pass_s(1, [client])
    restarts = [one["restarts"] for one in processes(fleet, "host-2", BYSTANDER)]
    return stage.settle(unrouted_s - struck_s, [client], notes=[f"restarts {restarts}"])
