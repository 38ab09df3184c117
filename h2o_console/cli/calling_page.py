"""What `h2o call` says: the example, the question before data may change, the reply, what went wrong."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Format, one_line, to_json, to_yaml
from h2o_console.cli.printing import write
from h2o_console.cli.remarks import tell
from h2o_core.errors import ApplicationError, Fault, H2OError

_MOST_SHOWN: Final = 300


def show_example(feature: str, example: Any) -> Exit:
    """A request to fill in."""
    tell(f"call it with: h2o call {feature} {shlex.quote(json.dumps(example))}")
    write(to_json(example))
    return Exit.OK


def confirm(feature: str, fleet: str, where: str, text: str, *, yes: bool) -> None:
    """Ask on a terminal, unless they said *yes*; elsewhere nobody is there to be asked. Raises CommandFailed."""
    if yes:
        return
    what = f"{feature} is not declared idempotent: the call may change data of fleet {fleet}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandFailed(Exit.USAGE, f"{what}, and there is no terminal to ask on", "say that you mean it: -y")
    tell(what)
    tell(f"  executed by: {where or 'any instance'}")
    tell(f"  with: {text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + ' …'}")
    if not click.confirm("Call it?", err=True):
        raise CommandFailed(Exit.FAILED, "nothing was called")


def print_reply(reply: Any, output: Format) -> None:
    """On standard output."""
    write(to_yaml(reply) if output is Format.YAML else to_json(reply))


def print_failure(error: H2OError, *, idempotent: bool) -> Exit:
    """On standard error: what, whose fault, executed or not, what to type."""
    tell(f"h2o: {sentence(error)}")
    again = "yes" if error.retry_is_safe(idempotent=idempotent) else "no"
    whose = "" if error.fault is Fault.NOBODY else f"fault: the {error.fault.value}'s; "
    tell(f"  {whose}executed: {error.executed.name.lower()}; safe to repeat: {again}", error.hint)
    for line in error.traceback.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        tell(f"    {' ' * min(indent, 40)}{one_line(line.lstrip(' '))}")
    return Exit.FAILED


def sentence(error: H2OError) -> str:
    """What went wrong and where, without the hint, which stands on its own line."""
    text = str(error).removesuffix(f"\n  {error.hint}") if error.hint else str(error)
    if isinstance(error, ApplicationError):
        return text.replace("APPLICATION:", f"APPLICATION {error.application_code}:", 1)
    return text
