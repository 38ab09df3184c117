"""A notice as others get it: a JSON object, and environment variables. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_console.text import safe
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.telling.notices import Notice

SCHEMA: Final = 1
_LONGEST: Final = 2000


def document(notice: Notice) -> dict[str, Any]:
    """The whole of it."""
    facts = notice.facts
    return {
        "schema": SCHEMA,
        "event": notice.event.value,
        "at": rfc3339(notice.at_s),
        "fleet": facts.fleet,
        "id": facts.id,
        "kind": facts.kind,
        "subject": dict(facts.subject),
        "name": _line(facts.name),
        "severity": facts.severity.name,
        "sentence": _line(facts.sentence),
        "since": rfc3339(facts.since_s),
        "hurt_per_s": round(facts.hurt_per_s, 3),
        "explains": facts.explains,
        "command": _line(facts.command),
        "owner": _line(facts.owner),
    }


def environment(notice: Notice) -> dict[str, str]:
    """The same for a shell. Not ``H2O_FLEET``, which would change what `h2o` means in there."""
    facts = notice.facts
    return {
        "H2O_EVENT": notice.event.value,
        "H2O_ID": facts.id,
        "H2O_KIND": _line(facts.kind),
        "H2O_NAME": _line(facts.name),
        "H2O_SEVERITY": facts.severity.name,
        "H2O_SENTENCE": _line(facts.sentence),
        "H2O_SINCE": rfc3339(facts.since_s),
        "H2O_COMMAND": _line(facts.command),
        "H2O_OWNER": _line(facts.owner),
        "H2O_OF_FLEET": _line(facts.fleet),
    }


def _line(said: str) -> str:
    """What others have chosen: one line, without anything that moves a cursor or ends a string."""
    return safe(" ".join(said.split()), _LONGEST)
