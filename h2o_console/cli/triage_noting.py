"""What `h2o triage ack`, `mute`, `unmute` do: find which finding is meant, and have the note stand for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.asking.register import NoRegister
from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import write
from h2o_console.cli.triage_found import meant, named, recall, remember
from h2o_console.cli.triage_watch import Watcher
from h2o_console.commands.author import author_of
from h2o_console.commands.noting import NotNoted, acknowledge, mute, take_back
from h2o_console.text import safe
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import rfc3339, unix_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from h2o_console.cli.options import Reading
    from h2o_core.audit import Author
    from h2o_core.context import Context
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Note, Says

_LOOKS_FOR_S: Final = 1.0


def ack(names: Sequence[str], reason: str, told: Reading, *, anew: bool) -> Exit:
    """Somebody looks after them; *anew*: in place of notes that can't be read. Raises CommandFailed."""

    def note(context: Context, author: Author, key: Key) -> str:
        stands = acknowledge(context, author, key, told.timeout_s, anew=anew)
        return f"{_who(stands)} looks after it until it is over, at the longest until {rfc3339(stands.until_s)}"

    return _each(names, "h2o triage ack", reason, told, note)


def quiet(names: Sequence[str], for_s: float, reason: str, told: Reading, *, anew: bool) -> Exit:
    """They are muted for so long; otherwise as `ack`."""

    def note(context: Context, author: Author, key: Key) -> str:
        stands = mute(context, author, key, unix_s() + for_s, told.timeout_s, anew=anew)
        return f"muted by {_who(stands)} until {rfc3339(stands.until_s)}"

    return _each(names, "h2o triage mute", reason, told, note)


def back(names: Sequence[str], says: Says, told: Reading) -> Exit:
    """Nobody has said that of them; raises CommandFailed."""

    def note(context: Context, author: Author, key: Key) -> str:
        take_back(context, author, key, says, told.timeout_s)
        return f"no longer {says}"

    return _each(names, "h2o triage", "", told, note)


def _each(
    names: Sequence[str], program: str, reason: str, told: Reading, note: Callable[[Context, Author, Key], str]
) -> Exit:
    context = told.context()
    author = author_of(program, " ".join(reason.split()))
    for key in [_found(typed, context, told) for typed in names]:  # all of them are known before any is written
        try:
            said = note(context, author, key)
        except NoRegister as error:
            raise CommandFailed(Exit.UNREACHABLE, error.sentence, error.hint) from None
        except (NotNoted, InvalidDocument) as error:
            raise CommandFailed(Exit.FAILED, str(error)) from None
        write(f"{named(key)}: {said}\n")
    return Exit.OK


def _found(typed: str, context: Context, told: Reading) -> Key:
    """Of those that were shown lately; else of those that are open now, or noted."""
    key = meant(typed, recall(context))
    if key is not None:
        return key
    look = Watcher(Fleet(context, told.timeout_s), _LOOKS_FOR_S).look()
    keys = [*look.findings.open, *(one.key for one in look.notes)]
    remember(context, keys)
    known = {each.id: each for each in keys}
    key = meant(typed, known)
    if key is None:
        raise no_match(typed, [*known, *(str(each.subject) for each in keys)], "triage")
    return key


def _who(note: Note) -> str:
    return safe(note.owner)
