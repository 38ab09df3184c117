"""What a finding rests on, in lines: the numbers against what they are compared with, who changed what before. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from h2o_console.rows.figures import UNKNOWN, age
from h2o_console.text import safe
from h2o_core.figures import many, share

if TYPE_CHECKING:
    from h2o_core.insights.finding import Evidence
    from h2o_core.insights.picture import Changed

_NAMES: Final = 60


def evidence_text(one: Evidence) -> str:
    """``failure share 12 % against 0 % of 181 requests in 60 s``."""
    against = "" if one.against is None else f" against {amount(one, one.against)}"
    of = "" if one.requests is None else f" of {many(one.requests, 'request')}"
    over = "" if one.over_s is None else f" in {one.over_s:.0f} s"
    return f"{safe(one.name, _NAMES)} {amount(one, one.value)}{against}{of}{over}"


def amount(one: Evidence, value: float | None) -> str:
    """``12 %`` of a share, ``105 ms``; what is no number is unknown."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if not one.unit and "share" in one.name.split():
        return share(value)
    return f"{value:.4g} {safe(one.unit, 20)}".rstrip()


def changed_text(change: Changed, now_s: float) -> str:
    """``epoch 41 by eva, 2m ago: gives 2.4.0 20%``."""
    who = f" by {safe(change.actor, 40)}" if change.actor else ""
    what = f": {safe(change.sentence, 200)}" if change.sentence else ""
    return f"epoch {change.epoch}{who}, {age(max(0.0, now_s - change.at_s))} ago{what}"
