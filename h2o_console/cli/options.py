"""The options that commands share, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from h2o_console.cli.completing import contexts
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.flags import flags_among
from h2o_console.cli.output import Format
from h2o_core.context import Context, NoContext, Overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_console.cli.labels import Label

DEFAULT_TIMEOUT_S: Final = 5.0

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")

_FLEET_OPTIONS: Final = (
    click.option(
        "--context",
        metavar="NAME",
        shell_complete=contexts,
        help="A context of the configuration file.  [env: H2O_CONTEXT]",
    ),
    click.option("--zk", metavar="HOST:PORT", help="ZooKeeper, one server or several with commas.  [env: H2O_ZK]"),
    click.option("--fleet", metavar="NAME", help="The fleet under that ZooKeeper.  [env: H2O_FLEET]"),
    click.option("--agent", metavar="ADDRESS", help="unix:PATH or http://HOST:PORT.  [env: H2O_AGENT]"),
)
_FORMAT_OPTIONS: Final = (
    click.option(
        "-o", "--output", type=click.Choice([each.value for each in Format]), help="How to print it.  [default: table]"
    ),
    click.option("--json", "as_json", is_flag=True, help="The same as -o json."),
    click.option("--no-headers", is_flag=True, help="A table without its heads."),
)
_OUTPUT_OPTIONS: Final = (
    *_FORMAT_OPTIONS,
    click.option("-w", "--watch", is_flag=True, help="Again every second; with JSON, one object a line."),
)
_TIMEOUT_OPTION: Final = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help=f"Wait no longer for each thing asked.  [default: {DEFAULT_TIMEOUT_S:g}]",
)


_LABELS_OPTION: Final = click.option(
    "-l",
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    help="Only hosts with this label (zone and host count as labels; KEY!=VALUE: without it); may be repeated.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading command was told: which fleet, how long to wait, how to print."""

    flags: Overrides
    output: Format
    headers: bool
    watch: bool
    timeout_s: float
    labels: tuple[Label, ...] = ()

    def context(self) -> Context:
        """The context meant; raises CommandFailed when it can't be told."""
        from h2o_core.io.context import current_context  # noqa: PLC0415 - `h2o --help` needs no file

        try:
            context = current_context(self.flags)
        except NoContext as error:
            raise CommandFailed(Exit.USAGE, str(error)) from None
        from h2o_console.cli.remarks import tell_typos  # noqa: PLC0415 - as above

        tell_typos()
        return context


def fleet_options(command: Decorated) -> Decorated:
    """Adds --context, --zk, --fleet, --agent and --timeout."""
    for option in reversed((*_FLEET_OPTIONS, _TIMEOUT_OPTION)):
        command = option(command)
    return command


def reading_options(command: Decorated) -> Decorated:
    """Adds `fleet_options` and how to print: -o, --json, --no-headers, --watch."""
    command = fleet_options(command)
    for option in reversed(_OUTPUT_OPTIONS):
        command = option(command)
    return command


def streaming_options(command: Decorated) -> Decorated:
    """Adds `fleet_options` and -o, --json, --no-headers; what comes line by line has a --watch of its own."""
    command = fleet_options(command)
    for option in reversed(_FORMAT_OPTIONS):
        command = option(command)
    return command


def choosing_options(command: Decorated) -> Decorated:
    """Adds `reading_options`, and -l to choose hosts by their labels."""
    return reading_options(_LABELS_OPTION(command))


def output_options(command: Decorated) -> Decorated:
    """Adds how to print alone, for what asks no fleet."""
    for option in reversed(_OUTPUT_OPTIONS):
        command = option(command)
    return command


def context_options(command: Decorated) -> Decorated:
    """Adds --context, --zk, --fleet and --agent alone, for before the command's name."""
    for option in reversed(_FLEET_OPTIONS):
        command = option(command)
    return command


def flags_of(options: Mapping[str, Any]) -> Overrides:
    """What the command's own flags say; the ones before the command's name fill in what they leave open."""
    return flags_among(options, click.get_current_context().find_root().params)


def reading(options: Mapping[str, Any], default: Format = Format.TABLE) -> Reading:
    """What the options of `reading_options` say; raises UsageError when two of them contradict."""
    output = options.get("output")
    as_json = bool(options.get("as_json"))
    if as_json and output not in {None, Format.JSON.value}:
        msg = f"--json and -o {output} contradict each other; keep one"
        raise click.UsageError(msg)
    return Reading(
        flags=flags_of(options),
        output=Format.JSON if as_json else Format(output or default),
        headers=not options.get("no_headers"),
        watch=bool(options.get("watch")),
        timeout_s=float(options.get("timeout") or DEFAULT_TIMEOUT_S),
        labels=_labels(options.get("labels") or ()),
    )


def _labels(typed: tuple[str, ...]) -> tuple[Label, ...]:
    if not typed:
        return ()
    from h2o_console.cli.labels import parse_labels  # noqa: PLC0415 - seldom asked for

    return parse_labels(typed)
