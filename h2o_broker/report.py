"""What the broker tells of itself: its counters, and the fleet as it sees it. Pure, like the switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.counts import outcomes_of, sketch_of
from h2o_broker.drain_report import control_report, drain_report
from h2o_broker.reasons import link_state, why_not, why_verdict
from h2o_broker.trial_report import experiment_report
from h2o_core.manifests import manifest_from_package_version
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Heartbeat
from h2o_core.pb.stats_pb2 import (
    Alarm,
    AssignmentReport,
    BrokerReport,
    CallerReport,
    CallerShare,
    FeatureStats,
    HostPicture,
    InstancePicture,
    InstanceReport,
    PeerReport,
    Picture,
    PoolReport,
    QueueReport,
    RegisterReport,
    RetryReport,
    Vanished,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.links import Links
    from h2o_broker.members import LocalInstance, LocalVersion, Peer, Pool
    from h2o_broker.register.decisions import Decisions
    from h2o_broker.register.known import Known
    from h2o_broker.register.presence import Standing
    from h2o_broker.switch import Switch
    from h2o_broker.telemetry import FeatureCounter
    from h2o_core.register import RegistryState
    from h2o_core.times import Moment

_MS = 1e6
_S = 1e9
MOST_ALARMS: Final = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """Which broker this is. Times are Unix seconds."""

    host: str
    zone: str
    fleet: str
    address: str
    incarnation: int
    pid: int
    started_s: float
    labels: dict[str, str]


def broker_report(  # noqa: PLR0913 - what a broker consists of
    identity: Identity,
    switch: Switch,
    links: Links,
    register: RegisterReport,
    picture_version: int,
    decisions: Decisions,
    extra: dict[str, int],
    strangers: str,
    pid_of: Callable[[bytes], int],
    moment: Moment,
) -> BrokerReport:
    """Raw counters since this broker started; *pid_of*: the process behind a local stream's routing id."""
    return BrokerReport(
        host=identity.host,
        zone=identity.zone,
        fleet=identity.fleet,
        incarnation=identity.incarnation,
        now_s=moment.unix_s,
        started_s=identity.started_s,
        pid=identity.pid,
        picture_version=picture_version,
        epoch=decisions.applied,
        epoch_seen=decisions.seen,
        unapplied=decisions.unapplied,
        register=register,
        instances=[_instance(one, moment) for one in switch.instances.values()],
        callers=_callers(switch),
        peers=[_peer(peer, moment) for peer in links.peers.values()],
        retries=_retries(switch),
        pools=[one for pool in switch.pools.values() for one in _pools(pool)],
        queues=[
            _queue(version, moment.monotonic_ns) for pool in switch.pools.values() for version in pool.local.values()
        ],
        strangers=strangers,
        tiers=switch.origin.tiers.value,
        assignments=[one for pool in switch.pools.values() for one in _assignments(pool)],
        experiments=[experiment_report(package, trial, moment) for package, trial in switch.trials.items()],
        control=control_report(switch),
        drain=drain_report(switch, pid_of, moment),
        counters={**switch.oddities.counts, **{name: count for name, count in extra.items() if count}},
    )


def _age_ms(then_ns: int, moment: Moment) -> float:
    return max(0.0, (moment.monotonic_ns - then_ns) / _MS)


def _instance(instance: LocalInstance, moment: Moment) -> InstanceReport:
    heartbeat = Heartbeat()
    try:
        heartbeat = Heartbeat.FromString(instance.heartbeat)
    except DecodeError:
        heartbeat.Clear()
    spec = instance.version.spec
    return InstanceReport(
        instance=instance.id,
        package=spec.package,
        version=spec.version,
        pid=instance.pid,
        launch=instance.launch,
        slots=instance.slots,
        in_flight=instance.pending,
        started_s=instance.started_s,
        state=instance.health.name.lower(),
        pong_age_ms=_age_ms(instance.pong_ns, moment),
        heartbeat=heartbeat,
        heartbeat_age_ms=_age_ms(instance.heartbeat_ns, moment) if instance.heartbeat_ns else -1.0,
        features=[_feature(name.decode(), counter, moment) for name, counter in instance.counters.items()],
        verdict=instance.verdict.name.lower().replace("_", " "),
        verdict_why=why_verdict(instance),
        verdict_until_s=_until_s(instance, moment),
    )


def _until_s(instance: LocalInstance, moment: Moment) -> float:
    due_ns = instance.standing.due_ns
    return moment.unix_s + (due_ns - moment.monotonic_ns) / _S if due_ns else 0.0


def _pools(pool: Pool) -> list[PoolReport]:
    return [
        PoolReport(
            package=pool.package,
            version=version,
            healthy=fit.healthy,
            total=fit.total,
            panic=fit.panic,
            panics=pool.panics.get(version, 0),
        )
        for version, fit in sorted(pool.fits.items())
    ]


def _feature(name: str, counter: FeatureCounter, moment: Moment) -> FeatureStats:
    stats = FeatureStats(feature=name, outcomes=outcomes_of(counter.outcomes), processing=sketch_of(counter.times))
    if counter.last_error_ns:
        stats.last_error = _error_text(counter.last_error)
        stats.last_error_time_s = moment.unix_s - (moment.monotonic_ns - counter.last_error_ns) / _S
    return stats


