"""The event loop of every lane's client, and of NATS' worker: uvloop, as in our own package processes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import uvloop


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* to its end."""
    uvloop.run(main)
