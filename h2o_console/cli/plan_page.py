"""A plan as people read it before they agree: a sentence, before and after, what guards say, and the way back. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Column, one_line, render_table
from h2o_console.rows.plan_facts import SIGNS, Said, remarks, tables, verdicts
from h2o_console.sections import Colour
from h2o_core.names import shown
from h2o_core.plan.plan import Ask
from h2o_core.times import rfc3339
from h2o_core.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.output import Style
    from h2o_core.plan.plan import Load, Plan

_COLOURS: Final = {Verdict.PASSED: Colour.GOOD, Verdict.WARNED: Colour.WARN, Verdict.REFUSED: Colour.BAD}
_NUMBERS: Final = {"SHARE NOW", "LOAD NOW", "THEN", "SLOTS"}


def plan_text(plan: Plan, silent: Mapping[str, str], style: Style) -> str:
    """The page; *silent*: hosts that say nothing of themselves → why. Readable at 80 columns."""
    parts = [_wrapped(plan.sentence, style)]
    for heads, rows in tables(plan, whole=style.wide):
        parts.append(render_table([Column(head, right=head in _NUMBERS) for head in heads], rows, style))
    parts.append("".join(_wrapped(sentence, style) for sentence in remarks(plan, silent)))
    parts.append("".join(_guard(one, style) for one in verdicts(plan, whole=style.wide)))
    parts.append(_pair("undo:", plan.undo, style) + _pair("the same as:", plan.command, style))
    return "\n".join(part for part in parts if part)


def _guard(said: Said, style: Style) -> str:
    verdict, sentence, hint = said
    head = f"{SIGNS[verdict]} {verdict.value:<8}"
    text = _wrapped(f"{sentence}", style, first=" " * (len(head) + 1))
    code = _COLOURS[verdict].value if style.colour else ""
    inked = f"\x1b[{code}m{head}\x1b[0m" if code else head
    lines = f"{inked} {text[len(head) + 1 :]}"
    return lines + (_wrapped(hint, style, first=" " * (len(head) + 3)) if hint else "")


def _pair(label: str, command: str, style: Style) -> str:
    """A command is never broken: it is there to be copied."""
    line = f"{label:<13}{one_line(command)}"
    return f"\x1b[2m{label:<13}\x1b[0m{one_line(command)}\n" if style.colour else f"{line}\n"


def _wrapped(sentence: str, style: Style, first: str = "") -> str:
    """In the terminal's width; a line, however long, elsewhere."""
    text = one_line(sentence)
    if style.cells is None:
        return f"{first}{text}\n"
    indent = " " * len(first)
    lines = wrap(text, max(20, style.cells), initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines or [first])


def plan_document(plan: Plan, silent: Mapping[str, str]) -> dict[str, Any]:
    """The plan as JSON: parts out of 10,000; `null` is not known."""
    effect = plan.effect
    return {
        "sentence": plan.sentence,
        "epoch_before": plan.epoch,
        "shares": [
            {
                "package": shown(one.package),
                "version": one.version,
                "now": one.before,
                "then": one.after,
                "by_load": one.by_load,
            }
            for one in effect.shares
        ],
        "hosts": [{"host": one.host, **_load_document(one.before, one.after)} for one in effect.hosts],
        "instances": [
            {
                "id": one.instance.id,
                "package": shown(one.instance.package),
                "version": one.instance.version,
                "host": one.instance.host,
                **_load_document(one.before, one.after),
            }
            for one in effect.instances
        ],
        "moved_per_s": effect.moved_per_s,
        "guards": [
            {
                "name": one.name,
                "verdict": one.verdict.value,
                "subject": one.subject,
                "sentence": one.sentence,
                "hint": one.hint,
            }
            for one in plan.guards
        ],
        "refused": bool(plan.refused),
        "changes_something": bool(plan.edits),
        "remarks": list(plan.remarks),
        "silent": dict(silent),
        "until": rfc3339(plan.until_s) if plan.until_s else None,
        "undo": plan.undo,
        "command": plan.command,
        "confirm": plan.friction.name if plan.friction.ask is Ask.NAME else None,
    }


def _load_document(before: Load, after: Load) -> dict[str, Any]:
    return {"busy_now": before.busy, "busy_then": after.busy, "slots": after.slots}
