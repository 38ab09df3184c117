"""Why an instance gets no requests, in a sentence: for the picture of the fleet and for who asks why. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.judge import unfits
from h2o_broker.members import Health, RemoteInstance
from h2o_broker.pools import host_of, is_fit, version_of
from h2o_core.control.hosts import HostState
from h2o_core.health import IN_SPITE, Verdict
from h2o_core.pb.registration_pb2 import Heartbeat

if TYPE_CHECKING:
    from h2o_broker.members import LocalInstance, Peer, Pool
    from h2o_broker.switch import Switch
    from h2o_core.control.hosts import HostControl


def link_state(peer: Peer) -> str:
    """A peer's link in one word."""
    if peer.health is Health.READY:
        return "up"
    return "refused" if peer.refused else peer.health.name.lower()


def why_not(switch: Switch, pool: Pool, member: LocalInstance | RemoteInstance) -> str:
    """What keeps requests of this host from *member*, or why it gets some in spite of it; "" when all is well."""
    health, link = _heard_of(member)
    if health is Health.SUSPECT:
        return link or "it does not answer PING"
    if health in {Health.CONNECTING, Health.LEAVING}:
        return link if health is Health.CONNECTING else "it is leaving"
    unfit = "" if is_fit(member, pool.left_out) else why_verdict(member)
    if member in pool.candidates:
        return _in_spite(pool, member, unfit) if unfit else ""
    version, control = version_of(member), switch.hosts.get(host_of(member, switch.host))
    if control is not None and (control.state is HostState.DRAIN or version in map(version_of, pool.candidates)):
        return _decided(control)
    if pool.traffic is not None and version not in pool.traffic.reached:
        return f"no traffic: its package's weights and rules don't name {version}"
    if unfit:
        return unfit
    if not pool.candidates or pool.traffic is not None:
        return ""
    return f"new version, no traffic: {version_of(pool.candidates.members[0])} was registered first"


def _in_spite(pool: Pool, member: LocalInstance | RemoteInstance, unfit: str) -> str:
    fit = pool.fits[version_of(member)]
    return f"{IN_SPITE}, as only {fit.healthy} of {fit.total} are healthy: {unfit}"


def why_verdict(member: LocalInstance | RemoteInstance) -> str:
    """What it is not OK for; "" when it is."""
    if member.verdict is Verdict.OK:
        return ""
    if isinstance(member, RemoteInstance):
        return _OF_OTHERS[member.verdict]
    if member.verdict is Verdict.CHECK_FAILING:
        return _failing_check(member.heartbeat)
    standing = member.standing
    times = f" {standing.times} times in a row" if standing.times > 1 else ""
    what = ", and waits for one request that shows that it is well" if member.verdict is Verdict.PROBING else ""
    return f"ejected{times}{what}: {standing.reason}"


_OF_OTHERS: Final = {
    Verdict.EJECTED: "its broker has ejected it",
    Verdict.PROBING: "its broker has ejected it, and waits for one request that shows that it is well",
    Verdict.CHECK_FAILING: "one of its checks fails",
}


def _failing_check(heartbeat: bytes) -> str:
    failing = next((one for one in Heartbeat.FromString(heartbeat).checks if unfits(one)), None)
    return f"its check {failing.name!r} fails: {failing.output}" if failing is not None else "one of its checks fails"


def _heard_of(member: LocalInstance | RemoteInstance) -> tuple[Health, str]:
    """Its health; of another host's, that of the link to it, with a sentence about it."""
    if not isinstance(member, RemoteInstance):
        return member.health, ""
    peer = member.peer
    return peer.health, f"the link to {peer.host} is {link_state(peer)}"


def _decided(control: HostControl) -> str:
    what = "drained" if control.state is HostState.DRAIN else "avoided while others are left"
    return f"its host is {what} by {control.owner}" + (f": {control.reason}" if control.reason else "")
