"""`h2o doctor`: checks this machine and the way to the fleet, and says for each what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.options import reading, reading_options
from h2o_console.cli.output import Column
from h2o_console.feed.answers import SCHEMA
from h2o_console.sections import Colour

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit

COLUMNS: Final = (
    Column("STATUS", colours={"ok": Colour.GOOD, "warn": Colour.WARN, "fail": Colour.BAD}),
    Column("CHECK"),
    Column("WHAT"),
)


@click.command("doctor")
@reading_options
def command(**options: Any) -> Exit:
    """Check this machine and the way to the fleet; each line that is not ok says what to type.

    \b
    h2o doctor
    h2o --context prod doctor --json

    Looked at: Python and packages, the configuration file, agent, broker and ZooKeeper, clocks, the secret, the run
    directory and its sockets, terminal, locale and tmux, what `h2o dev` needs, and of the fleet: hosts that are not
    linked or silent, brokers behind, agents of other versions. Nothing is changed.
    Exit codes: 0 well, also with warnings; 1 something does not work.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import checkup  # noqa: PLC0415 - all of it, which `h2o doctor --help` needs not
    from h2o_console.cli.failures import Exit  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import Page, show  # noqa: PLC0415 - as above
    from h2o_console.cli.verdicts import Status, worst  # noqa: PLC0415 - as above

    told = reading(options)

    def look() -> Page:
        found = checkup.everything(told)
        rows: list[tuple[str, str, str]] = []
        for each in found:
            rows.append((each.status.value, each.check, each.what))
            if each.status is not Status.OK and each.next:
                rows.append((" ", " ", f"→ {each.next}"))
        entries = [
            {"check": each.check, "status": each.status.value, "what": each.what, "next": each.next or None}
            for each in found
        ]
        status = worst(found)
        document = {"schema": SCHEMA, "status": status.value, "checks": entries}
        names = [each.check for each in found if each.status is not Status.OK]
        return Page(COLUMNS, rows, document, names, Exit.FAILED if status is Status.FAIL else Exit.OK)

    return show(look, told)
