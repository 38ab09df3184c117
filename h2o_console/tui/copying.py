"""Copying out of the console: through tmux where it runs in one, else by OSC 52, which most terminals take."""

from __future__ import annotations

import asyncio
import os
from typing import Final

OSC_52_BYTES: Final = 74_994
"""More in one OSC 52 is cut or dropped by terminals (xterm's buffer)."""
_TMUX_S: Final = 2.0


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
