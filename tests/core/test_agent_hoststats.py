"""`/stats` as protobuf: a whole host in one message, and what of it makes a new entity tag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_agent.http.negotiation import preferred
from h2o_agent.snapshot import Told
from h2o_agent.views.hoststats import fingerprint, host_stats
from h2o_core.pb.host_pb2 import HostStats
from h2o_core.pb.registration_pb2 import Check, Heartbeat
from h2o_core.pb.stats_pb2 import BrokerReport, FeatureStats, OutcomeCount, PeerReport, RegisterReport
from tests.core.test_agent_views import ALARM, BROKER, DEAD, NOW_S, child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_agent.snapshot import Snapshot


def whole() -> Snapshot:
    feature = FeatureStats(feature="/service/customer/retrieve", outcomes=[OutcomeCount(code=0, count=3)])
    heartbeat = Heartbeat(checks=[Check(name="store", time_s=NOW_S)])
    return snapshot(
        reported(features=[feature], heartbeat=heartbeat),
        children=(child(), DEAD),
        peers=[PeerReport(host="host-2", state="up", rtt_ms=0.7)],
        register=RegisterReport(state="connected"),
    )


def report_of(of: Snapshot) -> BrokerReport:
    assert of.told is not None
    return of.told.report


def test_it_has_the_report_and_every_child():
    stats = host_stats(whole(), "0.1.0")
    assert (stats.host, stats.fleet, stats.zone, stats.version) == ("host-1", "test", "a", "0.1.0")
    assert stats.report == report_of(whole())
    assert [(one.key, one.package, one.pid, one.due_in_s) for one in stats.children] == [
        ("broker", "", 7, -1),
        ("service.customer-abc123-1", "/service/customer", 42, -1),
        ("service.customer-abc123-1", "/service/customer", 0, 3.25),
    ]
    dead = stats.children[2]
    assert (dead.state, dead.exited, dead.last_exit_known, dead.last_exit) == ("backoff", True, True, 1)
    assert not stats.children[1].exited


def test_what_a_lost_broker_said_is_not_shown():
    stats = host_stats(replace(whole(), broker=replace(BROKER, pid=8)), "0")
    assert not stats.HasField("report")
    assert "does not answer yet" in stats.broker_problem


def test_last_words_that_are_no_text_are_carried_all_the_same():
    stats = host_stats(snapshot(children=(replace(DEAD, why="torn \udc80"),)), "0")
    assert HostStats.FromString(stats.SerializeToString()).children[1].why == "torn ?"


def a_second_later(of: Snapshot) -> Snapshot:
    report = BrokerReport()
    report.CopyFrom(report_of(of))
    report.now_s += 1
    report.instances[0].pong_age_ms = 17
    report.instances[0].heartbeat_age_ms = 900
    report.instances[0].heartbeat.checks[0].time_s += 1
    report.peers[0].rtt_ms = 0.3
    report.peers[0].pong_age_ms = 3
    assert of.told is not None
    older = tuple(replace(one, age_s=one.age_s + 1, due_in_s=2.25 if one.due_in_s else None) for one in of.children)
    return replace(of, now_s=of.now_s + 1, told=Told(report, of.told.picture), children=older)


def test_a_second_in_which_nothing_happens_leaves_the_tag():
    assert fingerprint(host_stats(whole(), "0")) == fingerprint(host_stats(a_second_later(whole()), "0"))


CHANGES: list[Callable[[BrokerReport], object]] = [
    lambda report: setattr(report.instances[0].features[0].outcomes[0], "count", 4),
    lambda report: setattr(report.instances[0], "in_flight", 1),
    lambda report: setattr(report.instances[0], "state", "suspect"),
    lambda report: setattr(report.instances[0], "heartbeat_age_ms", -1),
    lambda report: setattr(report.instances[0].heartbeat.checks[0], "status", Check.FAIL),
    lambda report: setattr(report.instances[0].heartbeat.checks[0], "observed", 2),
    lambda report: setattr(report.peers[0], "state", "suspect"),
    lambda report: setattr(report, "epoch", 3),
    lambda report: setattr(report, "incarnation", 3),
    lambda report: setattr(report, "picture_version", 3),
    lambda report: setattr(report.register, "state", "silent"),
    lambda report: setattr(report.register, "picture_age_s", 12),
    lambda report: report.register.alarms.append(ALARM),
    lambda report: report.counters.__setitem__("dropped", 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_in_the_broker_makes_a_new_tag(change: Callable[[BrokerReport], object]):
    later = a_second_later(whole())
    change(report_of(later))
    assert fingerprint(host_stats(whole(), "0")) != fingerprint(host_stats(later, "0"))


def test_what_happens_to_a_child_or_to_the_report_makes_a_new_tag():
    of = whole()
    assert of.told is not None
    others = [
        replace(of, children=(of.children[0],)),
        replace(of, children=(replace(of.children[0], pid=43), DEAD)),
        replace(of, children=(of.children[0], replace(DEAD, failures=5))),
        replace(of, broker=None),
        replace(of, told=replace(of.told, age_s=3.2)),
        replace(of, told=replace(of.told, age_s=4.2)),
    ]
    assert len({fingerprint(host_stats(one, "0")) for one in [of, *others]}) == len(others) + 1


JSON, PROTOBUF = "application/json", "application/x-protobuf"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("application/x-protobuf", PROTOBUF),
        ("Application/X-Protobuf;q=0.9, application/json;q=0.5", PROTOBUF),
        ("application/json, application/x-protobuf", JSON),
        ("application/x-protobuf;q=0.1, */*;q=0.2", JSON),
        ("application/*, application/json;q=0", PROTOBUF),
        ("application/x-protobuf;q=nan", JSON),
        ("application/x-protobuf;q=many, application/json;q=-1", JSON),
        (",;,=;q", JSON),
        ("text/html," * 5000 + PROTOBUF, JSON),
    ],
)
def test_the_form_is_the_readers_choice(accept: str, chosen: str):
    assert preferred(accept, (JSON, PROTOBUF)) == chosen
