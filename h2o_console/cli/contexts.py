"""`h2o context [list|use|show]`: the fleets that the configuration file knows, and which one is meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.completing import contexts
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.options import Reading, output_options, reading
from h2o_console.cli.origins import Said, values
from h2o_console.cli.output import Column
from h2o_console.cli.printing import Page, show
from h2o_console.cli.remarks import tell
from h2o_console.feed.answers import SCHEMA
from h2o_core.context import KEYS, NoContext, Overrides, from_environment
from h2o_core.io.context import configuration_file, current_context, read_configuration, read_text, write_current

if TYPE_CHECKING:
    from pathlib import Path

    from h2o_core.context import Configuration

LIST_COLUMNS: Final = (
    Column("CURRENT"),
    Column("NAME"),
    Column("FLEET"),
    Column("AGENT"),
    Column("ZOOKEEPER"),
    Column("RUN DIR", wide=True),
    Column("SECRET FILE", wide=True),
    Column("DEV", wide=True),
)
SHOW_COLUMNS: Final = (Column("KEY"), Column("VALUE"), Column("FROM"))


@click.group("context", invoke_without_command=True)
@output_options
@click.pass_context
def command(ctx: click.Context, **options: Any) -> Exit | None:
    """List the contexts of the configuration file, or switch to another: each is a way to reach a fleet.

    \b
    h2o context                what there is; * marks the current one
    h2o context use prod       from now on, in every terminal
    h2o context show           what commands would use now, and where each value comes from

    For one command: --context NAME. For one terminal: export H2O_CONTEXT=NAME.
    """  # noqa: D301 - \b is click's mark for lines to keep
    return None if ctx.invoked_subcommand else _list(options)


@command.command("list")
@output_options
def list_(**options: Any) -> Exit:
    """List the contexts of the configuration file; * marks the one that commands use now."""
    return _list(options)


@command.command("use")
@click.argument("name", shell_complete=contexts)
def use(name: str) -> Exit:
    """Make NAME the current context: `current = "NAME"` in the configuration file.

    \b
    h2o context use prod
    Exit codes: 0 done, 2 the file can't be edited, 3 there is no such context.
    """  # noqa: D301 - as above
    _, configuration = _configuration()
    if name not in configuration.contexts:
        raise no_match(name, list(configuration.contexts), "context")
    try:
        path = write_current(name)
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None
    tell(f"context {name} is the current one now ({path})")
    if (beats := os.environ.get("H2O_CONTEXT")) and beats != name:
        tell(f"in this terminal H2O_CONTEXT={beats} beats it", "unset H2O_CONTEXT")
    return Exit.OK


@command.command("show")
@click.argument("name", required=False, shell_complete=contexts)
@output_options
def show_(name: str | None, **options: Any) -> Exit:
    """Show what the context NAME, or the one that commands use now, says; and where each value comes from.

    \b
    h2o context show
    h2o --zk zk-1:2181 --fleet prod context show      the same with these flags
    """  # noqa: D301 - as above
    told = reading(options)
    flags = Overrides(context=name) if name else told.flags
    path, configuration = _configuration()
    if name and name not in configuration.contexts:
        raise no_match(name, list(configuration.contexts), "context")
    return show(lambda: _values_page(flags, path, configuration), told)


def _list(options: dict[str, Any]) -> Exit:
    told = reading(options)
    path, configuration = _configuration()
    if not configuration.contexts:
        tell(f"{path} has no context", "write one: h2o dev (its own), or [contexts.NAME] by hand: docs/command-line.md")
    return show(lambda: _list_page(configuration, told), told)


def _configuration() -> tuple[Path, Configuration]:
    try:
        return configuration_file(), read_configuration()
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None


def _list_page(configuration: Configuration, told: Reading) -> Page:
    meant = told.flags.context or os.environ.get("H2O_CONTEXT") or configuration.current
    found = [configuration.contexts[name] for name in sorted(configuration.contexts)]
    rows = [
        (
            "*" if each.name == meant else "",
            each.name,
            each.fleet,
            each.agent,
            each.zookeeper,
            each.run_dir,
            each.secret_file,
            "yes" if each.dev else "",
        )
        for each in found
    ]
    entries = [
        {"name": each.name, "current": each.name == meant, **{key: getattr(each, key) for key in KEYS}}
        for each in found
    ]
    return Page(LIST_COLUMNS, rows, {"schema": SCHEMA, "contexts": entries}, [each.name for each in found])


def _values_page(flags: Overrides, path: Path, configuration: Configuration) -> Page:
    try:
        context = current_context(flags)
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None
    said = Said(flags, from_environment(os.environ), configuration, str(path), read_text(path))
    found = values(context, said)
    rows = [(each.key, each.value, each.origin) for each in found]
    entries = [{"key": each.key, "value": each.value or None, "from": each.origin or None} for each in found]
    return Page(SHOW_COLUMNS, rows, {"schema": SCHEMA, "values": entries}, [each.value for each in found if each.value])
