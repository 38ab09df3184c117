"""The one clock: every reading of time goes through here, so that pure code never asks for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

monotonic_ns = time.monotonic_ns


def unix_s() -> float:
    """Seconds since 1970, for what people and other machines read."""
    return time.time()


def rfc3339(seconds: float) -> str:
    """Unix seconds → ``2026-01-31T14:02:07.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
