"""Says of a finding that somebody looks after it, or that it is to be quiet: in the register, for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.asking.register import in_register
from h2o_console.asking.register_by_agent import RegisterByAgent
from h2o_core.insights.notes import ACKNOWLEDGED_S, Note, Says, encode_notes, with_note
from h2o_core.io.clock import unix_s
from h2o_core.io.noting import write_note
from h2o_core.io.registry import RegisterError, RegisterRefused, RegisterUnavailable

if TYPE_CHECKING:
    from h2o_core.audit import Author
    from h2o_core.context import Context
    from h2o_core.insights.finding import Key
    from h2o_core.io.registry import Registry


class NotNoted(Exception):
    """The register did not take it, for a reason that is not its absence; nothing was written."""


def acknowledge(context: Context, author: Author, key: Key, timeout_s: float) -> Note:
    """*author* looks after it, for its reason, until it closes and for 12 hours at the longest.

    Blocks, as everything here; returns what stands there now. Raises NoRegister, NotNoted, and InvalidDocument when
    there are too many notes or they can't be read.
    """
    return _write(context, author, key, Says.ACKNOWLEDGED, unix_s() + ACKNOWLEDGED_S, timeout_s)


def mute(context: Context, author: Author, key: Key, until_s: float, timeout_s: float) -> Note:
    """It is to be quiet until then (Unix time), also when it closes and opens again; otherwise as `acknowledge`."""
    return _write(context, author, key, Says.MUTED, until_s, timeout_s)


def take_back(context: Context, author: Author, key: Key, says: Says, timeout_s: float) -> Note:
    """Nobody says that of it any more, whoever has said it; otherwise as `acknowledge`."""
    return _write(context, author, key, says, 0.0, timeout_s)


def _write(context: Context, author: Author, key: Key, says: Says, until_s: float, timeout_s: float) -> Note:
    now_s = unix_s()
    note = Note(key.kind, key.subject, says, author.actor, now_s, until_s, author.reason)
    encode_notes(with_note((), note, now_s))  # what is no note is said here, before anybody is asked

    async def write(registry: Registry) -> Note:
        try:
            if isinstance(registry, RegisterByAgent):
                return await registry.note(note)
            await write_note(registry, note, now_s)
        except (RegisterUnavailable, RegisterRefused):
            raise
        except RegisterError as error:
            raise NotNoted(str(error)) from None
        return note

    return in_register(context, timeout_s, write)
