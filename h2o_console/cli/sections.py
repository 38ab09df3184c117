"""A page of sections: each a small table or a list of facts, also as JSON. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Column, render_table

if TYPE_CHECKING:
    from h2o_console.cli.output import Colour, Style

INDENT: Final = "  "


def plain(value: Any) -> str:
    """A text as it is, None as unknown (the table shows "-"), a truth as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a section, or a line of facts: its head, its key in JSON, how its value is shown."""

    head: str
    key: str
    show: Callable[[Any], str] = plain
    right: bool = False
    wide: bool = False
    colours: Mapping[str, Colour] = field(default_factory=dict[str, "Colour"])


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under a title; as *facts* one entry, a line a field. `empty` is said when there are none."""

    key: str
    title: str
    fields: tuple[Field, ...]
    entries: Sequence[Mapping[str, Any]]
    facts: bool = False
    empty: str = "none"

    def document(self) -> Any:
        """Its JSON: an object for facts, a list otherwise."""
        return dict(self.entries[0]) if self.facts else [dict(entry) for entry in self.entries]


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
