"""A package's traffic document in the broker: requests go where it says, what was decided is handed on and counted."""

from __future__ import annotations

from random import Random

import pytest

from h2o_broker.register.decisions import Decisions
from h2o_broker.report import Identity, broker_report
from h2o_broker.roster import Roster
from h2o_broker.switch import Switch
from h2o_core.assignment import How
from h2o_core.baggage import encode_headers, with_assignment
from h2o_core.control.settings import NewVersions
from h2o_core.control.traffic import WHOLE, MatchRule, Traffic
from h2o_core.envelope import (
    REQUEST_ASSIGNED,
    REQUEST_EXACT,
    TAG_ASSIGNMENT,
    TAG_HEADERS,
    TAG_STICKY_KEY,
    Frame,
    RouteWish,
    decode,
    decode_request_route,
    encode,
)
from h2o_core.errors import Code
from h2o_core.pb.stats_pb2 import RegisterReport
from h2o_core.times import Moment
from h2o_core.znodes.paths import Paths
from tests.support.switches import NOW, PACKAGE, Broker, decide_traffic, said, served

OLD, NEW = "1.0.0", "2.0.0"


def traffic(new: int, *rules: MatchRule, stable: str = OLD) -> Traffic:
    return Traffic(PACKAGE, stable, ((OLD, WHOLE - new), (NEW, new)), rules)


@pytest.fixture
def broker() -> Broker:
    """Two instances of each version, one here and one on host-2."""
    made = Broker()
    for version, name in ((OLD, "old"), (NEW, "new")):
        made.here(f"{name}-here", version)
        made.there("host-2", f"{name}-there", version)
    return made


def version_of(frame: Frame) -> str:
    return decode_request_route(frame.route).version


@pytest.mark.parametrize("new_versions", NewVersions)
def test_weights_decide_whatever_the_fleet_s_setting(broker: Broker, new_versions: NewVersions):
    broker.switch.new_versions = new_versions
    decide_traffic(broker.switch, PACKAGE, traffic(2_500), NOW)
    counts = broker.spread(1_000)
    assert counts[NEW] / 1_000 == pytest.approx(0.25, abs=0.04)
    assert broker.pool.assigned == {(version, How.RANDOM, False): counts[version] for version in (OLD, NEW)}


def test_a_document_that_comes_before_its_package_holds():
    switch = Switch("host-1", 5, Random(1).random)
    decide_traffic(switch, PACKAGE, traffic(WHOLE), NOW)
    pool = Roster(switch, "a", "t").pool_named(PACKAGE)
    assert pool.traffic is not None
    assert pool.traffic.document == traffic(WHOLE)


def test_without_the_document_nobody_has_decided_any_more(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, traffic(WHOLE), NOW)
    assert set(broker.spread(20)) == {NEW}
    decide_traffic(broker.switch, PACKAGE, None, NOW)
    assert set(broker.spread(20)) == {OLD}
    assert not broker.sends().flags & REQUEST_ASSIGNED


def test_a_key_stays_where_it_is(broker: Broker):
    cohort: set[int] = set()
    for parts in (1_000, 5_000, WHOLE):
        decide_traffic(broker.switch, PACKAGE, traffic(parts), NOW)
        frames = {key: broker.sends({TAG_STICKY_KEY: b"%d" % key}) for key in range(60)}
        now = {key for key, frame in frames.items() if version_of(frame) == NEW}
        assert cohort <= now
        cohort = now
    assert len(cohort) == 60


def test_rules_by_header_key_and_caller(broker: Broker):
    rules = MatchRule(NEW, headers={"x-canary": "yes"}), MatchRule(NEW, keys=("42",)), MatchRule(OLD, ("operator",))
    decide_traffic(broker.switch, PACKAGE, traffic(WHOLE, *rules), NOW)
    assert version_of(broker.sends({TAG_HEADERS: encode_headers({"x-canary": "yes"})})) == NEW
    assert version_of(broker.sends({TAG_STICKY_KEY: b"42"})) == NEW
    assert version_of(broker.sends({TAG_HEADERS: encode_headers({"x-canary": "no"})})) == OLD
    assert broker.pool.assigned == {(NEW, How.RULE, False): 2, (OLD, How.RULE, False): 1}


