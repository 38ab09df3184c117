"""A line that is late: ``python -m tests.support.slow_line SECONDS COMMAND…``; keys go through at once."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time
import tty
from collections import deque


def main(delay_s: float, argv: list[str]) -> int:
    """Run *argv* in a terminal of its own, and show what it writes so much later; its exit code."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)

    def resized(*_: object) -> None:
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))

    signal.signal(signal.SIGWINCH, resized)
    resized()
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        relay(master, delay_s)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def relay(master: int, delay_s: float) -> None:
    """Until the other end is closed."""
    late: deque[tuple[float, bytes]] = deque()
    open_ = True
    while open_ or late:
        wait_s = max(0.0, late[0][0] - time.monotonic()) if late else None
        readable, _, _ = select.select([0, master] if open_ else [], [], [], wait_s)
        if 0 in readable:
            os.write(master, os.read(0, 4096))
        if master in readable:
            try:
                written = os.read(master, 65_536)
            except OSError:  # nobody has the other end any more
                written = b""
            open_ = bool(written)
            if written:
                late.append((time.monotonic() + delay_s, written))
        while late and late[0][0] <= time.monotonic():
            os.write(1, late.popleft()[1])


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
