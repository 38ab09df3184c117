"""Draws the README's picture from the real console on the demo's real fleet.

python -m examples.demo.picture docs/packages-screen.svg
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from examples.demo.layout import hosts
from examples.demo.traffic import TrafficProcess
from h2o_console.dev.fleet import Fleet
from h2o_console.feed.poller import Poller
from h2o_console.feed.thread import FeedThread
from h2o_console.store.fleet import Store
from h2o_console.tui.app import H2OConsole
from h2o_console.tui.session import Session

_SIZE: Final = (136, 16)
_WATCHED_S: Final = 70.0
"""So that the graphs of a minute are full."""
_RATE: Final = 40.0


async def _shot(fleet: Fleet) -> str:
    store = Store()
    app = H2OConsole(Session("demo", store), FeedThread(Poller(store, fleet.context().agent)))
    async with app.run_test(size=_SIZE):
        await asyncio.sleep(_WATCHED_S)
        picture = app.export_screenshot(title="h2o-console")
    # The fonts are any monospace ones: a picture that asks the network for its font is none.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def main() -> int:
    """Write the picture to the path given."""
    path = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="h2o-demo-") as name:
        directory = Path(name)
        with Fleet(directory, hosts(directory), name="demo") as fleet:
            fleet.wait_ready()
            traffic = TrafficProcess(fleet, "host-1", _RATE)
            try:
                path.write_text(asyncio.run(_shot(fleet)), encoding="utf-8")
            finally:
                traffic.kill()
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
