"""Manifests into the register: written once by the first broker, and again when the register lost them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from h2o_broker.register.admission import Refused, conflict
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NodeExists, RegisterError, RegisterUnavailable
from h2o_core.znodes.packages import encode_package_version, parse_package_version

if TYPE_CHECKING:
    from h2o_broker.register.known import Known
    from h2o_broker.switch import Switch
    from h2o_core.io.registry import Registry
    from h2o_core.znodes.packages import PackageVersion

log = logging.getLogger(__name__)

Key = tuple[str, str]


class Publisher:
    """Keeps the versions of this host's instances in the register."""

    def __init__(self, registry: Registry, known: Known, switch: Switch) -> None:
        self._registry = registry
        self._known = known
        self._switch = switch
        self._unwritten: dict[Key, PackageVersion] = {}
        self._writing: set[Key] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish(self, spec: PackageVersion, *, replace: bool) -> None:
        """Make the version known to the fleet, or find that it is known already; raises Refused.

        With ZooKeeper away the version is admitted on what this broker knows and written later.
        """
        key = (spec.package, spec.version)
        known = self._known.inventory.versions.get(key) or self._unwritten.get(key)
        if known is not None and known.digest == spec.digest:
            if not self._stands(key):
                self._write_later(spec)
            return
        if not replace:
            conflict(spec, known)
        try:
            await self._create(spec, replace=replace)
        except RegisterUnavailable:
            self._unwritten[key] = spec

    def restore(self) -> None:
        """The register has been read, or a version's node is gone: write those of ours that are missing."""
        ours = {
            (version.spec.package, version.spec.version): version.spec
            for pool in self._switch.pools.values()
            for version in pool.local.values()
        }
        for key, spec in {**self._unwritten, **ours}.items():
            if not self._stands(key):
                self._write_later(spec)

    def close(self) -> None:
        """Write no more."""
        for task in self._tasks:
            task.cancel()

    def _stands(self, key: Key) -> bool:
        return self._known.paths.version(*key) in self._known.standing

    def _write_later(self, spec: PackageVersion) -> None:
        key = (spec.package, spec.version)
        self._unwritten[key] = spec
        if key in self._writing:
            return
        self._writing.add(key)
        task = asyncio.get_running_loop().create_task(self._write(key, spec))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, key: Key, spec: PackageVersion) -> None:
        try:
            await self._create(spec, replace=False)
        except RegisterUnavailable:
            return  # `restore` comes again when the register has been read on the next connection
        except (Refused, InvalidDocument) as refusal:
            self._switch.oddities.count("conflicting_manifests")
            log.error("%s", refusal)  # noqa: TRY400 - the sentence says it all
        except RegisterError as error:
            log.error("%s %s is not in the register: %s", *key, error)  # noqa: TRY400 - as above
        finally:
            self._writing.discard(key)
        self._unwritten.pop(key, None)

    async def _create(self, spec: PackageVersion, *, replace: bool) -> None:
        path = self._known.paths.version(spec.package, spec.version)
        data = encode_package_version(spec, self._after((spec.package, spec.version)))
        try:
            await self._registry.create(path, data)
        except NodeExists:
            node = await self._registry.get(path)
            if node is None:
                await self._registry.create(path, data)
                return
            there = parse_package_version(path, node.data, created=node.czxid)
            if there.digest != spec.digest:
                if not replace:
                    conflict(spec, there)
                await self._registry.set(path, encode_package_version(spec, there.created - 1), version=node.version)

    def _after(self, key: Key) -> int:
        """What its place in the order of registration is after: its own old place, or all that are known."""
        known = self._known.inventory.versions.get(key)
        if known is not None and known.created:
            return known.created - 1
        return max((one.created for one in self._known.inventory.versions.values()), default=0)
