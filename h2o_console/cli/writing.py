"""Writes a control change for a command: asks on a terminal, applies it, and waits until every broker does."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.register import in_register, read_agents, read_lives
from h2o_console.cli.token import token_for
from h2o_console.commands.applied import Everybody, wait_for_all
from h2o_core.audit import Author
from h2o_core.documents import InvalidDocument
from h2o_core.io import changes
from h2o_core.io.registry import RegisterError, RegisterRefused, RegisterUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_core.audit import Edit
    from h2o_core.context import Context
    from h2o_core.io.changes import Applied
    from h2o_core.io.registry import Registry

_APPLY_S: Final = 30.0


def check_register(context: Context) -> None:
    """Control is written to ZooKeeper alone, or by an agent; raises CommandFailed when neither is meant."""
    if not context.agent and not (context.zookeeper and context.fleet):
        msg = "what is decided stands in ZooKeeper, and no context or flag names one, nor an agent"
        hint = "name it: --zk HOST:PORT --fleet NAME, or --agent http://HOST:PORT; or start a fleet: h2o dev"
        raise CommandFailed(Exit.UNREACHABLE, msg, hint)


def author_of(command: str, reason: str) -> Author:
    """Who types, by their own account."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    host = socket.gethostname() or "unknown"
    return Author(f"{user}@{host}", f"{command} on {host}", reason)


def confirm(look: Callable[[], object]) -> None:
    """Let them *look*, and ask, on a terminal; elsewhere nobody is there to be asked. Raises CommandFailed."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        msg = "it would change what is routed, and there is no terminal to ask on"
        raise CommandFailed(Exit.USAGE, msg, "say that you mean it: -y; or look first: --dry-run")
    look()
    if not click.confirm("Decide it?", err=True):
        raise CommandFailed(Exit.FAILED, "nothing was changed")


def write(context: Context, timeout_s: float, edit: Edit, author: Author, again: str) -> Applied:
    """Raises CommandFailed when it is not written, or that is not known; *again*: what to type to look anew."""

    async def apply(registry: Registry) -> Applied:
        try:
            return await changes.apply(registry, [edit], author)
        except changes.StaleChange as stale:
            raise CommandFailed(Exit.STALE, str(stale), f"look again: {again}") from None
        except InvalidDocument as error:
            hint = "brokers read in it what changes; write it anew by hand, with a number above its last one"
            raise CommandFailed(Exit.FAILED, str(error), hint) from None
        except (RegisterUnavailable, RegisterRefused):
            raise
        except RegisterError as error:
            raise CommandFailed(Exit.FAILED, str(error)) from None

    return in_register(context, timeout_s, apply, within_s=_APPLY_S)


def wait(context: Context, timeout_s: float, agents: Mapping[str, str], applied: Applied, path: str) -> Everybody:
    """For *agents*, who were there before, and for those that are there now: whose node has gone may still route."""
    asked = dict(agents)
    with suppress(CommandFailed):  # those that were there before are asked all the same
        asked |= in_register(context, timeout_s, agents_of_live)
    return wait_for_all(asked, applied.epoch, [path], timeout_s, lambda address: token_for(context, address))


async def agents_of_live(registry: Registry) -> dict[str, str]:
    """Every host that has a broker → its agent's address, "" without one."""
    agents = await read_agents(registry)
    return {live.host: agents.get(live.host, "") for live in await read_lives(registry)}
