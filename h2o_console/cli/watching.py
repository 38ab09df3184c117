"""What `h2o top` does: looks at the hosts again and again; a live table in a terminal, pages elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_console.asking.hoststats import gather
from h2o_console.cli import ranking_tables, rankings
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.output import Format, age, one_line, render_table
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import Page, show, terminal_style
from h2o_console.cli.rankings import Moments
from h2o_console.cli.remarks import tell
from h2o_console.cli.reported import HostCounts, counts_of
from h2o_console.cli.statistics import host_addresses
from h2o_console.cli.terminal import Screen, screen
from h2o_console.cli.views import document_of
from h2o_console.measured import last
from h2o_console.text import clip
from h2o_core.figures import many

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_console.cli.options import Reading
    from h2o_console.feed.answers import Head

_KEYS: Final = {"p": "packages", "i": "instances", "h": "hosts"}
_SORTS: Final = ("rate", "errors", "p95", "cpu", "memory", "name")
_LOOK_FOR_KEYS_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: *of* what, sorted how, how many (None: all, or what fits), how far apart."""

    of: str
    sort: str
    most: int | None
    every_s: float


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the fleet; `unreachable` are the hosts that did not answer, with why; `at_s` is monotonic."""

    head: Head
    moments: Moments
    unreachable: Mapping[str, str]
    at_s: float


class Watcher:
    """Looks at all hosts, `every_s` apart; remembers the last look for the next difference."""

    def __init__(self, fleet: Fleet, every_s: float) -> None:
        self._fleet = fleet
        self._every_s = every_s
        self._last: dict[str, HostCounts] = {}
        self._last_s = 0.0

    def first(self) -> None:
        """The reading that the first difference is of; raises CommandFailed."""
        self._read()

    def look(self) -> Look:
        """Wait until it is time, and look; raises CommandFailed."""
        time.sleep(max(0.0, self._last_s + self._every_s - time.monotonic()))
        earlier = self._last
        return self._read(earlier)

    def _read(self, earlier: Mapping[str, HostCounts] | None = None) -> Look:
        began_s = time.monotonic()
        view, hosts = self._fleet.instances(), self._fleet.hosts()
        gathered = gather(host_addresses(self._fleet, hosts), self._fleet.timeout_s, self._fleet.token_of)
        later = {host: counts_of(each) for host, each in gathered.answers.items() if each.HasField("report")}
        away = {host: each.broker_problem for host, each in gathered.answers.items() if host not in later}
        moments = Moments(earlier or {}, later, gathered.answers, view.instances, hosts.hosts)
        self._last, self._last_s = later, began_s
        return Look(view.head, moments, {**gathered.unreachable, **away}, time.monotonic())


def run(wish: Wish, told: Reading) -> Exit:
    """Show it until q or Ctrl-C in a terminal; elsewhere one look, or with --watch one after the other."""
    live = told.output in {Format.TABLE, Format.WIDE} and sys.stdin.isatty() and sys.stdout.isatty()
    if live and os.environ.get("TERM", "dumb") != "dumb":
        return _Live(wish, told).run()
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    watcher = Watcher(fleet, wish.every_s)
    watcher.first()
    return show(lambda: _page(watcher.look(), wish, fleet.say), told)


def _page(look: Look, wish: Wish, say: Callable[[str, str], None]) -> Page:
    for host, why in look.unreachable.items():
        say(f"host {host} is missing here: {why}", "is its agent up? h2o hosts")
    found = rankings.ranked(rankings.entries(wish.of, look.moments), wish.sort)[: wish.most]
    missing = [{"host": host, "error": why} for host, why in look.unreachable.items()]
    document = document_of(look.head, wish.of, found, window_s=wish.every_s, sort=wish.sort, unreachable=missing)
    code = Exit.PARTIAL if missing else Exit.OK
    rows = ranking_tables.cells(wish.of, found)
    return Page(ranking_tables.columns(wish.of, wish.every_s), rows, document, rankings.names(wish.of, found), code)


class _Live:
    """The table in a terminal: a thread looks, this one draws and listens to keys."""

    def __init__(self, wish: Wish, told: Reading) -> None:
        self._wish = wish
        self._told = told
        self._said: list[str] = []
        self._look: Look | None = None
        self._trouble = ""
        self._stop = threading.Event()
        self._fleet = Fleet(told.context(), told.timeout_s, told.labels, say=self._say)
        self._watcher = Watcher(self._fleet, wish.every_s)

    def _say(self, sentence: str, hint: str = "") -> None:
        self._said.append(f"{sentence}; {hint}" if hint else sentence)

    def run(self) -> Exit:
        """Until q or Ctrl-C; raises CommandFailed when nothing can be read at all."""
        self._watcher.first()
        thread = threading.Thread(target=self._keep_looking, name="top", daemon=True)
        with screen() as terminal:
            thread.start()
            try:
                self._show(terminal)
            finally:
                self._stop.set()
        for sentence in self._said:
            tell(sentence)
        return Exit.OK

    def _keep_looking(self) -> None:
        while not self._stop.is_set():
            try:
                self._look = self._watcher.look()
                self._trouble = ""
            except CommandFailed as failure:
                self._trouble = failure.message
                self._stop.wait(self._wish.every_s)

    def _show(self, terminal: Screen) -> None:
        drawn: tuple[object, ...] = ()
        while True:
            now_s = time.monotonic()
            state = (self._look, self._trouble, self._wish, terminal.size(), int(now_s))
            if state != drawn:
                terminal.draw(self._text(*terminal.size(), now_s))
                drawn = state
            if not self._obey(terminal.key(_LOOK_FOR_KEYS_S)):
                return

    def _obey(self, key: str) -> bool:
        """False when it is to end."""
        if key in _KEYS:
            self._wish = replace(self._wish, of=_KEYS[key])
        elif key == "s":
            at = (_SORTS.index(self._wish.sort) + 1) % len(_SORTS)
            self._wish = replace(self._wish, sort=_SORTS[at])
        return key not in {"q", "Q", "\x04"}

    def _text(self, cells: int, lines: int, now_s: float) -> str:
        look, wish = self._look, self._wish
        if look is None:
            waiting = self._trouble or f"counting for {wish.every_s:g} s…"
            return clip(one_line(f"h2o top {wish.of}: {waiting}   q quits"), cells)
        found = rankings.ranked(rankings.entries(wish.of, look.moments), wish.sort)
        room = max(1, lines - 4)
        style = replace(terminal_style(self._told), cells=cells)
        columns, rows = ranking_tables.fitting(
            wish.of, ranking_tables.cells(wish.of, found[: min(wish.most or room, room)]), wish.every_s, cells
        )
        table = render_table(columns, rows, style)
        head = (
            f"{look.head.fleet}  {wish.of} by {wish.sort}, {last(wish.every_s)}  "
            f"{many(len(look.moments.hosts), 'host')} {len(look.moments.instances)} inst  data {age(now_s - look.at_s)}"
        )
        wrong = self._trouble or "; ".join(f"{host}: {why}" for host, why in look.unreachable.items())
        keys = "q quit  p packages  i instances  h hosts  s sort"
        return "\n".join(clip(one_line(each), cells) for each in (head, wrong or keys)) + "\n" + table