def _error_text(payload: bytes) -> str:
    try:
        failure = Failure.FromString(payload)
    except DecodeError:
        return "an error that does not parse"
    return f"{failure.application_code}: {failure.message}" if failure.application_code else failure.message


def _callers(switch: Switch) -> list[CallerReport]:
    return [
        CallerReport(
            caller=caller.package,
            version=caller.version,
            feature=name.decode(errors="replace"),
            outcomes=outcomes_of(counter.outcomes),
            latency=sketch_of(counter.times),
            breaches=caller.breaches.get(name, 0),
        )
        for caller in switch.callers.values()
        for name, counter in caller.counters.items()
    ]


def _retries(switch: Switch) -> list[RetryReport]:
    return [
        RetryReport(
            caller=caller.package,
            version=caller.version,
            package=package,
            retried=budget.retried,
            refused=budget.refused,
        )
        for caller in switch.callers.values()
        for package, budget in caller.budgets.items()
    ]


def _assignments(pool: Pool) -> list[AssignmentReport]:
    return [
        AssignmentReport(package=pool.package, version=version, how=how.value, broken=broken, count=count)
        for (version, how, broken), count in pool.assigned.items()
    ]


def _peer(peer: Peer, moment: Moment) -> PeerReport:
    return PeerReport(
        host=peer.host,
        state=link_state(peer),
        incarnation=peer.incarnation,
        rtt_ms=peer.rtt_ns / _MS,
        pong_age_ms=_age_ms(peer.pong_ns, moment) if peer.pong_ns else -1.0,
        in_flight=peer.in_flight,
        why=peer.why,
    )


def _queue(version: LocalVersion, now: int) -> QueueReport:
    contention = version.contention
    shares = {} if contention is None or contention.is_over(now) else contention.shares(now)
    waiting = version.queue.waiting()
    return QueueReport(
        over_s=contention.seconds(now) if contention is not None and shares else 0,
        callers=[
            CallerShare(
                caller=caller,
                started=shares[caller].started if caller in shares else 0,
                refused=shares[caller].refused if caller in shares else 0,
                waiting=waiting.get(caller, 0),
            )
            for caller in sorted({*shares, *waiting})
        ],
        package=version.spec.package,
        version=version.spec.version,
        queued=version.queue.size,
        capacity=version.capacity(),
    )


def register_report(state: RegistryState, known: Known, moment: Moment) -> RegisterReport:
    """How ZooKeeper stands, how old what is served may be, and what is wrong."""
    now = moment.monotonic_ns
    alarms = known.alarms.current()
    return RegisterReport(
        state=state.kind.value,
        silent_s=state.silent_s(now),
        picture_age_s=known.freshness.age_s(now),
        error=state.error,
        from_file=known.freshness.from_file,
        alarms=[
            Alarm(kind=one.kind.value, path=one.path, since_s=one.since_s, sentence=one.sentence)
            for one in alarms[:MOST_ALARMS]
        ],
        alarms_left_out=max(0, len(alarms) - MOST_ALARMS),
        vanished=[Vanished(host=host, since_s=at_s) for host, at_s in sorted(known.vanished(moment.unix_s).items())],
    )


def picture(identity: Identity, switch: Switch, links: Links, known: Known, moment: Moment) -> Picture:
    """The fleet as this broker routes it: own instances from its roster, the rest from the register."""
    hosts = [_own_host(identity, switch)]
    standing = known.presence.standing
    hosts += [_other_host(peer, standing(peer.host), switch) for peer in links.peers.values()]
    manifests = {(one.package, one.version): one for one in known.inventory.versions.values()}
    for pool in switch.pools.values():
        for version in pool.local.values():
            manifests.setdefault((version.spec.package, version.spec.version), version.spec)
    return Picture(
        as_of_s=moment.unix_s,
        hosts=sorted(hosts, key=lambda host: host.host),
        manifests=[manifest_from_package_version(manifests[key], descriptors=False) for key in sorted(manifests)],
    )


def _own_host(identity: Identity, switch: Switch) -> HostPicture:
    return HostPicture(
        host=identity.host,
        zone=identity.zone,
        address=identity.address,
        incarnation=identity.incarnation,
        link="self",
        labels=identity.labels,
        instances=[
            InstancePicture(
                instance=one.id,
                package=one.version.spec.package,
                version=one.version.spec.version,
                slots=one.slots,
                started_s=one.started_s,
                routable=one in one.version.pool.candidates,
                why=why_not(switch, one.version.pool, one),
            )
            for one in switch.instances.values()
        ],
    )


def _other_host(peer: Peer, standing: Standing | None, switch: Switch) -> HostPicture:
    return HostPicture(
        register=standing.name.lower() if standing is not None else "",
        host=peer.host,
        zone=peer.zone,
        address=peer.address,
        incarnation=peer.incarnation,
        link=link_state(peer),
        why=peer.why,
        labels=peer.labels,
        instances=[
            InstancePicture(
                instance=one.id,
                package=pool.package,
                version=one.version,
                slots=one.slots,
                started_s=one.started_s,
                routable=one in pool.candidates,
                why=why_not(switch, pool, one),
            )
            for pool, one in peer.instances.values()
        ],
    )
