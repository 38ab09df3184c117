"""`h2o` as a process of its own, and `h2o … -w`, whose lines are read until somebody presses ctrl-c."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

H2O = (sys.executable, "-c", "import sys; from h2o_console.cli.main import main; sys.exit(main())")


@contextmanager
def watched(environ: Mapping[str, str], *arguments: str) -> Generator[IO[str]]:
    """What it prints. Interrupted in the end, it has nothing to say and its status is that of ctrl-c."""
    process = subprocess.Popen(
        [*H2O, *arguments], env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield process.stdout
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, err.strip()) == (130, "")
