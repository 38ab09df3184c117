"""What `h2o hosts` shows: the hosts that were meant, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.cli.output import Column, count, milliseconds
from h2o_console.cli.printing import Page
from h2o_console.cli.selection import select_hosts
from h2o_console.cli.states import STATES
from h2o_console.cli.views import HostsView, document_of
from h2o_console.sections import Colour

if TYPE_CHECKING:
    from h2o_console.feed.answers import Host

COLUMNS: Final = (
    Column("HOST"),
    Column("ZONE"),
    Column("LINK", colours=STATES),
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
        f"{each.agent} conducts" if each.conducts else each.agent,
        each.why,
        each.address,
        each.incarnation,
        ",".join(f"{key}={value}" for key, value in sorted(each.labels.items())),
    )
