"""What is wrong, as it was found when somebody looked last: replaced as a whole, never changed in place. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from h2o_core.insights.finding import Key
    from h2o_core.insights.standing import News, Standing


@dataclass(frozen=True, slots=True)
class Insight:
    """One look: its `news`, and everything that stands open by its key.

    `at_s`: Unix time of the picture; `looked_s`: the same moment by the store's clock, for its age. `hosts`: how many
    were looked at. `compared`: with how it was before, of whatever is known of that.
    """

    news: News
    standing: Mapping[Key, Standing]
    at_s: float
    looked_s: float
    hosts: int = 0
    compared: bool = True
