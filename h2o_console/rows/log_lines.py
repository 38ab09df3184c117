"""Log lines as a screen shows them: time, severity, who, and a body that may have several lines.

Pure. All that came is hostile: it goes through `h2o_console.text.safe` once, when it comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from h2o_console.logs.entries import Kind as Told
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.places import Kind
from h2o_console.text import char_width, clip, pad, safe, width as cells_of
from h2o_core.figures import many
from h2o_core.logs import INSTANCE_ID, SERVICE_NAME, Severity
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.logs.entries import Line as Logged, Notice

STACKTRACE: Final = "exception.stacktrace"
_MOST_TEXTS: Final = 60
"""Lines of one entry in the list; all of them are on its own screen."""
_LONGEST: Final = 4000
_MOST_WHO: Final = 28
_ID_CELLS: Final = 8
_DAY: Final = slice(5, 10)
TONES: Final[Mapping[Severity, Tone]] = {
    Severity.UNSET: Tone.DIM,
    Severity.DEBUG: Tone.DIM,
    Severity.INFO: Tone.GOOD,
    Severity.WARN: Tone.WARN,
    Severity.ERROR: Tone.BAD,
    Severity.FATAL: Tone.BAD,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One entry, or one notice (`entry` is None then). Its texts are safe; `number` rises with each one that comes."""

    number: int
    time: str  # 2026-01-31T14:02:07.123Z
    severity: Severity
    who: str
    texts: tuple[str, ...]
    entry: Logged | None = None
    more: int = 0  # lines that are left out of `texts`
    notice: Tone | None = None

    @property
    def size(self) -> int:
        """What it takes in memory, about."""
        return 500 + (len(self.entry.text) * 2 if self.entry else 0)


def record_of(logged: Logged, number: int, of: Kind | None) -> Record:
    """An entry of a log; *of* is the kind of resource whose log it is, of several the kind of list they are on."""
    entry = logged.entry
    texts, more = _texts(entry.body, entry.attributes.get(STACKTRACE))
    return Record(number, rfc3339(entry.timestamp_s), entry.severity, _who(logged, of), texts, logged, more)


def _texts(body: str, trace: object, most: int = _MOST_TEXTS) -> tuple[tuple[str, ...], int]:
    if "\n" not in body and not trace:
        return (safe(body, _LONGEST),), 0
    lines = body.splitlines() or [""]
    if isinstance(trace, str):
        lines += trace.splitlines()
    kept = lines[:most]
    return tuple(safe(line.replace("\t", "    "), _LONGEST) for line in kept), len(lines) - len(kept)


def _who(logged: Logged, of: Kind | None) -> str:
    """What the screen's title does not say: the package on a host, instance and host of a package."""
    host = logged.host
    resource = logged.entry.resource
    instance = safe(resource.get(INSTANCE_ID, ""), 64)[:_ID_CELLS] or safe(logged.source, 40)
    package = safe(resource.get(SERVICE_NAME, "").removeprefix("/"), 60)
    parts = {
        Kind.HOST: (package, instance),
        Kind.HOSTS: (host, package, instance),
        Kind.PACKAGES: (package, instance, host),
        Kind.INSTANCE: (),
    }.get(of or Kind.PACKAGE, (instance, host))
    return clip(" ".join(safe(part, 60) for part in parts if part), _MOST_WHO)


def told(notice: Notice, number: int, now_s: float) -> Record:
    """What the reading says besides lines."""
    about = safe(f"{notice.host} {notice.source}".strip(), 80)
    why = f": {safe(notice.why, 200)}" if notice.why else ""
    text, tone = {
        Told.DROPPED: (f"{many(notice.count, 'line')} dropped before anybody could read them: {about}", Tone.WARN),
        Told.GAP: (f"lines are missing here, nobody knows how many: {about}", Tone.WARN),
        Told.LOST: (f"{about} does not answer{why}", Tone.BAD),
        Told.BACK: (f"{about} answers again, from where it was left", Tone.GOOD),
        Told.NOTHING: (f"{about} has no such log{why}", Tone.DIM),
    }[notice.kind]
    return Record(number, rfc3339(now_s), Severity.UNSET, "", (text,), notice=tone)


