"""What was executed, in SQLite: each instance's process writes a file of its own, the account reads them all.

A file a process: one that is stopped in the middle of a transaction holds up nobody else.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS execution (request_id TEXT, feature TEXT, instance TEXT, pid INTEGER, at_s REAL)
"""


@dataclass(frozen=True, slots=True)
class Execution:
    """A handler was entered. `at_s` is the machine's monotonic clock."""

    request_id: str
    feature: str
    instance: str
    pid: int
    at_s: float


class Record:
    """This process's file in *directory*."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{os.getpid()}-{time.monotonic_ns()}.db"
        self._connection = sqlite3.connect(path, isolation_level=None)  # each statement is its own transaction
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")  # it has to outlive the process, not the machine
        self._connection.execute(_TABLE)

    def note(self, request_id: str, feature: str, instance: str) -> None:
        """One execution; committed when this returns."""
        row = (request_id, feature, instance, os.getpid(), time.monotonic())
        self._connection.execute("INSERT INTO execution VALUES (?, ?, ?, ?, ?)", row)


def read_executions(directory: Path) -> list[Execution]:
    """All that any process has committed, in order of time."""
    found: list[Execution] = []
    for path in directory.glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'execution'").fetchall()
            rows = connection.execute("SELECT * FROM execution").fetchall() if tables else []
            found += [Execution(*row) for row in rows]
    return sorted(found, key=lambda one: one.at_s)
