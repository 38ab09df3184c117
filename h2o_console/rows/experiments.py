"""Experiments → rows, and the columns of the Experiments view: each new version, and what is to be made of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import age
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column, name_column
from h2o_console.text import pad, safe
from h2o_core.experiment.judging import Verdict
from h2o_core.experiment.words import sentence
from h2o_core.names import shown
from h2o_core.weights import percent

if TYPE_CHECKING:
    from h2o_console.commands.trials import Looked, Running

_GLYPHS: Final = {
    Verdict.WORSE: Glyph.BROKEN,
    Verdict.INVALID: Glyph.WARN,
    Verdict.UNDECIDED: Glyph.NOTE,
    Verdict.BETTER: Glyph.FINE,
    Verdict.ALIKE: Glyph.FINE,
}
_TONES: Final = {
    Verdict.WORSE: Tone.BAD,
    Verdict.INVALID: Tone.WARN,
    Verdict.UNDECIDED: Tone.NOTE,
    Verdict.BETTER: Tone.GOOD,
    Verdict.ALIKE: Tone.GOOD,
}

_LINES: Final = 4
_ROOM: Final = 16


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One new version of a package against its stable one. `package` is its true name."""

    key: str
    package: str
    name: str
    glyph: Glyph
    experiment: str
    version: str
    share: str
    since: str
    verdict: Verdict
    needs: float
    says: str
    found_by: str

    @property
    def ages(self) -> bool:
        """It says for how long it has been counted."""
        return True


def trial_rows(looked: Looked) -> tuple[TrialRow, ...]:
    """A row for each new version of each experiment that runs."""
    return tuple(row for _, running in sorted(looked.running.items()) for row in _rows(running, looked.at_s))


def _rows(running: Running, at_s: float) -> Iterator[TrialRow]:
    package = shown(running.traffic.package)
    for one in running.judged.versions:
        yield TrialRow(
            key=f"{package} {one.version}",
            package=package,
            name=safe(package, 80),
            glyph=_GLYPHS[one.verdict],
            experiment=safe(running.traffic.experiment, 40),
            version=safe(one.version, 24),
            share=percent(dict(running.counted.stage.weights).get(one.version, 0)),
            since=age(max(0.0, at_s - running.counted.since_s)),
            verdict=one.verdict,
            needs=one.needs,
            says=safe(sentence(running.counted, running.judged, one), 500),
            found_by=f"{package} {running.traffic.experiment} {one.version} {one.verdict.value}",
        )


def about(row: TrialRow, silent: str, size: tuple[int, int]) -> tuple[Line, ...]:
    """The sentence in full, and whose counts are missing; always as many lines, lower terminals have none."""
    width, height = size
    if height < _ROOM:
        return ()
    head = (
        Cell(f" {row.name} {row.version}  ", Tone.NAME),
        Cell(f"{row.glyph.sign} {row.verdict.value}", _TONES[row.verdict]),
    )
    said = [Line("", (Cell(pad(f"  {part}", width)),)) for part in wrap(row.says, max(width - 3, 10))[:2]]
    missing = [Line("", (Cell(pad(f"  ? not counted: {silent}", width), Tone.WARN),))] if silent else []
    lines = [Line("", head), *said, *missing]
    return (*lines, *[Line("", ())] * (_LINES - len(lines)))


def _needs(row: TrialRow, _: Canvas) -> Shown:
    more = row.verdict is Verdict.UNDECIDED and row.needs >= 1
    return (f"{row.needs:,.0f}" if more else ""), Tone.DIM


TRIALS: Final[Table[TrialRow]] = Table(
    (
        glyph_column(),
        name_column("PACKAGE", lambda row: (row.name, Tone.NAME)),
        Column(
            "EXPERIMENT",
            lambda row, _: (row.experiment, Tone.DIM),
            8,
            "what it is called",
            goes=6,
            least=110,
            grows=lambda width: width // 8,
            short="NAME",
        ),
        Column(
            "VERSION",
            lambda row, _: (row.version, Tone.PLAIN),
            7,
            "the new one, which is compared with the stable one",
            grows=lambda _: 16,
        ),
        Column("SHARE", lambda row, _: (row.share, Tone.PLAIN), 6, "its weight", right=True, goes=3, least=NARROW),
        Column("FOR", lambda row, _: (row.since, Tone.DIM), 5, "how long it is counted", right=True, goes=4, least=90),
        Column(
            "VERDICT",
            lambda row, _: (row.verdict.value, _TONES[row.verdict]),
            13,
            "worse, better, no difference, undecided, or invalid: the samples are not alike",
            goes=2,
            least=NARROW,
            sort="verdict",
            by=lambda row: (-row.glyph, row.name, row.version),
        ),
        Column("NEEDS", _needs, 8, "requests until it can be judged", right=True, goes=5, least=100),
        Column("WHY", lambda row, _: (row.says, Tone.PLAIN), 14, "the verdict in a sentence"),
    ),
    worst=lambda row: (-row.glyph, row.name, row.version),
)
