"""A host's place on its machine: its directories, the lock on them, its machine id, the fleet's secret.

Broker and agent of a host share all of it; whoever comes first writes what is missing.
"""

from __future__ import annotations

import fcntl
import os
import resource
import secrets
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_core.access import Token, parse_named_tokens, parse_tokens, read_token, write_token
from h2o_core.context import AGENT_SOCKET, BROKER_SOCKET, NoContext, check_socket_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.hostfile import HostFile

_SECRET_BYTES: Final = 32
_OTHERS: Final = 0o077
T = TypeVar("T")


class CannotStart(Exception):
    """A program refuses to start; `exit_code` is 2 for a bad configuration, 3 for another one in its place."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def prepare_directories(hostfile: HostFile) -> None:
    """Make run and state directory and the one for logs (mode 0700); raises CannotStart."""
    run = Path(hostfile.run_dir)
    try:
        for directory in (run, Path(hostfile.state_dir), Path(hostfile.state_dir) / "logs"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = run.stat().st_mode & 0o777
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}; name another directory in the host file"
        raise CannotStart(msg, 2) from None
    if mode & _OTHERS:
        msg = f"{run} is open to others (mode {mode:o}); chmod 700 {run}"
        raise CannotStart(msg, 2)
    try:
        for name in (BROKER_SOCKET, AGENT_SOCKET):
            check_socket_path(str(run / name))
    except NoContext as error:
        raise CannotStart(str(error), 2) from None


def take_lock(hostfile: HostFile, program: str) -> int:
    """Hold the run directory for this process's life; raises CannotStart when another *program* has it.

    Two agents would double every instance, and libzmq would steal a running broker's path without a word.
    """
    path = Path(hostfile.run_dir) / f"{program}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        msg = f"another {program} (pid {holder}) serves {hostfile.run_dir}; stop it, or give this host another run_dir"
        raise CannotStart(msg, 3) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def machine_id(hostfile: HostFile) -> str:
    """A UUID that stays with the host's state directory. Raises CannotStart."""
    path = Path(hostfile.state_dir) / "machine-id"
    try:
        return str(uuid.UUID(_read_or_write(path, str(uuid.uuid4()))))
    except ValueError:
        msg = f"{path} is not a UUID; remove it, and the host gets a new machine id"
        raise CannotStart(msg, 2) from None


def fleet_secret(hostfile: HostFile) -> bytes:
    """The fleet's secret; a host without `secret_file` makes one of its own (a fleet of one). Raises CannotStart."""
    path = Path(hostfile.secret_file or Path(hostfile.state_dir) / "secret")
    try:
        text = path.read_text() if hostfile.secret_file else _read_or_write(path, secrets.token_hex(_SECRET_BYTES))
        secret = bytes.fromhex(text.strip())
    except (OSError, ValueError) as error:
        msg = f"secret_file {path} can't be read as hex digits: {error}"
        raise CannotStart(msg, 2) from None
    if len(secret) < _SECRET_BYTES:
        msg = f"secret_file {path} has {len(secret)} bytes; it needs {_SECRET_BYTES} or more, in hex"
        raise CannotStart(msg, 2)
    _check_private("secret_file", path)
    return secret


def _check_private(key: str, path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        msg = f"{key} {path} can be read by others (mode {mode:o}); chmod 600 {path}"
        raise CannotStart(msg, 2)


def read_tokens(hostfile: HostFile, secret: bytes) -> tuple[str, ...]:
    """What opens this host's agent to readers on other machines. Raises CannotStart."""
    if not hostfile.read_token_file:
        return (read_token(secret, hostfile.fleet),)
    return _parsed("read_token_file", hostfile.read_token_file, parse_tokens)


def write_tokens(hostfile: HostFile, secret: bytes) -> tuple[Token, ...]:
    """What lets somebody have this host's agent do something. Raises CannotStart."""
    if not hostfile.write_token_file:
        return (Token(write_token(secret, hostfile.fleet)),)
    path = Path(hostfile.write_token_file)
    tokens = _parsed("write_token_file", str(path), parse_named_tokens)
    _check_private("write_token_file", path)
    return tokens


def _parsed(key: str, named: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(Path(named).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        msg = f"{key} {named} can't be used: {error}"
        raise CannotStart(msg, 2) from None


def allow_many_files() -> None:
    """Each client and instance is a descriptor of its broker's: raise the soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS names a hard limit that it does not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _read_or_write(path: Path, fresh: str) -> str:
    """The file's text; a new file appears whole or not at all, and the first of two writers wins."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(fresh + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
