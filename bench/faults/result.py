"""What a fault round found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.counting.account import Account


@dataclass(frozen=True, slots=True)
class Result:
    """One round. `recover_s` is None where nothing has to recover."""

    recover_s: float | None
    account: Account
    broken: tuple[str, ...] = ()
    """The round's own conditions that did not hold, one sentence each."""
    notes: tuple[str, ...] = ()
    extra: Mapping[str, float] = field(default_factory=dict[str, float])
    """More numbers, by the end of their figure's name."""
