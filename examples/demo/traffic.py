"""The traffic generator as a child of the demo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from examples.demo.command_line import Unmet

if TYPE_CHECKING:
    from pathlib import Path

_STOP_S: Final = 10.0


class TrafficProcess:
    """`python -m examples.traffic` on one host, until it is stopped."""

    def __init__(self, run_dir: Path, log: Path, rate: float) -> None:
        """Start it at the broker of *run_dir*; what it prints goes to *log*."""
        self._log = log
        argv = [sys.executable, "-m", "examples.traffic", "--rate", str(rate)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={"H2O_BROKER": str(run_dir), "PATH": ""},
            )

    def stop(self) -> dict[str, Any]:
        """Stop it; returns its summary. Raises Unmet when there is none."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            msg = f"the traffic did not stop within {_STOP_S:.0f} s; see {self._log}"
            raise Unmet(msg) from None
        lines = self._log.read_text().splitlines()
        if code != 0 or not lines:
            msg = f"the traffic left with {code}: {' '.join(lines[-3:])}"
            raise Unmet(msg)
        summary: dict[str, Any] = json.loads(lines[-1])
        return summary

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
