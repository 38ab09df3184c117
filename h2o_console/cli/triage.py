"""`h2o triage [ack|mute|…]`: what is wrong in the fleet, why, the command that mends it, and who looks after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from h2o_console.cli.completing import finding_ids
from h2o_console.cli.durations import DURATION
from h2o_console.cli.options import fleet_options, reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit
    from h2o_console.cli.options import Reading

_findings = click.argument("findings", metavar="ID...", nargs=-1, required=True, shell_complete=finding_ids)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why; everybody sees it beside the finding.")
_anew = click.option(
    "--anew", is_flag=True, help="Where notes can't be read: begin without them; a copy is kept in the register."
)


@click.group("triage", invoke_without_command=True)
@click.option(
    "--every",
    "every_s",
    type=DURATION,
    default="3s",
    show_default=True,
    metavar="TIME",
    help="How long callers and features are counted before the first answer.",
)
@click.option("--on-change", default="", metavar="COMMAND", help="With -w: run it when a finding opens or closes.")
@click.option(
    "--webhook",
    default="",
    metavar="URL",
    envvar="H2O_WEBHOOK",
    show_envvar=True,
    help="With -w: POST it there as JSON.",
)
@click.option(
    "--webhook-token-file", "token_file", default="", metavar="FILE", help="What the webhook is shown, as Bearer."
)
@click.option(
    "--min-severity",
    "least",
    type=click.Choice(["note", "ticket", "page"]),
    default="ticket",
    show_default=True,
    help="Of what is less nobody is told.",
)
@click.option("--state", default="", metavar="FILE", help="What was told before, so that a restart tells nothing anew.")
@reading_options
@click.pass_context
def command(
    ctx: click.Context,
    every_s: float,
    on_change: str,
    webhook: str,
    token_file: str,
    least: str,
    state: str,
    **options: Any,
) -> Exit | None:
    """Show what is wrong and why, the most hurt first, each with a command to paste.

    \b
    h2o triage                    what is wrong now; the last minute against the quarter of an hour before
    h2o triage -o wide            with ids and the evidence, and what each cause explains
    h2o triage -w -o json         an object a line every second, until Ctrl-C
    h2o triage ack 18d3           you look after it; everybody sees that
    h2o triage mute 18d3 --for 2h

    A cause has an action: a change (it shows its plan and asks before anything happens) or a closer look. What it
    explains is counted below it. Exit codes: 0 all is well, or only notes; 1 something is wrong; 4 no agent; 5 all is
    well as far as is known, but some hosts did not say.
    """  # noqa: D301 - \b is click's mark for lines to keep
    if ctx.invoked_subcommand:
        return None
    from h2o_console.cli import triaging  # noqa: PLC0415 - protobuf, which `--help` needs not
    from h2o_console.cli.triage_telling import Wish  # noqa: PLC0415 - as above
    from h2o_core.insights.finding import Severity  # noqa: PLC0415 - as above

    told = reading(options)
    if not told.watch and ctx.get_parameter_source("webhook") is ParameterSource.ENVIRONMENT:
        webhook = ""
    return triaging.run(every_s, Wish(on_change, webhook, token_file, Severity[least.upper()], state), told)


@command.command("ack")
@_findings
@_reason
@_anew
@fleet_options
def ack(findings: tuple[str, ...], reason: str, *, anew: bool, **options: Any) -> Exit:
    """Say that you look after findings, until they are over, and for 12 hours at the longest.

    A finding is named by its id or the beginning of it, or by its subject: h2o triage ack 18d3, or host-7.
    """
    from h2o_console.cli import triage_noting  # noqa: PLC0415 - as above

    return triage_noting.ack(findings, reason, _told(options), anew=anew)


@command.command("unack")
@_findings
@fleet_options
def unack(findings: tuple[str, ...], **options: Any) -> Exit:
    """Say that nobody looks after findings any more."""
    from h2o_console.cli import triage_noting  # noqa: PLC0415 - as above
    from h2o_core.insights.notes import Says  # noqa: PLC0415 - as above

    return triage_noting.back(findings, Says.ACKNOWLEDGED, _told(options))


@command.command("mute")
@_findings
@click.option(
    "--for", "for_", required=True, metavar="TIME", help="So long, also when it is over and begins again: 2h, 7d."
)
@_reason
@_anew
@fleet_options
def mute(findings: tuple[str, ...], for_: str, reason: str, *, anew: bool, **options: Any) -> Exit:
    """Have findings be quiet, with what they explain: not in the list, and nobody is told of them."""
    from h2o_console.cli import triage_noting  # noqa: PLC0415 - as above
    from h2o_console.cli.moments import duration  # noqa: PLC0415 - as above

    return triage_noting.quiet(findings, duration("--for", for_), reason, _told(options), anew=anew)


@command.command("unmute")
@_findings
@fleet_options
def unmute(findings: tuple[str, ...], **options: Any) -> Exit:
    """Have findings be told again."""
    from h2o_console.cli import triage_noting  # noqa: PLC0415 - as above
    from h2o_core.insights.notes import Says  # noqa: PLC0415 - as above

    return triage_noting.back(findings, Says.MUTED, _told(options))


def _told(options: dict[str, Any]) -> Reading:
    """What was said before the subcommand counts, too: `h2o triage --fleet prod mute …` means that fleet."""
    before = click.get_current_context().parent
    said = {} if before is None else {name: value for name, value in before.params.items() if name in options}
    return reading({**options, **{name: value for name, value in said.items() if options[name] is None}})
