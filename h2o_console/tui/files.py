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


def memory_file(fleet: str, environ: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_STATE_HOME/h2o/console/<fleet>.json``; a name that is no file name is told apart by a hash."""
    base = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    plain = re.sub(r"[^a-z0-9_-]", "_", fleet.lower())[:40]
    name = plain if plain == fleet and plain else f"{plain or 'fleet'}-{short_hash(fleet)}"
    return Path(base) / "h2o" / "console" / f"{name}.json"


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
