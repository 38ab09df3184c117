"""For an author's tests: their packages behind a real broker of their own, without a fleet.

::

    async with serving(service_invoice.package) as client:
        invoice = await client.call("/service/invoice/retrieve", InvoiceId(id=1), Invoice)
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_core.io.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from h2o_service.package import Package

START_S: Final = 20.0
"""How long the broker and the packages may take to come up."""
_STOP_S: Final = 10.0
_WITH_US: Final = '"$@" & read -r _; kill $!; wait $!'
"""The broker ends with its standard input, so with us, however we end."""


@asynccontextmanager
async def serving(*packages: Package) -> AsyncGenerator[Client]:
    """A client of a broker of its own that serves *packages* in this process, on this loop.

    Raises RuntimeError with the broker's last words when it does not come up; what a package's `serve` raises.
    """
    directory = Path(tempfile.mkdtemp(prefix="h2o-"))  # short: it holds sockets
    try:
        broker = await _start(directory)
        try:
            endpoint = f"unix:{directory}/broker.sock"
            async with (
                _registered(packages, endpoint, directory),
                Client(endpoint, program="a test", connect_timeout_s=START_S) as client,
            ):
                yield client
        finally:
            broker.stdin.close()  # pyright: ignore[reportOptionalMemberAccess] - it was asked for
            async with asyncio.timeout(_STOP_S):
                await broker.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _start(directory: Path) -> asyncio.subprocess.Process:
    host_file = directory / "host.toml"
    host_file.write_text(
        f'host = "test"\nfleet = "test"\nzookeeper = "127.0.0.1:1"\nrun_dir = "{directory}"\n'  # nobody is there
        f'state_dir = "{directory}/state"\ndev = true\n',
        encoding="utf-8",
    )
    with (directory / "broker.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", _WITH_US, "broker", sys.executable, "-m", "h2o_broker", "--host-file", str(host_file)),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
        )


@asynccontextmanager
async def _registered(packages: tuple[Package, ...], endpoint: str, directory: Path) -> AsyncGenerator[None]:
    """While all *packages* serve there."""
    loop = asyncio.get_running_loop()
    ready = [asyncio.Event() for _ in packages]
    tasks = [
        loop.create_task(package.serve(endpoint, on_ready=event.set), name=f"serve {package.name}")
        for package, event in zip(packages, ready, strict=True)
    ]
    try:
        await _all_ready(ready, tasks, directory)
        yield
    finally:
        for package in packages:
            package.stop()
        await asyncio.gather(*tasks)


async def _all_ready(ready: list[asyncio.Event], tasks: list[asyncio.Task[None]], directory: Path) -> None:
    waiting = asyncio.ensure_future(_all(ready))
    done, _ = await asyncio.wait({waiting, *tasks}, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
    if waiting in done:
        return
    waiting.cancel()
    for task in done:
        task.result()  # raises what ended it
    words = (directory / "broker.log").read_text(errors="replace").strip()
    msg = f"the packages did not register within {START_S:g} s; the broker said: {words or 'nothing'}"
    raise RuntimeError(msg)


async def _all(events: list[asyncio.Event]) -> None:
    for event in events:
        await event.wait()
