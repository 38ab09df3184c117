"""The past of a package or a host on its screen: asked for when that is opened, drawn anew when an answer came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.rows.past_graphs import Measure, Picture, Scales, asking, graph_lines
from h2o_console.tui.asking import PastReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from h2o_console.rows.cells import Line
    from h2o_console.rows.change_marks import Changes
    from h2o_console.tui.session import Session


class PastPane:
    """Graphs of *measures*; *package* "": of all that its hosts do."""

    def __init__(self, session: Session, measures: Sequence[Measure], package: str = "") -> None:
        self._session = session
        self._measures = measures
        self._package = package
        self._reader = PastReader(session, package, session.span)
        self._scales = Scales()
        self._lines: tuple[Line, ...] = ()
        self._drawn: object = None

    def update(self, hosts: Iterable[str], now_s: float) -> int:
        """Ask *hosts* for what is not known yet; another number than before: there is something new to draw."""
        if self._reader.span != self._session.span:
            self._reader, self._scales = PastReader(self._session, self._package, self._session.span), Scales()
        self._reader.update(hosts, now_s)
        return -1 if self._reader.waits else self._reader.changed

    def lines(self, versions: Iterable[str], width: int, changes: Changes | None) -> tuple[Line, ...]:
        """All of the section, with *changes* marked; *versions* are there even if nothing is known of them."""
        if self._reader.waits:
            return tuple(asking(width))
        reader, now_s, running = self._reader, self._session.wall(), tuple(versions)
        wanted = reader, reader.changed, int(now_s // reader.span.slot_s), running, width, changes
        if wanted != self._drawn:
            self._drawn = wanted
            picture = Picture(width, now_s, self._scales, ascii_only=self._session.ascii_only, changes=changes)
            with reader.read() as past:
                self._lines = tuple(graph_lines(past, running, picture, self._measures))
        return self._lines
