"""One package in full: why, versions × instances, features with their outcomes, and what callers got.

Pure: a view in, lines for a list out. Tables lose their least columns when the width is short.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, line, millis, percent, rate, whole_percent
from h2o_console.rows.reasons import error_tone, errors, newest_first, reasons
from h2o_console.text import clip, pad, safe, width as cells_of

if TYPE_CHECKING:
    from h2o_console.store.views import FeatureView, InstanceView, PackageView

Times = Mapping[str, tuple[float | None, float | None]]
"""Instance id → (p50, p95) in ms."""


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    width: int
    keep: int = 0  # the higher, the sooner it goes; the last column gets the rest
    right: bool = False


_INSTANCES: Final = (
    _Column("INSTANCE", 8, 2),
    _Column("HOST", 6),
    _Column("ZONE", 8, 6),
    _Column("STATE", 9),
    _Column("RPS/10s", 7, 1, right=True),
    _Column("p50", 5, 5, right=True),
    _Column("p95 ms", 6, 1, right=True),
    _Column("ERR%", 5, right=True),
    _Column("BUSY", 7, 4, right=True),
    _Column("QUEUE", 5, 4, right=True),
    _Column("UP", 5, 3, right=True),
    _Column("WHY", 12),
)
_FEATURES: Final = (
    _Column("FEATURE", 8),
    _Column("VERSION", 7, 3),
    _Column("REQS", 7, 2, right=True),
    _Column("p50", 5, 5, right=True),
    _Column("p95 ms", 6, right=True),
    _Column("PROMISED", 8, 4, right=True),
    _Column("ERR%", 5, right=True),
    _Column("OUTCOMES IN 60 s, LAST ERROR", 20),
)


def package_lines(view: PackageView, times: Times, width: int, *, ascii_only: bool = False) -> tuple[Line, ...]:
    """All lines of the package's screen; keys are ``instance:…`` and ``feature:…``."""
    return (
        *_why(view, width),
        *_numbers(view, width, ascii_only=ascii_only),
        *_instances(view, times, width),
        *_features(view, width),
        *_callers(view, width),
    )


def _why(view: PackageView, width: int) -> Iterator[Line]:
    found = reasons(view)
    if not found:
        yield _plain("why:0", f"  {Glyph.FINE.word:<9}nothing to say against it", Tone.GOOD, width)
    for at, reason in enumerate(found):
        for row, part in enumerate(textwrap.wrap(reason.text, max(width - 12, 10)) or [""]):
            mark = f"{reason.glyph.sign} {reason.glyph.word:<9}" if row == 0 else " " * 11
            cells = (Cell(mark, reason.glyph.tone), Cell(pad(part, max(width - 11, 0)), Tone.PLAIN))
            yield Line(f"why:{at}:{row}", cells, selectable=False)


