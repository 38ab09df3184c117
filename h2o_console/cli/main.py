"""The `h2o` command: finds a command's module by name and imports only that; turns every end into an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit, ReaderGone
from h2o_console.cli.options import context_options

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "list": ("listing", "List the fleet's instances, or those of one package."),
    "stats": ("stats", "Show what instances did: requests, errors, times."),
    "top": ("top", "Show who is busy, slow or failing now, live."),
    "triage": ("triage", "Show what is wrong, why, and the command that mends it."),
    "describe": ("describe", "Show all that is known of a package, feature, instance or host."),
    "why": ("why", "Say how a request is routed: version, instances, loads, chances."),
    "logs": ("logs", "Show log lines of packages, instances and hosts, or follow them."),
    "hosts": ("hosts", "List the fleet's hosts and how they are linked."),
    "weight": ("weight", "Show or decide which versions of a package get how much traffic."),
    "experiment": ("experiment", "Compare versions of a package: start, status, stop."),
    "rollback": ("rollback", "Give a package's traffic back to the version before."),
    "drain": ("drain", "Give hosts nothing new, until they can be switched off."),
    "undrain": ("undrain", "Put drained or avoided hosts back in use."),
    "avoid": ("avoid", "Give hosts only what nobody else can take."),
    "extend": ("extend", "Move the end of a drain or avoid, or a time of review."),
    "settings": ("settings", "Show or decide the fleet's settings: new versions, tier rules."),
    "undo": ("undo", "Take a change back."),
    "journal": ("journal", "Show what was decided, by whom, why, and what was undone."),
    "timeline": ("timeline", "Show what happened in a stretch of time, for a postmortem."),
    "call": ("call", "Call a feature with JSON; without JSON, print an example."),
    "doctor": ("doctor", "Check this machine and the way to the fleet."),
    "context": ("contexts", "List the contexts, switch, show where each value comes from."),
    "token": ("token", "Print what agents on other machines are shown."),
    "new": ("new", "Write a new package that runs as it is."),
    "dev": ("dev", "Run a whole fleet on this machine until Ctrl-C."),
    "completion": ("completion", "Print the script that makes TAB complete names."),
    "version": ("version", "Show the versions of this program, agent and broker."),
}
"""Command → its module and the line that `h2o --help` shows, so that help imports none of them."""


class LazyGroup(click.Group):
    """Imports a command's module when that command is run, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of COMMANDS: reading first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, or None: click then says what is known."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"h2o_console.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click; of a command that there is not, the nearest that there is."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only for what was mistyped

            near = get_close_matches(args[0], COMMANDS, n=1)
            also = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{also}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list in `h2o --help`, from COMMANDS alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 no match, 4 agent or ZooKeeper out of reach, 5 partial, 6 a guard "
    "refused, 7 somebody was quicker, 130 Ctrl-C. "
    "Is something wrong here? h2o doctor",
)
@context_options
def group(**_options: Any) -> None:
    """Look at an H2O fleet, decide what it does, and call its features."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. What it raises is a bug."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except (ReaderGone, BrokenPipeError):
        _forget_stdout()
        return Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = group.main(arguments, prog_name="h2o", standalone_mode=False)
    except CommandFailed as failure:
        _say(failure.message, failure.hint)
        return failure.exit_code
    except click.Abort:
        return Exit.INTERRUPTED
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        _say(error.format_message(), "")
        return Exit.FAILED
    return result if isinstance(result, int) else Exit.OK


def _usage(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help(), err=True)
        return Exit.USAGE
    command = error.ctx.command_path if error.ctx else "h2o"
    _say(error.format_message(), _instead(error) or f"see how: {command} --help")
    return Exit.USAGE


def _instead(error: click.UsageError) -> str:
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    from h2o_console.cli.lacking import instead  # noqa: PLC0415 - only after a mistake

    return instead(error.ctx, error.option_name)


def _say(message: str, hint: str) -> None:
    from h2o_console.cli.remarks import tell  # noqa: PLC0415 - `h2o --help` does not need it

    for at, line in enumerate(message.splitlines() or [""]):
        tell(f"h2o: {line}" if at == 0 else line)
    if hint:
        tell(f"  {hint}")


def _forget_stdout() -> None:
    """The reader has gone, which is its right; the interpreter must not complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