def overrun(count: int, first: Record) -> Record:
    """*count* lines had to go before *first*, which has taken the number before its own."""
    text = f"{many(count, 'line')} came and went while the list stood still"
    return Record(first.number - 1, first.time, Severity.UNSET, "", (text,), notice=Tone.WARN)


def key_of(record: Record, part: int = 0) -> str:
    """The key of one of its lines on screen."""
    return f"{record.number}.{part}" if part else str(record.number)


def number_of(key: str) -> int:
    """The reverse: whose line it is; -1 for no key."""
    head, _, _ = key.partition(".")
    return int(head) if head.isdecimal() else -1


@dataclass(frozen=True)
class Shape:
    """How lines are laid out: for so many cells, cut or wrapped, on which day (``01-31``), with what to point out."""

    width: int
    who_cells: int = 0
    wrap: bool = False
    day: str = ""
    marked: str = ""
    fields: tuple[int, int, int] = field(init=False)
    """Cells of time, severity and who, each with its blank; 0 where there is none."""

    def __post_init__(self) -> None:
        """What matters least goes first."""
        time = 13 if self.width >= 90 else 9 if self.width >= 45 else 0
        who = min(self.who_cells, self.width // 4) + 1 if self.who_cells and self.width >= 60 else 0
        object.__setattr__(self, "fields", (time, 6, who))

    @property
    def room(self) -> int:
        """Cells for the body."""
        return max(self.width - sum(self.fields), 8)

    def parts(self, record: Record) -> int:
        """How many lines of the screen it takes."""
        lines = len(record.texts) if not self.wrap else sum(max(1, self._wrapped(text)) for text in record.texts)
        return lines + bool(record.more)

    def _wrapped(self, text: str) -> int:
        return -(-len(text) // self.room) if text.isascii() else len(split(text, self.room))

    def pieces(self, record: Record) -> list[str]:
        """Its texts as they stand on the screen's lines."""
        if self.wrap:
            shown = [piece for text in record.texts for piece in split(text, self.room) or [""]]
        else:
            shown = [clip(text, self.room) for text in record.texts]
        return [*shown, f"… {many(record.more, 'line')} more: enter shows all"] if record.more else shown

    def line(self, record: Record, part: int) -> Line:
        """One of its lines."""
        pieces = self.pieces(record)
        text = pieces[part] if part < len(pieces) else ""
        return Line(key_of(record, part), (*self._fields(record, part), *self._body(record, text, part)))

    def _fields(self, record: Record, part: int) -> Iterator[Cell]:
        time, severity, who = self.fields
        if part or record.notice is not None:
            yield Cell(" " * (time + severity + who) if part else pad("", time) + pad("--", severity + who), Tone.DIM)
            return
        if time:
            yield Cell(pad(self._time(record.time, time - 1), time), Tone.DIM)
        yield Cell(pad(record.severity.name if record.severity else "-", severity), TONES[record.severity])
        if who:
            yield Cell(pad(record.who, who - 1) + " ", Tone.GRAPH)

    def _time(self, time: str, cells: int) -> str:
        """The time of a day that is not this one begins with its date."""
        if self.day and time[_DAY] != self.day:
            return f"{time[_DAY]} {time[11:16]}" if cells >= 11 else time[_DAY]
        return time[11:23] if cells >= 12 else time[11:19]

    def _body(self, record: Record, text: str, part: int) -> Iterator[Cell]:
        tone = _BODY.get(record.severity, Tone.PLAIN)
        if record.notice is not None:
            tone = record.notice
        elif part and tone is Tone.NAME:
            tone = Tone.PLAIN
        padded = pad(text, self.room)
        at = 0
        for first, after in _found(padded, self.marked):
            yield Cell(padded[at:first], tone)
            yield Cell(padded[first:after], Tone.KEY)
            at = after
        yield Cell(padded[at:], tone)


_BODY: Final = {Severity.DEBUG: Tone.DIM, Severity.ERROR: Tone.NAME, Severity.FATAL: Tone.NAME}


def _found(text: str, typed: str) -> Iterator[tuple[int, int]]:
    """Where *typed* stands, as the agents look for it: with capitals only when it has some."""
    if not typed:
        return
    hay = text.lower() if typed == typed.lower() else text
    at = hay.find(typed) if len(hay) == len(text) else -1
    while at >= 0:
        yield at, at + len(typed)
        at = hay.find(typed, at + len(typed))


def found_in(record: Record, typed: str) -> bool:
    """Does one of its texts contain *typed*?"""
    if typed == typed.lower():
        return any(typed in text.lower() for text in record.texts)
    return any(typed in text for text in record.texts)


def split(text: str, cells: int) -> list[str]:
    """*text* in pieces of at most *cells*, never half a wide character."""
    if text.isascii():
        return [text[at : at + cells] for at in range(0, len(text), cells)]
    pieces, first, used = list[str](), 0, 0
    for at, char in enumerate(text):
        used += char_width(char)
        if used > cells:
            pieces.append(text[first:at])
            first, used = at, char_width(char)
    return [*pieces, text[first:]]


_MOST_WHOLE: Final = 5000


def copied(record: Record) -> str:
    """What somebody takes along of an entry: when, how bad, whose, and all that it said."""
    if record.entry is None:
        return "\n".join(record.texts)
    said, child = record.entry.entry, safe(f"{record.entry.host}/{record.entry.source}", 200)
    texts, _ = _texts(said.body, said.attributes.get(STACKTRACE), _MOST_WHOLE)
    severity = record.severity.name if record.severity else ""
    return "\n".join((" ".join(part for part in (record.time, severity, child, texts[0]) if part), *texts[1:]))


def whole(record: Record, width: int) -> Iterator[Line]:
    """All of an entry: when, how bad, whose, everything that it said, its attributes and its trace."""
    entry = record.entry
    if entry is None:
        yield _plain("text", record.texts[0], record.notice or Tone.PLAIN, width)
        return
    said = entry.entry
    severity = Cell(said.severity.name if said.severity else "no severity", TONES[said.severity])
    yield Line("head", (Cell(f" {record.time[:10]} {record.time[11:23]} UTC  ", Tone.NAME), severity), selectable=False)
    yield from _section("BODY", said.body.splitlines() or [""], width, Tone.NAME)
    trace = said.attributes.get(STACKTRACE)
    if isinstance(trace, str):
        yield from _section("TRACEBACK", trace.splitlines(), width, Tone.PLAIN)
    shown = {key: value for key, value in said.attributes.items() if key != STACKTRACE}
    yield from _pairs("ATTRIBUTES", shown, width)
    ids = {"trace_id": said.trace_id, "span_id": said.span_id}
    yield from _pairs("TRACE", {key: value for key, value in ids.items() if value}, width)
    yield from _pairs("WHOSE", {**said.resource, "host": entry.host, "child": entry.source}, width)


def _section(title: str, texts: Sequence[str], width: int, tone: Tone) -> Iterator[Line]:
    yield _plain(f"gap:{title}", "", Tone.PLAIN, width)
    yield _plain(f"title:{title}", title, Tone.HEAD, width)
    number = 0
    for text in islice(texts, _MOST_WHOLE):
        for piece in split(safe(text.replace("\t", "    "), 100_000), max(width - 2, 8)) or [""]:
            yield _plain(f"{title}:{number}", f"  {piece}", tone, width, selectable=True)
            number += 1


def _pairs(title: str, table: Mapping[str, object], width: int) -> Iterator[Line]:
    if not table:
        return
    yield _plain(f"gap:{title}", "", Tone.PLAIN, width)
    yield _plain(f"title:{title}", title, Tone.HEAD, width)
    names = {key: safe(key, 40) for key in islice(table, 200)}
    wide = min(max(map(cells_of, names.values()), default=0), max(width // 3, 8))
    room = max(width - wide - 4, 8)
    for at, (key, name) in enumerate(names.items()):
        for row, piece in enumerate(split(safe(str(table[key]), 20_000), room) or [""]):
            cells = (Cell(f"  {pad(name if row == 0 else '', wide)}  ", Tone.DIM), Cell(pad(piece, room)))
            yield Line(f"{title}:{at}:{row}", cells)


def _plain(key: str, text: str, tone: Tone, width: int, *, selectable: bool = False) -> Line:
    return Line(key, (Cell(pad(text, width), tone),), selectable=selectable)
