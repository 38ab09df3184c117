"""What `h2o settings` does: read `control/fleet`, show the change, write it, wait until it is applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Column
from h2o_console.cli.printing import Page, show
from h2o_console.cli.register import in_register
from h2o_console.cli.remarks import tell
from h2o_console.cli.writing import agents_of_live, author_of, check_register, confirm, wait, write
from h2o_console.feed.answers import SCHEMA
from h2o_core.audit import Edit
from h2o_core.control import FleetSettings, NewVersions, TierRule, encode_settings, parse_settings
from h2o_core.documents import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.options import Reading
    from h2o_core.io.registry import Registry

_PATH: Final = "control/fleet"
_KINDS: Final = {"new_versions": NewVersions, "tiers": TierRule}
_COLUMNS: Final = (Column("SETTING"), Column("NOW"), Column("THEN"))


def run(typed: tuple[str, ...], reason: str, told: Reading, *, dry_run: bool, yes: bool) -> Exit:
    """Show, or decide; raises CommandFailed."""
    then = _changed(FleetSettings(), typed)  # what can't be meant is said before anybody is asked
    context = told.context()
    check_register(context)
    now, data, agents = in_register(context, told.timeout_s, _read)
    then = _changed(now, typed)

    def page(**more: Any) -> Exit:
        return show(lambda: _page(context.fleet, now, then if typed else None, more), told)

    if not typed:
        return page()
    if dry_run:
        return page(dry_run=True)
    if not yes:
        confirm(page)
    edit = Edit(_PATH, data, encode_settings(then))
    applied = write(context, told.timeout_s, edit, author_of("h2o settings", reason), "h2o settings")
    everybody = wait(context, told.timeout_s, agents, applied, _PATH)
    tell(everybody.sentence(applied.epoch))
    page(epoch=applied.epoch, change_id=applied.change_id, brokers=everybody.hosts, behind=dict(everybody.behind))
    return Exit.PARTIAL if everybody.behind else Exit.OK


def _changed(settings: FleetSettings, typed: tuple[str, ...]) -> FleetSettings:
    for text in typed:
        name, _, value = text.partition("=")
        kind = _KINDS.get(name)
        if kind is None or value not in set(kind):
            known = "; ".join(f"{each}={'|'.join(of)}" for each, of in _KINDS.items())
            msg = f"{text!r} is no setting; there are {known}"
            raise CommandFailed(Exit.USAGE, msg, "h2o settings tiers=warn")
        settings = replace(settings, **{name: kind(value)})
    return settings


async def _read(registry: Registry) -> tuple[FleetSettings, bytes | None, dict[str, str]]:
    node = await registry.get(_PATH)
    settings = FleetSettings()
    if node is not None:
        try:
            settings = parse_settings(_PATH, node.data)
        except InvalidDocument as error:
            tell(f"what stands there can't be read; what is decided now replaces it: {error}")
    return settings, None if node is None else node.data, await agents_of_live(registry)


def _values(settings: FleetSettings) -> dict[str, str]:
    return {"new_versions": settings.new_versions.value, "tiers": settings.tiers.value}


def _page(fleet: str, now: FleetSettings, then: FleetSettings | None, more: Mapping[str, Any]) -> Page:
    before, after = _values(now), {} if then is None else _values(then)
    rows = [(name, value, *([after[name]] if after else [])) for name, value in before.items()]
    columns = _COLUMNS if after else _COLUMNS[:2]
    document = {"schema": SCHEMA, "fleet": fleet, "now": before, "then": after or None, **more}
    return Page(columns, rows, document, list(before))
