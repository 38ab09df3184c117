"""The pages of `h2o journal`: a line a change, or all of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_console.acting.request import SHOWN_DIGITS, sentence
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Column, one_line, render_table
from h2o_console.cli.printing import Page
from h2o_console.cli.register import check_register, in_register
from h2o_console.cli.remarks import tell
from h2o_console.cli.remembered import remember_changes
from h2o_console.cli.sections import render_sections
from h2o_console.commands.entries import subjects
from h2o_console.commands.journal import read_journal
from h2o_console.feed.answers import SCHEMA
from h2o_console.sections import Field, Section
from h2o_core.io.calls import read_calls
from h2o_core.io.clock import rfc3339, unix_s
from h2o_core.names import shown
from h2o_core.times import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_console.cli.output import Style
    from h2o_console.commands.journal import Journal, Wanted
    from h2o_core import calls
    from h2o_core.audit import Entry
    from h2o_core.context import Context
    from h2o_core.documents import InvalidDocument
    from h2o_core.io.registry import Registry

COLUMNS: Final = (
    Column("ID"),
    Column("TIME UTC"),
    Column("EPOCH", right=True),
    Column("ACTOR"),
    Column("WHO SAYS SO"),
    Column("UNDONE BY"),
    Column("ORIGIN", wide=True),
    Column("REASON"),
    Column("WHAT"),
)
_NARROW_CELLS: Final = 120
"""Below it a line a change would show everything but what it did."""


def page(context: Context, timeout_s: float, wanted: Wanted, most: int) -> Page:
    """What is *wanted*; raises CommandFailed."""
    check_register(context)

    async def read(registry: Registry) -> tuple[Journal, list[calls.Entry]]:
        made = [] if wanted.change else await read_calls(registry, wanted.since_s, most=most, on_damaged=_left_out)
        return await read_journal(registry, wanted, most), [one for one in made if wanted.means_call(one)]

    found, made = in_register(context, timeout_s, read)
    for why in found.unreadable:
        tell(why)
    if not wanted.change:
        remember_changes(context, [entry.change_id for entry in found.entries])
        return journal_page(context.fleet, found, unix_s(), made)
    if not found.entries:
        raise CommandFailed(Exit.NO_MATCH, f"there is no change {wanted.change!r}", "see what there is: h2o journal")
    if len(found.entries) == 1:
        return change_page(context.fleet, found)
    return journal_page(context.fleet, found, unix_s())


def _left_out(error: InvalidDocument) -> None:
    tell(f"left out: {error}")


def journal_page(fleet: str, journal: Journal, now_s: float, made: Sequence[calls.Entry] = ()) -> Page:
    """A line a change, and a line for each call that was *made* and may have changed data; the newest first."""
    lines = [(entry.at_s, _row(entry, journal, now_s)) for entry in journal.entries]
    lines += [(one.call.at_s, _call_row(one, now_s)) for one in made]
    rows = [row for _, row in sorted(lines, key=lambda line: -line[0])]
    document = {
        "schema": SCHEMA,
        "fleet": fleet,
        "changes": [entry_document(entry, journal) for entry in journal.entries],
        "more": journal.more,
        "calls": list(map(call_document, made)),
    }

    def text(style: Style) -> str:
        if style.cells is None or style.cells >= _NARROW_CELLS or style.wide:
            return render_table(COLUMNS, rows, style)
        return "".join(map(_paragraph, rows))

    return Page(COLUMNS, rows, document, [entry.change_id for entry in journal.entries], text=text)


def _row(entry: Entry, journal: Journal, now_s: float) -> tuple[str, ...]:
    return (
        entry.change_id[:SHOWN_DIGITS],
        clock(entry.at_s, now_s),
        str(entry.epoch),
        entry.author.actor,
        _checked(entry),
        journal.undone_by.get(entry.change_id, "")[:SHOWN_DIGITS],
        entry.author.origin,
        entry.author.reason,
        _what(entry),
    )


def _what(entry: Entry) -> str:
    return f"FORCED: {sentence(entry)}" if entry.forced else sentence(entry)


def _checked(entry: Entry) -> str:
    return "verified" if entry.author.verified else "claimed"


def _call_row(one: calls.Entry, now_s: float) -> tuple[str, ...]:
    call = one.call
    return (
        call.request_id[:SHOWN_DIGITS],
        clock(call.at_s, now_s),
        "",
        call.author.actor,
        "verified" if call.author.verified else "claimed",
        "",
        call.author.origin,
        call.author.reason,
        called(one),
    )


def called(one: calls.Entry) -> str:
    """What was called, and how it ended."""
    end = one.outcome
    ended = "how it ended is not known" if end is None else end.application_code or end.code.name
    return f"calls {shown(one.call.feature)} by {one.call.host}: {ended}"


def call_document(one: calls.Entry) -> dict[str, Any]:
    """One call as JSON; never what it said."""
    call, end = one.call, one.outcome
    return {
        "request_id": call.request_id,
        "at": rfc3339(call.at_s),
        "actor": call.author.actor,
        "verified": call.author.verified,
        "origin": call.author.origin,
        "reason": call.author.reason,
        "host": call.host,
        "feature": shown(call.feature),
        "request_bytes": call.request_bytes,
        "digest": call.digest,
        "outcome": None
        if end is None
        else {
            "at": rfc3339(end.at_s),
            "code": end.code.name,
            "application_code": end.application_code or None,
            "executed": end.executed.name.lower(),
            "host": end.host or None,
            "instance": end.instance or None,
            "version": end.version or None,
        },
    }


def _paragraph(row: tuple[str, ...]) -> str:
    """Two or three lines, for a narrow terminal."""
    change, when, epoch, actor, checked, undone, _, reason, what = row
    at = f"epoch {epoch}" if epoch else "a call"
    more = "; ".join(filter(None, [f"why: {reason}" if reason else "", f"undone by {undone}" if undone else ""]))
    lines = [f"{change}  {when}  {at}  {actor} ({checked})", f"  {what}", f"  {more}" if more else ""]
    return "".join(f"{one_line(line)}\n" for line in lines if line)


def entry_document(entry: Entry, journal: Journal) -> dict[str, Any]:
    """One change as JSON."""
    packages, hosts = subjects(entry)
    return {
        "id": entry.change_id,
        "epoch": entry.epoch,
        "at": rfc3339(entry.at_s),
        "actor": entry.author.actor,
        "verified": entry.author.verified,
        "origin": entry.author.origin,
        "reason": entry.author.reason,
        "what": sentence(entry),
        "packages": list(packages),
        "hosts": list(hosts),
        "command": entry.command,
        "forced": entry.forced,
        "until": rfc3339(entry.until_s) if entry.until_s else None,
        "undo_of": entry.undo_of or None,
        "undone_by": journal.undone_by.get(entry.change_id),
    }


def change_page(fleet: str, journal: Journal) -> Page:
    """All of the one change."""
    (entry,) = journal.entries
    facts = entry_document(entry, journal)
    guards = [
        {"name": one.name, "verdict": one.verdict.value, "sentence": one.sentence, "subject": one.subject}
        for one in entry.guards
    ]
    documents = [{"path": edit.path, "before": _text(edit.before), "after": _text(edit.after)} for edit in entry.edits]
    said = {**facts, "actor": f"{entry.author.actor} ({_checked(entry)})"}
    fields = (
        Field("change", "id"),
        Field("epoch", "epoch"),
        Field("at", "at"),
        Field("decided by", "actor"),
        Field("with", "origin"),
        Field("what", "what"),
        Field("why", "reason"),
        Field("until", "until"),
        Field("takes back", "undo_of"),
        Field("undone by", "undone_by"),
        Field("the same as", "command"),
    )
    sections = [
        Section("change", "Change", fields, [said], facts=True),
        Section(
            "guards",
            "Guards",
            (Field("VERDICT", "verdict"), Field("GUARD", "name"), Field("SENTENCE", "sentence")),
            guards,
        ),
        Section(
            "documents",
            "Documents",
            (Field("PATH", "path"), Field("BEFORE", "before", wide=True), Field("AFTER", "after")),
            documents,
        ),
    ]
    document = {"schema": SCHEMA, "fleet": fleet, **facts, "guards": guards, "documents": documents}
    return Page((), (), document, [entry.change_id], text=lambda style: render_sections(sections, style))


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