def _numbers(view: PackageView, width: int, *, ascii_only: bool) -> Iterator[Line]:
    yield from _title("LAST 60 s, all versions (requests/s: 10 s)", width)
    requests, failed = sum(view.outcomes.values()), errors(view.outcomes)
    pieces = (
        (f"  {rate(view.rps)} requests/s ", Tone.PLAIN),
        (line(view.rps_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  p50 {millis(view.p50_ms)} ms  p95 {millis(view.p95_ms)} ms ", Tone.PLAIN),
        (line(view.p95_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  ERR {percent(failed, requests)}%", error_tone(failed, requests)),
        (f"  {_outcomes(view.outcomes)}", Tone.DIM),
    )
    cells: list[Cell] = []
    left = width
    for text, tone in pieces:
        cells.append(Cell(clip(text, left), tone))
        left = max(left - cells_of(text), 0)
    yield Line("numbers", tuple(cells), selectable=False)


def _instances(view: PackageView, times: Times, width: int) -> Iterator[Line]:
    yield from _title("VERSIONS × INSTANCES" if width >= 40 else "INSTANCES", width)
    if not view.instances:
        yield _plain("none", "  no instance runs", Tone.UNKNOWN, width)
        return
    ids, hosts = [safe(one.id, 30) for one in view.instances], [safe(one.host, 40) for one in view.instances]
    table = _Table.fitting(_INSTANCES, {"INSTANCE": ids, "HOST": hosts}, width)
    yield table.heads()
    by_version: dict[str, list[InstanceView]] = {}
    for instance in view.instances:
        by_version.setdefault(instance.version, []).append(instance)
    total = sum(view.outcomes.values())
    for version in newest_first(dict.fromkeys(by_version, 0)):
        share = sum(sum(one.outcomes.values()) for one in view.features if one.version == version)
        measured = f", {whole_percent(share, total)}% of the requests measured" if total else ""
        count = len(by_version[version])
        label = f"{safe(version, 30)}: {count} {'instance' if count == 1 else 'instances'}{measured}"
        yield _plain(f"version:{version}", f"  {label}", Tone.NAME, width)
        for at, instance in enumerate(by_version[version]):
            yield _instance(instance, at, times, table)


def _instance(one: InstanceView, at: int, times: Times, table: _Table) -> Line:
    p50, p95 = times.get(one.id, (None, None))
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    state = one.state if one.ready or one.state != "ready" else "unroutable"
    why = "no fresh stats" if one.silent else one.why
    values = (
        (safe(one.id, 30) or "(not registered)", Tone.PLAIN),
        (safe(one.host, 40), Tone.PLAIN),
        (safe(one.zone, 20), Tone.DIM),
        (safe(state, 20), Tone.UNKNOWN if one.silent else Tone.GOOD if one.ready else Tone.WARN),
        (rate(one.rps), Tone.PLAIN),
        (millis(p50), Tone.PLAIN),
        (millis(p95), Tone.PLAIN),
        (percent(failed, requests), error_tone(failed, requests)),
        (f"{_known(one.in_flight)}/{_known(one.slots)}", Tone.PLAIN),
        (_known(one.queued), Tone.PLAIN),
        (UNKNOWN if one.up_s is None else age(one.up_s), Tone.DIM),
        (safe(why, 200), Tone.DIM),
    )
    return table.line(f"instance:{one.id or f'{one.host}:{at}'}", values)


def _features(view: PackageView, width: int) -> Iterator[Line]:
    yield from _title("FEATURES, LAST 60 s", width)
    if not view.features:
        yield _plain("none:features", "  no feature is known yet", Tone.UNKNOWN, width)
        return
    names = [_foot(one, view.name) for one in view.features]
    versions = [safe(one.version, 20) for one in view.features]
    table = _Table.fitting(_FEATURES, {"FEATURE": names, "VERSION": versions}, width)
    yield table.heads()
    for one in sorted(view.features, key=lambda feature: (feature.feature, feature.version)):
        yield _feature(one, view.name, table)


def _foot(one: FeatureView, package: str) -> str:
    return safe(one.feature.removeprefix(package + "/"), 60)


def _feature(one: FeatureView, package: str, table: _Table) -> Line:
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    slow = one.p95_ms is not None and one.upper95_ms is not None and one.p95_ms > one.upper95_ms
    last = ""
    if one.last_error and one.error_age_s is not None:
        last = f"  last error {age(one.error_age_s)} ago: {safe(one.last_error, 200)}"
    values = (
        (_foot(one, package), Tone.PLAIN),
        (safe(one.version, 20), Tone.DIM),
        (str(requests), Tone.PLAIN),
        (millis(one.p50_ms), Tone.PLAIN),
        (millis(one.p95_ms), Tone.WARN if slow else Tone.PLAIN),
        (millis(one.upper95_ms), Tone.DIM),
        (percent(failed, requests), error_tone(failed, requests)),
        (f"{_outcomes(one.outcomes)}{last}", Tone.DIM),
    )
    return table.line(f"feature:{one.version}:{one.feature}", values)


def _callers(view: PackageView, width: int) -> Iterator[Line]:
    if not any(count for code, count in view.callers.items() if code != "OK"):
        return
    yield from _title("WHAT CALLERS GOT IN 60 s (counted where they are; not to be added up)", width)
    yield _plain("callers", f"  {_outcomes(view.callers)}", Tone.PLAIN, width)


def _outcomes(outcomes: Mapping[str, int]) -> str:
    """``OK 1204  TIMEOUT 3``: OK first, then the most frequent."""
    ordered = sorted(outcomes.items(), key=lambda entry: (entry[0] != "OK", -entry[1], entry[0]))
    return "  ".join(f"{safe(code, 24)} {count}" for code, count in ordered) or "no requests"


def _known(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


@dataclass(frozen=True, slots=True)
class _Table:
    """Columns that fit a width: indexes into the declared ones, and how wide each is."""

    columns: Sequence[_Column]
    chosen: tuple[tuple[int, int], ...]
    width: int

    @staticmethod
    def fitting(columns: Sequence[_Column], content: Mapping[str, Sequence[str]], width: int) -> _Table:
        """Columns named in *content* are as wide as it (at most 28); those that matter least go first."""
        sized = {
            at: max(column.width, *(min(cells_of(text), 28) for text in content.get(column.head, ("",))))
            for at, column in enumerate(columns)
        }
        while len(sized) > 2 and 2 + sum(sized.values()) + len(sized) > width:
            least = max(sized, key=lambda at: (columns[at].keep, at))
            if columns[least].keep == 0:
                break
            del sized[least]
        last = max(sized)
        sized[last] = max(sized[last] + width - 2 - sum(sized.values()) - len(sized), 0)
        return _Table(columns, tuple(sorted(sized.items())), width)

    def heads(self) -> Line:
        """The line of heads."""
        values = [(column.head, Tone.HEAD) for column in self.columns]
        return Line(f"heads:{self.columns[0].head}", self.line("", values).cells, selectable=False)

    def line(self, key: str, values: Sequence[tuple[str, Tone]]) -> Line:
        """One line; *values* has one for every declared column."""
        cells, left = [Cell("  ")], self.width - 2
        for at, width in self.chosen:
            text, tone = values[at]
            shown = Tone.UNKNOWN if text == UNKNOWN else tone
            cells.append(Cell(pad(pad(text, width, right=self.columns[at].right) + " ", min(width + 1, left)), shown))
            left = max(left - width - 1, 0)
        return Line(key, tuple(cells))


def _title(text: str, width: int) -> Iterator[Line]:
    yield Line(f"gap:{text}", (Cell(" " * width),), selectable=False)
    yield _plain(f"title:{text}", text, Tone.HEAD, width)


def _plain(key: str, text: str, tone: Tone, width: int) -> Line:
    return Line(key, (Cell(pad(text, width), tone),), selectable=False)
