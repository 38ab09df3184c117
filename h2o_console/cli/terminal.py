"""A terminal of our own for as long as a live table is shown: the alternate screen, keys without Enter.

Whatever ends it (q, Ctrl-C, SIGTERM, an exception), the terminal is given back as it was.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_CLEAR_REST: Final = "\x1b[J"
_CLEAR_LINE: Final = "\x1b[K"


class Screen:
    """The screen while it is ours: `draw` a text, `key` waits for a key."""

    def size(self) -> tuple[int, int]:
        """(columns, lines), as they are now."""
        found = shutil.get_terminal_size()
        return found.columns, found.lines

    def draw(self, text: str) -> None:
        """Show *text* from the top; what does not fit is left out, so that nothing scrolls."""
        _, lines = self.size()
        shown = text.splitlines()[:lines]
        encoding = sys.stdout.encoding or "utf-8"
        body = "\r\n".join(f"{line}{_CLEAR_LINE}" for line in shown).encode(encoding, "replace").decode(encoding)
        sys.stdout.write(_HOME + body + _CLEAR_REST)
        sys.stdout.flush()

    def key(self, timeout_s: float) -> str:
        """The next key within the time, "" when none was pressed."""
        ready, _, _ = select.select([sys.stdin], [], [], max(0.0, timeout_s))
        if not ready:
            return ""
        data = os.read(sys.stdin.fileno(), 64)
        return data.decode(errors="replace") or "q"  # the end of the input: nobody is there any more


@contextmanager
def screen() -> Generator[Screen]:
    """The terminal, ours while the block lasts. Standard input and output have to be one."""
    descriptor = sys.stdin.fileno()
    before: list[Any] = termios.tcgetattr(descriptor)
    handlers = {each: signal.signal(each, _interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    handlers[signal.SIGTSTP] = signal.signal(
        signal.SIGTSTP, signal.SIG_IGN
    )  # Ctrl-Z would leave it to the shell as it is
    try:
        tty.setcbreak(descriptor)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()
        yield Screen()
    finally:
        with suppress(OSError):  # the terminal may be gone
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
