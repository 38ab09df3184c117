"""Reads the audit: control changes, the newest first, and which of them was taken back by which."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from h2o_console.commands.entries import subjects
from h2o_core.audit import day_of, parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.io import audit
from h2o_core.names import from_dotted, matches, package_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from h2o_core import calls
    from h2o_core.audit import Entry
    from h2o_core.io.registry import Registry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are meant; globs, "" for any. Packages as operators type them. Unix times, 0 for no bound."""

    package: str = ""
    host: str = ""
    actor: str = ""
    since_s: float = 0.0
    until_s: float = 0.0
    change: str = ""

    def means(self, entry: Entry) -> bool:
        """Is it one of these?"""
        packages, hosts = subjects(entry)
        return (
            self.since_s <= entry.at_s
            and (not self.until_s or entry.at_s <= self.until_s)
            and (not self.package or any(matches(self.package, from_dotted(name)) for name in packages))
            and _any(hosts, self.host)
            and _any((entry.author.actor,), self.actor)
            and (not self.change or entry.change_id.startswith(self.change) or str(entry.epoch) == self.change)
        )

    def means_call(self, one: calls.Entry) -> bool:
        """Is it one of these? A call is about a package; about a host only if it was to go there alone."""
        call = one.call
        return (
            self.since_s <= call.at_s
            and (not self.until_s or call.at_s <= self.until_s)
            and (not self.package or matches(self.package, package_of(call.feature)))
            and (not self.host or _any((call.to_host,), self.host))
            and _any((call.author.actor,), self.actor)
        )


def _any(names: tuple[str, ...], glob: str) -> bool:
    return not glob or any(fnmatchcase(name, glob) for name in names)


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries, the newest first. `undone_by`: change id → the id of the change that took it back, if that stands.

    `unreadable`: what can't be read, in sentences. `more`: there are older ones that were not looked at.
    """

    entries: tuple[Entry, ...]
    undone_by: Mapping[str, str] = field(default_factory=dict[str, str])
    unreadable: tuple[str, ...] = ()
    more: bool = False


async def read_journal(registry: Registry, wanted: Wanted, most: int) -> Journal:
    """At most the *most* newest that are *wanted*."""
    unreadable: list[str] = []
    found: list[Entry] = []
    undone_by: dict[str, str] = {}
    async for entry in newest_first(registry, wanted.since_s, unreadable.append):
        if len(found) == most:
            return Journal(tuple(found), undone_by, tuple(unreadable), more=True)
        if entry.undo_of and entry.change_id not in undone_by:  # an undo that was itself undone takes nothing back
            undone_by.setdefault(entry.undo_of, entry.change_id)
        if wanted.means(entry):
            found.append(entry)
    return Journal(tuple(found), undone_by, tuple(unreadable))


async def newest_first(registry: Registry, since_s: float, say: Callable[[str], None]) -> AsyncGenerator[Entry]:
    """All entries, of days that are not before *since_s*; what can't be read is *say*'s."""
    first_day = day_of(since_s) if since_s else ""
    of_days = [day for day in await audit.days(registry) if day >= first_day]
    async for path, data in audit.newest_first(registry, of_days):
        try:
            yield parse_entry(path, data)
        except InvalidDocument as error:
            say(f"left out: {error}")
