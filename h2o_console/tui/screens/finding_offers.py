"""What `a` offers on a finding: the action that it asks for, to look after it, to let it be quiet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from h2o_console.acting.request import request_of
from h2o_console.text import safe
from h2o_console.tui.acting.offer import Offer
from h2o_core.insights.figures import many
from h2o_core.notes import Says

if TYPE_CHECKING:
    from h2o_console.rows.told import Said
    from h2o_console.tui.acting.offer import Actor
    from h2o_core.insights.finding import Key
    from h2o_core.notes import Note


def offers(told: Sequence[Said], notes: Sequence[Note], desk: Actor) -> tuple[Offer, ...]:
    """About these findings: one, or all that are marked."""
    if not told:
        return ()
    return _action(told, desk), *_notes(told[0].finding.key, notes, desk)


def _action(told: Sequence[Said], desk: Actor) -> Offer:
    """Their actions, each as a plan, one after the other."""
    requests = [request for one in told if one.is_cause and (request := request_of(one.finding)) is not None]
    if len(told) > 1:
        does = f"what the marked ones ask for: {many(len(requests), 'plan')}"
        why = "none of the marked ones has an action that decides something"
        return Offer("a", does, (lambda: desk.act(*requests)) if requests else None, why)
    one = told[0]
    action = one.finding.action
    if requests and action is not None:
        return Offer("a", action.sentence, lambda: desk.act(*requests))
    if not one.is_cause:
        return Offer("a", "what it asks for", None, f"it is explained by {safe(str(one.group.cause.subject), 80)}")
    look = "" if action is None else f": {safe(action.command, 120)} looks closer, c copies that"
    return Offer("a", "what it asks for", None, f"there is nothing to decide{look}")


def _notes(key: Key, notes: Sequence[Note], desk: Actor) -> Iterator[Offer]:
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
