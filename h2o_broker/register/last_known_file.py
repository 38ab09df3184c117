"""The last-known file on disk: read once at the start, written off the loop, seldom and never in part."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_broker.register.last_known import CAP_BYTES, encode_last_known, parse_last_known
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.off_loop import off_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.register.last_known import LastKnown, Remembered

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
"""At most one write in this time."""
SHARE: Final = 0.05
"""And of the time: a write that took 0.5 s is followed by none for 10 s."""
AGAIN_S: Final = 30.0
"""Without any change: for the time in it, which is how old the file is believed to be."""


class LastKnownFile:
    """`load` once, then `keep` for ever; `changed` says that there is something new to write."""

    def __init__(self, directory: Path, fleet: str, host: str) -> None:
        self.path = directory / "last-known"
        self._fleet = fleet
        self._host = host
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """What `keep` collects is other than before."""
        self._changed.set()

    async def load(self) -> Remembered | None:
        """What the file holds, None when there is none; raises InvalidDocument, OSError."""
        return await off_loop(self._read, "read-last-known")

    def _read(self) -> Remembered | None:
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > CAP_BYTES:
                    raise InvalidDocument(str(self.path), f"{size:,} bytes are more than the {CAP_BYTES:,} it may have")
                data = file.read(CAP_BYTES + 1)
        except FileNotFoundError:
            return None
        return parse_last_known(str(self.path), data, self._fleet, self._host)

    async def keep(self, collect: Callable[[], LastKnown | None], failed: Callable[[str], None]) -> None:
        """Write what *collect* returns (None: nothing that is true now) whenever it changed; for ever.

        *failed* gets the sentence when a write failed, "" when one succeeded.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._changed.wait()
            self._changed.clear()
            last = collect()
            if last is None:
                continue
            began_ns = monotonic_ns()
            try:
                await off_loop(partial(self._write, last), "write-last-known")
            except (OSError, InvalidDocument) as error:
                failed(f"{self.path} can't be written: {error}; after a restart without ZooKeeper it is all there is")
            else:
                failed("")
            took_s = (monotonic_ns() - began_ns) / 1e9
            await asyncio.sleep(max(EVERY_S, took_s / SHARE))

    def _write(self, last: LastKnown) -> None:
        """The old file or the new one, whole, whatever dies."""
        draft = self.path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(encode_last_known(last))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
