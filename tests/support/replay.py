"""The journal of control changes, replayed from nothing: each document has to be what its entries made of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from h2o_core.audit import Entry, parse_entry
from h2o_core.io import changes
from h2o_core.io.registry import NoNode
from h2o_core.plan.situation import Decided, decided_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.io.registry import Registry


async def history(registry: Registry) -> tuple[Decided, list[Entry]]:
    """What is decided, and every entry of the journal in order."""
    decided = await changes.read_decided(registry)
    entries: list[Entry] = []
    with suppress(NoNode):  # nothing was ever decided
        for day in await registry.children("audit"):
            for name in await registry.children(f"audit/{day}"):
                node = await registry.get(f"audit/{day}/{name}")
                assert node is not None
                entries.append(parse_entry(f"audit/{day}/{name}", node.data))
    return decided, sorted(entries, key=lambda entry: entry.epoch)


def replayed(entries: list[Entry], first: Decided) -> Iterator[tuple[Entry, Decided]]:
    """Each entry, and what was decided after it; fails where one did not find what the one before had left."""
    there = first
    for entry in entries:
        for edit in entry.edits:
            assert there.documents.get(edit.path) == edit.before, entry
        there = there.with_edits(entry.edits)
        yield entry, there


def holds(decided: Decided, entries: list[Entry], first: Decided | None = None) -> None:
    """One entry an epoch, no change twice, and nothing that they don't explain; *first*: what nobody decided."""
    assert [entry.epoch for entry in entries] == list(range(1, decided.epoch + 1))
    assert len({entry.change_id for entry in entries}) == len(entries)
    *_, (_, last) = replayed(entries, first or decided_of(0, {}))
    assert last.documents == decided.documents
