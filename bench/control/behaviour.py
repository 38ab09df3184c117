"""How instances of service/measured are to behave: a JSON file by instance id, read again whenever it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE: Final = "BENCH_BEHAVIOUR"
"""The environment variable with its path."""
ALL: Final = "*"
"""The key of those that have no entry of their own."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`slower`: so many times; `failing`: which share of its requests, 0 … 1."""

    slower: float = 1.0
    failing: float = 0.0


WELL: Final = Behaviour()


class Behaviours:
    """What the file says, as of now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_ns = 0
        self._told: dict[str, Behaviour] = {}

    def of(self, instance: str) -> Behaviour:
        """Of one instance; all is well where nothing is said."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return WELL
        if changed_ns != self._read_ns:
            told = json.loads(self._path.read_text())
            self._told = {name: Behaviour(**each) for name, each in told.items()}
            self._read_ns = changed_ns
        return self._told.get(instance) or self._told.get(ALL, WELL)


def write(path: Path, told: Mapping[str, Behaviour]) -> None:
    """Say it, whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({name: asdict(each) for name, each in told.items()}))
    new.replace(path)
