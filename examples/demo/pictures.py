"""Draws the README's pictures with the real console on the demo's real fleet: an incident, and how it is mended.

python -m examples.demo.pictures docs
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from examples.demo.animation import Frame, animated, still
from examples.demo.command_line import Unmet
from examples.demo.incident import PACKAGE, RELEASED, Incident
from examples.demo.layout import hosts
from examples.demo.traffic import TrafficProcess
from h2o_console.acting.arming import Changing
from h2o_console.dev.fleet import Fleet
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import FeedThread
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.session import Session

if TYPE_CHECKING:
    from textual.pilot import Pilot

_SIZE: Final = (120, 24)
_RATE: Final = 40.0
_ME: Final = "ada@desk"
_BROKEN: Final = f"{PACKAGE} {RELEASED}"
_WELL_S: Final = 30.0
"""Before the release: there is something to compare it with."""
_FOUND_S: Final = 60.0
_READ_S: Final = 10.0
"""A finding has been open for so long when it is looked at."""
_MENDED_S: Final = 120.0
_SORTED_S: Final = 8.0
"""Rows that came stand where they belong: they hold still for five seconds, and after a key."""
_KEY_S: Final = 1.0
"""A plan that has not been on the screen for a moment is agreed to by nobody."""


class Scene:
    """The console under a hand; `frames` are what was seen."""

    def __init__(self, app: H2OConsole, pilot: Pilot[int]) -> None:
        self.frames: list[Frame] = []
        self._app = app
        self._pilot = pilot

    def text(self) -> str:
        """What is on the screen."""
        strips = self._app.screen._compositor.render_strips()  # noqa: SLF001 - what a terminal would show
        return "\n".join(strip.text for strip in strips)

    async def until(self, holds: Callable[[str], bool], what: str, within_s: float = 10.0) -> None:
        """Wait for what the screen shows; raises Unmet."""
        for _ in range(round(within_s * 10)):
            if holds(self.text()):
                return
            await asyncio.sleep(0.1)
        msg = f"waited {within_s:g} s in vain for {what}; the screen:\n{self.text()}"
        raise Unmet(msg)

    async def see(self, title: str, hold_s: float) -> None:
        """Take a picture."""
        await self._pilot.pause(_KEY_S)
        self.frames.append(Frame(self._app.export_screenshot(), title, hold_s))

    async def press(self, *keys: str) -> None:
        """Type."""
        await self._pilot.press(*keys)


async def _mended(scene: Scene, incident: Incident) -> None:
    """The story."""
    await scene.until(lambda text: "All is well" in text or "payment" in text, "Triage", 20.0)
    await asyncio.sleep(_WELL_S)
    await scene.see("Triage: what is wrong, why, and what to do about it", 2.5)
    with incident.callers:
        await asyncio.to_thread(incident.release)
    await scene.until(lambda text: f"{_BROKEN}  " in text, "the finding", _FOUND_S)
    await asyncio.sleep(_READ_S)
    await scene.press("g")
    await scene.see("a release breaks something: seconds later it is found, with whom it hurts", 5.0)
    await scene.press("enter")
    await scene.see("enter: what speaks for it, what was changed before, what it explains", 5.0)
    await scene.press("a")
    await scene.see("a: what can be done about it; what can't is grey, and says why", 3.5)
    await scene.press("a")
    await scene.until(lambda text: "same as:" in text, "the plan")
    await scene.see("a again: its action as a plan: what it does, what was checked, the way back", 5.0)
    await scene.press("a")
    await scene.see("a: until now the console was read-only", 2.0)
    await scene.press("y")
    await scene.until(lambda text: "applied by all" in text, "that all apply it", 20.0)
    await scene.see("y: decided, and applied by every broker", 3.5)
    await scene.press("escape", "8")
    await asyncio.sleep(_SORTED_S)
    await scene.press("g")
    await scene.see("8: the journal: who, what, why; u takes it back", 4.0)
    await scene.press("1")
    await scene.until(lambda text: _BROKEN not in text, "that it is over", _MENDED_S)
    await scene.press("g")
    await scene.see("a minute later: the last failures have left the window", 4.0)


async def _draw(fleet: Fleet, traffic: TrafficProcess, directory: Path) -> None:
    context = fleet.context()
    store = Store()
    session = Session("demo", store, changing=Changing(context, _ME, "h2o-console"), me=_ME)
    app = H2OConsole(session, FeedThread(Poller(store, context.agent)))
    async with app.run_test(size=_SIZE) as pilot:
        scene = Scene(app, pilot)
        await _mended(scene, Incident(fleet, traffic, ""))
    for name, picture in (("triage", still(scene.frames[1])), ("incident", animated(scene.frames))):
        path = directory / f"{name}.svg"
        path.write_text(picture, encoding="utf-8")
        print(f"{path}: {path.stat().st_size} bytes")


def main() -> int:
    """Write them into the directory that is named."""
    with tempfile.TemporaryDirectory(prefix="h2o-demo-") as name:
        directory = Path(name)
        with Fleet(directory, hosts(directory), name="demo") as fleet:
            fleet.wait_ready()
            traffic = TrafficProcess(fleet, "host-1", _RATE)
            try:
                asyncio.run(_draw(fleet, traffic, Path(sys.argv[1])))
            finally:
                traffic.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
