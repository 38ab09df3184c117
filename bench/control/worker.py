"""service/measured: takes as long as it is asked to, and is slow, or fails, while a file says so (`behaviour`)."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration  # noqa: TC002 - the SDK reads the annotations at run time
from google.protobuf.wrappers_pb2 import StringValue

from bench.control.behaviour import FILE, Behaviours
from h2o_service import Package, current_request

_AT_ONCE_S: Final = 0.001

package = Package("/service/measured", version="1.0.0", slots=64)
behaviours = Behaviours(Path(os.environ[FILE]))


@package.feature("work", idempotent=True)
async def work(request: Duration) -> StringValue:
    """Answer after that long, times what this instance takes more; or fail at once."""
    instance = current_request().route.instance
    mine = behaviours.of(instance)
    if random.random() < mine.failing:
        await asyncio.sleep(_AT_ONCE_S)
        msg = "it was told to fail"
        raise RuntimeError(msg)
    await asyncio.sleep(request.ToTimedelta().total_seconds() * mine.slower)
    return StringValue(value=instance)


if __name__ == "__main__":
    package.run()
