"""`h2o rollback <package>`: everything back to the version that had it before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import packages, versions
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("rollback")
@click.argument("package", shell_complete=packages)
@click.option("--to", default="", metavar="VERSION", help="To this one.", shell_complete=versions)
@changing_options
def command(package: str, to: str, **options: Any) -> Exit:
    """Give all of PACKAGE's traffic to the version that took the most before the newest one came.

    \b
    h2o rollback service/customer
    h2o rollback service/customer --to 2.0.0 --reason INC-7

    Where it is not clear which version that is, they are named, and nothing is changed.
    Exit codes: 0 applied, 2 it is not clear which, 3 no such package or version, 4 ZooKeeper out of reach, 5 not by all
    (they are named), 6 a guard refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - kazoo and threads, which --help needs not
    from h2o_console.cli.changing import Change  # noqa: PLC0415 - as above
    from h2o_console.cli.typed import full_package  # noqa: PLC0415 - as above
    from h2o_core.plan.intents import RollBack  # noqa: PLC0415 - as above

    intent = RollBack(full_package(package, "h2o rollback service/customer"), to)
    change = Change("h2o rollback", reading(options), how_of(options))
    return change.run(lambda _: intent, again=f"h2o weight {package}")
