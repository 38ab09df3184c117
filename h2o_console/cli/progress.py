"""How far something has come, on standard error: one line that is redrawn in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from h2o_console.cli.output import one_line
from h2o_console.text import clip

if TYPE_CHECKING:
    from collections.abc import Generator

_CLEAR: Final = "\r\x1b[K"
_EVERY_S: Final = 2.0
"""No more often, and no sooner, where lines pile up."""
_MOST_NAMED: Final = 3


class Progress:
    """One line; `tell` replaces it. Elsewhere than in a terminal a line is printed when it says something new."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") not in {None, "", "dumb"}
        self._shown = ""
        self._next_s = time.monotonic() + _EVERY_S

    def tell(self, sentence: str) -> None:
        """It stands so now."""
        line = one_line(sentence)
        if line == self._shown or not (self._terminal or time.monotonic() >= self._next_s):
            return
        self._shown, self._next_s = line, time.monotonic() + _EVERY_S
        with suppress(OSError):  # the terminal may be gone; how far it is, is not worth dying for
            if self._terminal:
                cells = shutil.get_terminal_size().columns - 1
                sys.stderr.write(_CLEAR + clip(line, cells))
            else:
                sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def clear(self) -> None:
        """What comes next begins on an empty line."""
        with suppress(OSError):
            if self._terminal and self._shown:
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
        self._shown = ""


@contextmanager
def progress() -> Generator[Progress]:
    """While the block lasts."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.clear()


def some(names: list[str]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
