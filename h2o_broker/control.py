"""ZooKeeper's side of the broker: the register's events into the switch, this host's node out of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from h2o_broker.admission import Refused, conflict
from h2o_broker.live_node import RETRY_S, LiveNode
from h2o_core.documents import InvalidDocument
from h2o_core.inventory import (
    HostChanged,
    HostDown,
    HostUp,
    InstanceDown,
    InstanceUp,
    Inventory,
    SettingsChanged,
    VersionSeen,
)
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.registry import NodeExists, NodeGone, NodeSeen, RegisterUnavailable, Synced
from h2o_core.pb.stats_pb2 import RegisterReport
from h2o_core.znodes import (
    Epoch,
    Paths,
    encode_epoch,
    encode_package_version,
    parse_epoch,
    parse_live,
    parse_package_version,
    parse_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.links import Links
    from h2o_broker.roster import Roster
    from h2o_broker.switch import Switch
    from h2o_core.inventory import Event
    from h2o_core.io.registry import MirrorEvent, Registry
    from h2o_core.znodes import LiveHost, PackageVersion

log = logging.getLogger(__name__)


class Control:
    """What this broker knows from the register, and what the register knows from it."""

    def __init__(
        self,
        registry: Registry,
        fleet: str,
        switch: Switch,
        roster: Roster,
        links: Links,
        document: Callable[[], LiveHost],
        flush: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._paths = Paths(fleet)
        self._switch = switch
        self._roster = roster
        self._links = links
        self._flush = flush
        self._own_host = switch.host
        self._unwritten: dict[tuple[str, str], PackageVersion] = {}
        self._synced = {"packages": asyncio.Event(), "control": asyncio.Event(), "live": asyncio.Event()}
        self._last_seen_ns = 0
        self._tasks: set[asyncio.Future[None]] = set()
        self.inventory = Inventory()
        self.epoch = 0
        """The last control change that was seen."""
        self.live_node = LiveNode(registry, self._paths.live(switch.host), document)

    async def run(self) -> None:
        """Load control and packages, join, then keep this host's node right for ever; raises ForeignHost."""
        for path in (self._paths.lives, self._paths.packages, self._paths.control):
            await self._ensure(path, b"")
        await self._ensure(self._paths.epoch, encode_epoch(Epoch()))
        self._registry.mirror(self._paths.packages, self._on_package, depth=2)
        self._registry.mirror(self._paths.control, self._on_control)
        for name in ("packages", "control"):
            await self._synced[name].wait()
        self._registry.mirror(self._paths.lives, self._on_live)
        self.live_node.added()
        await self.live_node.run()

    async def _ensure(self, path: str, data: bytes) -> None:
        while True:
            try:
                await self._registry.create(path, data)
            except NodeExists:
                return
            except RegisterUnavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    def session_changed(self) -> None:
        """The old session's ephemeral is lost or will be: claim the node again."""
        self.live_node.removed()

    def connected_again(self) -> None:
        """Write the manifests that could not be written while ZooKeeper was away."""
        for spec in list(self._unwritten.values()):
            task = asyncio.ensure_future(self._write_version(spec))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------------ the register's events

    def _on_live(self, event: MirrorEvent) -> None:
        match event:
            case Synced():
                self._saw("live")
            case NodeGone(name=name) if name != self._own_host:
                self._apply(self.inventory.drop_host(name))
            case NodeSeen(name=name, data=data) if name != self._own_host:
                try:
                    live = parse_live(self._paths.live(name), data)
                except InvalidDocument as error:
                    self._bad_document(error)
                    return
                self._apply(self.inventory.put_host(live))
            case _:
                pass

    def _on_package(self, event: MirrorEvent) -> None:
        match event:
            case Synced():
                self._saw("packages")
            case NodeSeen(name=name, data=data, czxid=czxid) if "/" in name:
                try:
                    spec = parse_package_version(f"{self._paths.packages}/{name}", data, created=czxid)
                except InvalidDocument as error:
                    self._bad_document(error)
                    return
                self._apply(self.inventory.put_version(spec))
            case _:
                pass

    def _on_control(self, event: MirrorEvent) -> None:
        match event:
            case Synced():
                self._saw("control")
            case NodeSeen(name="fleet", data=data):
                try:
                    settings = parse_settings(self._paths.settings, data)
                except InvalidDocument as error:
                    self._bad_document(error)
                    return
                self._apply(self.inventory.put_settings(settings))
            case NodeSeen(name="epoch", data=data):
                try:
                    self.epoch = parse_epoch(self._paths.epoch, data).epoch
                except InvalidDocument as error:
                    self._bad_document(error)
            case _:
                pass

    def _saw(self, what: str) -> None:
        self._last_seen_ns = monotonic_ns()
        self._synced[what].set()

    def _bad_document(self, error: InvalidDocument) -> None:
        """The last good one stays in force."""
        self._switch.oddities.count("invalid_documents")
        log.error("kept the last good document: %s", error)

    def _apply(self, events: list[Event]) -> None:
        self._last_seen_ns = monotonic_ns()
        for event in events:
            self._apply_one(event)
        if events:
            self._flush()

    def _apply_one(self, event: Event) -> None:
        links, switch = self._links, self._switch
        match event:
            case HostUp(host=live):
                links.host_up(live)
            case HostDown(host=host):
                links.host_down(host, monotonic_ns())
            case HostChanged(host=live):
                links.host_changed(live)
            case InstanceUp(host=host, instance=live):
                links.instance_up(host, live, self._roster.pool_named(live.package))
            case InstanceDown(host=host, id=instance_id):
                links.instance_down(host, instance_id)
            case VersionSeen(version=spec):
                pool = self._roster.pool_of(spec)
                pool.order[spec.version] = spec.created
                switch.rebuild(pool)
            case SettingsChanged(settings=settings):
                switch.new_versions = settings.new_versions
                for pool in switch.pools.values():
                    switch.rebuild(pool)

    # ------------------------------------------------------------------ manifests

    async def publish(self, spec: PackageVersion, *, replace: bool) -> None:
        """Make the version known to the fleet, or find that it is known already; raises Refused.

        With ZooKeeper away the version is admitted on what this broker knows and written later.
        """
        key = (spec.package, spec.version)
        known = self.inventory.versions.get(key) or self._unwritten.get(key)
        if known is not None and known.digest == spec.digest:
            return
        if not replace:
            conflict(spec, known)
        try:
            await self._create_version(spec, replace=replace)
        except RegisterUnavailable:
            self._unwritten[key] = spec

    async def _create_version(self, spec: PackageVersion, *, replace: bool) -> None:
        path = self._paths.version(spec.package, spec.version)
        data = encode_package_version(spec)
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
                await self._registry.set(path, data, version=node.version)

    async def _write_version(self, spec: PackageVersion) -> None:
        try:
            await self._create_version(spec, replace=False)
        except RegisterUnavailable:
            return
        except Refused as refusal:
            self._switch.oddities.count("conflicting_manifests")
            log.error("%s", refusal)  # noqa: TRY400 - the sentence says it all
        self._unwritten.pop((spec.package, spec.version), None)

    # ------------------------------------------------------------------ report

    def report(self) -> RegisterReport:
        """How ZooKeeper stands, for the agent."""
        now = monotonic_ns()
        state = self._registry.state
        return RegisterReport(
            state=state.kind.value,
            silent_s=state.silent_s(now),
            picture_age_s=(now - self._last_seen_ns) / 1e9 if self._last_seen_ns else -1.0,
            error=state.error,
        )
