"""Asks a person whether they mean a plan, as much as it does; in scripts flags say it."""

from __future__ import annotations

import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import one_line
from h2o_console.cli.plan_page import plan_text
from h2o_console.cli.printing import terminal_style
from h2o_console.cli.remarks import tell
from h2o_core.plan.plan import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.options import Reading
    from h2o_core.plan.plan import Plan

_UNSEEN_S: Final = 0.3
"""Keys typed before a page has been there for so long were not meant for it."""


@dataclass(frozen=True, slots=True)
class How:
    """What the options of `changing_options` say. `confirm`: the name that a person would type."""

    reason: str = ""
    dry_run: bool = False
    yes: bool = False
    force: bool = False
    confirm: str = ""
    wait: bool = True
    acknowledge: tuple[str, ...] = ()


def how_of(options: dict[str, Any]) -> How:
    """From a command's options."""
    return How(
        reason=options["reason"],
        dry_run=options["dry_run"],
        yes=options["yes"],
        force=options["force"],
        confirm=options["confirm"],
        wait=options["wait"],
        acknowledge=options["acknowledge"],
    )


def agree(plan: Plan, silent: Mapping[str, str], how: How, told: Reading, *, whose: str) -> bool:
    """True when the plan was shown and somebody agreed to it, False when flags said it; else raises CommandFailed.

    Refused: `--force` and the name, typed here or with `--confirm`. *whose*: a sentence about somebody else's change.
    """
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if plan.refused and not how.force:
        if terminal:
            _look(plan, silent, told)
        name = f" --confirm {_quoted(plan.friction.name)}"
        hint = f"if you mean it all the same, to be said twice: {plan.command} --force{name}"
        raise CommandFailed(Exit.REFUSED, "; ".join(guard.sentence for guard in plan.refused), hint)
    if how.confirm and how.confirm != plan.friction.name and (plan.refused or plan.friction.ask is Ask.NAME):
        msg = f"--confirm {how.confirm} is not what this is about: {plan.friction.name}"
        raise CommandFailed(Exit.USAGE, msg, "look at it: the same with --dry-run")
    if whose:
        tell(whose)
    named = bool(how.confirm) and how.confirm == plan.friction.name
    if named or (how.yes and not plan.refused):
        return False
    if not terminal:
        if plan.refused:
            hint = f"--force --confirm {_quoted(plan.friction.name)}"
            raise CommandFailed(
                Exit.USAGE, "forcing it takes its name as well, and there is no terminal to ask on", hint
            )
        msg = "it would change what is routed, and there is no terminal to ask on"
        raise CommandFailed(Exit.USAGE, msg, "say that you mean it: -y; or look first: --dry-run")
    _look(plan, silent, told)
    if not _asked(plan, at_least_yes=bool(whose)):
        raise CommandFailed(Exit.FAILED, "nothing was changed")
    return True


def _look(plan: Plan, silent: Mapping[str, str], told: Reading) -> None:
    """The page, on standard error: standard output is for what came of it."""
    style = terminal_style(told)
    click.echo(plan_text(plan, silent, style), err=True)
    time.sleep(_UNSEEN_S)
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _asked(plan: Plan, *, at_least_yes: bool) -> bool:
    if plan.friction.ask is Ask.NAME:
        name = plan.friction.name
        typed = click.prompt(f"Type {one_line(name)} to decide it", default="", show_default=False, err=True)
        return typed.strip() == name
    if plan.friction.ask is Ask.YES or at_least_yes:
        return click.confirm("Decide it?", err=True)
    click.prompt("Enter decides it, Ctrl-C leaves it", default="", show_default=False, err=True)
    return True


def _quoted(name: str) -> str:
    import shlex  # noqa: PLC0415 - only for what is refused

    return shlex.quote(name)
