"""Keys, commands, signs and columns: made from the registry of commands, and from the table it was asked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Any, ClassVar, Final

from h2o_console.measured import headed
from h2o_console.rows.callers import CALLS
from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.experiments import TRIALS
from h2o_console.rows.features import FEATURES
from h2o_console.rows.hosts import HOSTS
from h2o_console.rows.instances import INSTANCES
from h2o_console.rows.journal import JOURNAL
from h2o_console.rows.packages import PACKAGES
from h2o_console.rows.places import Kind
from h2o_console.rows.triage import TRIAGE
from h2o_console.text import pad, safe
from h2o_console.tui.commands.command import Group, key_shown
from h2o_console.tui.commands.registry import COMMANDS
from h2o_console.tui.screens.detail import DetailScreen

if TYPE_CHECKING:
    from h2o_console.rows.tables import Table

if TYPE_CHECKING:
    from h2o_console.tui.session import Session

_SIGNS: Final = (
    (Glyph.BROKEN, "no instance, none ready, nobody served, or 5 % and more of the requests failed"),
    (Glyph.WARN, "1 % and more failed, OVERLOADED, p95 above its promise, one instance left, a crash loop"),
    (Glyph.UNKNOWN, "no fresh stats: what is not known is shown as -, never as 0"),
    (Glyph.NOTE, "nothing wrong, worth knowing: several versions, starting, fewer failures than 1 %"),
)
_HEADER: Final = ("data 0.8s", "age of the oldest numbers among the hosts that answer; all times are UTC")
_NAME: Final = 18
_TWO: Final = 150
"""From this width on keys and commands stand side by side."""
_TABLES: Final[Mapping[Kind, Table[Any]]] = {
    Kind.TRIAGE: TRIAGE,
    Kind.PACKAGES: PACKAGES,
    Kind.HOSTS: HOSTS,
    Kind.INSTANCES: INSTANCES,
    Kind.FEATURES: FEATURES,
    Kind.CALLERS: CALLS,
    Kind.EXPERIMENTS: TRIALS,
    Kind.JOURNAL: JOURNAL,
}


class HelpScreen(DetailScreen):
    """What there is to press and to read."""

    has_cursor: ClassVar[bool] = False
    hints: ClassVar[tuple[str, ...]] = ("back", "freeze", "quit")

    @property
    def crumb(self) -> str:
        """Help."""
        return "help"

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """For the screen it was asked at; columns of the Packages view where that one has none."""
        del now_s
        table = next((made for kind, made in _TABLES.items() if kind.value == self.place.key), PACKAGES)
        if width >= _TWO:
            half = width // 2 - 1
            blank = (Cell(pad("", half)),)
            beside = zip_longest(_pressed(self.session, half), _typed(table, half), fillvalue=blank)
            text = ((*left, Cell("  "), *right) for left, right in beside)
        else:
            text = chain(_pressed(self.session, width), _typed(table, width))
        told = chain(_told(self.session.odd, width), text)
        return tuple(Line(f"{at}", cells, selectable=False) for at, cells in enumerate(told))


_Text = Iterator[tuple[Cell, ...]]


def _told(odd: Sequence[str], width: int) -> _Text:
    """What is wrong in the person's own files."""
    if odd:
        yield (Cell(pad(" YOUR FILES", width), Tone.HEAD),)
        for sentence in odd:
            yield (Cell(pad(f"  {safe(sentence, 300)}", width), Tone.WARN),)
        yield (Cell(pad("", width)),)


def _pressed(session: Session, width: int) -> _Text:
    """Keys, by what they are for, and the signs."""
    for group in Group:
        bound = [one for one in COMMANDS if one.group is group and session.keys.get(one.id)]
        shown = [(" ".join(map(key_shown, session.keys[one.id])), one.does) for one in bound]
        yield from _section(group.value, shown, width)
    yield (Cell(pad(" SIGNS", width), Tone.HEAD),)
    for glyph, means in _SIGNS:
        yield from _entry(f"{glyph.sign} {glyph.word}", means, width, glyph.tone)
    yield (Cell(pad("", width)),)


def _typed(table: Table[Any], width: int) -> _Text:
    """What can be typed, and the columns of the table."""
    typed = [(f":{' :'.join(one.names)} {one.takes}", one.does) for one in COMMANDS if one.names]
    yield from _section("COMMANDS", typed, width)
    columns = [(headed(column.head, column.over), column.means) for column in table.columns if column.means]
    yield from _section("COLUMNS", [*columns, _HEADER], width)


def _section(title: str, entries: Iterable[tuple[str, str]], width: int) -> _Text:
    yield (Cell(pad(f" {title}", width), Tone.HEAD),)
    for name, means in entries:
        yield from _entry(name, means, width)
    yield (Cell(pad("", width)),)


def _entry(name: str, means: str, width: int, tone: Tone = Tone.KEY) -> _Text:
    """What it is and what it means, on as many lines as that takes."""
    room = max(width - _NAME - 3, 1)
    for at, part in enumerate(wrap(means, room) if room >= 10 else [means]):
        yield Cell(f"  {pad(name if at == 0 else '', _NAME)} ", tone), Cell(pad(part, max(width - _NAME - 3, 0)))
