"""service/counting: each request is written down, and committed, before it is answered.

`COUNTING_DIR` says where, `COUNTING_PACKAGE` and `COUNTING_VERSION` as what. `COUNTING_CRASH_S` makes it crash so
long after its broker was found, again and again; `COUNTING_LINES_PER_S` makes it log. `COUNTING_SLOTS`: how many it
has. The request is how long the handler is to take.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_service import Package, current_request
from tests.counting.executions import Record

PACKAGE: Final = os.environ.get("COUNTING_PACKAGE", "/service/counting")
SLOTS: Final = int(os.environ.get("COUNTING_SLOTS", "64"))

package = Package(PACKAGE, version=os.environ.get("COUNTING_VERSION", "1.0.0"), slots=SLOTS)
record = Record(Path(os.environ.get("COUNTING_DIR", "counting")))


def _write_down() -> StringValue:
    asked = current_request()
    instance = asked.route.instance
    record.note(asked.request_id, asked.feature, instance)
    return StringValue(value=instance)


async def _execute(request: Duration) -> StringValue:
    reply = _write_down()
    delay_s = request.ToTimedelta().total_seconds()
    if delay_s:
        await asyncio.sleep(delay_s)
    return reply


@package.feature("glance", idempotent=True, mean_ms=1, upper95_ms=20)
async def glance(_request: Duration) -> StringValue:
    """As `look`, at once: nothing can cancel it between its first line and its last."""
    return _write_down()


@package.feature("look", idempotent=True, mean_ms=1, upper95_ms=20)
async def look(request: Duration) -> StringValue:
    """Harmless to repeat."""
    return await _execute(request)


@package.feature("book", mean_ms=1, upper95_ms=20)
async def book(request: Duration) -> StringValue:
    """Never to be done twice."""
    return await _execute(request)


@package.on_start
def talk() -> None:
    """With `COUNTING_LINES_PER_S`, so many lines of log."""
    if rate := float(os.environ.get("COUNTING_LINES_PER_S", "0")):
        threading.Thread(target=_talk, args=(1 / rate,), daemon=True).start()


def _talk(pause_s: float) -> None:
    while True:
        logging.getLogger(__name__).info("one of many lines")
        time.sleep(pause_s)


@package.on_start
def crash_later() -> None:
    """Registered by then, as a package is that trips over its first piece of work."""
    if seconds := os.environ.get("COUNTING_CRASH_S"):
        threading.Timer(float(seconds), os._exit, (1,)).start()


if __name__ == "__main__":
    package.run()
