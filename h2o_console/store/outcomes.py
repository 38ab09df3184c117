"""What was counted between two readings of a counter's outcomes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.feed.counters import MOST
from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.pb.stats_pb2 import OutcomeCount

WENT_DOWN: Final = "a counter went down"


class CounterReset(ValueError):
    """A counter went down: what happened in between can't be known."""


class _Names(dict[int, str]):
    """A code of a newer broker keeps its number."""

    def __missing__(self, code: int) -> str:
        return str(code)


_CODES: Final = _Names({code.value: code.name for code in Code})


def by_code(counts: Iterable[OutcomeCount]) -> dict[str, int]:
    """By the code's name, without what is nobody's count."""
    return {_CODES[one.code]: count for one in counts if 0 < (count := one.count) < MOST}


def counted_since(known: dict[str, int], counts: Iterable[OutcomeCount]) -> dict[str, int]:
    """What was counted since *known*, which is made what *counts* say, in one pass: that is done 4,000 times a second.

    Raises CounterReset; *known* is what *counts* say then, too.
    """
    more: dict[str, int] = {}
    missing = len(known)
    for one in counts:
        count = one.count
        if not 0 < count < MOST:
            continue
        code = _CODES[one.code]
        was = known.get(code, 0)
        if was:
            missing -= 1
        if count > was:
            more[code] = count - was
            known[code] = count
        elif count < was:
            missing = -1
            break
    if missing:
        known.clear()
        known.update(by_code(counts))
        raise CounterReset(WENT_DOWN)
    return more
