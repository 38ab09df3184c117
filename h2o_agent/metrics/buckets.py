"""A sketch as the cumulative buckets of a Prometheus histogram. Pure.

The boundaries are powers of two of a nanosecond. Each is the upper edge of one of the sketch's own buckets, so that
what is counted below it is exact; between two of them Prometheus guesses, and may be wrong by half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.histogram import BUCKETS_PER_OCTAVE

if TYPE_CHECKING:
    from h2o_core.histogram import Histogram

_OCTAVES: Final = range(16, 35)
"""2^16 ns = 66 µs … 2^34 ns = 17 s."""
_EDGES: Final = tuple((octave * BUCKETS_PER_OCTAVE, repr(2**octave / 1e9)) for octave in _OCTAVES)


def cumulative(times: Histogram) -> list[tuple[str, float]]:
    """[(le in seconds, how many took no longer), …, ("+Inf", all)]."""
    waiting = sorted(times.buckets.items(), reverse=True)
    below = times.zero
    found: list[tuple[str, float]] = []
    for edge, name in _EDGES:
        while waiting and waiting[-1][0] < edge:  # bucket i ends at 2^((i+1)/32)
            below += waiting.pop()[1]
        found.append((name, below))
    return [*found, ("+Inf", times.count)]
