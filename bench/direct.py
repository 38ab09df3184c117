"""Peers without a server between: client and worker speak to each other, two processes a lane.

gRPC's asyncio edition on loopback tcp, where it is a little faster than on a Unix socket; zerorpc on ipc.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.lanes import GRPC, ZERORPC, Lane, MissingPeer, python, start_workers

if TYPE_CHECKING:
    from bench.children import Children

_IMPORT_S: Final = 20.0


def start_grpc(children: Children) -> Lane:
    """Both ends grpc.aio; raises MissingPeer."""
    _require("grpc.aio")
    at = r"listens at (\S+)\n"
    workers = start_workers(children, GRPC, python("bench.worker_grpc"), {}, ready=at)
    said = workers[0].said(at)
    env = {"BENCH_AT": said[1] if said else ""}
    client = children.start(f"{GRPC} client", python("bench.client_grpc"), env, pipes=True)
    return Lane(GRPC, client, {"worker": workers})


def start_zerorpc(children: Children, directory: Path) -> Lane:
    """Both ends zerorpc; raises MissingPeer."""
    _require("zerorpc")
    directory.mkdir(mode=0o700)
    env = {"BENCH_AT": f"ipc://{directory / 'zerorpc.sock'}"}
    workers = start_workers(children, ZERORPC, python("bench.worker_zerorpc"), env, ready="listens")
    client = children.start(f"{ZERORPC} client", python("bench.client_zerorpc"), env, pipes=True)
    return Lane(ZERORPC, client, {"worker": workers})


def _require(module: str) -> None:
    """Raise MissingPeer, with the reason, unless *module* can be imported: it may be installed and too old."""
    argv = [sys.executable, "-W", "ignore", "-c", f"import {module}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_IMPORT_S, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        msg = f"{module} can't be used ({why}): .venv/bin/pip install -e '.[bench]'"
        raise MissingPeer(msg)
