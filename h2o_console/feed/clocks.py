"""The clocks of everything the console holds, in seconds."""

from __future__ import annotations

from h2o_core.io.clock import monotonic_ns, thread_ns


def monotonic_s() -> float:
    """The store's clock."""
    return monotonic_ns() / 1e9


def thread_s() -> float:
    """CPU time that this thread has spent."""
    return thread_ns() / 1e9
