"""Counting by version while a package has an experiment: which requests, in what, and that all of them are told."""

from __future__ import annotations

import pytest

from h2o_broker.telemetry import CallerCounter
from h2o_broker.trial_report import experiment_report
from h2o_core.baggage import with_assignment
from h2o_core.control.traffic import WHOLE, MatchRule, Traffic
from h2o_core.envelope import ANSWER, TAG_ASSIGNMENT, TAG_STICKY_KEY, RouteWish, decode_request_route, encode
from h2o_core.errors import Code
from h2o_core.experiment.clusters import group_of
from h2o_core.pb.stats_pb2 import ExperimentReport
from h2o_core.times import Moment
from tests.support.switches import FEATURE, NOW, PACKAGE, Broker, decide_traffic

OLD, NEW = "1.0.0", "2.0.0"
MS = 1_000_000


def document(new: int = 5_000, *rules: MatchRule, salt: str = "s1", experiment: str = "checkout") -> Traffic:
    return Traffic(PACKAGE, OLD, ((OLD, WHOLE - new), (NEW, new)), rules, salt=salt, experiment=experiment)


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    for version, name in ((OLD, "old"), (NEW, "new")):
        made.here(name, version)
    decide_traffic(made.switch, PACKAGE, document(), NOW)
    return made


def call(broker: Broker, fields: dict[int, bytes] | None = None, code: Code = Code.OK, took_ms: int = 10) -> str:
    """One request from beginning to end; the version that it got."""
    frame = broker.sends(fields or {})
    answer = encode(ANSWER, flags=2, code=code, correlation=frame.correlation)
    broker.switch.on_local(broker.rid, answer, NOW + took_ms * MS)
    broker.switch.take()
    return decode_request_route(frame.route).version


def told(broker: Broker) -> ExperimentReport:
    return experiment_report(PACKAGE, broker.switch.trials[PACKAGE], Moment(NOW + 1000 * MS, 500.0))


def test_requests_are_counted_by_version_with_a_key_and_without(broker: Broker):
    keyed = {key: call(broker, {TAG_STICKY_KEY: b"k%d" % key}, took_ms=20) for key in range(40)}
    free = [call(broker) for _ in range(60)]
    report = told(broker)
    assert (report.experiment, report.salt, report.stable, report.since_s) == ("checkout", "s1", OLD, 499.0)
    for arm in report.arms:
        mine = [b"k%d" % key for key, version in keyed.items() if version == arm.version]
        assert arm.sticky.assigned == len(mine) > 5
        assert arm.random.assigned == free.count(arm.version) > 5
        assert [(one.code, one.count) for one in arm.sticky.outcomes] == [(0, len(mine))]
        for group, count in enumerate(arm.sticky.groups.ended):
            assert count == sum(group_of(key) == group for key in mine) == arm.sticky.groups.assigned[group]
        assert sum(arm.sticky.latency.count) == len(mine)
        assert not arm.random.groups.ended
    assert sum(arm.parts for arm in report.arms) == WHOLE


def test_errors_are_counted_by_group_of_keys(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, document(9_999), NOW)
    for code in (Code.OK, Code.INTERNAL, Code.APPLICATION, Code.BAD_REQUEST):
        assert call(broker, {TAG_STICKY_KEY: b"k"}, code) == NEW
    (arm,) = [one for one in told(broker).arms if one.version == NEW]
    groups, at = arm.sticky.groups, group_of(b"k")
    assert (groups.ended[at], groups.errors[at], groups.application[at]) == (4, 1, 1)
    assert groups.ticks[at] == sum(
        index * count for index, count in zip(arm.sticky.latency.index, arm.sticky.latency.count, strict=True)
    )


def test_what_carries_its_version_is_counted_and_was_not_assigned(broker: Broker):
    assert call(broker, {TAG_ASSIGNMENT: with_assignment(b"", PACKAGE, NEW)}) == NEW
    (arm,) = [one for one in told(broker).arms if one.version == NEW]
    assert (arm.random.assigned, arm.random.carried, arm.random.outcomes[0].count) == (0, 1, 1)


def test_what_was_not_drawn_is_no_evidence(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, document(5_000, MatchRule(NEW, keys=("vip",))), NOW)
    call(broker, {TAG_STICKY_KEY: b"vip"})
    broker.done(broker.sends(wish=RouteWish(version=NEW)))
    report = told(broker)
    assert report.by_rule == 1
    assert not any(one.assigned or one.outcomes for arm in report.arms for one in (arm.sticky, arm.random))


def test_an_assignment_that_finds_nobody_is_no_evidence():
    broker = Broker()
    broker.here("old", OLD)
    decide_traffic(broker.switch, PACKAGE, document(9_999), NOW)
    assert call(broker, {TAG_STICKY_KEY: b"k"}) == OLD
    report = told(broker)
    assert report.broken == 1
    assert not any(arm.sticky.assigned or arm.sticky.outcomes for arm in report.arms)


def test_each_request_is_counted_under_its_caller_all_the_same(broker: Broker):
    for key in range(20):
        call(broker, {TAG_STICKY_KEY: b"k%d" % key})
        call(broker)
    counter = broker.switch.callers["operator", ""].counters[FEATURE.encode()]
    assert sum(counter.outcomes) == counter.times.count == 40


def test_counts_begin_anew_with_another_name_salt_or_weight_and_with_nothing_else(broker: Broker):
    call(broker)
    trial = broker.switch.trials[PACKAGE]
    decide_traffic(broker.switch, PACKAGE, document(5_000, MatchRule(NEW, keys=("vip",))), NOW + 5)
    assert broker.pool.trial is broker.switch.trials[PACKAGE] is trial
    for other in (document(salt="s2"), document(experiment="other"), document(6_000)):
        decide_traffic(broker.switch, PACKAGE, other, NOW + 5)
        assert broker.pool.trial is broker.switch.trials[PACKAGE] is not trial
        assert not any(tally.assigned for arm in broker.switch.trials[PACKAGE].arms.values() for tally in arm)
        trial = broker.switch.trials[PACKAGE]
    for none in (document(experiment=""), document(0), None):
        decide_traffic(broker.switch, PACKAGE, document(), NOW)
        decide_traffic(broker.switch, PACKAGE, none, NOW)
        assert broker.pool.trial is None
        assert not broker.switch.trials


def test_a_request_that_is_under_way_when_it_begins_anew_counts_where_it_was_assigned(broker: Broker):
    frame = broker.sends()
    trial = broker.switch.trials[PACKAGE]
    decide_traffic(broker.switch, PACKAGE, document(salt="s2"), NOW)
    broker.done(frame)
    assert sum(sum(tally.outcomes) for arm in trial.arms.values() for tally in arm) == 1
    assert not any(arm.random.outcomes for arm in told(broker).arms)
    assert sum(broker.switch.callers["operator", ""].counters[FEATURE.encode()].outcomes) == 1


def test_a_package_that_comes_after_its_document_is_counted():
    broker = Broker()
    decide_traffic(
        broker.switch, "/service/other", Traffic("/service/other", OLD, document().weights, experiment="e"), NOW
    )
    pool = broker.roster.pool_named("/service/other")
    assert pool.trial is broker.switch.trials["/service/other"]


def test_without_an_experiment_a_request_counts_in_its_caller_s_counter_alone():
    broker = Broker()
    broker.here("old", OLD)
    for traffic in (None, document(5_000, experiment="")):
        decide_traffic(broker.switch, PACKAGE, traffic, NOW)
        frame = broker.sends()
        assert type(broker.switch.requests[frame.correlation].account) is CallerCounter
        broker.done(frame)
