"""A process that logs at a steady rate with the SDK's handler: ``python -m bench.logs.writer RATE DIRECTORY``.

It begins when DIRECTORY has a file `go`, goes on at a tenth of the rate when there is one `slow`, ends with a last line
when there is one `stop`, and then waits to be ended.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

from h2o_core.io.logs import configure, own_resource

_STEP_S: Final = 0.05
_LONGEST_S: Final = 600.0
_SLOWLY: Final = 0.1
LAST: Final = "the last line"
PID_FILE: Final = "writer"
"""Its suffix is the writer's pid."""
_TEXT: Final = "looked up customer %d in the table of customers, which took %d rows"


def main(rate: str, directory: str) -> None:
    """Until it is ended, or for ten minutes."""
    configure(own_resource("service/bench", "1.0"))
    log = logging.getLogger("bench")
    who, home = os.environ.get("H2O_LAUNCH", str(os.getpid())), Path(directory)
    (home / f"{PID_FILE}.{os.getpid()}").touch()
    give_up_s = time.monotonic() + _LONGEST_S
    while not (home / "go").exists() and time.monotonic() < give_up_s:
        time.sleep(_STEP_S)
    number, owed, then_s = 0, 0.0, time.monotonic()
    while not (home / "stop").exists() and time.monotonic() < give_up_s:
        now_s = time.monotonic()
        owed += (now_s - then_s) * int(rate) * (_SLOWLY if (home / "slow").exists() else 1)
        then_s = now_s
        while owed >= 1:
            log.info(_TEXT, number, number, extra={"w": who, "n": number, "t": time.time()})
            number, owed = number + 1, owed - 1
        time.sleep(_STEP_S)
    log.info(LAST, extra={"w": who, "n": number, "t": time.time()})
    while time.monotonic() < give_up_s:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
