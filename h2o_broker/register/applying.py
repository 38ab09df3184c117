"""What the register's fold says, done to links and pools. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.inventory import (
    HostChanged,
    HostDown,
    HostUp,
    InstanceDown,
    InstanceUp,
    SettingsChanged,
    VersionSeen,
)

if TYPE_CHECKING:
    from h2o_broker.links import Links
    from h2o_broker.roster import Roster
    from h2o_broker.switch import Switch
    from h2o_core.inventory import Event


def apply(event: Event, switch: Switch, roster: Roster, links: Links, now: int) -> None:
    """One event of `Inventory`; *now* is monotonic ns."""
    match event:
        case HostUp(host=live):
            links.host_up(live)
        case HostDown(host=host):
            links.host_down(host, now)
        case HostChanged(host=live):
            links.host_changed(live, now)
        case InstanceUp(host=host, instance=live):
            links.instances.up(host, live, roster.pool_named(live.package), now)
        case InstanceDown(host=host, id=instance_id):
            links.instances.down(host, instance_id, now)
        case VersionSeen(version=spec):
            pool = roster.pool_of(spec)
            pool.order[spec.version] = spec.created
            switch.rebuild(pool)
        case SettingsChanged(settings=settings):
            switch.origin.tiers = settings.tiers
            switch.new_versions = settings.new_versions
            for pool in switch.pools.values():
                switch.rebuild(pool)
