"""Writes a development fleet's settings into ZooKeeper before its first broker reads them."""

from __future__ import annotations

from typing import Final

from h2o_core.control.settings import FleetSettings, encode_settings
from h2o_core.io.registry import NodeExists, Registry

_TIMEOUT_S: Final = 10.0


async def write_settings(zookeeper: str, fleet: str, settings: FleetSettings) -> None:
    """Create or replace ``control/fleet``; raises RegisterUnavailable after 10 s."""
    registry = Registry(zookeeper, fleet, dev=True)
    try:
        await registry.start(_TIMEOUT_S)
        path, data = registry.paths.settings, encode_settings(settings)
        try:
            await registry.create(path, data)
        except NodeExists:
            await registry.set(path, data)
    finally:
        await registry.stop()
