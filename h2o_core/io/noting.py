"""Writes what somebody says of a finding into the fleet's one node of notes."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from h2o_core.documents import InvalidDocument
from h2o_core.insights.notes import MEND, NOTES, encode_notes, parse_notes, with_note
from h2o_core.io.registry import NodeExists, NoNode, RegisterError, VersionConflict

if TYPE_CHECKING:
    from h2o_core.insights.notes import Note
    from h2o_core.io.registry import Registry

_ATTEMPTS: Final = 8
"""Others may write in between so often; who does that in a row is no operator."""


async def write_note(registry: Registry, note: Note, now_s: float, *, anew: bool = False) -> None:
    """Have *note* stand, or with an end of 0 taken back; what ended long before *now_s* (Unix time) goes.

    *anew*: where the notes that stand there can't be read, begin without them, and keep their bytes below them.
    May be repeated. Raises InvalidDocument when it is no such note, there are too many, or, unless *anew*, the node is
    damaged; RegisterUnavailable, RegisterRefused, and RegisterError when others never stop writing.
    """
    for _ in range(_ATTEMPTS):
        node = await registry.get(NOTES)
        try:
            notes = parse_notes(NOTES, b"" if node is None else node.data)
        except InvalidDocument as damage:
            if not anew or node is None:
                raise InvalidDocument(damage.path, f"{damage.sentence}; {MEND}") from None
            await _keep(registry, node.data)
            notes = ()
        data = encode_notes(with_note(notes, note, now_s))
        try:
            if node is None:
                await registry.create(NOTES, data)
            else:
                await registry.set(NOTES, data, node.version)
        except (NodeExists, NoNode, VersionConflict):
            continue
        return
    msg = f"others wrote notes at the same moment, {_ATTEMPTS} times; nothing was written: try again"
    raise RegisterError(msg)


async def _keep(registry: Registry, damaged: bytes) -> None:
    """Below the notes, under their digest: the same bytes once, and whoever was faster has kept them."""
    with suppress(NodeExists):
        await registry.create(f"{NOTES}/damaged-{blake2b(damaged, digest_size=8).hexdigest()}", damaged)
