"""Rows of what findings are told of, and the columns that more than one of their lists has. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from h2o_console.measured import LAST_60S
from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.figures import millis, rate
from h2o_console.rows.reasons import Reason, most_hurt, why
from h2o_console.rows.shares import failed_share
from h2o_console.rows.tables import NARROW, Canvas, Column, Row, Shown, SortKey, most


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """`key` is the resource's true name, for looking it up; `name` is safe to show."""

    key: str
    name: str
    glyph: Glyph
    reasons: tuple[Reason, ...]

    @property
    def found_by(self) -> str:
        """Its name."""
        return self.name

    @property
    def ages(self) -> bool:
        """Findings say since when."""
        return bool(self.reasons)

    @property
    def hurt(self) -> float:
        """Requests hurt a second, by the worst finding."""
        return most_hurt(self.reasons)


class Served(Row, Protocol):
    """A row that counts requests."""

    @property
    def rps(self) -> float | None:
        """Requests a second."""
        ...

    @property
    def requests(self) -> int:
        """Of the last minute."""
        ...

    @property
    def failed(self) -> int:
        """Those of them that failed by the package's or the platform's fault."""
        ...


class Timed(Row, Protocol):
    """A row that times them."""

    @property
    def p95_ms(self) -> float | None:
        """Of twenty, nineteen took no longer."""
        ...


S = TypeVar("S", bound=Served)
T = TypeVar("T", bound=Timed)
R = TypeVar("R", bound=Row)


def rate_column(
    means: str, tie: Callable[[S], SortKey], *, goes: int, over: str, show: Callable[[S, Canvas], Shown] | None = None
) -> Column[S]:
    """Requests a second; of two that are alike *tie* says which comes first, here as in the others."""
    return Column(
        "RPS",
        show or (lambda row, _: (rate(row.rps), Tone.PLAIN)),
        7,
        means,
        right=True,
        goes=goes,
        least=NARROW,
        sort="requests",
        by=lambda row: (most(row.rps), *tie(row)),
        over=over,
    )


def p50_column(show: Callable[[R, Canvas], Shown]) -> Column[R]:
    """What half of them took no longer than."""
    return Column("p50", show, 5, right=True, goes=4, least=90, over=LAST_60S)


def p95_column(
    means: str, tie: Callable[[T], SortKey], *, goes: int, show: Callable[[T, Canvas], Shown] | None = None
) -> Column[T]:
    """What nineteen of twenty took no longer than."""
    return Column(
        "p95 ms",
        show or (lambda row, _: (millis(row.p95_ms), Tone.PLAIN)),
        6,
        means,
        right=True,
        goes=goes,
        least=NARROW,
        sort="p95",
        by=lambda row: (most(row.p95_ms), *tie(row)),
        over=LAST_60S,
    )


def error_column(
    means: str, tie: Callable[[S], SortKey], *, goes: int = 0, show: Callable[[S, Canvas], Shown] | None = None
) -> Column[S]:
    """The share that failed; what nobody has asked comes last."""
    return Column(
        "ERR%",
        show or (lambda row, _: failed_share(row.failed, row.requests)),
        5,
        means,
        right=True,
        goes=goes,
        sort="errors",
        by=lambda row: (-(row.failed / row.requests if row.requests else -1.0), -row.failed, *tie(row)),
        over=LAST_60S,
    )


def why_column() -> Column[Any]:
    """The worst finding, in what is left of the width."""
    means = "the worst finding; all findings of the row under the cursor stand below the list"
    return Column("WHY", _why, 14, means)


def _why(row: JudgedRow, on: Canvas) -> Shown:
    return why(row.reasons, on.width)
