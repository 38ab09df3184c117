"""What somebody wants, as it was meant at the key press: a wish about keys, never about rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from h2o_core.documents import MAX_TEXT
from h2o_core.plan.intents import Undo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_console.commands.carrying import Wish
    from h2o_core.audit import Entry
    from h2o_core.insights.finding import Finding

SHOWN_DIGITS: Final = 8
"""A change's id is shown and typed by its first digits."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form. `offers`: what it may be completed to; `hint`: how it is typed."""

    name: str
    value: str = ""
    hint: str = ""
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """What has to be typed, or may be. `make`: (name → what was typed, Unix time) → request; raises Mistake."""

    title: str
    fields: tuple[Field, ...]
    make: Callable[[Mapping[str, str], float], Request]

    def filled(self, now_s: float) -> Request:
        """As it stands; raises Mistake."""
        return self.make({one.name: one.value for one in self.fields}, now_s)


@dataclass(frozen=True, slots=True)
class Request:
    """A change that is asked for; its plan is made of `wish`, whose intent names resources by their keys.

    `about`: whom it is about, in words. `whose`: said before it is agreed to, of somebody else's change. `besides`:
    which of the marked ones are not on screen, in a sentence. `form`: where it can be typed otherwise. `over`: what
    to ask for when it can't be planned because something else was decided since.
    """

    wish: Wish
    about: str
    reason: str = ""
    whose: str = ""
    besides: str = ""
    form: Form | None = field(default=None, compare=False)
    over: Request | None = field(default=None, compare=False)


def request_of(finding: Finding) -> Request | None:
    """The action that a finding offers, with its sentence as the reason; None when it has nothing to decide."""
    action = finding.action
    if action is None or (intent := action.intent) is None:
        return None
    return with_reason(Request(lambda _: intent, str(finding.subject)), finding.sentence)


def undo_request(entry: Entry, actor: str, when: str) -> Request:
    """Take *entry* back. Somebody else's is said to be so, and why it was made; *when* it was, in words."""
    whose = ""
    if entry.author.actor != actor:
        why = entry.author.reason or "no reason given"
        what = f"{entry.author.actor}, {when}: {sentence(entry)} ({why})"
        whose = f"change {entry.change_id[:SHOWN_DIGITS]} is not yours: {what}"
    about = f"change {entry.change_id[:SHOWN_DIGITS]}"
    over = with_reason(Request(lambda _: Undo(entry, over=True), about, whose=whose), "")
    return with_reason(Request(lambda _: Undo(entry), about, whose=whose, over=over), "")


def with_reason(request: Request, reason: str) -> Request:
    """The same, with that reason, and a form that takes another."""
    field_ = Field("reason", reason_line(reason), "why; it stands in the journal")
    form = Form(request.about, (field_,), lambda typed, _: with_reason(request, typed["reason"]))
    return replace(request, reason=field_.value, form=form)


def sentence(entry: Entry) -> str:
    """What it did, as its plan said; of an entry without one, which documents it wrote."""
    if entry.sentence:
        return entry.sentence
    done = [f"{'deletes' if edit.after is None else 'writes'} {edit.path}" for edit in entry.edits]
    return ", ".join(done) or "nothing"


def reason_line(text: str) -> str:
    """*text* as a reason: one line that can be printed, as long as documents take."""
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_TEXT].strip()


def with_incident(reason: str, incident: str) -> str:
    """``INC-7: p95 up``: the incident is in every reason, once."""
    if not incident or incident in reason:
        return reason
    return reason_line(f"{incident}: {reason}" if reason else incident)
