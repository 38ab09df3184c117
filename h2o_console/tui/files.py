"""The console's two files: preferences, which a person writes, and memory, which the console writes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from h2o_console.tui.memory import Memory, Unreadable, decode, encode
from h2o_core.context import short_hash
from h2o_core.io.context import configuration_file

_MOST = 1 << 20


def preferences_file(environ: Mapping[str, str] = os.environ) -> Path:
    """``console.toml``, beside the file with the contexts."""
    return configuration_file(environ).with_name("console.toml")


def read_preferences(path: Path) -> tuple[str, str]:
    """(the file's text, "") or ("", why it can't be read); no file is no mistake."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode(), ""
    except FileNotFoundError:
        return "", ""
    except UnicodeDecodeError:
        return "", "it is not UTF-8"
    except OSError as error:
        return "", error.strerror or "it can't be read"


def copied_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a copy goes that no clipboard takes."""
    return _state(environ) / "copied.txt"


def write_copy(text: str, path: Path) -> str:
    """Put *text* there in place of the last one, for this person's eyes alone; why it failed, or ""."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or "it can't be written"
    return write_new(text, path)


def write_new(text: str, path: Path) -> str:
    """A file of this person's alone, which must not be there yet; why it failed, or ""."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        return error.strerror or "it can't be written"
    return ""


def memory_file(fleet: str, environ: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_STATE_HOME/h2o/console/<fleet>.json``; a name that is no file name is told apart by a hash."""
    plain = re.sub(r"[^a-z0-9_-]", "_", fleet.lower())[:40]
    name = plain if plain == fleet and plain else f"{plain or 'fleet'}-{short_hash(fleet)}"
    return _state(environ) / f"{name}.json"


def _state(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    return Path(base) / "h2o" / "console"


def recording_directory(fleet: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the console keeps what it heard of a fleet, beside what it remembers of it."""
    return memory_file(fleet, environ).with_suffix(".recording")


def read_memory(path: Path) -> tuple[Memory, str]:
    """(what is remembered, "") or (nothing, why)."""
    try:
        with path.open("rb") as file:
            return decode(file.read(_MOST)), ""
    except FileNotFoundError:
        return Memory(), ""
    except OSError as error:
        return Memory(), error.strerror or "it can't be read"
    except Unreadable as error:
        return Memory(), str(error)


def write_memory(path: Path, memory: Memory) -> str:
    """Replace the file in one step, so that another console never reads half of it; why it failed, or ""."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile(dir=path.parent, prefix=".console-", delete=False) as file:
            beside = Path(file.name)
            try:
                file.write(encode(memory))
                file.flush()
                beside.replace(path)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        return error.strerror or "it can't be written"
    return ""
