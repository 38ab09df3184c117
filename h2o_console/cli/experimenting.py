"""What `h2o experiment` does: reads how experiments stand, begins one, ends one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.acting.typed import parse_points
from h2o_console.cli.changing import Change, failing
from h2o_console.cli.experiment_page import all_page, one_page
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.moments import ahead
from h2o_console.cli.printing import show
from h2o_console.cli.register import check_register
from h2o_console.cli.remarks import tell
from h2o_console.cli.typed import full_package
from h2o_console.cli.weighing import parse_edits
from h2o_console.commands.mistake import Mistake
from h2o_console.commands.trials import Looking
from h2o_core.io.clock import unix_s
from h2o_core.names import shown
from h2o_core.plan.intents import Outcome, StartExperiment, StopExperiment

if TYPE_CHECKING:
    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading
    from h2o_console.cli.printing import Page
    from h2o_console.commands.trials import Looked

_EXAMPLE: Final = "h2o experiment start service/customer 2.1.0=10%"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `h2o experiment start` was told, beside the options of every change."""

    package: str
    weights: tuple[str, ...]
    name: str
    review: str
    min_effect: str


def start(asked: Asked, told: Reading, how: How) -> Exit:
    """Raises CommandFailed when it is not decided."""
    intent = StartExperiment(
        package=full_package(asked.package, _EXAMPLE),
        weights=parse_edits(asked.weights),
        salt=secrets.token_hex(4),
        name=asked.name,
        min_effect=_parts(asked.min_effect),
        review_s=ahead("--review", asked.review, unix_s(), never=True),
    )
    change = Change("h2o experiment start", told, how)
    return change.run(lambda _: intent, again=f"h2o experiment status {asked.package}")


def stop(package: str, outcome: str, version: str, told: Reading, how: How) -> Exit:
    """Raises CommandFailed when it is not decided."""
    intent = StopExperiment(full_package(package, _EXAMPLE), Outcome(outcome), version)
    change = Change("h2o experiment stop", told, how)
    return change.run(lambda _: intent, again=f"h2o weight {package}")


def _parts(typed: str) -> int:
    """``0.5%`` → 50 parts out of 10,000; raises CommandFailed."""
    try:
        return parse_points(typed, "--min-effect")
    except Mistake as error:
        raise CommandFailed(Exit.USAGE, error.sentence, error.hint) from None


def status(typed: str, told: Reading) -> Exit:
    """Of the package that *typed* means, or of all; raises CommandFailed."""
    package = full_package(typed, _EXAMPLE) if typed else ""
    context = told.context()
    check_register(context)
    looking = Looking(context, told.timeout_s, tell)
    return show(lambda: _page(looking, context.fleet, package), told)


def _page(looking: Looking, fleet: str, package: str) -> Page:
    looked = failing(looking.look)
    for host, why in looked.silent.items():
        tell(f"what host {host} has counted is missing here: {why}", "is its agent up? h2o hosts")
    if not package:
        for name in looked.idle:
            tell(f"{shown(name)} has an experiment's name, and one version with weight: nothing is compared")
        if not (looked.running or looked.idle):
            tell("no experiment runs", "begin one: h2o experiment start PACKAGE VERSION=10%")
        return all_page(fleet, looked)
    running = looked.running.get(package)
    if running is None:
        raise _none(package, looked)
    return one_page(fleet, looked, running)


def _none(package: str, looked: Looked) -> CommandFailed:
    name = shown(package)
    if package in looked.idle:
        msg = f"{name} has an experiment's name, and one version with weight: nothing is compared"
        return CommandFailed(Exit.NO_MATCH, msg, f"give another one weight: h2o weight {name} VERSION=10%")
    running = [shown(each) for each in looked.running]
    if running:
        return no_match(name, running, "experiment status")
    msg = f"{name} has no experiment, and no other package either"
    return CommandFailed(Exit.NO_MATCH, msg, f"begin one: h2o experiment start {name} VERSION=10%")
