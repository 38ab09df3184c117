"""What `h2o experiment` does: reads how experiments stand, begins one, ends one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.asking.register import NoRegister
from h2o_console.cli.experiment_page import all_page, one_page
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.remarks import tell
from h2o_console.commands.trials import look
from h2o_core.documents import InvalidDocument
from h2o_core.io.context import NoContext
from h2o_core.names import InvalidName, from_operator, parse_package, shown

if TYPE_CHECKING:
    from h2o_console.cli.printing import Page
    from h2o_console.commands.trials import Looked
    from h2o_core.context import Context

_EXAMPLE = "h2o experiment start service/customer 2.1.0=10%"


def status_page(context: Context, timeout_s: float, typed: str) -> Page:
    """Of the package that *typed* means, or of all; raises CommandFailed."""
    package = _package(typed) if typed else ""
    looked = _look(context, timeout_s)
    for host, why in looked.silent.items():
        tell(f"what host {host} has counted is missing here: {why}", "is its agent up? h2o hosts")
    if not package:
        for name in looked.idle:
            tell(f"{shown(name)} has an experiment's name, and one version with weight: nothing is compared")
        return all_page(context.fleet, looked)
    running = looked.running.get(package)
    if running is None:
        raise _none(package, looked)
    return one_page(context.fleet, looked, running)


def _package(typed: str) -> str:
    try:
        return parse_package(from_operator(typed))
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), _EXAMPLE) from None


def _look(context: Context, timeout_s: float) -> Looked:
    try:
        return look(context, timeout_s, tell)
    except NoRegister as error:
        code = Exit.USAGE if error.misnamed else Exit.UNREACHABLE
        raise CommandFailed(code, error.sentence, error.hint) from None
    except (InvalidDocument, NoContext) as error:
        raise CommandFailed(Exit.FAILED, str(error)) from None


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
