"""A plan as people read it before they agree: a sentence, before and after, what guards say, and the way back. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Colour, Column, milliseconds, one_line, percent as some_percent, render_table
from h2o_core.names import shown
from h2o_core.plan.plan import Ask
from h2o_core.plan.verdicts import Verdict
from h2o_core.times import rfc3339
from h2o_core.weights import percent as share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.output import Style
    from h2o_core.plan.plan import Load, Plan

_SIGNS: Final = {Verdict.PASSED: "✓", Verdict.WARNED: "!", Verdict.REFUSED: "x"}
_COLOURS: Final = {Verdict.PASSED: Colour.GOOD, Verdict.WARNED: Colour.WARN, Verdict.REFUSED: Colour.BAD}
_MOST_ROWS: Final = 8
"""Of a table, where `-o wide` does not ask for all: the ones that change most."""
_FULL: Final = 0.8
_SHARES: Final = (Column("PACKAGE"), Column("VERSION"), Column("SHARE NOW", right=True), Column("THEN", right=True))
_LOADS: Final = (Column("LOAD NOW", right=True), Column("THEN", right=True), Column("SLOTS", right=True))
_HOSTS: Final = (Column("HOST"), *_LOADS)
_INSTANCES: Final = (Column("INSTANCE"), Column("PACKAGE"), Column("VERSION"), Column("HOST"), *_LOADS)
Row = tuple[str, ...]


def plan_text(plan: Plan, silent: Mapping[str, str], style: Style) -> str:
    """The page; *silent*: hosts that say nothing of themselves → why. Readable at 80 columns."""
    parts = [_wrapped(plan.sentence, style)]
    parts += [render_table(columns, rows, style) for columns, rows in _tables(plan, style)]
    parts.append("".join(_wrapped(sentence, style) for sentence in (*_remarks(plan), *_unheard(silent))))
    parts.append("".join(_guard(one, style) for one in _worth_saying(plan, style)))
    parts.append(_pair("undo:", plan.undo, style) + _pair("the same as:", plan.command, style))
    return "\n".join(part for part in parts if part)


def _tables(plan: Plan, style: Style) -> list[tuple[tuple[Column, ...], list[Row]]]:
    effect = plan.effect
    shares = [_share(one.package, one.version, one.before, one.after, by_load=one.by_load) for one in effect.shares]
    hosts = sorted(effect.hosts, key=lambda one: (-_difference(one.before, one.after), one.host))
    instances = sorted(effect.instances, key=lambda one: (-_difference(one.before, one.after), one.instance.id))
    found: list[tuple[tuple[Column, ...], list[Row]]] = [
        (_SHARES, shares),
        (_HOSTS, _shortened([(one.host, *_loads(one.before, one.after)) for one in hosts], style)),
    ]
    rows = [
        (
            one.instance.id[:8],
            shown(one.instance.package),
            one.instance.version,
            one.instance.host,
            *_loads(one.before, one.after),
        )
        for one in instances
    ]
    found.append((_INSTANCES, _shortened(rows, style)))
    return [(columns, rows) for columns, rows in found if rows]


def _share(package: str, version: str, before: int, after: int, *, by_load: bool) -> Row:
    about = "about " if by_load else ""
    return shown(package), version, f"{about}{share(before)}", f"{about}{share(after)}"


def _loads(before: Load, after: Load) -> Row:
    return _load(before), _load(after), str(after.slots)


def _load(load: Load) -> str:
    """Unknown is said, and never looks like nothing; from 80 % on it is marked, which is where planning ends."""
    if load.part is None:
        return "unknown"
    return f"{'! ' if load.part > _FULL else ''}{some_percent(100 * load.part)}"


def _difference(before: Load, after: Load) -> float:
    if before.part is None or after.part is None:
        return 1.0
    return abs(after.part - before.part)


def _shortened(rows: list[Row], style: Style) -> list[Row]:
    if style.wide or len(rows) <= _MOST_ROWS:
        return rows
    blank = (" ",) * (len(rows[0]) - 1)
    return [*rows[: _MOST_ROWS - 1], (f"and {len(rows) - _MOST_ROWS + 1} more", *blank)]


def _remarks(plan: Plan) -> list[str]:
    moved = plan.effect.moved_per_s
    said = list(plan.remarks)
    if moved is None:
        said.insert(0, "How many requests move is not known: nobody has counted them in the last minute.")
    elif moved:
        said.insert(0, f"About {milliseconds(moved)} requests/s go elsewhere than now.")
    return said


def _unheard(silent: Mapping[str, str]) -> list[str]:
    return [f"{host} says nothing of itself: {why}" for host, why in sorted(silent.items())]


def _worth_saying(plan: Plan, style: Style) -> list[tuple[Verdict, str, str]]:
    """Each verdict that is not good, each of its own; what passed in one line, unless all is asked for."""
    bad = [(one.verdict, one.sentence, one.hint) for one in plan.guards if one.verdict is not Verdict.PASSED]
    passed = [one for one in plan.guards if one.verdict is Verdict.PASSED]
    if style.wide:
        return [*bad, *((one.verdict, one.sentence, one.hint) for one in passed)]
    names = "; ".join(dict.fromkeys(one.sentence for one in passed))
    return [*bad, *([(Verdict.PASSED, names, "")] if names else [])]


def _guard(said: tuple[Verdict, str, str], style: Style) -> str:
    verdict, sentence, hint = said
    head = f"{_SIGNS[verdict]} {verdict.value:<8}"
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
