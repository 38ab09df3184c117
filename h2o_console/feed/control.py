"""What an agent answers at ``/control``: bytes in, what is decided out. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from h2o_console.feed import answers
from h2o_console.store.control import ControlSeen
from h2o_core.audit import parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.insights.notes import MEND, NOTES, parse_notes
from h2o_core.plan.situation import decided_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.audit import Entry
    from h2o_core.insights.notes import Note

_MOST_ENTRIES: Final = 1000
_MOST_SENTENCES: Final = 100
_LONGEST_S: Final = 1e9


def parse_control(document: Mapping[str, Any], read_s: float) -> ControlSeen | None:
    """*read_s*: when it came (monotonic). None: it says nothing of an epoch, so what answers is no such agent.

    What can't be read is left out, and a sentence in `unreadable` says so.
    """
    epoch = answers.whole(document, "epoch")
    if epoch is None or epoch < 0:
        return None
    texts = answers.table(document, "documents")
    decided = decided_of(
        epoch, {path: text.encode("latin-1", "replace") for path, text in texts.items() if isinstance(text, str)}
    )
    said = [one for one in answers.listed(document, "unreadable") if isinstance(one, str)]
    entries: list[Entry] = []
    for one in answers.objects(document, "entries")[:_MOST_ENTRIES]:
        try:
            entries.append(_entry(one))
        except (InvalidDocument, ValueError, RecursionError) as error:
            said.append(str(error))
    notes: tuple[Note, ...] = ()
    try:
        notes = parse_notes(NOTES, answers.text(document, "notes").encode("latin-1", "replace"))
    except InvalidDocument as error:
        said.append(f"{error}; {MEND}")
    return ControlSeen(
        epoch=epoch,
        traffic=decided.traffic,
        hosts=decided.hosts,
        tiers=decided.settings.tiers.value,
        entries=tuple(sorted(entries, key=lambda entry: -entry.epoch)),
        notes=notes,
        unreadable=(*(f"{path}: {why}" for path, why in decided.unreadable.items()), *said)[:_MOST_SENTENCES],
        read_s=read_s,
        age_s=min(max(0.0, answers.number(document, "age_s") or 0.0), _LONGEST_S),
    )


def _entry(said: Mapping[str, Any]) -> Entry:
    """As its node has it; the path was put beside."""
    node = {key: value for key, value in said.items() if key != "path"}
    return parse_entry(answers.text(said, "path"), json.dumps(node).encode())
