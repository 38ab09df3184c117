"""The smallest script that still fails: leave out what can be left out (Zeller's ddmin, without the complements)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Entry = TypeVar("Entry")


def kind_of(failure: str) -> str:
    """What a failure is, without its numbers and names of calls: shrinking must not slip from one to another."""
    first = failure.split("\n", 1)[0]
    return re.sub(r"\d+([.]\d+)?", "#", first.split(": ", 1)[-1])


def shrink(script: Sequence[Entry], fails: Callable[[Sequence[Entry]], bool]) -> tuple[Entry, ...]:
    """A part of *script* that *fails*, from which no single entry can be left out; *script* must fail."""
    kept = list(script)
    size = len(kept)
    while size > 1:
        size = (size + 1) // 2
        at = 0
        while at < len(kept):
            without = kept[:at] + kept[at + size :]
            if fails(without):
                kept = without
            else:
                at += size
        size = min(size, len(kept))
    return tuple(kept)
