"""A plan that moves the time at which somebody is to look at a package's weights again. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h2o_core.audit import Edit
from h2o_core.control.traffic import encode_traffic
from h2o_core.names import dotted, shown
from h2o_core.plan import commands
from h2o_core.plan.draft import Draft, encoded, later
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.situation import TRAFFICS
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_core.audit import Author
    from h2o_core.plan.intents import Extend
    from h2o_core.plan.situation import Situation


def review(intent: Extend, situation: Situation, author: Author, now_s: float) -> Draft:
    """Raises CannotPlan when nothing is decided about the package, or the time is in the past."""
    later(intent.until_s, now_s, "--until")
    name = shown(intent.package)
    traffic = situation.decided.traffic.get(intent.package)
    if traffic is None:
        msg = f"nobody has decided anything about versions of {name}: there is nothing to look at again"
        raise CannotPlan(msg, f"h2o weight {name}")
    path = f"{TRAFFICS}{dotted(intent.package)}"
    data = encoded(lambda: encode_traffic(replace(traffic, review_s=intent.until_s)))
    before = situation.decided.documents[path]
    when = f"at {rfc3339(intent.until_s)}" if intent.until_s else "never"
    old_s = traffic.review_s
    again = not old_s or old_s > now_s
    return Draft(
        edits=() if data == before else (Edit(path, before, data),),
        sentence=f"{name}: its weights are to be looked at again {when}",
        command=commands.line("extend", name, *commands.until(intent.until_s, now_s), reason=author.reason),
        undo=commands.line("extend", name, *commands.until(old_s, now_s)) if again else commands.UNDO,
        name=name,
        until_s=intent.until_s,
    )
