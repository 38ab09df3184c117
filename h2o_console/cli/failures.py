"""How a command ends: the exit codes, and failures that say what to type next."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a script reads. The numbers are documented and never change."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_MATCH = 3
    UNREACHABLE = 4
    PARTIAL = 5
    REFUSED = 6
    STALE = 7
    INTERRUPTED = 130


class CommandFailed(Exception):
    """A command can't go on: *message* says why, *hint* what to type next."""

    def __init__(self, exit_code: Exit, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint


class ReaderGone(Exception):
    """Whoever read standard output has closed it, which is their right. (click makes a failure of EPIPE.)"""


def no_match(typed: str, known: list[str], command: str) -> CommandFailed:
    """Nothing fits what was *typed*; names the nearest of the *known*."""
    from h2o_core.whereabouts import nothing_matches  # noqa: PLC0415 - only a command that failed needs it

    return CommandFailed(Exit.NO_MATCH, nothing_matches(typed, known), f"see what there is: h2o {command}")
