"""How `h2o triage` shows what is wrong: a cause, whom it hurts, what it explains, the command; or that all is well."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.failures import Exit
from h2o_console.cli.output import age, one_line
from h2o_console.cli.printing import Page
from h2o_console.cli.triage_found import named
from h2o_console.cli.views import document_of
from h2o_console.text import safe
from h2o_core.figures import many
from h2o_core.insights.finding import Kind, Severity
from h2o_core.insights.notes import Says
from h2o_core.names import shown
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2o_console.cli.output import Style
    from h2o_console.cli.triage_watch import Look
    from h2o_core.insights.finding import Evidence, Finding, Key, Subject
    from h2o_core.insights.grouping import Group
    from h2o_core.insights.notes import Note

_SIGNS: Final = {Severity.PAGE: "x", Severity.TICKET: "!", Severity.NOTE: "~"}
_INDENT: Final = "  "
_NAMED: Final = 4
_LONGEST: Final = 2000


def page(look: Look, *, remembering: bool) -> Page:
    """One look in all shapes; leaves with 1 when something is wrong, with 5 when hosts did not say.

    *remembering*: it has been looked before, so that since when something is open is known.
    """
    groups = look.news.groups
    since = {key: one.since_s for key, one in look.findings.open.items()} if remembering else {}
    missing = [{"host": host, "error": why} for host, why in look.unreachable.items()]
    document = document_of(
        look.head,
        "findings",
        [_document(one, look, since) for one in groups],
        healthy=not _wrong(groups),
        hosts=len(look.picture.hosts),
        instances=len(look.picture.instances),
        data_age_s=round(look.data_age_s, 3),
        unreachable=missing,
        muted=[_note(one) for one in _mutes(look)],
    )
    names = [str(one.cause.subject) for one in groups]
    return Page((), (), document, names, _code(groups, look), lambda style: text(look, since, style))


def _wrong(groups: Sequence[Group]) -> bool:
    """Notes are worth knowing, and nothing to get up for."""
    return any(one.severity > Severity.NOTE for one in groups)


def _code(groups: Sequence[Group], look: Look) -> Exit:
    away = look.unreachable
    if _wrong([one for one in groups if one.cause.kind is not Kind.SILENT or one.cause.subject.host not in away]):
        return Exit.FAILED
    return Exit.PARTIAL if away else Exit.OK


# ---------------------------------------------------------------------- text


def text(look: Look, since: Mapping[Key, float], style: Style) -> str:
    """For people. In a terminal lines are broken at its width, elsewhere never."""
    lines: list[str] = []
    groups = look.news.groups
    for one in groups:
        lines += [*_lines(one, look, since, style), ""]
    lines += [part for one in _mutes(look) for part in _broken(_muted(one, look), style)]
    picture = look.picture
    counted = f"{many(len(picture.hosts), 'host')}, {many(len(picture.instances), 'instance')}"
    seen = f"{counted}, data {age(look.data_age_s)} old"
    silent = f"; {many(len(look.unreachable), 'host')} did not say" if look.unreachable else ""
    quiet = "all is well but for what is muted" if look.news.muted else "all is well"
    verdict = "looked at" if _wrong(groups) else f"{quiet}: looked at"
    return "\n".join([*lines, f"{verdict} {seen}{silent}"]) + "\n"


def _lines(one: Group, look: Look, since: Mapping[Key, float], style: Style) -> list[str]:
    head = f"{_SIGNS[one.severity]} {one.severity.name}"
    said = [f"{head}  {_safe(one.sentence(look.picture.now_s))}"]
    if one.hurt_per_s >= 0.01:
        said.append(f"{_INDENT}hurts {one.hurt_per_s:.3g} requests/s")
    if one.symptoms:
        said.append(f"{_INDENT}explains {_named(one.symptoms)}")
    if one.cause.key in since:
        said.append(f"{_INDENT}since {rfc3339(since[one.cause.key])}")
    if (note := _acknowledged(one.cause, look)) is not None:
        said.append(f"{_INDENT}{_safe(note.owner)} looks after it since {rfc3339(note.at_s)}{_why(note)}")
    if style.wide:
        said.append(f"{_INDENT}id {one.cause.key.id}: h2o triage ack {one.cause.key.id}, or mute")
        said += [f"{_INDENT}{_evidence(each)}" for each in one.cause.evidence]
        said += [f"{_INDENT}· {_safe(each.sentence)}" for each in one.symptoms]
    lines = [part for line in said for part in _broken(line, style)]
    if one.cause.action is not None:
        lines.append(f"{_INDENT}{_safe(one.cause.action.sentence)}: {_safe(one.cause.action.command)}")
    return lines


def _mutes(look: Look) -> list[Note]:
    """What nobody is told of, whether or not it is open."""
    return [one for one in look.notes if one.says is Says.MUTED]


def _muted(note: Note, look: Look) -> str:
    state = "open" if note.key in look.findings.open else "not open"
    until = rfc3339(note.until_s)
    return f"muted until {until}: {named(note.key)} ({state}), by {_safe(note.owner)}{_why(note)}"


def _why(note: Note) -> str:
    return f": {_safe(note.reason)}" if note.reason else ""


def _acknowledged(one: Finding, look: Look) -> Note | None:
    standing = look.findings.open.get(one.key)
    return None if standing is None else standing.acknowledged


def _broken(line: str, style: Style) -> list[str]:
    if style.cells is None:
        return [line]
    indent = _INDENT * 2 if line.startswith(_INDENT) else _INDENT
    return wrap(line, max(style.cells, 40), subsequent_indent=indent, break_long_words=False) or [line]


def _named(symptoms: Sequence[Finding]) -> str:
    names = [f"{each.subject} ({each.kind})" for each in symptoms[:_NAMED]]
    more = f" and {len(symptoms) - _NAMED} more" if len(symptoms) > _NAMED else ""
    return _safe(", ".join(names)) + more


def _evidence(one: Evidence) -> str:
    unit = f" {one.unit}" if one.unit else ""
    against = "" if one.against is None else f" against {one.against:.4g}{unit}"
    over = "" if one.over_s is None else f" in {one.over_s:.0f} s"
    of = "" if one.requests is None else f" of {many(one.requests, 'request')}"
    return f"{one.name} {one.value:.4g}{unit}{against}{of}{over}"


def _safe(said: str) -> str:
    """What packages and other hosts say, harmless and in one line."""
    return safe(one_line(said), _LONGEST)


# ---------------------------------------------------------------------- JSON


def _document(one: Group, look: Look, since: Mapping[Key, float]) -> dict[str, Any]:
    since_s, note = since.get(one.cause.key), _acknowledged(one.cause, look)
    changed = one.changed
    return {
        **_finding(one.cause),
        "severity": one.severity.name,
        "hurt_per_s": round(one.hurt_per_s, 3),
        "since": None if since_s is None else rfc3339(since_s),
        "acknowledged": None if note is None else _note(note),
        "changed": None
        if changed is None
        else {"epoch": changed.epoch, "at": rfc3339(changed.at_s), "actor": changed.actor, "what": changed.sentence},
        "explains": [_finding(each) for each in one.symptoms],
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": note.key.id,
        "kind": note.kind.value,
        "subject": subject_of(note.subject),
        "owner": note.owner,
        "at": rfc3339(note.at_s),
        "until": rfc3339(note.until_s),
        "reason": note.reason,
    }


def _finding(one: Finding) -> dict[str, Any]:
    action = one.action
    return {
        "id": one.key.id,
        "kind": one.kind.value,
        "subject": subject_of(one.subject),
        "severity": one.severity.name,
        "sentence": one.sentence,
        "hurt_per_s": round(one.hurt_per_s, 3),
        "evidence": [
            {
                "name": each.name,
                "value": each.value,
                "unit": each.unit,
                "against": each.against,
                "over_s": each.over_s,
                "requests": each.requests,
            }
            for each in one.evidence
        ],
        "action": None
        if action is None
        else {"sentence": action.sentence, "command": action.command, "changes": action.intent is not None},
    }


def subject_of(one: Subject) -> dict[str, str]:
    """What is named, without leading slashes."""
    known = one._asdict()
    return {key: value if key == "path" else shown(value) for key, value in known.items() if value}
