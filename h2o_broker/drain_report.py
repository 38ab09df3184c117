"""What this broker tells of its own host's drain: what runs, who still sends from here, who still sends here. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from h2o_broker.members import LocalInstance
from h2o_core.pb.stats_pb2 import DrainedInstance, DrainReport, HostControlReport, LateSender, LocalCaller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_broker.switch import Switch
    from h2o_core.times import Moment

_S: Final = 1e9


def control_report(switch: Switch) -> HostControlReport | None:
    """What operators decided about this host."""
    control = switch.hosts.get(switch.host)
    if control is None:
        return None
    return HostControlReport(
        state=control.state.value,
        owner=control.owner,
        reason=control.reason,
        since_s=control.since_s,
        until_s=control.until_s,
        grace_s=control.grace_s,
    )


def drain_report(switch: Switch, pid_of: Callable[[bytes], int], moment: Moment) -> DrainReport | None:
    """None while this host is not drained; *pid_of*: the process behind a local stream's routing id."""
    draining, now = switch.draining, moment.monotonic_ns
    drain = draining.drain
    if drain is None:
        return None
    return DrainReport(
        since_s=moment.unix_s - (now - drain.since_ns) / _S,
        grace_left_s=0.0 if drain.over else max(0.0, (drain.ends_ns - now) / _S),
        given_up=draining.given_up,
        queued=sum(version.queue.size for pool in switch.pools.values() for version in pool.local.values()),
        instances=_instances(switch),
        callers=_callers(switch, pid_of, now),
        senders=[
            LateSender(host=host, refused=sender.refused, age_s=(now - sender.last_ns) / _S)
            for host, sender in sorted(draining.senders.items())
        ],
    )


def _instances(switch: Switch) -> Iterable[DrainedInstance]:
    """`pending` is a slot for each of both kinds."""
    waited_for = Counter(
        one.target.rid for one in switch.requests.values() if not one.ended and isinstance(one.target, LocalInstance)
    )
    for instance in switch.instances.values():
        yield DrainedInstance(
            instance=instance.id,
            package=instance.version.spec.package,
            version=instance.version.spec.version,
            in_flight=waited_for[instance.rid],
            held=instance.pending - waited_for[instance.rid],
        )


def _callers(switch: Switch, pid_of: Callable[[bytes], int], now: int) -> Iterable[LocalCaller]:
    asked = switch.draining.asked
    for rid, source in switch.sources.items():
        instance = switch.instances.get(rid)
        yield LocalCaller(
            caller=source.caller.package,
            version=source.caller.version,
            instance=source.caller.instance,
            pid=pid_of(rid) if instance is None else instance.pid,
            in_flight=len(source.requests),
            asked_age_s=(now - asked[rid]) / _S if rid in asked else -1.0,
        )
