"""`h2o hosts [name]`: every host, as the asked host's broker is linked to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.completing import hosts
from h2o_console.cli.options import choosing_options, reading
from h2o_console.cli.output import Colour, Column, count, milliseconds
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import Page, show
from h2o_console.cli.selection import select_hosts
from h2o_console.cli.views import HostsView, document_of

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit
    from h2o_console.feed.answers import Host

COLUMNS: Final = (
    Column("HOST"),
    Column("ZONE"),
    Column(
        "LINK",
        colours={
            "self": Colour.GOOD,
            "up": Colour.GOOD,
            "connecting": Colour.WARN,
            "leaving": Colour.WARN,
            "suspect": Colour.BAD,
            "refused": Colour.BAD,
        },
    ),
    Column(
        "REGISTER",
        wide=True,
        colours={"registered": Colour.GOOD, "remembered": Colour.WARN, "kept": Colour.WARN, "withdrawn": Colour.BAD},
    ),
    Column("RTT MS", right=True),
    Column("INSTANCES", right=True),
    Column("AGENT"),
    Column("WHY"),
    Column("BROKER", wide=True),
    Column("INCARNATION", wide=True),
    Column("LABELS", wide=True),
)


@click.command("hosts")
@click.argument("name", required=False, shell_complete=hosts)
@choosing_options
def command(name: str | None, **options: Any) -> Exit:
    """List the fleet's hosts, or those that NAME (a glob) means.

    LINK is the asked host's broker's own view: self, up, connecting, suspect, leaving, or refused (the keys
    don't fit). What is wrong with the register is said on standard error.

    \b
    h2o hosts
    h2o hosts -o wide -l disk=ssd         with addresses and labels, those with an SSD

    Exit codes: 3 no match, 4 neither agent nor ZooKeeper answers.
    """  # noqa: D301 - \b is click's mark for lines to keep
    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    return show(lambda: page(fleet.hosts(), name), told)


def page(view: HostsView, name: str | None) -> Page:
    """The hosts that *name* means, in all shapes; raises CommandFailed when it means none."""
    chosen = select_hosts(view.hosts, name) if name else list(view.hosts)
    wanted = set(map(id, chosen))
    entries = [entry for each, entry in zip(view.hosts, view.entries, strict=True) if id(each) in wanted]
    chosen.sort(key=lambda each: each.host)
    rows = [row(each) for each in chosen]
    return Page(COLUMNS, rows, document_of(view.head, "hosts", entries), [each.host for each in chosen])


def row(each: Host) -> tuple[str, ...]:
    """One host's cells, in the order of `COLUMNS`."""
    return (
        each.host,
        each.zone,
        each.link or "unknown",
        each.register,
        milliseconds(each.rtt_ms),
        count(each.instances),
        each.agent,
        each.why,
        each.address,
        each.incarnation,
        ",".join(f"{key}={value}" for key, value in sorted(each.labels.items())),
    )
