"""service/geo, the slow one: where a locale's capital is, after 80 to 250 ms of thought."""

from __future__ import annotations

import asyncio
import random

from examples.messages.geo_pb2 import Place, Position
from h2o_service import ApplicationError, Package

package = Package("/service/geo", version="0.9.1", slots=8)

_CAPITALS = {
    "en-GB": Position(latitude=51.5, longitude=-0.13, city="London"),
    "es-ES": Position(latitude=40.42, longitude=-3.7, city="Madrid"),
    "de-DE": Position(latitude=52.52, longitude=13.41, city="Berlin"),
}


@package.feature("locate", idempotent=True, mean_ms=150, upper95_ms=250, errors=["unknown_locale"])
async def locate(request: Place) -> Position:
    """Wait as a slow upstream would make it wait: the slot is taken, the loop is not."""
    await asyncio.sleep(random.uniform(0.08, 0.25))
    if request.locale not in _CAPITALS:
        raise ApplicationError("unknown_locale", f"nobody knows where {request.locale!r} is")
    return _CAPITALS[request.locale]


if __name__ == "__main__":
    package.run()
