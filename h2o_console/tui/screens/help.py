"""Keys, commands, signs and columns on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.text import pad
from h2o_console.tui.orders import ORDERS
from h2o_console.tui.screens.base import ConsoleScreen
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.widget import Widget

    from h2o_console.tui.session import Session

_KEYS: Final = (
    ("j k ↓ ↑", "move; the cursor stays on its package when rows are sorted anew"),
    ("g G", "first, last"),
    ("pgdn pgup", "a screen down, up"),
    ("enter", "open what the cursor is on"),
    ("esc backspace q", "go back; in the first view: clear the filter"),
    ("/", "filter: the letters in their order (/scust finds service/customer); /!word leaves out"),
    ("s", "sort by trouble, name, requests, p95, errors, instances; the same again reverses"),
    ("p", "only problems (x ! ?)"),
    ("z", "freeze the picture; again to go on"),
    (":", "a command, see below"),
    ("?", "this help"),
    ("ctrl+c  :q", "quit"),
)
_SIGNS: Final = (
    (Glyph.BROKEN, "no instance, none ready, nobody served, or 5 % and more of the requests failed"),
    (Glyph.WARN, "1 % and more failed, OVERLOADED, p95 above its promise, one instance left, a crash loop"),
    (Glyph.UNKNOWN, "no fresh stats: what is not known is shown as -, never as 0"),
    (Glyph.NOTE, "nothing wrong, worth knowing: several versions, starting, fewer failures than 1 %"),
)
_COLUMNS: Final = (
    ("INST", "instances that take requests; 2/3: of three, two do"),
    ("TRAF%", "each version's share of the requests, measured over 60 s (not a weight that was set)"),
    ("RPS/10s", "requests a second, mean of the last 10 s; the graph: last 60 s"),
    ("p50 p95", "time from the broker to the instance and back, ms, all features, last 60 s"),
    ("ERR%", "failed by the package's or the platform's fault, last 60 s (BAD_REQUEST is the caller's)"),
    ("APP%", "application errors that the package declares, last 60 s"),
    ("WHY", "the worst finding; all findings of the row under the cursor stand below the list"),
    ("data 0.8s", "age of the oldest numbers among the hosts that answer; all times are UTC"),
)


class HelpScreen(ConsoleScreen):
    """What there is to press and to read."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._lines: dict[str, Line] = {}
        self.list = LineList(self, id="help", cursor=False)

    @property
    def trail(self) -> tuple[str, ...]:
        """Help."""
        return ("help",)

    def body(self) -> Iterable[Widget]:
        """The list alone."""
        return (self.list,)

    def focus_body(self) -> None:
        """The list takes the keys."""
        self.list.focus()

    def on_mount(self) -> None:
        """Start with the list."""
        self.list.focus()
        self.flush()

    def version(self, _key: str) -> int:
        """Nothing changes here."""
        return self.size.width

    def line(self, key: str, _width: int) -> Line:
        """One line of the text."""
        return self._lines.get(key) or Line(key, ())

    def flush_body(self) -> None:
        """Made once a width."""
        width = self.size.width
        self._lines = {f"{at}": Line(f"{at}", cells) for at, cells in enumerate(_text(width))}
        self.list.show(tuple(self._lines))


def _text(width: int) -> Iterator[tuple[Cell, ...]]:
    yield from _section("KEYS", _KEYS, width)
    orders = tuple((f":{' :'.join(order.names)} {order.takes}", order.does) for order in ORDERS)
    yield from _section("COMMANDS", orders, width)
    yield (Cell(pad("", width)),)
    yield (Cell(pad(" SIGNS", width), Tone.HEAD),)
    for glyph, means in _SIGNS:
        yield Cell(f"  {glyph.sign} {glyph.word:<14} ", glyph.tone), Cell(pad(means, max(width - 19, 0)))
    yield from _section("COLUMNS", _COLUMNS, width)


def _section(title: str, entries: Iterable[tuple[str, str]], width: int) -> Iterator[tuple[Cell, ...]]:
    if title != "KEYS":
        yield (Cell(pad("", width)),)
    yield (Cell(pad(f" {title}", width), Tone.HEAD),)
    for name, means in entries:
        yield Cell(f"  {pad(name, 17)}", Tone.KEY), Cell(pad(means, max(width - 19, 0)))
