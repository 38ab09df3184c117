"""Which fleet the flags mean, those after a command's name and those before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2o_core.context import Overrides

if TYPE_CHECKING:
    from collections.abc import Mapping


def flags_among(options: Mapping[str, Any], before: Mapping[str, Any]) -> Overrides:
    """The command's own; the ones *before* its name fill in what they leave open."""
    said = {key: str(options.get(key) or before.get(key) or "") for key in ("context", "zk", "fleet", "agent")}
    return Overrides(context=said["context"], zookeeper=said["zk"], fleet=said["fleet"], agent=said["agent"])
