"""Says of a finding that somebody looks after it, or that it is to be quiet: in the register, for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.asking.register import in_register
from h2o_console.asking.register_by_agent import NotTaken, RegisterByAgent
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


def acknowledge(context: Context, author: Author, key: Key, timeout_s: float, *, anew: bool = False) -> Note:
    """*author* looks after it, for its reason, until it closes and for 12 hours at the longest.

    *anew*: where notes can't be read, begin without them, and keep their bytes. Blocks, as everything here; returns
    what stands there now. Raises NoRegister, NotNoted, and InvalidDocument when there are too many notes or, unless
    *anew*, they can't be read.
    """
    return _write(context, author, key, Says.ACKNOWLEDGED, unix_s() + ACKNOWLEDGED_S, timeout_s, anew=anew)


def mute(context: Context, author: Author, key: Key, until_s: float, timeout_s: float, *, anew: bool = False) -> Note:
    """It is to be quiet until then (Unix time), also when it closes and opens again; otherwise as `acknowledge`."""
    return _write(context, author, key, Says.MUTED, until_s, timeout_s, anew=anew)


def take_back(context: Context, author: Author, key: Key, says: Says, timeout_s: float) -> Note:
    """Nobody says that of it any more, whoever has said it; otherwise as `acknowledge`."""
    return _write(context, author, key, says, 0.0, timeout_s)


def _write(
    context: Context, author: Author, key: Key, says: Says, until_s: float, timeout_s: float, *, anew: bool = False
) -> Note:
    now_s = unix_s()
    note = Note(key.kind, key.subject, says, author.actor, now_s, until_s, author.reason)
    encode_notes(with_note((), note, now_s))  # what is no note is said here, before anybody is asked

    async def write(registry: Registry) -> Note:
        try:
            if isinstance(registry, RegisterByAgent):
                return await registry.note(note, anew=anew)
            await write_note(registry, note, now_s, anew=anew)
        except NotTaken as error:
            raise NotNoted(str(error)) from None
        except (RegisterUnavailable, RegisterRefused):
            raise
        except RegisterError as error:
            raise NotNoted(str(error)) from None
        return note

    return in_register(context, timeout_s, write)
