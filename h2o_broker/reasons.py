"""Why an instance gets no requests, in a sentence: for the picture of the fleet and for who asks why. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_broker.members import Health, RemoteInstance
from h2o_broker.pools import host_of, version_of
from h2o_core.control import HostState

if TYPE_CHECKING:
    from h2o_broker.members import LocalInstance, Peer, Pool
    from h2o_broker.switch import Switch
    from h2o_core.control import HostControl


def link_state(peer: Peer) -> str:
    """A peer's link in one word."""
    if peer.health is Health.READY:
        return "up"
    return "refused" if peer.refused else peer.health.name.lower()


def why_not(switch: Switch, pool: Pool, member: LocalInstance | RemoteInstance) -> str:
    """What keeps requests of this host from *member*; "" when nothing does."""
    health, link = _heard_of(member)
    if health is Health.SUSPECT:
        return link or "it does not answer PING"
    if health is Health.CONNECTING:
        return link
    if health is Health.LEAVING:
        return "it is leaving"
    if member in pool.candidates:
        return ""
    version, control = version_of(member), switch.hosts.get(host_of(member, switch.host))
    if control is not None and (control.state is HostState.DRAIN or version in map(version_of, pool.candidates)):
        return _decided(control)
    if pool.traffic is not None and version not in pool.traffic.reached:
        return f"no traffic: its package's weights and rules don't name {version}"
    if not pool.candidates or pool.traffic is not None:
        return ""
    return f"new version, no traffic: {version_of(pool.candidates.members[0])} was registered first"


def _heard_of(member: LocalInstance | RemoteInstance) -> tuple[Health, str]:
    """Its health; of another host's, that of the link to it, with a sentence about it."""
    if not isinstance(member, RemoteInstance):
        return member.health, ""
    peer = member.peer
    return peer.health, f"the link to {peer.host} is {link_state(peer)}"


def _decided(control: HostControl) -> str:
    what = "drained" if control.state is HostState.DRAIN else "avoided while others are left"
    return f"its host is {what} by {control.owner}" + (f": {control.reason}" if control.reason else "")
