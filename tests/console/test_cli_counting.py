"""Counters added up: by what, over which time, with quantiles from sketches, and nonsense called unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_console.acting.moments import parse_duration
from h2o_console.cli.counting import (
    By,
    between,
    grouped,
    instance_documents,
    key_of,
    mean_ms,
    quantile_ms,
    since_start,
    tally_document,
)
from h2o_console.cli.reported import counts_of
from tests.support.agent_server import NOW_S, endpoint, host_stats, stats

if TYPE_CHECKING:
    from h2o_console.cli.reported import HostCounts
    from h2o_core.pb.stats_pb2 import InstanceReport

OK = {"OK": 100}
FAST, SLOW = (1.0,) * 100, (100.0,) * 100


def answer(*instances: InstanceReport, host: str = "host-1", now_s: float = NOW_S) -> HostCounts:
    return counts_of(host_stats(*instances, host=host, now_s=now_s))


FLEET = (
    answer(
        stats("a1", endpoint("service/a/get", OK, FAST), endpoint("service/a/put", OK, FAST)),
        stats("a2", endpoint("service/a/get", OK, SLOW), version="2.0.0"),
    ),
    answer(stats("b1", endpoint("service/a/get", {"OK": 98, "TIMEOUT": 2}, FAST)), host="host-2"),
)


@pytest.mark.parametrize(
    ("by", "requests"),
    [
        (By.FEATURE, {("service/a/get",): 300, ("service/a/put",): 100}),
        (By.VERSION, {("service/customer", "1.4.2"): 300, ("service/customer", "2.0.0"): 100}),
        (By.PACKAGE, {("service/customer",): 400}),
        (By.HOST, {("host-1",): 300, ("host-2",): 100}),
    ],
)
def test_what_counters_are_added_up_by(by: By, requests: dict[tuple[str, ...], int]) -> None:
    groups = grouped(since_start(FLEET), by)
    assert {group.key: group.tally.requests for group in groups} == requests


def test_quantiles_are_those_of_all_requests_together() -> None:
    (group,) = grouped(since_start(FLEET), By.PACKAGE)
    assert quantile_ms(group.tally, 0.5) == pytest.approx(1.0, rel=0.011)
    assert quantile_ms(group.tally, 0.95) == pytest.approx(100.0, rel=0.011)
    assert mean_ms(group.tally) == pytest.approx(25.75)
    assert (len(group.ids), group.hosts, group.versions) == (3, {"host-1", "host-2"}, {"1.4.2", "2.0.0"})


def readings(before: dict[str, int], after: dict[str, int], span_s: float = 10.0) -> list[HostCounts]:
    return [
        answer(stats("a1", endpoint("service/a/get", counts, (1.0,) * sum(counts.values()))), now_s=now_s)
        for counts, now_s in ((before, NOW_S), (after, NOW_S + span_s))
    ]


def test_a_window_shows_what_happened_in_between() -> None:
    before, after = readings({"OK": 100}, {"OK": 150, "TIMEOUT": 50})
    (group,) = grouped(between({"host-1": before}, {"host-1": after}), By.PACKAGE)
    assert group.tally.outcomes == {"OK": 50, "TIMEOUT": 50}
    assert group.tally.sketch.count == 100
    assert group.per_s == pytest.approx(10.0)


def test_hosts_bring_their_own_spans() -> None:
    before, after = readings({"OK": 100}, {"OK": 200})
    slow_before, slow_after = readings({"OK": 100}, {"OK": 200}, span_s=20.0)
    counted = between({"host-1": before, "host-2": slow_before}, {"host-1": after, "host-2": slow_after})
    (group,) = grouped(counted, By.PACKAGE)
    assert group.per_s == pytest.approx(15.0)


def test_an_instance_that_is_new_counts_from_zero() -> None:
    before = answer(now_s=NOW_S)
    after = answer(stats("a9", endpoint("service/a/get", OK, FAST)), now_s=NOW_S + 10)
    (group,) = grouped(between({"host-1": before}, {"host-1": after}), By.PACKAGE)
    assert (group.tally.requests, group.per_s) == (100, pytest.approx(10.0))


def test_a_counter_that_went_down_is_unknown_and_not_zero() -> None:
    before, after = readings({"OK": 100}, {"OK": 3})
    (group,) = grouped(between({"host-1": before}, {"host-1": after}), By.PACKAGE)
    assert (group.known, group.unknown, group.per_s) == (False, 1, None)
    assert set(tally_document(None, None).values()) == {None}


@pytest.mark.parametrize("span_s", [0.0, -5.0, float("nan"), float("inf")])
def test_a_clock_that_stands_or_jumps_gives_no_rate(span_s: float) -> None:
    before, after = readings({"OK": 100}, {"OK": 200}, span_s=span_s)
    assert between({"host-1": before}, {"host-1": after}) == []


def test_a_host_without_a_first_reading_is_left_out() -> None:
    _, after = readings({"OK": 100}, {"OK": 200})
    assert between({}, {"host-1": after}) == []


def test_a_crooked_sketch_is_unknown() -> None:
    crooked = endpoint("service/a/get", OK, FAST)
    crooked.processing.index.append(2**31 - 1)
    crooked.processing.count.append(5)
    (one,) = since_start([answer(stats("a1", crooked))])
    assert one.tally is None


def test_the_last_error_is_the_newest() -> None:
    old = endpoint("service/a/get", OK, FAST, last_error="old", last_error_time_s=NOW_S - 50)
    new = endpoint("service/a/put", OK, FAST, last_error="new", last_error_time_s=NOW_S - 5)
    (group,) = grouped(since_start([answer(stats("a1", new), stats("a2", old))]), By.PACKAGE)
    assert group.last_error == "new"


def test_documents_have_the_names_of_nats_micro() -> None:
    (document, *_) = instance_documents(since_start(FLEET))
    assert {"name", "id", "version", "started", "endpoints"} <= set(document)
    first = document["endpoints"][0]
    assert first["num_requests"] == 100
    assert first["processing_time"] == 100_000_000
    assert first["average_processing_time"] == 1_000_000
    assert first["p50_ms"] == pytest.approx(1.0, rel=0.011)


def test_requests_that_wait_are_shared_out() -> None:
    said = host_stats(*(stats(each, endpoint("service/a/get")) for each in ("a1", "a2", "a3")))
    said.report.queues.add(package="/service/customer", version="1.4.2", queued=5, capacity=9)
    assert [one.queued for one in counts_of(said).instances] == [2, 2, 1]


def test_keys_tell_every_instance_apart() -> None:
    counted = since_start(FLEET)
    assert len({key_of(one, By.INSTANCE) for one in counted}) == len(counted) == 4


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("10s", 10), ("10", 10), ("1.5m", 90), ("2h", 7200), ("500ms", 0.5), ("1d", 86400)],
)
def test_times(typed: str, seconds: float) -> None:
    assert parse_duration(typed) == pytest.approx(seconds)


@pytest.mark.parametrize("typed", ["", "s", "-1s", "1w", "nan", "1e9", "１０s"])
def test_what_is_no_time(typed: str) -> None:
    assert parse_duration(typed) is None
