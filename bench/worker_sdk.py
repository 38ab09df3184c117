"""Our package, as an author would write it; with ``BENCH_BYPASS`` behind zmq.proxy (bench.bypass).

``BENCH_SLOTS``: how many slots this instance has, when it is one of several.
"""

from __future__ import annotations

import os

from bench import bypass
from bench.handler import PACKAGE, SLOTS, customer
from bench.messages_pb2 import Customer, CustomerId  # noqa: TC001 - the SDK reads the annotations at run time
from h2o_service import Package

package = Package(PACKAGE, version="1.0.0", slots=int(os.environ.get("BENCH_SLOTS", SLOTS)))


@package.feature("retrieve", idempotent=True)
async def retrieve(request: CustomerId) -> Customer:
    """Answer at once."""
    return customer(request)


if __name__ == "__main__":
    if os.environ.get("BENCH_BYPASS"):
        bypass.worker()
    package.run()
