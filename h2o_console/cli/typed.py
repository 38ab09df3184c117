"""Names as operators type them, made full names. Pure."""

from __future__ import annotations

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_core.names import InvalidName, from_operator, parse_host, parse_package


def full_package(typed: str, example: str) -> str:
    """``service.customer`` → ``/service/customer``; raises CommandFailed with the *example*."""
    try:
        return parse_package(from_operator(typed))
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), example) from None


def host_names(typed: tuple[str, ...], example: str) -> tuple[str, ...]:
    """Each once; raises CommandFailed for what can't be a host."""
    try:
        return tuple(dict.fromkeys(map(parse_host, typed)))
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), example) from None
