"""Numbers as a person reads them in a narrow column: rates, times, shares, ages, and lines of blocks.

Pure. Unknown is always ``-``, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from h2o_core.times import clock

UNKNOWN: Final = "-"
BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS: Final = "_.:-=+*#"
_GAP: Final = "·"


def rate(per_s: float | None) -> str:
    """Requests per second in at most five characters: ``0.2  9.5  812  2210  12.3k  1.2M``."""
    return UNKNOWN if per_s is None or not _counts(per_s) else _short(per_s)


def millis(value_ms: float | None) -> str:
    """Milliseconds in at most five characters; from ten seconds on in seconds: ``0.42  6.2  388  12.3s``."""
    if value_ms is None or not _counts(value_ms):
        return UNKNOWN
    if value_ms >= 999_950:
        return f"{min(value_ms / 60_000, 9999):.0f}m"
    if value_ms >= 9_999.5:
        return f"{value_ms / 1000:.1f}s" if value_ms < 99_950 else f"{value_ms / 1000:.0f}s"
    if value_ms < 0.995:
        return f"{value_ms:.2f}" if value_ms >= 0.005 else "<0.01"
    return f"{value_ms:.1f}" if value_ms < 9.95 else f"{value_ms:.0f}"


def percent(part: int, whole: int) -> str:
    """*part* of *whole* in at most five characters; a small part is never rounded to nothing."""
    if whole <= 0:
        return UNKNOWN
    share = 100 * part / whole
    if part == 0:
        return "0"
    if share < 0.005:
        return "<0.01"
    if share < 9.995:
        return f"{share:.2f}"
    if share < 99.95:
        return f"{share:.1f}"
    return "100" if part >= whole else ">99.9"


def whole_percent(part: int, whole: int) -> str:
    """As `percent`, without decimals; neither a part nor all but a part is rounded away."""
    if whole <= 0:
        return UNKNOWN
    share = round(100 * part / whole)
    if part and not share:
        return "<1"
    return ">99" if share == 100 and part < whole else str(share)


def age(seconds: float) -> str:
    """``0.8s  14s  3m  2h  5d``."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0.95:
        return f"{max(seconds, 0.0):.1f}s"
    for limit_s, unit_s, name in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit_s:
            return f"{round(seconds / unit_s)}{name}"
    return f"{min(round(seconds / 86_400), 9999)}d"


def utc(at_s: float) -> str:
    """A Unix time with its day: ``2026-11-28 14:02:07 UTC``."""
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return UNKNOWN


def moment(at_s: float, now_s: float) -> str:
    """A Unix time in UTC: ``14:02:07`` of the day of *now_s*, ``11-27 14:02`` of another, with the year of another."""
    try:
        return clock(at_s, now_s)
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return UNKNOWN


def whole(share_pct: float | None) -> str:
    """A percentage that was measured as one, in at most four characters: ``0.3  42  100``."""
    if share_pct is None or not math.isfinite(share_pct):
        return UNKNOWN
    return f"{share_pct:.1f}" if 0 < share_pct < 9.95 else f"{min(max(share_pct, 0.0), 999):.0f}"


def size(count_bytes: int | None) -> str:
    """Bytes in at most six characters: ``512 B  48 M  1.5 G``; a bound of 1024, as operating systems count."""
    if count_bytes is None or count_bytes < 0:
        return UNKNOWN
    value = float(count_bytes)
    for unit in ("B", "K", "M", "G", "T"):
        if value < 1000:
            return f"{value:.1f} {unit}" if 0 < value < 9.95 and unit != "B" else f"{value:.0f} {unit}"
        value /= 1024
    return f"{min(value, 999):.0f} P"


def skew(seconds: float | None) -> str:
    """How far a clock is ahead (+) or behind (-), in at most six characters: ``+3ms  -1.2s  +2m``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    sign, apart = "-" if seconds < 0 else "+", abs(seconds)
    if apart < 0.0005:
        return "0ms"
    if apart < 0.9995:
        return f"{sign}{apart * 1000:.0f}ms"
    return f"{sign}{apart:.1f}s" if apart < 9.95 else f"{sign}{age(apart)}"


def times(ratio: float) -> str:
    """``2.4x``, ``31x``."""
    if not math.isfinite(ratio):
        return UNKNOWN
    return f"{ratio:.1f}x" if ratio < 9.95 else f"{ratio:.0f}x"


def line(values: Sequence[float | None], cells: int, *, ascii_only: bool = False) -> str:
    """One row of blocks, newest on the right; zero is the lowest, unknown a dot, steady values half high."""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    gap = " " if ascii_only else _GAP
    folded = _folded([value if value is not None and _counts(value) else None for value in values], cells)
    known = [value for value in folded if value is not None]
    if not known:
        return gap * cells
    top = max(*known, 2 * sum(known) / len(known)) or 1.0
    return "".join(gap if value is None else blocks[min(7, int(8 * value / top))] for value in folded)


def _counts(value: float) -> bool:
    """Something that can have been measured: agents are hostile until what they say is a number."""
    return 0 <= value < math.inf


def _folded(values: Sequence[float | None], cells: int) -> list[float | None]:
    """As many values as cells: neighbours averaged, unknown ones left out of the mean."""
    if not values:
        return [None] * cells
    folded: list[float | None] = []
    for cell in range(cells):
        first = cell * len(values) // cells
        part = [
            value for value in values[first : max((cell + 1) * len(values) // cells, first + 1)] if value is not None
        ]
        folded.append(sum(part) / len(part) if part else None)
    return folded


def _short(value: float) -> str:
    if value < 0.05:
        return "0" if value == 0 else f"{value:.2f}" if value >= 0.005 else "<0.01"
    if value < 9.95:
        return f"{value:.1f}"
    for limit, unit, suffix in ((9_999.5, 1, ""), (999_950, 1e3, "k"), (999_950_000, 1e6, "M")):
        if value < limit:
            scaled = value / unit
            return f"{scaled:.0f}{suffix}" if unit == 1 or scaled >= 99.95 else f"{scaled:.1f}{suffix}"
    return ">1G"
