"""What a plan takes brokers to do is what a broker does: whom it chooses from, and the share of each version."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings, strategies as st

from h2o_broker.pools import version_of
from h2o_core.control.hosts import HostControl, HostState
from h2o_core.control.settings import FleetSettings, NewVersions
from h2o_core.control.traffic import WHOLE, Traffic
from h2o_core.health import Verdict
from h2o_core.plan.routes import Route, routes
from h2o_core.plan.situation import Decided, Fleet, Host, Instance
from tests.support.switches import NOW, PACKAGE, Broker, decide_host, decide_traffic

VERSIONS = ("1.0.0", "2.0.0", "3.0.0")
HOSTS = ("host-2", "host-3", "host-4")

placed = st.lists(
    st.tuples(st.sampled_from(HOSTS), st.sampled_from(VERSIONS), st.booleans()), min_size=1, max_size=10
)  # (host, version, fails)
controls = st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(HostState), max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> Traffic | None:
    """Weights of any versions, in any order."""
    if draw(st.booleans()):
        return None
    names = draw(st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=3, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=len(names) - 1, max_size=len(names) - 1)))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    return Traffic(PACKAGE, draw(st.sampled_from(names)), tuple(zip(names, parts, strict=True)))


def both(
    instances: list[tuple[str, str, bool]],
    traffic: Traffic | None,
    hosts: dict[str, HostState],
    new_versions: NewVersions,
) -> tuple[Broker, Route]:
    """The same fleet and decisions, for a broker that looks at it from outside and for a plan."""
    broker = Broker(VERSIONS, Random(7).random)
    broker.switch.new_versions = new_versions
    members: list[Instance] = []
    for number, (host, version, fails) in enumerate(instances):
        name = f"i{number}"
        broker.there(host, name, version)
        members.append(Instance(name, PACKAGE, version, host, 64, failing=fails))
        if fails:
            broker.pool.remote[version][-1].verdict = Verdict.CHECK_FAILING
    decide_traffic(broker.switch, PACKAGE, traffic, NOW)
    decided = {host: HostControl(host, state, "ada") for host, state in hosts.items()}
    for host, control in decided.items():
        decide_host(broker.switch, host, control, NOW)
    broker.switch.rebuild(broker.pool)
    fleet = Fleet({host: Host(host) for host in HOSTS}, tuple(members), {PACKAGE: VERSIONS})
    known = Decided(
        0,
        traffic={} if traffic is None else {PACKAGE: traffic},
        hosts=decided,
        settings=FleetSettings(new_versions=new_versions),
    )
    return broker, routes(known, fleet)[PACKAGE]


@given(placed, documents(), controls, st.sampled_from(NewVersions))
def test_a_plan_chooses_from_whom_a_broker_does(
    instances: list[tuple[str, str, bool]],
    traffic: Traffic | None,
    hosts: dict[str, HostState],
    new_versions: NewVersions,
):
    broker, route = both(instances, traffic, hosts, new_versions)
    if traffic is None:
        chosen = {(version_of(one), one.id) for one in broker.pool.candidates}
        assert chosen == {(version, one.id) for version, members in route.takers.items() for one in members}
        return
    for version, parts in route.routed.items():
        chosen_of = {one.id for one in broker.pool.by_version.get(version, ())}
        if parts:
            assert chosen_of == {one.id for one in route.takers.get(version, ())}


@settings(max_examples=20)
@given(placed, documents(), controls)
def test_a_plan_s_shares_are_a_broker_s(
    instances: list[tuple[str, str, bool]], traffic: Traffic | None, hosts: dict[str, HostState]
):
    """Of 2,000 requests without a key, within what dice make of that: 5 standard deviations are 5.6 points at most."""
    broker, route = both(instances, traffic, hosts, NewVersions.HOLD)
    if not all(route.takers.get(version) for version, parts in route.routed.items() if parts) or not route.crowd:
        return  # somebody is given something that nobody can take
    counts = broker.spread(2_000)
    for version in VERSIONS:
        assert abs(counts.get(version, 0) / 2_000 - route.routed.get(version, 0) / WHOLE) < 0.056
