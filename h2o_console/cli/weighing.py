"""What `h2o weight` does: shows a package's versions and who decided about them, or shifts its traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.acting.typed import parse_weights
from h2o_console.cli.changing import Change, failing
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.moments import ahead
from h2o_console.cli.printing import show
from h2o_console.cli.remarks import tell
from h2o_console.cli.typed import full_package
from h2o_console.cli.weight_page import remark, weight_page
from h2o_console.commands.mistake import Mistake
from h2o_core.io.clock import unix_s
from h2o_core.plan.intents import Shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading

_EXAMPLE: Final = "h2o weight service/customer 2.1.0=10%"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, beside the options of every change."""

    package: str
    weights: tuple[str, ...]
    stable: str
    review: str


def run(asked: Asked, told: Reading, how: How) -> Exit:
    """Show, or decide; raises CommandFailed."""
    edits = parse_edits(asked.weights)
    package = full_package(asked.package, _EXAMPLE)
    review_s = ahead("--review", asked.review, unix_s()) if asked.review else 0.0
    change = Change("h2o weight", told, how)
    intent = Shift(package, edits, asked.stable, review_s=review_s)
    if edits or asked.stable:
        return change.run(lambda _: intent, again=f"h2o weight {asked.package}")
    if review_s:
        raise CommandFailed(Exit.USAGE, "--review alone decides nothing", f"h2o extend {asked.package} --until 7d")
    prepared = failing(lambda: change.carrier.prepare(lambda _: intent))
    decided, seen = prepared.decided, prepared.observed
    for host, why in seen.silent.items():
        tell(f"host {host} says nothing of itself: {why}")
    tell(*remark(package, decided, unix_s()))
    page = weight_page(change.context.fleet, package, decided, seen.fleet)
    return show(lambda: page, told)


def parse_edits(typed: Sequence[str]) -> dict[str, int]:
    """``2.1.0=10%`` … → version → parts out of 10,000; raises CommandFailed."""
    try:
        return parse_weights(typed)
    except Mistake as error:
        raise CommandFailed(Exit.USAGE, error.sentence, error.hint or _EXAMPLE) from None
