"""What `a` offers on a finding besides what mends it: to look after it, to let it be quiet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from h2o_console.tui.acting.offer import Offer
from h2o_core.insights.notes import Says

if TYPE_CHECKING:
    from h2o_console.tui.acting.offer import Actor
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Note


def offers(key: Key, notes: Sequence[Note], desk: Actor) -> tuple[Offer, ...]:
    """About this finding."""
    return tuple(_offers(key, notes, desk))


def _offers(key: Key, notes: Sequence[Note], desk: Actor) -> Iterator[Offer]:
    """With its id in the line that is typed: whatever the rows do meanwhile, it is this finding."""
    held = {note.says for note in notes if note.key == key}
    what = "say so of a finding"
    if Says.ACKNOWLEDGED in held:
        yield Offer("k", "nobody looks after it any more", lambda: desk.note(key, Says.ACKNOWLEDGED, 0.0, ""))
    else:
        typed = f"ack {key.id} "
        yield Offer("k", "say that I look after it", lambda: desk.when_armed(what, lambda: desk.ask(":", typed)))
    if Says.MUTED in held:
        yield Offer("m", "say it again: unmute", lambda: desk.note(key, Says.MUTED, 0.0, ""))
    else:
        quiet = f"mute {key.id} 1h "
        yield Offer("m", "mute it for a while", lambda: desk.when_armed(what, lambda: desk.ask(":", quiet)))
