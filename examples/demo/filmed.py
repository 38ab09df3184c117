"""Records the demo's incident as the console hears it, from before the release until it is mended: for tests to play.

python -m examples.demo.filmed tests/console/incident.h2orec
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from examples.demo.command_line import CommandLine, Unmet, within
from examples.demo.incident import PACKAGE, Incident
from examples.demo.layout import hosts
from examples.demo.traffic import TrafficProcess
from h2o_console.dev.fleet import Fleet
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import FeedThread
from h2o_console.recording.export import export
from h2o_console.recording.recorder import Recorder, Shelved
from h2o_console.recording.tape import load
from h2o_console.store.fleet import Store

if TYPE_CHECKING:
    from h2o_console.feed.heard import Heard
    from h2o_console.feed.intake import Tap
    from h2o_console.store.insight import Insight

_RATE: Final = 40.0
_WELL_S: Final = 50.0
"""Before the release: a minute's window is nearly full of it."""
_SEEN_S: Final = 15.0
"""So long what is found is looked at, and at last that it is gone."""
_FOUND_S: Final = 60.0
_MENDED_S: Final = 90.0


def _open(insight: Insight | None) -> bool:
    """Somebody has found the package to be in trouble."""
    return insight is not None and any(PACKAGE in str(key) for key in insight.standing)


def _live(fleet: Fleet, traffic: TrafficProcess, store: Store) -> None:
    """What happens to it."""
    time.sleep(_WELL_S)
    incident = Incident(fleet, traffic, "")
    with incident.callers:
        incident.release()
    within(_FOUND_S, "a finding", lambda: _open(store.insight), 0.5)
    time.sleep(_SEEN_S)
    ran = CommandLine(fleet.environment()).run("rollback", PACKAGE, "-y", "--reason", "2.1.0 breaks profiles")
    if ran.code:
        msg = f"`{ran.typed}` left with {ran.code}: {ran.err}"
        raise Unmet(msg)
    within(_MENDED_S, "no finding any more", lambda: not _open(store.insight), 0.5)
    time.sleep(_SEEN_S)


def _without_paths(recorder: Recorder) -> Tap:
    """Where this machine has its sockets is nobody's business."""

    def hear(heard: Heard, now_s: float) -> None:
        here = heard.of.startswith("unix:")
        recorder.hear(replace(heard, of="unix:/run/h2o/agent.sock") if here else heard, now_s)

    return hear


def _film(fleet: Fleet, directory: Path, file: Path) -> None:
    store = Store()
    recorder = Recorder(Shelved(directory), "demo", "demo")
    feed = FeedThread(Poller(store, fleet.context().agent, tap=_without_paths(recorder)))
    traffic = TrafficProcess(fleet, "host-1", _RATE)
    try:
        recorder.start()
        feed.start()
        _live(fleet, traffic, store)
    finally:
        traffic.kill()
        feed.stop()
        recorder.stop()
    done = export(load(directory), file, float("-inf"), float("inf"))
    print(f"{file}: {done.ended_s - done.began_s:.0f} s, {done.size} bytes")


def main() -> int:
    """Write the file that is named."""
    with tempfile.TemporaryDirectory(prefix="h2o-demo-") as name:
        directory = Path(name)
        with Fleet(directory, hosts(directory), name="demo") as fleet:
            fleet.wait_ready()
            _film(fleet, directory / "recording", Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
