"""The control epoch, `control/epoch`: which changes there were last, and what they wrote. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from h2o_core.documents import Reader, encode_document

EPOCH_CAP_BYTES: Final = 256 << 10
EPOCH_CHANGES: Final = 64


@dataclass(frozen=True, slots=True)
class Change:
    """One control change: the documents it wrote, as paths below the fleet's root."""

    epoch: int
    paths: tuple[str, ...]
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The control epoch and its last changes, oldest first."""

    epoch: int = 0
    change_id: str = ""
    changes: tuple[Change, ...] = ()


def encode_epoch(epoch: Epoch) -> bytes:
    """`control/epoch`; the last 64 changes are kept."""
    changes = [
        {"epoch": one.epoch, "paths": list(one.paths), "id": one.change_id} for one in epoch.changes[-EPOCH_CHANGES:]
    ]
    fields: dict[str, object] = {"epoch": epoch.epoch, "change_id": epoch.change_id, "changes": changes}
    return encode_document("control/epoch", EPOCH_CAP_BYTES, fields)


def parse_epoch(path: str, data: bytes) -> Epoch:
    """`control/epoch` → Epoch; raises InvalidDocument."""
    reader = Reader.of_document(path, data, EPOCH_CAP_BYTES)
    changes = tuple(
        Change(item.integer("epoch", 0, 1 << 62), item.texts("paths", 10_000), item.text("id", empty=True))
        for item in reader.objects("changes", EPOCH_CHANGES)
    )
    return Epoch(reader.integer("epoch", 0, 1 << 62), reader.text("change_id", empty=True), changes)
