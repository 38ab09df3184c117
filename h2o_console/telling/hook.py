"""Tells by running a command: the facts in its environment and as JSON on its standard input; bounded in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from h2o_console.telling.channel import NotTaken
from h2o_console.telling.said import document, environment

if TYPE_CHECKING:
    from h2o_console.telling.notices import Notice

TIMEOUT_S: Final = 30.0


class Hook:
    """Call it with a notice; raises NotTaken when the command can't be run, fails, or takes too long."""

    def __init__(self, command: str, timeout_s: float = TIMEOUT_S) -> None:
        """*command* is the shell's."""
        self._command = command
        self._timeout_s = timeout_s

    def __call__(self, notice: Notice) -> None:
        """Run it to its end, of `timeout_s` at most; then it and all that it has started are killed."""
        said = json.dumps(document(notice)).encode()
        with TemporaryFile() as given:
            given.write(said)
            given.seek(0)
            try:
                process = subprocess.Popen(
                    ["/bin/sh", "-c", self._command],
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, **environment(notice)},
                    start_new_session=True,
                )
            except OSError as error:
                raise NotTaken(error.strerror or str(error)) from None
        try:
            code = process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            msg = f"it did not end within {self._timeout_s:g} s"
            raise NotTaken(msg) from None
        if code:
            msg = f"it ended by signal {-code}" if code < 0 else f"it ended with {code}"
            raise NotTaken(msg)
