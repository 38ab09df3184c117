"""A page of sections as `h2o` prints it. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_console.cli.output import Column, render_table

if TYPE_CHECKING:
    from h2o_console.cli.output import Style
    from h2o_console.sections import Colour, Section

INDENT: Final = "  "


def render_sections(sections: Sequence[Section], style: Style) -> str:
    """All of them, a blank line between."""
    return "\n".join(_rendered(section, style) for section in sections)


def _rendered(section: Section, style: Style) -> str:
    inner = replace(style, cells=None if style.cells is None else max(1, style.cells - len(INDENT)))
    if not section.entries:
        return f"{section.title}: {section.empty}\n"
    table = _facts(section, inner) if section.facts else _table(section, inner)
    return f"{section.title}\n" + "".join(f"{INDENT}{line}\n" for line in table.splitlines())


def _table(section: Section, style: Style) -> str:
    columns = [Column(each.head, each.right, each.wide, each.colours) for each in section.fields]
    rows = [[each.show(entry.get(each.key)) for each in section.fields] for entry in section.entries]
    return render_table(columns, rows, replace(style, heads=style.heads and any(each.head for each in section.fields)))


def _facts(section: Section, style: Style) -> str:
    """Label and value; what is unknown or empty is left out, but for `-o wide`."""
    (entry,) = section.entries
    known = [(each.head, each.show(entry.get(each.key))) for each in section.fields if style.wide or not each.wide]
    rows = [(head, value) for head, value in known if value not in {"", "-"} or style.wide]
    colours: dict[str, Colour] = {}
    for each in section.fields:
        colours.update(each.colours)
    return render_table([Column(""), Column("", colours=colours)], rows, replace(style, heads=False))
