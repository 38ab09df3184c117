"""Outcomes and durations as documents show them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_agent.views.head import Json, milliseconds
from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.histogram import Histogram
    from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch

_MS: Final = 1e6


def outcomes_of(counts: Iterable[OutcomeCount]) -> dict[str, int]:
    """By name."""
    return {code_name(each.code): each.count for each in counts}


def code_name(code: int) -> str:
    """As the document has it; a code of a newer broker keeps its number."""
    try:
        return Code(code).name
    except ValueError:
        return str(code)


def quantiles(times: Histogram, *wanted: float) -> dict[str, Any]:
    """``p50_ms`` and so on; None for what was never measured."""
    return {f"p{q * 100:.0f}_ms": milliseconds(times.quantile(q) / _MS) for q in wanted}


def sketch(said: Sketch) -> Json:
    """As it is."""
    return {"index": list(said.index), "count": list(said.count), "zero": said.zero, "sum": said.sum}