def test_what_travelled_holds_until_an_abort(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, traffic(1), NOW)
    carried = {TAG_ASSIGNMENT: with_assignment(b"", PACKAGE, NEW)}
    assert version_of(broker.sends(carried)) == NEW
    decide_traffic(broker.switch, PACKAGE, traffic(0), NOW)
    assert version_of(broker.sends(carried)) == OLD


@pytest.mark.parametrize(
    ("weights", "flag"),
    [(None, 0), (traffic(0), 0), (traffic(5_000), REQUEST_ASSIGNED), (traffic(WHOLE), REQUEST_ASSIGNED)],
)
def test_the_instance_is_told_that_its_version_was_decided_on(broker: Broker, weights: Traffic | None, flag: int):
    decide_traffic(broker.switch, PACKAGE, weights, NOW)
    frames = [broker.sends() for _ in range(20)]
    assert {frame.flags for frame in frames} == {flag}


def test_a_version_without_instances_is_broken_and_the_stable_one_stands_in():
    broker = Broker()
    broker.here("old", OLD)
    decide_traffic(broker.switch, PACKAGE, traffic(WHOLE), NOW)
    frame = broker.sends()
    assert (served(frame), frame.flags & REQUEST_ASSIGNED) == ("old", 0)
    assert broker.pool.assigned == {(OLD, How.FALLBACK, True): 1}


def test_where_the_stable_version_has_nobody_the_caller_is_told_which_one_is_missing():
    broker = Broker()
    broker.here("new", NEW)
    decide_traffic(broker.switch, PACKAGE, traffic(0), NOW)
    answer = broker.sends()
    assert answer.code == Code.NO_ROUTE
    assert said(answer).endswith("can take it: its traffic goes to version 1.0.0, which has none")


def test_a_wish_goes_past_the_weights_and_is_not_counted(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, traffic(0), NOW)
    assert broker.serves(wish=RouteWish(version=NEW, host="host-2")) == "new-there"
    assert broker.sends(wish=RouteWish(instance="new-here")).flags == REQUEST_EXACT
    assert broker.pool.assigned == {}


def test_refused_elsewhere_it_stays_with_its_version(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, traffic(WHOLE), NOW)
    sent = next(frame for frame in (broker.sends() for _ in range(50)) if served(frame) == "new-there")
    refused = encode(11, flags=1, code=Code.OVERLOADED, correlation=sent.correlation, route=bytes(8))
    refused = refused[:28] + (0xAAAA).to_bytes(8, "big") + refused[36:]
    broker.switch.on_outbound(broker.links.peers["host-2"].rid, refused, NOW)
    ((_, _, again),) = broker.switch.take()
    assert served(decode(again)) == "new-here"
    assert decode(again).flags & REQUEST_ASSIGNED


@pytest.mark.parametrize("fields", [b"\x03", b"\x03\xff\xff", b"\x04\x00\x01\xff"])
def test_fields_that_make_no_sense_say_nothing(broker: Broker, fields: bytes):
    decide_traffic(broker.switch, PACKAGE, traffic(0, MatchRule(NEW, headers={"x": "1"})), NOW)
    assert version_of(broker.sends(fields)) == OLD
    assert broker.switch.oddities.counts["malformed_fields"] == 1


def test_what_was_decided_is_reported(broker: Broker):
    decide_traffic(broker.switch, PACKAGE, traffic(WHOLE), NOW)
    broker.spread(3)
    identity = Identity("host-1", "a", "t", "127.0.0.1:1", 5, 1, 0.0, {})
    decisions, moment = Decisions(Paths("t")), Moment(NOW, 0.0)
    report = broker_report(
        identity, broker.switch, broker.links, RegisterReport(), 1, decisions, {}, "", lambda _: 0, moment
    )
    (said,) = report.assignments
    assert (said.package, said.version, said.how, said.broken, said.count) == (PACKAGE, NEW, "random", False, 3)
