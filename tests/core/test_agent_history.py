"""History's arithmetic: counters to points, fine points to coarse ones, torn records, bounded answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from h2o_agent.history.answering import Answer, Query, folded, minute, samples_in, samples_of
from h2o_agent.history.fold import LONGEST_S, Fold
from h2o_agent.history.records import MARK, MINUTE, decode, encode
from h2o_agent.history.rings import Frame, Ring
from h2o_agent.history.tally import Tally, counts_of, histogram_of
from h2o_agent.views.history import BadQuery, document, query
from h2o_core.histogram import Histogram
from h2o_core.pb.host_pb2 import Point, Vitals
from h2o_core.pb.stats_pb2 import BrokerReport, FeatureStats, InstanceReport, OutcomeCount, QueueReport, Sketch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_agent.history.answering import Sample
    from h2o_agent.history.rings import Key

NOW_S = 1_700_000_000.0
CUSTOMER = ("/service/customer", "1.0")
KEY: Key = ("package", *CUSTOMER)
DAY_S = 1_700_006_400.0


@dataclass
class Counted:
    """Stands for a broker: counts calls of features of instances, and reports."""

    incarnation: int = 1
    now_s: float = NOW_S

    def __post_init__(self) -> None:
        self.outcomes: dict[str, dict[int, int]] = {}
        self.times: dict[str, Histogram] = {}

    def call(self, instance: str, code: int, took_ns: int) -> None:
        codes = self.outcomes.setdefault(instance, {})
        codes[code] = codes.get(code, 0) + 1
        self.times.setdefault(instance, Histogram()).record(took_ns)

    def register(self, instance: str) -> None:
        self.outcomes.setdefault(instance, {})
        self.times.setdefault(instance, Histogram())

    def report(self) -> BrokerReport:
        instances: list[InstanceReport] = []
        for instance, codes in self.outcomes.items():
            index, count = self.times[instance].lists()
            feature = FeatureStats(
                feature="/service/customer/retrieve",
                outcomes=[OutcomeCount(code=code, count=times) for code, times in codes.items()],
                processing=Sketch(
                    index=index, count=count, zero=self.times[instance].zero, sum=self.times[instance].sum_ns
                ),
            )
            instances.append(
                InstanceReport(
                    instance=instance,
                    package="/service/customer",
                    version="1.0",
                    state="ready",
                    in_flight=2,
                    features=[feature],
                )
            )
        queues = [QueueReport(package="/service/customer", version="1.0", queued=3)]
        return BrokerReport(incarnation=self.incarnation, now_s=self.now_s, instances=instances, queues=queues)


CALLS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 3), st.integers(0, 1 << 34)), max_size=20)


@given(seconds=st.lists(CALLS, min_size=1, max_size=20), lost=st.sets(st.integers(0, 19)))
def test_the_sum_of_all_points_is_what_the_counters_grew_by(seconds: list[list[tuple[str, int, int]]], lost: set[int]):
    broker, fold, all_of_it = Counted(), Fold(), Tally()
    assert fold.report(broker.report()) == {}, "there is nothing yet to compare with"
    for at, calls in enumerate(seconds):
        broker.now_s += 0.4
        for call in calls:
            broker.call(*call)
        if at not in lost or at == len(seconds) - 1:  # a report that did not come is in the next
            for tally in fold.report(broker.report()).values():
                all_of_it.merge(tally)
    expected, times = Tally(), Histogram()
    for codes in broker.outcomes.values():
        for code, count in codes.items():
            expected.outcomes[code] = expected.outcomes.get(code, 0) + count
    for each in broker.times.values():
        times.merge(each)
    assert all_of_it.outcomes == expected.outcomes
    assert (all_of_it.processing.buckets, all_of_it.processing.zero, all_of_it.processing.sum_ns) == (
        times.buckets,
        times.zero,
        times.sum_ns,
    )


def test_gauges_are_those_of_the_report():
    broker, fold = Counted(), Fold()
    broker.register("a")
    fold.report(broker.report())
    broker.register("b")
    broker.now_s += 1
    tally = fold.report(broker.report())[CUSTOMER]
    assert (tally.instances, tally.in_flight, tally.queued, tally.covered_s, tally.outcomes) == (2, 4, 3, 1.0, {})


@pytest.mark.parametrize("gap", ["another incarnation", "too long", "the same moment", "back in time"])
def test_after_a_gap_it_begins_anew_and_nothing_is_negative(gap: str):
    broker, fold = Counted(), Fold()
    for _ in range(5):
        broker.call("a", 0, 1000)
    fold.report(broker.report())
    if gap == "another incarnation":
        broker = Counted(incarnation=2, now_s=broker.now_s + 1)
        broker.call("a", 0, 1000)
    else:
        broker.call("a", 0, 1000)
        broker.now_s += {"too long": LONGEST_S + 1, "the same moment": 0, "back in time": -30}[gap]
    assert fold.report(broker.report()) == {}
    broker.now_s += 1
    broker.call("a", 0, 1000)
    assert fold.report(broker.report())[CUSTOMER].outcomes == {0: 1}


def test_counters_that_shrink_against_all_promises_count_nothing():
    broker, fold = Counted(), Fold()
    for _ in range(5):
        broker.call("a", 0, 1000)
    fold.report(broker.report())
    shrunk = Counted(now_s=broker.now_s + 1)
    shrunk.call("a", 0, 1000)
    assert fold.report(shrunk.report())[CUSTOMER].outcomes == {}


def test_an_instance_that_is_gone_takes_nothing_from_the_others():
    broker, fold = Counted(), Fold()
    broker.call("a", 0, 1000)
    broker.call("b", 0, 1000)
    fold.report(broker.report())
    del broker.outcomes["a"]
    broker.call("b", 0, 1000)
    broker.now_s += 1
    tally = fold.report(broker.report())[CUSTOMER]
    assert (tally.outcomes, tally.instances) == ({0: 1}, 1)


# ---------------------------------------------------------------------- rings


def _tally(outcomes: dict[int, int], times: list[int], gauge: int) -> Tally:
    tally = Tally(1.0, outcomes, instances=gauge, in_flight=gauge, queued=gauge)
    for took_ns in times:
        tally.processing.record(took_ns)
    return tally


TALLIES = st.builds(
    _tally,
    st.dictionaries(st.integers(0, 5), st.integers(1, 1000), max_size=4),
    st.lists(st.integers(0, 1 << 40), max_size=10),
    st.integers(0, 9),
)


@given(st.lists(st.tuples(st.integers(1, 15), TALLIES), min_size=1, max_size=30))
def test_coarse_points_are_their_fine_points_merged(steps: list[tuple[int, Tally]]):
    fine, coarse = Ring(1, 1000, 1 << 30), Ring(10, 1000, 1 << 30)
    now_s = NOW_S
    for pause_s, tally in steps:
        now_s += pause_s
        fine.add(now_s, {KEY: tally})
        coarse.add(now_s, {KEY: tally})
    fine.close()
    coarse.close()
    merged: dict[float, Tally] = {}
    for frame in fine.frames(0, now_s):
        tally = Tally.of(Point.FromString(frame.points[KEY]))
        merged.setdefault(frame.t_s // 10 * 10, Tally()).merge(tally)
    found = {frame.t_s: Point.FromString(frame.points[KEY]) for frame in coarse.frames(0, now_s)}
    assert found == {t_s: tally.point(t_s) for t_s, tally in merged.items()}


@given(st.lists(TALLIES, min_size=1, max_size=40), st.integers(1, 5), st.integers(1, 400))
def test_a_ring_is_bounded_in_number_and_bytes(tallies: list[Tally], length: int, most_bytes: int):
    ring = Ring(1, length, most_bytes)
    for at, tally in enumerate(tallies):
        ring.add(NOW_S + at, {KEY: tally})
        frames = list(ring.frames(0, NOW_S + at))
        assert len(frames) <= length
        assert ring.size_bytes <= most_bytes
        assert ring.size_bytes >= sum(frame.size_bytes for frame in frames)


def test_only_whole_times_are_shown_and_the_span_is_kept():
    ring = Ring(10, 6, 1 << 20)
    assert ring.add(NOW_S, {KEY: Tally(1.0)}) is None
    assert list(ring.frames(0, NOW_S)) == []
    whole = ring.add(NOW_S + 10, {KEY: Tally(1.0)})
    assert whole is not None
    assert [frame.t_s for frame in ring.frames(0, NOW_S + 10)] == [NOW_S]
    assert list(ring.frames(0, NOW_S + 100)) == [], "a minute is over"


def test_a_clock_that_is_set_back_loses_nothing():
    ring = Ring(10, 6, 1 << 20)
    for at in (0, 10, 5, 15):
        ring.add(NOW_S + at, {KEY: Tally(1.0, {0: 1})})
    ring.close()
    answer = Answer(1 << 20)
    answer.add(samples_of(ring.frames(0, NOW_S + 20), Query(10)))
    (series,) = answer.history("host-1", NOW_S + 20, Query(10), 0).series
    assert [(point.t_s, point.outcomes[0].count) for point in series.points] == [(NOW_S, 2), (NOW_S + 10, 2)]


def test_vitals_are_the_mean_over_time_and_what_is_unknown_weighs_nothing():
    tally = Tally()
    for covered_s, cpu_pct, steal_pct in ((1.0, 10.0, -1.0), (3.0, 50.0, 2.0)):
        tally.merge(Tally(covered_s, vitals=Vitals(cpu_pct=cpu_pct, steal_pct=steal_pct, cores=2)))
    assert tally.vitals is not None
    assert (tally.vitals.cpu_pct, tally.vitals.steal_pct, tally.vitals.cores) == (40.0, 2.0, 2)


@given(TALLIES)
def test_a_point_says_all_of_a_tally(tally: Tally):
    point = tally.point(NOW_S)
    back = Tally.of(Point.FromString(point.SerializeToString()))
    assert back.point(NOW_S) == point
    assert (back.outcomes, back.processing.count) == (tally.outcomes, tally.processing.count)


# ---------------------------------------------------------------------- records

RECORDS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60) | st.just(MARK * 3)), max_size=8)


@given(RECORDS)
def test_what_was_written_is_read(records: list[tuple[int, bytes]]):
    decoded = decode(b"".join(encode(kind, body) for kind, body in records))
    assert (decoded.records, decoded.refused_bytes) == (records, 0)


@given(RECORDS, st.integers(1, 80))
def test_a_torn_end_costs_the_last_record_alone_and_the_file_goes_on(records: list[tuple[int, bytes]], torn: int):
    last = encode(MINUTE, b"the last one")
    before = b"".join(encode(kind, body) for kind, body in records)
    file = before + last[: min(torn, len(last) - 1)] + encode(MINUTE, b"after the restart")
    decoded = decode(file)
    assert decoded.records == [*records, (MINUTE, b"after the restart")]
    assert decoded.refused_bytes > 0


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=3, max_size=6), st.data())
def test_damage_costs_what_it_hits(bodies: list[bytes], data: st.DataObject):
    records = [encode(MINUTE, body) for body in bodies]
    hit = data.draw(st.integers(0, len(records) - 1))
    at = data.draw(st.integers(0, len(records[hit]) - 1))
    mask = data.draw(st.integers(1, 255))
    damaged = bytearray(records[hit])
    damaged[at] ^= mask
    records[hit] = bytes(damaged)
    decoded = decode(b"".join(records))
    assert decoded.records == [(MINUTE, body) for index, body in enumerate(bodies) if index != hit]
    assert decoded.refused_bytes == len(damaged)


@given(st.binary(max_size=300).map(lambda noise: noise.replace(b"\x00", MARK)))
def test_noise_is_no_history(noise: bytes):
    assert decode(noise).records == []


# ---------------------------------------------------------------------- answers


def frames(*times: float, packages: tuple[str, ...] = ("/service/a", "/service/b")) -> list[Frame]:
    return [
        Frame(
            t_s, {("package", package, "1"): Tally(1.0, {0: 1}).point(t_s).SerializeToString() for package in packages}
        )
        for t_s in times
    ]


def test_an_answer_is_the_newest_that_fits_the_oldest_first():
    every = list(samples_of(frames(3, 1, 2), Query(1)))
    room = 2 * sum(len(point) for t_s, _, point in every if t_s == 3)
    answer = Answer(room)
    answer.add(every)
    assert answer.full
    found = answer.history("host-1", NOW_S, Query(1), 7)
    assert (found.truncated, found.lost_minutes, found.host, found.resolution_s) == (True, 7, "host-1", 1)
    assert [(series.package, [point.t_s for point in series.points]) for series in found.series] == [
        ("/service/a", [2, 3]),
        ("/service/b", [2, 3]),
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Query(1), ["", "/service/a", "/service/b"]),
        (Query(1, package="/service/b"), ["/service/b"]),
        (Query(1, kind="host"), [""]),
        (Query(1, kind="package"), ["/service/a", "/service/b"]),
        (Query(1, kind="host", package="/service/a"), []),
    ],
)
def test_a_query_picks_series(asked: Query, found: list[str]):
    (frame,) = frames(1)
    vitals = Tally(1.0, vitals=Vitals(cpu_pct=3)).point(1).SerializeToString()
    whole = Frame(1, {**frame.points, ("host", "", ""): vitals})
    answer = Answer(1 << 20)
    answer.add(samples_of([whole], asked))
    assert [series.package for series in answer.history("h", 1, asked, 0).series] == found
    from_disk = Answer(1 << 20)
    from_disk.add(samples_in(minute(whole), asked, 1))
    assert from_disk.history("h", 1, asked, 0) == answer.history("h", 1, asked, 0)


def minutes(*at: int, count: int = 60) -> list[Sample]:
    """A point for each of these minutes of a day, the newest first."""
    tally = Tally(60.0, {0: count}, timed(count), instances=2)
    return [(t_s, KEY, tally.point(t_s).SerializeToString()) for t_s in (DAY_S + 60.0 * one for one in at)]


def timed(count: int) -> Histogram:
    made = Histogram()
    for _ in range(count):
        made.record(1000)
    return made


def requests_by(samples: Iterable[Sample]) -> dict[float, int]:
    counted: dict[float, int] = {}
    for t_s, _, body in samples:
        point = Point.FromString(body)
        assert point.t_s == t_s
        assert point.covered_s == sum(counts_of(point.outcomes).values()), "60 requests a minute"
        assert histogram_of(point.processing).count == point.covered_s
        counted[(t_s - DAY_S) / 60] = counts_of(point.outcomes)[0]
    return counted


def test_minutes_are_added_up_to_coarser_ones():
    now_s = DAY_S + 60 * 31
    samples = minutes(*reversed(range(31)))
    assert requests_by(folded(samples, 600, DAY_S, now_s)) == {20: 600, 10: 600, 0: 600}
    assert requests_by(folded(samples, 120, DAY_S, now_s))[28] == 120
    halves = [minutes(3, count=20)[0], minutes(3, count=40)[0]]
    assert Point.FromString(next(iter(folded(halves, 60 * 2, DAY_S, now_s)))[2]).outcomes[0].count == 60


def test_a_coarse_time_is_told_of_when_it_is_whole_and_begins_where_it_is_asked_for():
    samples = minutes(11, 10, 9, 8, 7, 6)
    assert requests_by(folded(samples, 600, DAY_S, DAY_S + 60 * 12)) == {0: 240}, "the second is not over"
    late = minutes(8, 7, 6)
    assert requests_by(folded(late, 600, DAY_S, DAY_S + 60 * 10 + 1)) == {}, "its last minute is on its way"
    assert requests_by(folded(late, 600, DAY_S, DAY_S + 60 * 11)) == {0: 180}, "and won't come any more"
    assert requests_by(folded(samples, 600, DAY_S + 1, DAY_S + 60 * 30)) == {10: 120}


def test_a_clock_that_was_set_back_loses_no_minute():
    samples = [*minutes(5, 4), *minutes(15, 14), *minutes(3, 2)]
    answer = Answer(1 << 20)
    answer.add(folded(samples, 600, DAY_S, DAY_S + 60 * 60))
    (series,) = answer.history("h", 0, Query(600), 0).series
    assert [counts_of(point.outcomes)[0] for point in series.points] == [240, 120]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, Query(10)),
        ({"resolution": "1s", "package": "service/customer"}, Query(1, package="/service/customer")),
        ({"resolution": "60s", "kind": "host", "since": "1700000000.5"}, Query(60, "host", "", 1700000000.5)),
        ({"since": "2023-11-14T22:13:20Z"}, Query(10, since_s=NOW_S)),
        ({"resolution": "600s"}, Query(600)),
    ],
)
def test_what_is_asked_is_parsed(said: dict[str, str], meant: Query):
    assert query(said) == meant


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"resolution": "5s"}, "resolution=5s is none; there are 1s, 10s, 60s, and whole minutes up to 3600s"),
        ({"resolution": "90s"}, "resolution=90s is none"),
        ({"resolution": "3660s"}, "resolution=3660s is none"),
        ({"resolution": "0s"}, "resolution=0s is none"),
        ({"resolution": "99999999999s"}, "resolution=99999999999s is none"),
        ({"kind": "x" * 90}, "kind=xxxxxxxxxxxxxxxxxxxx is none"),
        ({"since": "yesterday"}, "since=yesterday is no time"),
        ({"since": "nan"}, "since=nan is no time"),
        ({"since": "-1"}, "since=-1 is no time"),
    ],
)
def test_a_bad_question_is_told_what_to_write(said: dict[str, str], sentence: str):
    with pytest.raises(BadQuery, match=sentence):
        query(said)


def test_json_has_names_times_and_nothing_made_up():
    tally = Tally(1.0, {0: 2, 250: 1}, instances=1)
    tally.processing.record(1 << 20)
    vitals = Vitals(cpu_pct=-1, cores=2, memory_total_bytes=10, clock_skew_s=0.0)
    frame = Frame(
        NOW_S,
        {
            KEY: tally.point(NOW_S).SerializeToString(),
            ("host", "", ""): Tally(0.9, vitals=vitals).point(NOW_S).SerializeToString(),
        },
    )
    answer = Answer(1 << 20)
    answer.add(samples_of([frame], Query(1)))
    said = document(answer.history("host-1", NOW_S + 1, Query(1), 0))
    host, package = said["series"]
    assert (package["kind"], package["package"], package["version"]) == ("package", "service/customer", "1.0")
    (point,) = package["points"]
    assert (point["t"], point["outcomes"], point["instances"]) == ("2023-11-14T22:13:20.000Z", {"OK": 2, "250": 1}, 1)
    assert math.isclose(point["p99_ms"], 1.05, rel_tol=0.02)
    (reading,) = host["points"]
    assert (reading["covered_s"], reading["vitals"]["cpu_pct"], reading["vitals"]["clock_skew_s"]) == (0.9, None, None)
    assert "outcomes" not in reading


def test_a_crooked_sketch_is_read_as_far_as_it_is_straight():
    assert histogram_of(Sketch(index=[1, 2, 3], count=[4])).buckets == {1: 4}
    assert counts_of([OutcomeCount(code=1, count=2)]) == {1: 2}
