"""What an agent finds wrong with its own host, and says in `h2o_finding`; of others it says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from h2o_agent.metrics.exposition import TEXT, exposition
from h2o_agent.metrics.totals import Asked, Served, Totals
from h2o_agent.recent import Recent, Window
from h2o_agent.snapshot import Snapshot
from h2o_agent.views.insights import causes
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.finding import Kind
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.stats_pb2 import BrokerReport, CallerReport, FeatureStats, HostPicture, OutcomeCount, RegisterReport
from tests.core.test_agent_views import ALARM, DEAD, child, pictured, reported, snapshot

GET = Served("service/customer", "1.0", "service/customer/get")
CALL = Asked("api/website", "1.0", "service/geo/find")
HOSTS = (
    HostPicture(host="host-1", link="self", instances=[pictured("i1")]),
    HostPicture(host="host-2", link="up", instances=[pictured("i2", package="/service/geo")]),
)
PROMISED = (
    Manifest(package="/service/customer", version="1.0", features=[Feature(name=f"/{GET.feature}", upper95_ms=5)]),
)


def lasting(ms: float, count: int = 200) -> Histogram:
    sketch = Histogram()
    for _ in range(count):
        sketch.record(round(ms * 1e6))
    return sketch


def window(*, failed: int = 0, unserved: int = 0, breaches: int = 0, ms: float = 1.0) -> Window:
    def outcomes(code: Code, bad: int) -> dict[int, int]:
        return {Code.OK: 200 - bad, **({code: bad} if bad else {})}

    return Window(
        60.0,
        {GET: lasting(ms)},
        {},
        {CALL: breaches} if breaches else {},
        {GET: outcomes(Code.INTERNAL, failed)},
        {CALL: outcomes(Code.NO_ROUTE, unserved)},
    )


def seen(**more: Any) -> Snapshot:
    given: dict[str, Any] = {
        "hosts": HOSTS,
        "children": (child(),),
        "manifests": PROMISED,
        "lately": window(),
        **more,
    }
    return snapshot(reported("i1", verdict="ok"), **given)


def kinds(of: Snapshot) -> list[Kind]:
    return [one.cause.kind for one in causes(of)]


def test_a_host_that_is_well_says_nothing() -> None:
    assert kinds(seen()) == []
    assert kinds(seen(lately=None)) == []
    assert kinds(seen(leaving=True)) == []


def test_what_is_wrong_here() -> None:
    assert kinds(seen(lately=window(failed=40))) == [Kind.FAILING]
    assert kinds(seen(lately=window(unserved=40))) == [Kind.UNSERVED]
    assert kinds(seen(lately=window(breaches=7))) == [Kind.TIERS]
    assert kinds(seen(lately=window(ms=9.0))) == [Kind.PROMISE]
    assert kinds(seen(children=(child(), replace(DEAD, crash_loops=True)))) == [Kind.CRASHES]
    assert kinds(seen(children=(child(), child(key="c-2", token="t-2", age_s=90.0)))) == [Kind.DRIFT]
    assert kinds(seen(clock_skew_s=2.0, vitals=None)) == []
    silent = RegisterReport(state="silent", silent_s=20.0, alarms=[ALARM])
    assert set(kinds(seen(register=silent))) == {Kind.REGISTER, Kind.ALARM}
    down = replace(seen(), told=None)
    assert kinds(down) == [Kind.BROKER]


def test_a_broken_promise_has_its_request_counts() -> None:
    (found,) = causes(seen(lately=window(ms=9.0)))
    (evidence,) = found.cause.evidence
    assert (evidence.against, evidence.over_s, evidence.requests) == (5.0, 60.0, 200)


def test_of_others_it_says_nothing() -> None:
    away = HostPicture(host="host-2", link="up", instances=[pictured("i2", package="/service/geo", routable=False)])
    assert kinds(seen(hosts=(HOSTS[0], away))) == []


def test_the_metric_names_no_instance() -> None:
    text = exposition(seen(lately=window(failed=40)), Totals(), "1", TEXT).decode()
    assert 'h2o_finding{kind="failing",severity="PAGE",subject="service/customer"} 1.0' in text
    late = seen(children=(child(), child(key="c-2", token="t-2", age_s=90.0)))
    text = exposition(late, Totals(), "1", TEXT).decode()
    assert 'h2o_finding{kind="drift",severity="TICKET",subject="service/customer on host-1"} 1.0' in text


def report(ok: int, failed: int) -> BrokerReport:
    outcomes = [OutcomeCount(code=Code.OK, count=ok), OutcomeCount(code=Code.INTERNAL, count=failed)]
    feature = FeatureStats(feature=f"/{GET.feature}", outcomes=outcomes)
    caller = CallerReport(caller="/api/website", version="1.0", feature="/service/geo/find", outcomes=outcomes)
    return BrokerReport(incarnation=1, pid=7, instances=[reported("i1", features=[feature])], callers=[caller])


def test_outcomes_of_the_last_minute() -> None:
    totals = Totals()
    recent = Recent(totals)
    for at_s, said in ((0.0, report(100, 1)), (10.0, report(150, 4)), (75.0, report(160, 4))):
        totals.heard(said)
        recent.heard(said, at_s)
    assert recent.window is not None
    assert recent.window.served == {GET: {Code.OK: 10}}
    assert recent.window.asked == {CALL: {Code.OK: 10}}
