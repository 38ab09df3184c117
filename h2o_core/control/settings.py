"""The fleet's settings, `control/fleet`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from h2o_core.documents import InvalidDocument, Reader, encode_document

SETTINGS_CAP_BYTES: Final = 16 << 10


class NewVersions(StrEnum):
    """What a version gets that nobody has decided about."""

    HOLD = "hold"
    SHARE = "share"


class TierRule(StrEnum):
    """What a call against the tier rules gets."""

    ENFORCE = "enforce"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """The fleet's settings, one document for all hosts."""

    new_versions: NewVersions = NewVersions.HOLD
    tiers: TierRule = TierRule.ENFORCE


def encode_settings(settings: FleetSettings) -> bytes:
    """`control/fleet`."""
    fields: dict[str, object] = {"new_versions": settings.new_versions.value, "tiers": settings.tiers.value}
    return encode_document("control/fleet", SETTINGS_CAP_BYTES, fields)


def parse_settings(path: str, data: bytes) -> FleetSettings:
    """`control/fleet` → FleetSettings; raises InvalidDocument."""
    reader = Reader.of_document(path, data, SETTINGS_CAP_BYTES)
    try:
        return FleetSettings(NewVersions(reader.text("new_versions")), TierRule(reader.text("tiers")))
    except ValueError as error:
        if isinstance(error, InvalidDocument):
            raise
        reader.fail(f"{error}; new_versions is hold or share, tiers is enforce or warn")
