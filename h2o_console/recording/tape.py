"""A recording that can be played: its segments in the order of time, read from the disk when it is their turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from h2o_console.recording.deltas import Damaged
from h2o_console.recording.frames import NotARecording, Part, parts
from h2o_console.recording.segments import Taken, read
from h2o_console.recording.shelf import SUFFIX

MOST_FILE_BYTES: Final = 1 << 30
_MOST_FILES: Final = 10_000
GAP_S: Final = 15.0
"""Longer than the slowest question takes: where nothing was heard for so long, the recording has a hole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment: which file, where in it, and its times (Unix, s). `after_gap`: nothing stands right before it."""

    path: Path
    part: Part
    after_gap: bool = True

    @property
    def began_s(self) -> float:
        """When it was begun."""
        return self.part.began_us / 1e6

    @property
    def ended_s(self) -> float:
        """When its last was heard."""
        return self.part.ended_us / 1e6

    def contents(self) -> Iterator[Taken]:
        """What was heard; ends early where the file is damaged, is empty when it is gone."""
        try:
            yield from read(self.path.read_bytes(), self.part)
        except (OSError, Damaged):
            return


@dataclass(frozen=True, slots=True)
class Tape:
    """At least one piece, in the order of time. `odd`: files that were left out, a sentence each."""

    pieces: Sequence[Piece]
    odd: tuple[str, ...] = field(default=())

    @property
    def began_s(self) -> float:
        """Unix time."""
        return self.pieces[0].began_s

    @property
    def ended_s(self) -> float:
        """Unix time."""
        return max(piece.ended_s for piece in self.pieces)

    @property
    def fleet(self) -> str:
        """Whose it is."""
        return self.pieces[-1].part.fleet

    @property
    def context(self) -> str:
        """What the console that recorded it called the fleet."""
        return self.pieces[-1].part.context

    def files(self) -> list[Path]:
        """Where it is."""
        return sorted({piece.path for piece in self.pieces})

    def at(self, at_s: float) -> int:
        """Which piece has that moment: the last that had begun, else the first."""
        begun = [index for index, piece in enumerate(self.pieces) if piece.began_s <= at_s]
        return begun[-1] if begun else 0


def load(path: Path) -> Tape:
    """A file, or a directory of them; raises NotARecording and OSError with what to tell a person."""
    if not path.is_dir():
        return _tape(_pieces(path), ())
    found: list[Piece] = []
    odd: list[str] = []
    for file in sorted(path.glob(f"*{SUFFIX}"))[-_MOST_FILES:]:
        try:
            found += _pieces(file)
        except NotARecording as error:
            odd.append(f"{file.name} is left out: {error}")
        except OSError as error:  # a console that records has just removed it
            odd.append(f"{file.name} is left out: {error.strerror}")
    return _tape(found, tuple(odd))


def _pieces(file: Path) -> list[Piece]:
    size = file.stat().st_size
    if size > MOST_FILE_BYTES:
        msg = f"it has {size >> 20} MiB, and the console reads {MOST_FILE_BYTES >> 20} MiB at most"
        raise NotARecording(msg)
    return [Piece(file, part) for part in parts(file.read_bytes())]


def _tape(found: list[Piece], odd: tuple[str, ...]) -> Tape:
    told = [piece for piece in found if piece.part.count]
    if not told:
        msg = odd[0] if odd else "there is nothing in it"
        raise NotARecording(msg)
    ordered = sorted(told, key=lambda piece: piece.began_s)
    pieces = [ordered[0]]
    for piece in ordered[1:]:
        pieces.append(Piece(piece.path, piece.part, piece.began_s - pieces[-1].ended_s > GAP_S))
    return Tape(tuple(pieces), odd)
