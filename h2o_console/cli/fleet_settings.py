"""What `h2o settings` does: shows `control/fleet`, or changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.cli.changing import Change
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Column
from h2o_console.cli.printing import Page, show
from h2o_console.cli.register import in_register
from h2o_console.cli.remarks import tell
from h2o_console.feed.answers import SCHEMA
from h2o_core.io.decided import read_standing
from h2o_core.plan.intents import ChangeSettings
from h2o_core.plan.situation import SETTINGS

if TYPE_CHECKING:
    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading

_COLUMNS: Final = (Column("SETTING"), Column("NOW"))
_EXAMPLE: Final = "h2o settings tiers=warn"


def run(typed: tuple[str, ...], told: Reading, how: How) -> Exit:
    """Show, or decide; raises CommandFailed."""
    wanted = dict(map(_setting, typed))
    change = Change("h2o settings", told, how)
    if wanted:
        intent = ChangeSettings(wanted)
        return change.run(lambda _: intent, again="h2o settings")
    decided = in_register(change.context, told.timeout_s, read_standing).decided
    if SETTINGS in decided.unreadable:
        tell(f"what stands there can't be read, and is not in force: {decided.unreadable[SETTINGS]}")
    now = {"new_versions": decided.settings.new_versions.value, "tiers": decided.settings.tiers.value}
    document = {"schema": SCHEMA, "fleet": change.context.fleet, "now": now}
    return show(lambda: Page(_COLUMNS, list(now.items()), document, list(now)), told)


def _setting(typed: str) -> tuple[str, str]:
    name, equals, value = typed.partition("=")
    if not equals:
        raise CommandFailed(Exit.USAGE, f"{typed!r} is no setting: NAME=VALUE", _EXAMPLE)
    return name, value
