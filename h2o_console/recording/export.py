"""A part of a recording as one file, to be handed to a colleague: its segments one after the other."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from h2o_console.recording.frames import NotARecording

if TYPE_CHECKING:
    from h2o_console.recording.tape import Tape


@dataclass(frozen=True, slots=True)
class Exported:
    """From when to when (Unix, s), and how large it is."""

    began_s: float
    ended_s: float
    size: int


def export(tape: Tape, file: Path, since_s: float, until_s: float) -> Exported:
    """Write the segments that have anything from *since_s* to *until_s*; only its owner may read the file.

    Raises NotARecording when there is nothing of that time, and OSError: also when the file exists already.
    """
    pieces = [piece for piece in tape.pieces if piece.ended_s >= since_s and piece.began_s <= until_s]
    if not pieces:
        msg = "nothing was recorded then"
        raise NotARecording(msg)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            for piece in pieces:
                with suppress(FileNotFoundError):  # a console that records has just removed it
                    opened.write(piece.path.read_bytes()[piece.part.start : piece.part.end])
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return Exported(pieces[0].began_s, max(piece.ended_s for piece in pieces), file.stat().st_size)
