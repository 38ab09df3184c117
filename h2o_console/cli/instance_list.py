"""What `h2o list` shows: the instances that were meant, a line each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from h2o_console.cli.output import Column, age, count
from h2o_console.cli.printing import Page
from h2o_console.cli.selection import select_instances, short_length
from h2o_console.cli.states import STATES
from h2o_console.cli.views import InstancesView, document_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_console.cli.options import Reading
    from h2o_console.feed.answers import Instance

COLUMNS: Final = (
    Column("PACKAGE"),
    Column("VERSION"),
    Column("ID"),
    Column("HOST"),
    Column("ZONE", wide=True),
    Column("STATE", colours=STATES),
    Column("SLOTS", right=True, wide=True),
    Column("IN-FLIGHT", right=True, wide=True),
    Column("QUEUED", right=True, wide=True),
    Column("PID", right=True, wide=True),
    Column("STARTED", wide=True),
    Column("AGE", right=True),
    Column("WHY"),
)


def page(view: InstancesView, name: str | None, told: Reading, say: Callable[[str, str], None]) -> Page:
    """The instances that *name* means, in all shapes; raises CommandFailed when it means none."""
    chosen = select_instances(view.instances, name) if name else list(view.instances)
    if not view.instances and not told.labels:
        say("the fleet runs no instance", "start one: H2O_BROKER=RUN_DIR python -m your.package, or h2o dev --run …")
    wanted = set(map(id, chosen))
    entries = [entry for each, entry in zip(view.instances, view.entries, strict=True) if id(each) in wanted]
    chosen.sort(key=_order)
    length = (
        max((len(each.id) for each in chosen), default=0)
        if told.output == "wide"
        else short_length(each.id for each in view.instances)
    )
    rows = (row(each, view.head.as_of, length) for each in chosen)
    return Page(COLUMNS, rows, document_of(view.head, "instances", entries), [each.id for each in chosen])


def _order(each: Instance) -> tuple[str, ...]:
    return (each.package, each.version, each.host, each.started, each.id)


def row(each: Instance, as_of: str, id_length: int) -> tuple[str, ...]:
    """One instance's cells, in the order of `COLUMNS`."""
    return (
        each.package,
        each.version,
        each.id[:id_length],
        each.host,
        each.zone,
        each.state,
        count(each.slots),
        count(each.in_flight),
        count(each.queued),
        count(each.pid),
        each.started,
        age(seconds_between(each.started, as_of)),
        why(each),
    )


def why(each: Instance) -> str:
    """Why it gets no traffic; empty when it does."""
    if each.why:
        return each.why
    return "gets no traffic" if each.routable is False and each.state == "ready" else ""


def seconds_between(start: str, end: str) -> float | None:
    """From one RFC 3339 time to another; None when either is none."""
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None
