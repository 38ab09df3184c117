"""Copying out of the console: through tmux where it runs in one, else by OSC 52, which most terminals take.

What neither takes goes into a file. It is always said where it went.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.tui.files import copied_file, write_copy
from h2o_core.figures import many

if TYPE_CHECKING:
    from pathlib import Path

OSC_52_BYTES: Final = 74_994
"""More in one OSC 52 is cut or dropped by terminals (xterm's buffer)."""
_TMUX_S: Final = 2.0


async def copy(text: str, by_osc_52: Callable[[str], None], file: Path | None = None) -> tuple[str, Tone]:
    """Take *text* wherever it can go; the sentence says where. *file*: for what no clipboard takes."""
    what = f"{text!r}" if len(text) < 60 and "\n" not in text else many(len(text.splitlines()), "line")
    if in_tmux():
        if not (failed := await to_tmux(text)):
            return f"copied {what} to tmux's buffer and, through it, to the clipboard", Tone.NOTE
    elif len(text.encode(errors="replace")) > OSC_52_BYTES:
        failed = f"{len(text)} characters are more than a terminal's clipboard takes"
    else:
        by_osc_52(text)
        return f"copied {what} to the clipboard, if this terminal takes OSC 52", Tone.NOTE
    file = file or copied_file()
    if why := write_copy(text, file):
        return f"not copied: {failed}; nor to {file}: {why}", Tone.WARN
    return f"{what} are in {file}: {failed}", Tone.WARN


def in_tmux() -> bool:
    """Is this terminal one of tmux's?"""
    return bool(os.environ.get("TMUX"))


async def to_tmux(text: str) -> str:
    """Into tmux's buffer, and through it to the terminal's clipboard; why it failed, "" when it did not."""
    try:
        running = await asyncio.create_subprocess_exec(
            "tmux",
            "load-buffer",
            "-w",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"tmux can't be started: {error.strerror}"
    try:
        async with asyncio.timeout(_TMUX_S):
            _, said = await running.communicate(text.encode())
    except TimeoutError:
        running.kill()
        await running.wait()
        return f"tmux took no answer in {_TMUX_S:.0f} s"
    return "" if running.returncode == 0 else said.decode(errors="replace").strip() or "tmux refused"
