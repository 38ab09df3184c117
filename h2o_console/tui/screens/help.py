"""Keys, commands, signs and columns: made from the registry of commands, and from the table it was asked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.packages import PACKAGES
from h2o_console.rows.places import Kind
from h2o_console.text import pad
from h2o_console.tui.commands.command import Command, Group, key_shown
from h2o_console.tui.commands.registry import COMMANDS
from h2o_console.tui.screens.detail import DetailScreen

if TYPE_CHECKING:
    from h2o_console.rows.tables import Table

_SIGNS: Final = (
    (Glyph.BROKEN, "no instance, none ready, nobody served, or 5 % and more of the requests failed"),
    (Glyph.WARN, "1 % and more failed, OVERLOADED, p95 above its promise, one instance left, a crash loop"),
    (Glyph.UNKNOWN, "no fresh stats: what is not known is shown as -, never as 0"),
    (Glyph.NOTE, "nothing wrong, worth knowing: several versions, starting, fewer failures than 1 %"),
)
_HEADER: Final = ("data 0.8s", "age of the oldest numbers among the hosts that answer; all times are UTC")
_TABLES: Final[Mapping[Kind, Table[Any]]] = {Kind.PACKAGES: PACKAGES}


class HelpScreen(DetailScreen):
    """What there is to press and to read."""

    has_cursor: ClassVar[bool] = False

    @property
    def crumb(self) -> str:
        """Help."""
        return "help"

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """For the screen it was asked at; columns of the Packages view where that one has none."""
        del now_s
        table = next((made for kind, made in _TABLES.items() if kind.value == self.place.key), PACKAGES)
        return tuple(
            Line(f"{at}", cells, selectable=False) for at, cells in enumerate(_text(table, self.session.keys, width))
        )


def _text(table: Table[Any], keys: Mapping[str, tuple[str, ...]], width: int) -> Iterator[tuple[Cell, ...]]:
    for group in Group:
        pressed = [(_keys(one, keys), one.does) for one in COMMANDS if one.group is group and keys.get(one.id)]
        yield from _section(group.value, pressed, width)
    typed = [(f":{' :'.join(one.names)} {one.takes}", one.does) for one in COMMANDS if one.names]
    yield from _section("COMMANDS", typed, width)
    yield (Cell(pad(" SIGNS", width), Tone.HEAD),)
    for glyph, means in _SIGNS:
        yield Cell(f"  {glyph.sign} {glyph.word:<18} ", glyph.tone), Cell(pad(means, max(width - 23, 0)))
    yield (Cell(pad("", width)),)
    columns = [(column.head, column.means) for column in table.columns if column.means]
    yield from _section("COLUMNS", [*columns, _HEADER], width)


def _keys(command: Command, keys: Mapping[str, tuple[str, ...]]) -> str:
    return " ".join(key_shown(key) for key in keys[command.id])


def _section(title: str, entries: Iterable[tuple[str, str]], width: int) -> Iterator[tuple[Cell, ...]]:
    yield (Cell(pad(f" {title}", width), Tone.HEAD),)
    for name, means in entries:
        yield Cell(f"  {pad(name, 20)} ", Tone.KEY), Cell(pad(means, max(width - 23, 0)))
    yield (Cell(pad("", width)),)
