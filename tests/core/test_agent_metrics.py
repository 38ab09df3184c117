"""`/metrics`: what readers of the format parse out of it, counts that never fall, exact boundaries, hostile names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics  # pyright: ignore[reportUnknownVariableType] - untyped
from prometheus_client.parser import text_string_to_metric_families as parse_text

from h2o_agent.metrics.buckets import cumulative
from h2o_agent.metrics.discovery import targets
from h2o_agent.metrics.exposition import OPENMETRICS, TEXT, exposition
from h2o_agent.metrics.totals import Served, Totals
from h2o_agent.usage import HostVitals, Use
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.pb.stats_pb2 import (
    AssignmentReport,
    BrokerReport,
    CallerReport,
    FeatureStats,
    HostPicture,
    OutcomeCount,
    PeerReport,
    QueueReport,
    RegisterReport,
    Sketch,
)
from tests.core.test_agent_views import BROKER, DEAD, child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.metrics_core import Metric

    from h2o_agent.snapshot import Snapshot
    from h2o_core.pb.stats_pb2 import InstanceReport

RETRIEVE = "/service/customer/retrieve"
NASTY = 'a"b\\c\nd{e="f"} 1\n# TYPE g counter\x1b[31m\u202e' + "x" * 2000
LABELS = {"package": "service/customer", "version": "1.0", "feature": "service/customer/retrieve"}


def sketch(*values_ns: int) -> Sketch:
    histogram = Histogram()
    for value_ns in values_ns:
        histogram.record(value_ns)
    index, count = histogram.lists()
    return Sketch(index=index, count=count, zero=histogram.zero, sum=histogram.sum_ns)


def serving(instance_id: str = "i1", oks: int = 3, **more: Any) -> InstanceReport:
    outcomes = [OutcomeCount(code=Code.OK, count=oks), OutcomeCount(code=99, count=1)]
    times = sketch(*[1_000_000] * oks)
    features = [FeatureStats(feature=RETRIEVE, outcomes=outcomes, processing=times)]
    return reported(instance_id, features=features, **more)


def whole(*instances: InstanceReport) -> Snapshot:
    return snapshot(
        *(instances or (serving(), serving("i2", in_flight=2))),
        children=(child(restarts=2, use=Use(12.5, 4096)), replace(DEAD, crash_loops=True)),
        callers=[
            CallerReport(caller="/api/web", version="2", feature=RETRIEVE, outcomes=[OutcomeCount(count=7)], breaches=2)
        ],
        assignments=[AssignmentReport(package="/service/customer", version="1.0", how="sticky", count=5)],
        queues=[QueueReport(package="/service/customer", version="1.0", queued=3, capacity=8)],
        peers=[PeerReport(host="host-2", state="up"), PeerReport(host="host-3", state="odd")],
        register=RegisterReport(state="silent", silent_s=4.5, picture_age_s=4.5),
        counters={"malformed_frames": 2},
        vitals=HostVitals(50.0, -1.0, 2, 0.5, 1 << 30, 1 << 29, 0, 0),
        register_problem="",
    )


def report_of(of: Snapshot) -> BrokerReport:
    assert of.told is not None
    return of.told.report


def read(of: Snapshot, totals: Totals | None = None, form: str = TEXT) -> dict[tuple[str, frozenset[Any]], float]:
    parse = cast("Callable[[str], Iterable[Metric]]", parse_openmetrics if form == OPENMETRICS else parse_text)
    families = list(parse(exposition(of, totals or Totals(), "0.1.0", form).decode()))
    assert len({family.name for family in families}) == len(families)
    assert all(family.documentation for family in families)
    found: dict[tuple[str, frozenset[Any]], float] = {}
    for sample in (sample for family in families for sample in family.samples):
        key = (sample.name, frozenset(sample.labels.items()))
        assert key not in found
        found[key] = sample.value
    return found


def value(of: Snapshot, name: str, **labels: str) -> float | None:
    return read(of).get((name, frozenset(labels.items())))


@pytest.mark.parametrize(
    ("name", "labels", "wanted"),
    [
        ("h2o_agent_info", {"host": "host-1", "fleet": "test", "zone": "a", "version": "0.1.0"}, 1),
        ("h2o_broker_up", {}, 1),
        ("h2o_requests_total", {**LABELS, "code": "OK"}, 6),
        ("h2o_requests_total", {**LABELS, "code": "99"}, 2),
        ("h2o_request_duration_seconds_count", LABELS, 6),
        ("h2o_request_duration_seconds_sum", LABELS, 0.006),
        ("h2o_request_duration_seconds_bucket", {**LABELS, "le": "0.000524288"}, 0),
        ("h2o_request_duration_seconds_bucket", {**LABELS, "le": "0.001048576"}, 6),
        ("h2o_request_duration_seconds_bucket", {**LABELS, "le": "+Inf"}, 6),
        (
            "h2o_caller_requests_total",
            {"caller": "api/web", "caller_version": "2", "feature": LABELS["feature"], "code": "OK"},
            7,
        ),
        ("h2o_tier_breaches_total", {"caller": "api/web", "caller_version": "2", "feature": LABELS["feature"]}, 2),
        ("h2o_instances", {"package": "service/customer", "version": "1.0", "state": "ready"}, 2),
        ("h2o_instances", {"package": "service/customer", "version": "1.0", "state": "suspect"}, 0),
        ("h2o_instances", {"package": "service/customer", "version": "", "state": "backoff"}, 1),
        ("h2o_slots", {"package": "service/customer", "version": "1.0"}, 8),
        ("h2o_in_flight", {"package": "service/customer", "version": "1.0"}, 2),
        (
            "h2o_assignments_total",
            {"package": "service/customer", "version": "1.0", "how": "sticky", "broken": "false"},
            5,
        ),
        ("h2o_queued", {"package": "service/customer", "version": "1.0"}, 3),
        ("h2o_links", {"state": "up"}, 1),
        ("h2o_links", {"state": "odd"}, 1),
        ("h2o_links", {"state": "suspect"}, 0),
        ("h2o_register_connected", {}, 0),
        ("h2o_register_silent_seconds", {}, 4.5),
        ("h2o_broker_events_total", {"event": "malformed_frames"}, 2),
        ("h2o_child_restarts_total", {"package": "service/customer", "child": "service.customer-abc123-1"}, 2),
        ("h2o_child_crash_loop", {"package": "", "child": "broker"}, 0),
        ("h2o_child_cpu_ratio", {"package": "service/customer", "child": "service.customer-abc123-1"}, 0.125),
        ("h2o_host_cpu_ratio", {}, 0.5),
        ("h2o_host_cpu_steal_ratio", {}, None),
        ("h2o_host_disk_bytes", {}, None),
        ("h2o_host_memory_available_bytes", {}, 1 << 29),
        ("h2o_health", {"check": "register:silent", "component": "broker", "severity": "TICKET"}, 1),
    ],
)
def test_a_number_stands_where_it_is_looked_for(name: str, labels: dict[str, str], wanted: float | None):
    of = whole()
    of = replace(of, children=(of.children[0], replace(of.children[1], key="service.customer-abc123-2")))
    assert value(of, name, **labels) == wanted


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
def test_both_forms_parse_and_say_the_same(form: str):
    of = replace(whole(), children=(child(),))
    assert read(of, form=form) == read(of)
    assert exposition(of, Totals(), "0", OPENMETRICS).endswith(b"# EOF\n")


def test_a_broker_that_does_not_answer_leaves_no_traffic_and_no_zero():
    of = replace(whole(), broker=replace(BROKER, pid=8), children=(child(),))
    names = {name for name, _ in read(of)}
    assert value(of, "h2o_broker_up") == 0
    assert "h2o_child_restarts_total" in names
    traffic = ("h2o_request", "h2o_instances", "h2o_register", "h2o_epoch")
    assert not {name for name in names if name.startswith(traffic)}


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
def test_hostile_names_are_inert(form: str):
    features = [FeatureStats(feature=NASTY, outcomes=[OutcomeCount(count=1)])]
    of = snapshot(
        reported(package=f"/{NASTY}", version=NASTY, state=NASTY, features=features),
        children=(replace(DEAD, key=NASTY, package=NASTY + "\udc80"),),
        callers=[CallerReport(caller=NASTY, version=NASTY, feature=NASTY, outcomes=[OutcomeCount(count=1)])],
        peers=[PeerReport(state=NASTY)],
        counters={NASTY: 1},
    )
    found = read(of, form=form)
    assert all(name.startswith("h2o_") for name, _ in found)
    assert ("h2o_broker_events_total", frozenset({("event", NASTY)})) in found


@given(st.lists(st.integers(0, 1 << 37), max_size=60))
def test_buckets_are_cumulative_and_exact_at_their_boundaries(values_ns: list[int]):
    histogram = Histogram()
    for value_ns in values_ns:
        histogram.record(value_ns)
    for le, below in cumulative(histogram):
        # a float's logarithm may put what lies on a boundary to either side
        edge_ns = float(le) * 1e9
        assert sum(each < edge_ns * (1 - 1e-9) for each in values_ns) <= below
        assert below <= sum(each <= edge_ns * (1 + 1e-9) for each in values_ns)


@pytest.mark.parametrize("octave", [16, 20, 34])
def test_what_is_just_above_a_boundary_is_not_below_it(octave: int):
    histogram = Histogram()
    for value_ns in (int(2**octave * 0.995), int(2**octave * 1.005)):
        histogram.record(value_ns)
    below = [count for le, count in cumulative(histogram) if le == repr(2**octave / 1e9)]
    assert below == [1]


def told(instances: list[InstanceReport], incarnation: int = 1) -> BrokerReport:
    return BrokerReport(
        incarnation=incarnation,
        instances=instances,
        callers=[CallerReport(caller="operator", feature=RETRIEVE, outcomes=[OutcomeCount(count=5)])],
    )


KEY = Served("service/customer", "1.0", "service/customer/retrieve")


def test_what_an_instance_had_counted_stays_when_it_goes():
    totals = Totals()
    totals.heard(told([serving("i1", 3), serving("i2", 4)]))
    totals.heard(told([serving("i1", 3), serving("i2", 6)]))
    now = told([serving("i1", 5)])
    totals.heard(now)
    for _ in range(2):
        counts = totals.served(now)
        assert (counts[KEY].outcomes[Code.OK], counts[KEY].times.count) == (11, 11)
    (asked,) = totals.asked(now).values()
    assert asked.outcomes[Code.OK] == 5


def test_a_broker_that_starts_again_begins_at_what_was():
    totals = Totals()
    totals.heard(told([serving("i1", 3)], incarnation=1))
    now = told([serving("i9", 1)], incarnation=2)
    totals.heard(now)
    assert totals.served(now)[KEY].outcomes[Code.OK] == 4
    (asked,) = totals.asked(now).values()
    assert asked.outcomes[Code.OK] == 10


@given(st.lists(st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)))))
def test_counts_never_fall(steps: list[tuple[bool, dict[str, int]]]):
    totals = Totals()
    counted: dict[str, int] = {}
    incarnation = before = done = 0
    for lives, (restarts, there) in enumerate(steps):
        incarnation += restarts
        if restarts:
            counted.clear()
        ids = {each.partition("/")[0]: each for each in counted}
        # an id is never used again
        present = {ids.get(name, f"{name}/{lives}"): more for name, more in there.items()}
        counted = {each: counted.get(each, 0) + more for each, more in present.items()}
        done += sum(there.values())
        now = told([serving(each, count) for each, count in counted.items()], incarnation + 1)
        totals.heard(now)
        after = sum(count.outcomes[Code.OK] for count in totals.served(now).values())
        assert before <= after == done
        before = after


def test_discovery_names_every_agent_of_the_register():
    hosts = (
        HostPicture(host="host-1", zone="a", link="self", labels={"disk.type": "ssd"}),
        HostPicture(host="host-2", zone="b", link="up"),
    )
    agents = {"host-1": "10.0.0.1:8101", "host-2": "[::1]:8101", "host-9": "10.0.0.9:1"}
    assert targets(snapshot(hosts=hosts, agents=agents)) == [
        {
            "targets": ["10.0.0.1:8101"],
            "labels": {
                "host": "host-1",
                "fleet": "test",
                "zone": "a",
                "__meta_h2o_link": "self",
                "__meta_h2o_label_disk_type": "ssd",
            },
        },
        {
            "targets": ["[::1]:8101"],
            "labels": {"host": "host-2", "fleet": "test", "zone": "b", "__meta_h2o_link": "up"},
        },
        {"targets": ["10.0.0.9:1"], "labels": {"host": "host-9", "fleet": "test"}},
    ]
    assert [each["labels"]["zone"] for each in targets(snapshot(agents={"host-1": "a:1"}, told=None))] == ["a"]
