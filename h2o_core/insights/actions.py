"""What to do about a finding: an intent that opens as a plan, and the command line that makes the same plan. Pure."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Final

from h2o_core.control.hosts import GRACE_S
from h2o_core.control.traffic import WHOLE
from h2o_core.insights.finding import Action
from h2o_core.names import shown
from h2o_core.plan.intents import Avoid, Drain, Extend, RollBack, Shift
from h2o_core.weights import percent

if TYPE_CHECKING:
    from h2o_core.control.hosts import HostControl

AVOID_S: Final = 3600.0
DRAIN_S: Final = 4 * 3600.0
"""An avoid expires after an hour, a drain after four, unless somebody says otherwise (TRAFFIC.md)."""
REVIEW_S: Final = 24 * 3600.0
FIRST_PARTS: Final = 500
"""What a version gets that nobody knows yet: 5 %."""


def drain(host: str, now_s: float) -> Action:
    """Nothing new for it."""
    return Action(f"drain {host}", f"h2o drain {quote(host)}", Drain((host,), now_s + DRAIN_S, GRACE_S))


def avoid(host: str, now_s: float) -> Action:
    """Nothing for it that others can take."""
    return Action(f"avoid {host}", f"h2o avoid {quote(host)}", Avoid((host,), now_s + AVOID_S))


def roll_back(package: str, to: str) -> Action:
    """Everything to that version."""
    name = shown(package)
    return Action(f"roll back to {to}", f"h2o rollback {quote(name)} --to {quote(to)}", RollBack(package, to))


def all_to(package: str, version: str) -> Action:
    """Everything to that version."""
    return _weigh(package, version, WHOLE, f"give {version} all")


def try_out(package: str, version: str) -> Action:
    """A little for that version."""
    return _weigh(package, version, FIRST_PARTS, f"give {version} {percent(FIRST_PARTS)}")


def _weigh(package: str, version: str, parts: int, sentence: str) -> Action:
    command = f"h2o weight {quote(shown(package))} {quote(version + '=' + percent(parts))}"
    return Action(sentence, command, Shift(package, {version: parts}))


def extend_host(control: HostControl, now_s: float) -> Action:
    """An hour more from now."""
    command = f"h2o extend {quote(control.host)} --until 1h"
    return Action("extend it", command, Extend(now_s + AVOID_S, hosts=(control.host,)))


def extend_review(package: str, now_s: float) -> Action:
    """Look again tomorrow."""
    return Action(
        "look again tomorrow",
        f"h2o extend {quote(shown(package))} --until 24h",
        Extend(now_s + REVIEW_S, package=package),
    )


def look(command: str, *names: str, sentence: str = "look closer") -> Action:
    """Nothing that a plan could mend; *command* shows more. *names* fill its ``{}``, quoted."""
    return Action(sentence, command.format(*(quote(shown(name)) for name in names)))
