"""The checks of `/health` that are built in: promises, callers without slots, crash loops, the disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from h2o_agent.lifecycle import State
from h2o_agent.metrics.totals import Asked, Served, Totals
from h2o_agent.recent import WINDOW_S, Recent, Window
from h2o_agent.snapshot import Snapshot
from h2o_agent.usage import HostVitals
from h2o_agent.views import health
from h2o_agent.views.health import Verdict
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.pb.manifest_pb2 import Feature, Manifest
from h2o_core.pb.stats_pb2 import (
    BrokerReport,
    CallerReport,
    CallerShare,
    FeatureStats,
    OutcomeCount,
    QueueReport,
    Sketch,
)
from tests.core.test_agent_views import BROKER, CUSTOMER, NOW, child, reported, snapshot

RETRIEVE = "service/customer/retrieve"
KEY = Served(CUSTOMER, "1.0", RETRIEVE)


def histogram(*values_ms: float) -> Histogram:
    made = Histogram()
    for value_ms in values_ms:
        made.record(int(value_ms * 1e6))
    return made


def checks_of(of: Snapshot, name: str) -> list[dict[str, Any]]:
    return health.health(of, "0").document["checks"].get(name, [])


def promising(times: Histogram, mean_ms: float = 0, upper95_ms: float = 0, **more: Any) -> Snapshot:
    feature = Feature(name=f"/{RETRIEVE}", mean_ms=mean_ms, upper95_ms=upper95_ms)
    manifest = Manifest(package=f"/{CUSTOMER}", version="1.0", features=[feature])
    return snapshot(reported(), manifests=[manifest], lately=Window(60.0, {KEY: times}, {}), **more)


SLOW = histogram(*[4.0] * 19, 100.0)


@pytest.mark.parametrize(
    ("times", "mean_ms", "upper95_ms", "status", "says"),
    [
        (SLOW, 10, 5, "pass", ""),
        (SLOW, 5, 200, "warn", "the mean is 8.8 ms, promised are 5 (20 requests in 60 s)"),
        (SLOW, 0, 3, "warn", "95 of 100 take up to 3.97 ms, promised are 3 (20 requests in 60 s)"),
        (SLOW, 5, 3, "warn", "the mean is 8.8 ms, promised are 5 and 95 of 100 take up to 3.97 ms, promised are 3"),
        (histogram(*[10.0] * 100), 10, 10, "pass", ""),  # as promised, within the sketch's error
        (histogram(*[10.3] * 100), 10, 10, "warn", "the mean is 10.3 ms"),
    ],
)
def test_a_promise_is_held_against_what_was_measured(
    times: Histogram, mean_ms: float, upper95_ms: float, status: str, says: str
):
    (entry,) = checks_of(promising(times, mean_ms, upper95_ms), f"{CUSTOMER}:promise")
    assert (entry["componentId"], entry["status"], entry["time"]) == (f"{RETRIEVE}@1.0", status, NOW)
    assert (entry["observedUnit"], entry["severity"]) == ("ms", "TICKET")
    assert says in entry.get("output", "")
    assert bool(says) is ("output" in entry)


def test_a_promise_that_can_not_be_judged_is_not():
    for of in (
        promising(histogram(*[100.0] * 19), 1, 1),  # too few
        promising(histogram(*[100.0] * 50)),  # nothing promised
        replace(promising(SLOW, 1, 1), lately=None),
    ):
        assert checks_of(of, f"{CUSTOMER}:promise") == []


def test_a_broken_promise_is_a_warning_of_its_package():
    judged = health.package_health(promising(SLOW, 1, 1), CUSTOMER, "0")
    assert judged is not None
    assert judged.verdict is Verdict.WARN


@pytest.mark.parametrize("here", [True, False])
def test_callers_without_slots_are_named_wherever_the_instances_are(here: bool):
    refused = {Asked("api/web", "2.1", RETRIEVE): 12, Asked("operator", "", RETRIEVE): 1}
    of = snapshot(*([reported()] if here else []), lately=Window(50.0, {}, refused))
    entries = [one for one in checks_of(of, f"{CUSTOMER}:capacity") if one["componentId"] != "i1"]
    assert [(one["componentId"], one["observedValue"], one["status"]) for one in entries] == [
        ("api/web@2.1", 12, "warn"),
        ("operator", 1, "warn"),
    ]
    assert entries[0]["output"] == f"api/web@2.1 got no slot for 12 requests to {RETRIEVE} in 50 s"
    assert health.health(of, "0").verdict is Verdict.WARN


def test_where_slots_are_few_it_is_said_who_has_them_and_who_starves():
    shares = [("/api/website", 880, 0), ("/orchestration/booking", 120, 340), ("operator", 0, 1)]
    queue = QueueReport(
        package=f"/{CUSTOMER}",
        version="1.0",
        over_s=10,
        callers=[CallerShare(caller=caller, started=got, refused=refused) for caller, got, refused in shares],
    )
    of = snapshot(reported(), queues=[queue])
    (entry,) = [one for one in checks_of(of, f"{CUSTOMER}:capacity") if one["componentId"] != "i1"]
    assert (entry["componentId"], entry["observedValue"], entry["status"]) == (f"{CUSTOMER}@1.0", 341, "warn")
    assert entry["output"] == (
        "of the slots orchestration/booking 12 %, operator 0 %, api/website 88 %; "
        "refused in 10 s: 340 of orchestration/booking, 1 of operator"
    )


def test_many_that_starve_are_not_all_named():
    callers = [CallerShare(caller=f"/api/c{at}", refused=10 - at) for at in range(6)]
    queue = QueueReport(package=f"/{CUSTOMER}", version="1.0", over_s=1, callers=callers)
    entry = checks_of(snapshot(reported(), queues=[queue]), f"{CUSTOMER}:capacity")[-1]
    assert entry["output"].endswith("refused in 1 s: 10 of api/c0, 9 of api/c1, 8 of api/c2, of 3 more callers")


def test_calls_against_the_tier_rules_are_noted_and_nobody_is_worse_for_it():
    breaches = {Asked("service/geo", "1.0", RETRIEVE): 3}
    of = snapshot(reported(), lately=Window(50.0, {}, {}, breaches))
    (entry,) = checks_of(of, "tiers:breach")
    assert (entry["componentId"], entry["observedValue"], entry["status"], entry["severity"]) == (
        f"service/geo@1.0 → {RETRIEVE}",
        3,
        "warn",
        "NOTE",
    )
    assert entry["output"].startswith(f"3 calls to {RETRIEVE} in 50 s, refused: service/geo may not call ")
    assert health.health(of, "0").verdict is Verdict.PASS
    assert of.told is not None
    of.told.report.tiers = "warn"
    assert ", let pass while control/fleet says warn: " in checks_of(of, "tiers:breach")[0]["output"]


def test_a_caller_of_hostile_name_breaks_no_check():
    breaches = {Asked("\x1b[2J", "", "//"): 1}
    (entry,) = checks_of(snapshot(reported(), lately=Window(50.0, {}, {}, breaches)), "tiers:breach")
    assert "docs/packages.md" in entry["output"]


LOOPING = child(
    "two", State.BACKOFF, token="", pid=0, failures=5, last_exit=1, why="no store", crash_loops=True, due_in_s=3.0
)


def test_a_crash_loop_has_an_entry_and_fails_who_has_nobody_else():
    alone, beside = snapshot(children=(LOOPING,)), snapshot(reported(), children=(child(), LOOPING))
    (entry,) = checks_of(alone, f"{CUSTOMER}:crash_loop")
    assert (entry["componentId"], entry["status"], entry["severity"]) == ("two", "fail", "PAGE")
    assert (entry["observedValue"], entry["observedUnit"]) == (5, "deaths")
    assert entry["output"] == "5 deaths in a row, the last one with exit code 1 (no store)"
    assert health.health(alone, "0").verdict is Verdict.FAIL
    assert [one["status"] for one in checks_of(beside, f"{CUSTOMER}:crash_loop")] == ["pass", "fail"]
    assert health.health(beside, "0").verdict is Verdict.WARN


def test_crash_loops_are_told_without_a_broker_and_of_it():
    of = snapshot(children=(LOOPING,), told=None)
    assert [one["status"] for one in checks_of(of, f"{CUSTOMER}:crash_loop")] == ["fail"]
    assert [one["status"] for one in checks_of(of, "broker:crash_loop")] == ["pass"]
    back = snapshot(broker=replace(BROKER, crash_loops=True, failures=4))
    assert [one["status"] for one in checks_of(back, "broker:crash_loop")] == ["fail"]
    assert health.health(back, "0").verdict is Verdict.WARN  # it answers now


@pytest.mark.parametrize(
    ("total", "free", "status"),
    [
        (100 << 30, 3 << 30, "pass"),
        (100 << 30, 1 << 30, "warn"),
        (1 << 30, 200 << 20, "pass"),
        (1 << 30, 100 << 20, "warn"),
        (1 << 30, 0, "warn"),
    ],
)
def test_a_disk_that_is_nearly_full_is_a_warning(total: int, free: int, status: str):
    of = snapshot(vitals=HostVitals(1.0, 0.0, 2, 0.1, 1, 1, total, free))
    (entry,) = checks_of(of, "host:disk")
    assert (entry["status"], entry["observedValue"], entry["observedUnit"]) == (status, free, "bytes")
    assert checks_of(snapshot(vitals=HostVitals(1.0, 0.0, 2, 0.1, 1, 1, 0, 0)), "host:disk") == []


# the window


def told(oks: int, overloaded: int, incarnation: int = 1) -> BrokerReport:
    times = histogram(*[2.0] * oks)
    index, count = times.lists()
    feature = FeatureStats(
        feature=f"/{RETRIEVE}",
        outcomes=[OutcomeCount(code=Code.OK, count=oks)],
        processing=Sketch(index=index, count=count, sum=times.sum_ns),
    )
    outcomes = [OutcomeCount(code=Code.OK, count=oks), OutcomeCount(code=Code.OVERLOADED, count=overloaded)]
    return BrokerReport(
        incarnation=incarnation,
        instances=[reported(f"i{incarnation}", features=[feature])],
        callers=[CallerReport(caller="operator", feature=f"/{RETRIEVE}", outcomes=outcomes)],
    )


def test_the_window_is_what_was_counted_within_a_minute():
    totals = Totals()
    recent = Recent(totals)
    for second in range(200):
        report = told(oks=second * 10, overloaded=min(second, 100))
        totals.heard(report)
        recent.heard(report, float(second))
        if second < 10:
            assert recent.window is None
    window = recent.window
    assert window is not None
    assert window.over_s == WINDOW_S
    assert window.measured[KEY].count == WINDOW_S * 10
    assert not window.refused  # the last one was 90 s ago
    assert len(recent._marks) <= 8


def test_the_window_counts_on_over_a_broker_s_restart():
    totals = Totals()
    recent = Recent(totals)
    for at_s, report in ((0.0, told(100, 0)), (10.0, told(110, 3)), (20.0, told(5, 1, incarnation=2))):
        totals.heard(report)
        recent.heard(report, at_s)
    assert recent.window is not None
    assert recent.window.measured[KEY].count == 15
    assert recent.window.refused == {Asked("operator", "", RETRIEVE): 4}
