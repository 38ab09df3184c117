"""service/counting: each request is written down, and committed, before it is answered.

`COUNTING_DIR` says where, `COUNTING_PACKAGE` and `COUNTING_VERSION` as what. `COUNTING_DIE` makes it crash at
once, as a package does whose configuration is wrong. The request is how long the handler is to take.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_service import Package, current_request
from tests.counting.executions import Record

PACKAGE: Final = os.environ.get("COUNTING_PACKAGE", "/service/counting")
SLOTS: Final = 64

package = Package(PACKAGE, version=os.environ.get("COUNTING_VERSION", "1.0.0"), slots=SLOTS)
record = Record(Path(os.environ.get("COUNTING_DIR", "counting")))


async def _execute(request: Duration) -> StringValue:
    asked = current_request()
    instance = asked.route.instance
    record.note(asked.request_id, asked.feature, instance)
    delay_s = request.ToTimedelta().total_seconds()
    if delay_s:
        await asyncio.sleep(delay_s)
    return StringValue(value=instance)


@package.feature("look", idempotent=True, mean_ms=1, upper95_ms=20)
async def look(request: Duration) -> StringValue:
    """Harmless to repeat."""
    return await _execute(request)


@package.feature("book", mean_ms=1, upper95_ms=20)
async def book(request: Duration) -> StringValue:
    """Never to be done twice."""
    return await _execute(request)


if __name__ == "__main__":
    if os.environ.get("COUNTING_DIE"):
        raise SystemExit(1)
    package.run()
