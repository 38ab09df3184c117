"""`h2o new service/invoice`: a package that runs as it is, to be changed into what it is to be."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_core.names import InvalidName, from_operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.new.words import Words

_SEE: Final = "see how: h2o new --help"


@click.command("new")
@click.argument("name", metavar="TIER/SERVICE")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Where to write it; nothing may be there yet.  [default: ./TIER-SERVICE]",
)
def command(name: str, directory: Path | None) -> None:
    """Write a new package: its .proto, generated code, ten lines of Python, tests, and how to run it.

    \b
    h2o new service/invoice            answers from what it holds
    h2o new orchestration/billing      calls service/billing; a stand-in for it comes along
    h2o new api/invoice                the same, for the outside world

    It runs as it is, before anything is installed or compiled. Nothing is ever overwritten.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli.printing import write as tell  # noqa: PLC0415 - `h2o --help` needs none of it
    from h2o_console.new.draft import DirectoryTaken, draft, write  # noqa: PLC0415
    from h2o_console.new.words import words  # noqa: PLC0415

    try:
        meant = words(from_operator(name.strip()))
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), _instead(name)) from None
    where = directory or Path(meant.directory)
    files = draft(meant)
    try:
        write(files, where)
    except DirectoryTaken:
        elsewhere = f"write it elsewhere: h2o new {meant.name} --dir DIRECTORY"
        raise CommandFailed(
            Exit.FAILED, f"{where} is there already, and h2o new overwrites nothing", elsewhere
        ) from None
    except OSError as error:
        raise CommandFailed(Exit.FAILED, f"{where} can't be written: {error.strerror}", _SEE) from None
    tell(_next(meant, where, files))


def _instead(typed: str) -> str:
    """What was probably meant."""
    parts = [part for part in from_operator(typed.strip()).lower().split("/") if part]
    if len(parts) == 1:
        parts.insert(0, "service")
    try:
        from h2o_console.new.words import words  # noqa: PLC0415 - only after a mistake

        return f"try: h2o new {words('/' + '/'.join(parts[:2])).name}"
    except InvalidName:
        return "try: h2o new service/invoice"


def _next(words: Words, where: Path, files: Mapping[str, str]) -> str:
    runs = [f"'{words.name}=python -m {words.module}'"]
    feature, holds = "retrieve", "retrieve"
    if words.tier != "service":
        runs.append(f"'service/{words.service}=python -m stand_in'")
        feature, holds = "show", f"show, which calls service/{words.service}/retrieve"
    run = " ".join(f"--run {each}" for each in runs)
    return "\n".join(
        (
            f"{where}: {words.name} 0.1.0, {len(files)} files",
            f"  {words.module}.py  the package, with one feature: {holds}",
            f"  {words.module}.proto  its messages; after a change: python compile.py",
            "  instance.toml  its entry in a host's file",
            "",
            "next:",
            f"  cd {shlex.quote(str(where))}",
            "  python -m unittest",
            f"  h2o dev --reload {run}",
            "and in another terminal:",
            f"  h2o call {words.name}/{feature} '{{\"id\": 1}}'",
            "",
        )
    )
