"""Who this broker is: its lock, its machine id, the fleet's secret. Files of the run and state directories."""

from __future__ import annotations

import fcntl
import os
import secrets
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from h2o_core.hostfile import HostFile

SECRET_BYTES: Final = 32
MAX_SOCKET_PATH_BYTES: Final = 107


class CannotStart(Exception):
    """The broker refuses to start; `exit_code` is 2 for a bad configuration, 3 for another one in its place."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def prepare_directories(hostfile: HostFile) -> str:
    """Make both directories (mode 0700) and return the broker's socket path; raises CannotStart."""
    run = Path(hostfile.run_dir)
    for directory in (run, Path(hostfile.state_dir)):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = run.stat().st_mode & 0o777
    if mode & 0o077:
        msg = f"{run} is open to others (mode {mode:o}); chmod 700 {run}"
        raise CannotStart(msg, 2)
    path = str(run / "broker.sock")
    if len(path.encode()) > MAX_SOCKET_PATH_BYTES:
        msg = f"the socket path {path} is longer than {MAX_SOCKET_PATH_BYTES} bytes; choose a shorter run_dir"
        raise CannotStart(msg, 2)
    return path


def take_lock(hostfile: HostFile) -> int:
    """Hold the run directory for this process's life; raises CannotStart when another broker has it.

    libzmq would steal the socket's path from a running broker without a word.
    """
    path = Path(hostfile.run_dir) / "broker.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        msg = f"another broker (pid {holder}) serves {hostfile.run_dir}; stop it, or give this host another run_dir"
        raise CannotStart(msg, 3) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def machine_id(hostfile: HostFile) -> str:
    """A UUID that stays with the host's state directory."""
    path = Path(hostfile.state_dir) / "machine-id"
    try:
        return str(uuid.UUID(path.read_text().strip()))
    except (FileNotFoundError, ValueError):
        fresh = str(uuid.uuid4())
        _write_private(path, fresh)
        return fresh


def fleet_secret(hostfile: HostFile) -> bytes:
    """The fleet's secret; a host without `secret_file` makes one of its own (a fleet of one). Raises CannotStart."""
    path = Path(hostfile.secret_file or Path(hostfile.state_dir) / "secret")
    if not hostfile.secret_file and not path.exists():
        _write_private(path, secrets.token_hex(SECRET_BYTES))
    try:
        secret = bytes.fromhex(path.read_text().strip())
        mode = path.stat().st_mode & 0o777
    except (OSError, ValueError) as error:
        msg = f"secret_file {path} can't be read as hex digits: {error}"
        raise CannotStart(msg, 2) from None
    if len(secret) < SECRET_BYTES:
        msg = f"secret_file {path} has {len(secret)} bytes; it needs {SECRET_BYTES} or more, in hex"
        raise CannotStart(msg, 2)
    if mode & 0o077:
        msg = f"secret_file {path} can be read by others (mode {mode:o}); chmod 600 {path}"
        raise CannotStart(msg, 2)
    return secret


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
