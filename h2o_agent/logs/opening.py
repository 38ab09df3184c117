"""The log of a child that is about to start: what is long is moved aside, a line says who writes from here on."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from h2o_agent.logs.files import OLD_SUFFIX
from h2o_agent.logs.punching import allocated
from h2o_core.hostfile import DEFAULT_LOG_BYTES
from h2o_core.io.clock import unix_s
from h2o_core.logs import HOST_NAME, INSTANCE_ID, LAUNCH, SERVICE_NAME, SERVICE_VERSION, Entry, Severity


def open_log(path: str, most_bytes: int = DEFAULT_LOG_BYTES, first_line: bytes = b"") -> int:
    """A descriptor to append with. Moved aside before, if it has half of *most_bytes*; raises OSError."""
    file = Path(path)
    with suppress(FileNotFoundError):
        if allocated(file.stat()) > most_bytes // 2:
            file.replace(file.with_suffix(OLD_SUFFIX))
    log = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if first_line:
        with suppress(OSError):  # a full disk: the process is to run all the same
            size = os.fstat(log).st_size
            torn = size and os.pread(log, 1, size - 1) != b"\n"
            os.write(log, (b"\n" if torn else b"") + first_line)
    return log


def launch_line(package: str, host: str, token: str, argv: tuple[str, ...]) -> bytes:
    """Who writes after it: foreign lines belong to this launch, until the process says more of itself.

    It also makes the beginning of each file its own, by which cursors know it.
    """
    resource = {SERVICE_NAME: package, SERVICE_VERSION: "", INSTANCE_ID: token, HOST_NAME: host}
    entry = Entry(
        unix_s(), Severity.INFO, f"started: {' '.join(argv)}"[:1000], attributes={LAUNCH: token}, resource=resource
    )
    return entry.line().encode(errors="replace") + b"\n"
