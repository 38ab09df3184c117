"""What `h2o weight` does: read what is decided, show the change, write it, wait until it is applied."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.applied import Everybody, wait_for_all
from h2o_console.cli.durations import parse_duration
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.printing import show
from h2o_console.cli.ready import Capacity, capacity_of
from h2o_console.cli.register import in_register, read_agents, read_lives
from h2o_console.cli.remarks import tell
from h2o_console.cli.standing import Stand, read_stand
from h2o_console.cli.token import token_for
from h2o_console.cli.weighing import parse_edits, weighed
from h2o_console.cli.weight_page import remark, weight_page
from h2o_core.audit import Author, Edit
from h2o_core.control import encode_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.io import changes
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import RegisterError, RegisterRefused, RegisterUnavailable
from h2o_core.names import dotted, from_dotted, shown
from h2o_core.weights import over_cap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.options import Reading
    from h2o_core.context import Context
    from h2o_core.control import Traffic
    from h2o_core.io.changes import Applied
    from h2o_core.io.registry import Registry

_APPLY_S: Final = 30.0
_LONGEST_REVIEW_S: Final = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told, beside the package."""

    weights: tuple[str, ...]
    reason: str
    review: str | None
    wait: bool
    dry_run: bool
    force: bool
    yes: bool


def weight(typed: str, asked: Asked, told: Reading) -> Exit:
    """Show, or decide; raises CommandFailed."""
    edits = parse_edits(asked.weights)
    review_s = _review_s(asked.review)
    context = told.context()
    if not context.zookeeper or not context.fleet:
        msg = "what is decided stands in ZooKeeper, and no context or flag names one"
        raise CommandFailed(Exit.UNREACHABLE, msg, "name it: --zk HOST:PORT --fleet NAME; or start a fleet: h2o dev")
    stand = read_stand(context, told.timeout_s, typed)
    capacity = capacity_of(
        stand.known.package, stand.agents, told.timeout_s, lambda address: token_for(context, address)
    )
    change = _Change(context, told, stand, capacity)
    if edits:
        return change.decide(edits, asked, review_s)
    tell(*remark(stand.known, unix_s()))
    return change.show(None)


def _review_s(typed: str | None) -> float:
    """When it is to be reviewed (Unix time), 0 for never."""
    if typed is None:
        return 0.0
    seconds = parse_duration(typed)
    if seconds is None or not 1 <= seconds <= _LONGEST_REVIEW_S:
        raise CommandFailed(Exit.USAGE, f"--review {typed} is not a time between 1s and 366d; write 2h or 7d")
    return unix_s() + seconds


class _Change:
    """From what stands there to what every broker applies."""

    def __init__(self, context: Context, told: Reading, stand: Stand, capacity: Capacity) -> None:
        self._context = context
        self._told = told
        self._stand = stand
        self._capacity = capacity

    def show(self, then: Traffic | None, **more: Any) -> Exit:
        """The page, as -o wants it."""
        page = weight_page(self._context.fleet, self._stand.known, then, self._capacity, more)
        return show(lambda: page, self._told)

    def decide(self, edits: Mapping[str, int], asked: Asked, review_s: float) -> Exit:
        """Raises CommandFailed when it is not written; leaves with 5 when not all apply it."""
        author = _author(asked.reason)
        traffic = weighed(self._stand.known, edits, owner=author.actor, reason=asked.reason, review_s=review_s)
        try:
            data = encode_traffic(traffic)
        except InvalidDocument as error:
            raise CommandFailed(Exit.USAGE, error.sentence) from None
        self._guard(traffic, force=asked.force)
        if asked.dry_run:
            return self.show(traffic, dry_run=True)
        if not asked.yes:
            self._confirm(traffic)
        edit = Edit(f"control/traffic/{dotted(traffic.package)}", self._stand.data, data)
        applied = in_register(
            self._context, self._told.timeout_s, lambda registry: _apply(registry, edit, author), within_s=_APPLY_S
        )
        said = {"epoch": applied.epoch, "change_id": applied.change_id}
        if not asked.wait:
            tell(f"epoch {applied.epoch} is written; whether brokers apply it was not waited for")
            return self.show(traffic, **said)
        everybody = self._wait(applied, edit.path)
        tell(everybody.sentence(applied.epoch))
        self.show(traffic, **said, brokers=everybody.hosts, behind=dict(everybody.behind))
        return Exit.PARTIAL if everybody.behind else Exit.OK

    def _guard(self, traffic: Traffic, *, force: bool) -> None:
        """More than a version can take is refused; raises CommandFailed."""
        capacity = self._capacity
        for host, why in capacity.silent.items():
            tell(f"host {host} is missing here, and what runs there counts as nothing: {why}")
        now = self._stand.known.shares()
        before = {version: capacity.share(version) if parts is None else parts for version, parts in now.items()}
        wrong = over_cap(before, dict(traffic.weights), capacity.slots, capacity.demand)
        refused = [one.sentence for one in wrong if one.refused]
        if refused and not force:
            raise CommandFailed(Exit.REFUSED, "; ".join(refused), "or decide it all the same: --force")
        for one in wrong:
            tell(f"all the same: {one.sentence}")

    def _confirm(self, traffic: Traffic) -> None:
        """Show it and ask, on a terminal; elsewhere nobody is there to be asked. Raises CommandFailed."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            msg = "it would change what is routed, and there is no terminal to ask on"
            raise CommandFailed(Exit.USAGE, msg, "say that you mean it: -y; or look first: --dry-run")
        self.show(traffic)
        if not click.confirm("Decide it?", err=True):
            raise CommandFailed(Exit.FAILED, "nothing was changed")

    def _wait(self, applied: Applied, path: str) -> Everybody:
        """For those that were there before or are there now: a broker whose node has gone may still route."""
        agents = dict(self._stand.agents)
        with suppress(CommandFailed):  # those that were there before are asked all the same
            agents |= in_register(self._context, self._told.timeout_s, _agents_of_live)
        return wait_for_all(
            agents, applied.epoch, [path], self._told.timeout_s, lambda address: token_for(self._context, address)
        )


def _author(reason: str) -> Author:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    host = socket.gethostname() or "unknown"
    return Author(f"{user}@{host}", f"h2o weight on {host}", reason)


async def _apply(registry: Registry, edit: Edit, author: Author) -> Applied:
    try:
        return await changes.apply(registry, [edit], author)
    except changes.StaleChange as stale:
        package = shown(from_dotted(edit.path.rpartition("/")[2]))
        raise CommandFailed(Exit.STALE, str(stale), f"look again: h2o weight {package}") from None
    except InvalidDocument as error:
        hint = "brokers read in it what changes; write it anew by hand, with a number above its last one"
        raise CommandFailed(Exit.FAILED, str(error), hint) from None
    except (RegisterUnavailable, RegisterRefused):
        raise
    except RegisterError as error:
        raise CommandFailed(Exit.FAILED, str(error)) from None


async def _agents_of_live(registry: Registry) -> dict[str, str]:
    agents = await read_agents(registry)
    return {live.host: agents.get(live.host, "") for live in await read_lives(registry)}
