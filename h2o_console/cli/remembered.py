"""Names that an agent said last, in a small file of this user's, for the next press of TAB."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_core.context import short_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from h2o_core.context import Context

FRESH_S: Final = 5.0
_OLDEST_S: Final = 86_400.0
"""What is older than a day is offered no more."""
CHANGES: Final = "changes"
_MOST_CHANGES: Final = 50


@dataclass(frozen=True, slots=True)
class Kept:
    """Names, and whether they are young enough to ask nobody."""

    names: list[str] = field(default_factory=list[str])
    fresh: bool = False


def read(agent: str, kind: str) -> Kept:
    """What is remembered of that agent; nothing when there is no file, or one that can't be read."""
    path = _path(agent, kind)
    try:
        age_s = time.time() - path.stat().st_mtime
        parsed: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return Kept()
    if not isinstance(parsed, list) or age_s > _OLDEST_S:
        return Kept()
    names = [each for each in cast("list[Any]", parsed) if isinstance(each, str)]
    return Kept(names, -1 < age_s < FRESH_S)


def write(agent: str, kind: str, names: Sequence[str]) -> None:
    """Remember; a full disk or a read-only home is no reason to fail."""
    path = _path(agent, kind)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(json.dumps(names))
        draft.replace(path)


def remember_changes(context: Context, ids: Sequence[str]) -> None:
    """Ids of changes, the newest first, that were just shown or made; those that were remembered before come after."""
    where = changes_of(context)
    write(where, CHANGES, list(dict.fromkeys([*ids, *read(where, CHANGES).names]))[:_MOST_CHANGES])


def changes_of(context: Context) -> str:
    """What stands for the register whose changes are remembered."""
    return f"{context.zookeeper}/{context.fleet}"


def _path(agent: str, kind: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path(os.environ.get("HOME") or "~").expanduser() / ".cache")
    return Path(base) / "h2o" / f"{kind}-{short_hash(agent)}.json"


def in_background(work: Callable[[], None]) -> None:
    """Do *work* in a process of its own that nobody waits for; the shell must not wait for its output either."""
    sys.stdout.flush()
    if os.fork():
        return
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        work()
    finally:
        os._exit(0)
