"""`h2o dev`: a whole fleet on this machine, with a real ZooKeeper, until Ctrl-C."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from h2o_console.cli.failures import CommandFailed, Exit

_HOST_EXTRA: Final = ("psutil", "starlette", "uvicorn", "h11", "prometheus_client")
"""What agents import; tests/system/test_wheel.py runs without them."""


@click.command("dev")
@click.option("--hosts", default=3, show_default=True, metavar="N", help="How many hosts: host-1, host-2, …")
@click.option("--zones", type=int, metavar="N", help="In how many zones: a, b, …  [default: 2, or 1 for one host]")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where ZooKeeper's data, host files and logs are; a later start goes on with them.  [default: .h2o]",
)
@click.option(
    "--run", "runs", multiple=True, metavar="PACKAGE[*N][@HOSTS]=COMMAND", help="Run a package; may be repeated."
)
@click.option(
    "--package-file",
    "package_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML with [[instance]] tables (package, command, count, env, cwd, hosts).",
)
@click.option("--host-file-extra", "extra", multiple=True, metavar="TOML", help="A line more in every host file.")
@click.option("--name", default="dev", show_default=True, help="Of the fleet, and of its context.")
@click.option(
    "--http-port", default=8101, show_default=True, metavar="PORT", help="Of host-1's agent; the others follow."
)
@click.option("--reload", is_flag=True, help="Restart instances when a file in their directory is saved.")
@click.option("--no-context", is_flag=True, help="Leave the configuration file alone.")
def command(  # noqa: PLR0913 - one argument an option
    hosts: int,
    zones: int | None,
    directory: Path | None,
    runs: tuple[str, ...],
    package_files: tuple[Path, ...],
    extra: tuple[str, ...],
    name: str,
    http_port: int,
    reload: bool,  # noqa: FBT001 - click passes by keyword
    no_context: bool,  # noqa: FBT001 - as above
) -> Exit:
    """Run a fleet on this machine: a real ZooKeeper, and for each host an agent, a broker and packages.

    \b
    h2o dev --run 'service/customer=python -m customer'                 one on each host
    h2o dev --run 'service/customer*2@host-1,host-3=python -m customer'  two on each of these
    h2o dev --reload --run …                                             and anew when a .py is saved

    With --reload a new instance is started beside the old one, which leaves when the new one is registered: callers
    notice nothing, and code that does not start is shown with its line while the old instance runs on.

    Ctrl-C stops everything in order, a second one at once. Its context becomes the current one, with host-1 as
    the default host, so that the other commands find it. Packages started by hand join a host by H2O_BROKER.
    """  # noqa: D301 - \b is click's mark for lines to keep
    if absent := [name for name in _HOST_EXTRA if find_spec(name) is None]:
        msg = f"h2o dev runs whole hosts, and {', '.join(absent)} is not installed here"
        raise CommandFailed(Exit.USAGE, msg, "install it: pip install 'h2o-console[host]'")
    from h2o_console.dev import running  # noqa: PLC0415 - psutil, kazoo and ZooKeeper, when it is really run

    wish = running.Wish(
        hosts=hosts,
        zones=min(2, hosts) if zones is None else zones,
        directory=directory or Path(".h2o"),
        runs=runs,
        package_files=package_files,
        extra=extra,
        name=name,
        http_port=http_port,
        with_context=not no_context,
        reload=reload,
    )
    return running.run(wish)
