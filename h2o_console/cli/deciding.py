"""What `h2o weight` does: read what is decided, show the change, write it, wait until it is applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.durations import parse_duration
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.printing import show
from h2o_console.cli.ready import Capacity, capacity_of
from h2o_console.cli.remarks import tell
from h2o_console.cli.standing import Stand, read_stand
from h2o_console.cli.token import token_for
from h2o_console.cli.weighing import parse_edits, weighed
from h2o_console.cli.weight_page import remark, weight_page
from h2o_console.cli.writing import author_of, check_register, confirm, wait, write
from h2o_core.audit import Edit
from h2o_core.control import encode_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import unix_s
from h2o_core.names import dotted, shown
from h2o_core.weights import over_cap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.options import Reading
    from h2o_core.context import Context
    from h2o_core.control import Traffic

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
    check_register(context)
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
        author = author_of("h2o weight", asked.reason)
        traffic = weighed(self._stand.known, edits, owner=author.actor, reason=asked.reason, review_s=review_s)
        try:
            data = encode_traffic(traffic)
        except InvalidDocument as error:
            raise CommandFailed(Exit.USAGE, error.sentence) from None
        self._guard(traffic, force=asked.force)
        if asked.dry_run:
            return self.show(traffic, dry_run=True)
        if not asked.yes:
            confirm(lambda: self.show(traffic))
        context, timeout_s = self._context, self._told.timeout_s
        edit = Edit(f"control/traffic/{dotted(traffic.package)}", self._stand.data, data)
        applied = write(context, timeout_s, edit, author, f"h2o weight {shown(traffic.package)}")
        said = {"epoch": applied.epoch, "change_id": applied.change_id}
        if not asked.wait:
            tell(f"epoch {applied.epoch} is written; whether brokers apply it was not waited for")
            return self.show(traffic, **said)
        everybody = wait(context, timeout_s, self._stand.agents, applied, edit.path)
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
