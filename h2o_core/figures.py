"""How sentences write numbers: shares, times, counts, ages. Pure."""

from __future__ import annotations

_MS = 1e6


def share(value: float) -> str:
    """0.0231 → ``2.3 %``; below 10 % with one decimal, below 1 % with two."""
    percent = 100 * value
    if not percent:
        return "0 %"
    return f"{percent:.2f} %" if percent < 1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def millis(ns: float) -> str:
    """388e6 → ``388 ms``."""
    ms = ns / _MS
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def ms(ns: float) -> float:
    """In ms, as evidence has it."""
    return round(ns / _MS, 3)


def times(ratio: float) -> str:
    """2.41 → ``2.4 ×``."""
    return f"{ratio:.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def span(seconds: float) -> str:
    """How long: ``14 s``, ``3 min``, ``2 h``, ``5 d``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def many(count: int, one: str, several: str = "") -> str:
    """``1 instance``, ``3 instances``."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
