"""The traffic generator as a child of the demo."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from examples.demo.command_line import Unmet
from h2o_console.dev.children import MARK, Child

if TYPE_CHECKING:
    from pathlib import Path

    from h2o_console.dev.fleet import Fleet

_STOP_S: Final = 10.0


class TrafficProcess:
    """`python -m examples.traffic` on one host of the fleet, until it is stopped."""

    def __init__(self, fleet: Fleet, host: str, rate: float) -> None:
        """Start it; what it prints goes to ``traffic.log`` in the fleet's directory."""
        self._log: Path = fleet.directory / "traffic.log"
        argv = [sys.executable, "-m", "examples.traffic", "--rate", str(rate), "--report", "1"]
        environ = {**fleet.environment(host), MARK: str(fleet.directory)}
        self._child = Child("traffic", argv, self._log, environ, fleet.directory)

    def so_far(self) -> Counter[str]:
        """How its requests have ended so far, by outcome, a second ago at most; raises Unmet when it has ended."""
        if self._child.ended() is not None:
            msg = f"the traffic left with {self._child.ended()}: {self._child.tail(3)}"
            raise Unmet(msg)
        try:
            return Counter(json.loads(self._child.tail(1))["outcomes"])
        except ValueError:  # nothing yet, or half a line
            return Counter()

    def stop(self) -> dict[str, Any]:
        """Stop it; returns its summary. Raises Unmet when there is none."""
        self._child.signal(signal.SIGTERM)
        if not self._child.wait(_STOP_S):
            self.kill()
            msg = f"the traffic did not stop within {_STOP_S:.0f} s; see {self._log}"
            raise Unmet(msg)
        if self._child.ended() != 0:
            msg = f"the traffic left with {self._child.ended()}: {self._child.tail(3)}"
            raise Unmet(msg)
        summary: dict[str, Any] = json.loads(self._child.tail(1))
        return summary

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._child.signal(signal.SIGKILL)
        self._child.wait(_STOP_S)
