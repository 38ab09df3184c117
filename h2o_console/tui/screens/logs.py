"""The logs of a package, an instance or a host, as they come; and one entry of them, whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.log_lines import Record, Shape, copied, found_in, number_of, whole
from h2o_console.rows.places import Kind, Look, Place, Wanted
from h2o_console.text import clip, pad, safe
from h2o_console.tui.log_targets import question_for, targets_for
from h2o_console.tui.screens.detail import DetailScreen
from h2o_console.tui.screens.screen import ConsoleScreen
from h2o_console.tui.tailing import Tail
from h2o_core.logs import Severity
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.tui.session import Session

FLOORS: Final = (Severity.UNSET, Severity.DEBUG, Severity.INFO, Severity.WARN, Severity.ERROR)
_TYPED_S: Final = 0.7
"""The agents are asked anew when nothing has been typed for so long."""
_WHO_STEP: Final = 4
_SEVERAL: Final = {Kind.PACKAGE: Kind.PACKAGES, Kind.HOST: Kind.HOSTS, Kind.INSTANCE: Kind.INSTANCES, None: None}


class LogsScreen(ConsoleScreen):
    """Follows, unless told not to (`following`), and while its last line is on screen."""

    hints: ClassVar[tuple[str, ...]] = (
        "open",
        "act",
        "type_grep",
        "severity",
        "follow",
        "wrap",
        "back",
        "help",
        "quit",
    )
    filter_by: ClassVar[str] = "grep"

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look)
        self.following = True
        self.wrap = look.wanted.wide
        self.floor = next((one for one in FLOORS if one.name == look.wanted.sort), Severity.UNSET)
        self.grep = look.wanted.filter
        self._asked_s: float | None = None
        self._tail = session.tails.of(place)
        self._keys: deque[tuple[int, int]] = deque()
        self._shape = Shape(80)
        self._who = 0
        self._size = (0, 0)
        self._paused = False
        self._jumps = False
        self._scrolled_up = False

    # what is asked

    @property
    def crumb(self) -> str:
        """Whose logs."""
        return f"logs {safe(self.place.crumb if self.place.also else self.place.key, 60)}"

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where there are others of its kind."""
        return (f"{(self.place.of or Kind.PACKAGE).value}s",)

    def look_for(self, typed: str) -> None:
        """Show lines that contain *typed*: of those that are here at once, the agents' a moment later."""
        if typed != self.grep:
            self.grep, self._asked_s = typed, self.session.clock()
            self._lay_out()

    def raise_floor(self) -> Severity:
        """Leave out what is less severe than the next floor; after the last one nothing."""
        self.floor = FLOORS[(FLOORS.index(self.floor) + 1) % len(FLOORS)]
        self._asked_s = self.session.clock()
        self._lay_out()
        return self.floor

    def set_wrap(self, *, wrap: bool) -> None:
        """Wrap long lines, or cut them."""
        self.wrap = wrap
        self._lay_out()

    def set_following(self, *, following: bool) -> None:
        """Go to the end and stay there, or stand still."""
        self.following = self._jumps = following

    def clear(self) -> bool:
        """Esc: the filter first."""
        if not self.grep:
            return False
        self.look_for("")
        return True

    def left(self, cursor: str, top: int) -> Look:
        """With what was asked; at the end it follows again."""
        at_end = self.order and cursor == self.order[-1]
        wanted = Wanted(sort=self.floor.name if self.floor else "", filter=self.grep, wide=self.wrap)
        return Look(wanted, "" if at_end else cursor, 0 if at_end else top)

    def _ask(self) -> Tail:
        question = question_for(self.place, self.floor, self.grep)
        of = _SEVERAL.get(self.place.of) if self.place.also else self.place.of
        tail = Tail(question, of, lambda: targets_for(self.session, self.place))
        self.session.tails.put(self.place, tail)
        return tail

    # what is shown

    def scrolled(self, visible: Sequence[str]) -> None:
        """The last line is out of sight: somebody reads."""
        self._scrolled_up = bool(visible) and bool(self.order) and self.order[-1] not in visible

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """Take what has come, unless somebody reads what has scrolled by."""
        if self._tail is None or (self._asked_s is not None and now_s - self._asked_s >= _TYPED_S):
            self._tail, self._asked_s = self._ask(), None
            self._lay_out()
        self._tail.start()
        resized = size != self._size
        if resized:
            self._size = size
            self._lay_out()
        self._paused = not (self.following and self._at_end(cursor, resized=resized))
        if not self._paused or not self.order:
            self._take(self._tail)
        self.ends_at = self.order[-1] if self.order and not self._paused else ""

    def _at_end(self, cursor: str, *, resized: bool) -> bool:
        jumped, self._jumps = self._jumps, False
        if jumped or not self.order:
            return True
        if cursor != self.order[-1]:
            return cursor not in self.order
        return not self._scrolled_up or (resized and not self._paused)

    def _take(self, tail: Tail) -> None:
        fresh, gone = tail.buffer.take()
        if not fresh:
            return
        wider = max((len(record.who) for record in fresh), default=0)
        if wider > self._who:
            self._who = wider + -wider % _WHO_STEP
            self._lay_out()
            return
        self._keys.extend(self._parts(fresh))
        last = gone[-1].number if gone else 0
        while self._keys and self._keys[0][0] <= last:
            self._keys.popleft()
        self._arrange()

    def _parts(self, records: Sequence[Record]) -> list[tuple[int, int]]:
        return [(record.number, self._shape.parts(record)) for record in records if self._wants(record)]

    def _wants(self, record: Record) -> bool:
        """What the agents were asked for when it came need not be what is asked now."""
        if self._asked_s is None or record.notice is not None:
            return True
        return record.severity >= self.floor and found_in(record, self.grep)

    def _lay_out(self) -> None:
        """All lines anew: another width, another choice."""
        day = rfc3339(self.session.wall())[5:10]
        self._shape = Shape(self._size[0], self._who, wrap=self.wrap, day=day, marked=self.grep)
        self._keys = deque(self._parts(self._tail.buffer.records) if self._tail is not None else ())
        self._arrange()
        self.shape += 1

    def _arrange(self) -> None:
        self.order = tuple(
            f"{number}.{part}" if part else str(number) for number, parts in self._keys for part in range(parts)
        )

    def version(self, key: str, /) -> int:
        """A line that has come never changes; after another layout the list has forgotten all of them."""
        del key
        return 0

    def line(self, key: str, width: int, /) -> Line:
        """The key's line."""
        del width  # that of the last update
        record = self._record(key)
        if record is None:
            return Line(key, (Cell(pad("", self._size[0])),), selectable=False)
        _, _, part = key.partition(".")
        return self._shape.line(record, int(part or 0))

    def _record(self, key: str) -> Record | None:
        return self._tail.buffer.record(number_of(key)) if self._tail is not None else None

    def heads(self) -> Sequence[Line]:
        """What is asked, of whom, and who does not answer."""
        width, tail = self._size[0], self._tail
        if tail is None:
            return ()
        state, tone = self._state(tail)
        asked = [f"{self.floor.name} and worse" if self.floor else "", f"/{safe(self.grep, 40)}" if self.grep else ""]
        whose = ", ".join(self.place.keys)
        hosts = f"{safe(whose, 60)} on {len(tail.hosts)} {'host' if len(tail.hosts) == 1 else 'hosts'}"
        rest = "  ".join(part for part in (hosts, *asked, "wrapped" if self.wrap else "", "times in UTC") if part)
        first = Line("", (Cell(f" {state}", tone), Cell(pad(f"  {rest}", max(width - len(state) - 1, 0)), Tone.HEAD)))
        return [first, *self._trouble(tail, width)]

    def _state(self, tail: Tail) -> tuple[str, Tone]:
        count = tail.buffer.waiting
        waiting = f", {count} new {'line waits' if count == 1 else 'lines wait'}" if count else ""
        if not self.following:
            return f"STANDING{waiting} (f follows)", Tone.WARN
        if self._paused:
            return f"PAUSED{waiting} (G goes on)", Tone.WARN
        return ("following", Tone.GOOD) if tail.read else ("reading", Tone.NOTE)

    def _trouble(self, tail: Tail, width: int) -> list[Line]:
        said = [f"{safe(host, 40)} does not answer: {safe(why, 80)}" for host, why in tail.buffer.lost.items()]
        if tail.trouble:
            said.insert(0, safe(tail.trouble, 200))
        if not said:
            return []
        more = f"  and {len(said) - 1} more" if len(said) > 1 else ""
        return [Line("", (Cell(pad(f" {clip(said[0], max(width - len(more) - 2, 8))}{more}", width), Tone.BAD),))]

    def empty(self) -> Sequence[Cell]:
        """Why there is no line."""
        if self.session.replaying is not None:
            return Cell("Logs are not in a recording.", Tone.WARN), Cell("esc: back", Tone.DIM)
        tail = self._tail
        if tail is None or not tail.read:
            return (Cell("Reading…", Tone.DIM),)
        what = " that is so severe" if self.floor else ""
        found = f" that contains {safe(self.grep, 40)!r}" if self.grep else ""
        if not tail.hosts:
            return (Cell("No host is known that could have its logs.", Tone.WARN),)
        return (
            Cell(f"No line{what}{found} yet.", Tone.PLAIN),
            Cell(
                "esc clears the filter, v changes the severity" if found or what else "They come as they are written.",
                Tone.DIM,
            ),
        )

    def position(self, visible: int) -> str:
        """How many lines are kept."""
        del visible
        count = len(self._keys)
        return f"{count} {'entry' if count == 1 else 'entries'}" if self._size[0] >= 50 else ""

    def opens(self, key: str) -> Place | None:
        """The whole entry."""
        record = self._record(key)
        place = self.place
        return Place(Kind.LOG_LINE, f"{record.number} {place.key}", place.of, place.also) if record else None

    def concerns(self, key: str) -> Sequence[Place]:
        """Whose logs they are, wherever the cursor is."""
        del key
        return tuple(Place(self.place.of or Kind.PACKAGE, one) for one in self.place.keys)

    def copied(self, key: str) -> str:
        """The entry under the cursor, not only the part of it that is seen."""
        record = self._record(key)
        return "" if record is None else copied(record)

    def gone(self, key: str) -> str:
        """Only so many lines are kept."""
        return "that line is not kept any more" if key else ""


class LogLineScreen(DetailScreen):
    """One entry, while it is kept."""

    hints: ClassVar[tuple[str, ...]] = ("copy", "back", "help", "freeze", "quit")

    @property
    def crumb(self) -> str:
        """It stands behind the logs."""
        return "line"

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """All of it."""
        del now_s
        record = self._record()
        return tuple(whole(record, width)) if record is not None else ()

    def _record(self) -> Record | None:
        number, _, key = self.place.key.partition(" ")
        tail = self.session.tails.of(Place(Kind.LOGS, key, self.place.of, self.place.also))
        return None if tail is None else tail.buffer.record(int(number))

    def copied(self, key: str) -> str:
        """All that it said."""
        del key
        record = self._record()
        return "" if record is None else copied(record)

    def empty(self) -> Sequence[Cell]:
        """Only so many lines are kept."""
        return Cell("This line is not kept any more.", Tone.WARN), Cell("esc: back to the logs", Tone.DIM)
