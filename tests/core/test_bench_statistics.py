"""The bench's arithmetic: quantiles, ratios within a round, goals, and the shape of its output."""

from __future__ import annotations

import json
from statistics import median

import pytest
from hypothesis import given, strategies as st

from bench.comparisons import LANES_AT, comparisons, raw
from bench.figures import GOALS, Figure, table
from bench.memory import growth
from bench.statistics import Round, Window, disturbance, quantile, ratios, spread, typical

VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50)


def window(requests: int, elapsed_s: float = 1.0, p50_us: float = 100.0, **cpu_s: float) -> Window:
    return Window(requests, elapsed_s, p50_us, 3 * p50_us, cpu_s)


def rate(one: Window) -> float:
    return one.per_second


@given(VALUES, st.floats(0.001, 1))
def test_a_quantile_is_the_smallest_value_with_its_share_at_or_below(values: list[float], q: float) -> None:
    ascending = sorted(values)
    found = quantile(ascending, q)
    assert sum(value <= found for value in values) >= q * len(values)
    assert sum(value < found for value in values) < q * len(values)


def test_quantiles_of_a_hundred() -> None:
    hundred = list(range(1, 101))
    assert [quantile(hundred, q) for q in (0.01, 0.5, 0.99, 1)] == [1, 50, 99, 100]


@pytest.mark.parametrize("q", [0.0, -0.1, 1.01])
def test_a_quantile_outside_its_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        quantile([1.0], q)


def test_no_values_give_no_quantile_and_no_spread() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="no values"):
        spread([])


@given(VALUES)
def test_a_median_lies_between_its_quartiles(values: list[float]) -> None:
    found = spread(values)
    assert found.low <= found.median <= found.high
    assert found.median == median(values)


def test_a_ratio_is_taken_within_its_round() -> None:
    # The machine is three times slower in the second round; the ratio of medians would not say 2.
    rounds: list[Round] = [
        {"ours": window(200), "theirs": window(100)},
        {"ours": window(60), "theirs": window(30)},
        {"ours": window(400), "theirs": window(200)},
        {"ours": window(90), "theirs": window(300)},
    ]
    found = ratios(rounds, ("ours", rate), ("theirs", rate))
    assert found.median == 2.0
    assert found.low == pytest.approx(0.3)
    assert typical(rounds, "ours", rate) == 145


def test_disturbance_is_the_median_over_all_windows_that_know() -> None:
    known = [Window(1, 1.0, 1.0, 1.0, {}, others) for others in (0.0, 0.5, 0.1)]
    unknown = Window(1, 1.0, 1.0, 1.0, {})
    assert disturbance([{"a": known[0], "b": known[1]}, {"a": known[2], "b": unknown}]) == 0.1
    assert disturbance([{"a": unknown}]) is None


def test_a_window_says_what_a_request_cost() -> None:
    one = window(2000, elapsed_s=0.5, broker=0.02)
    assert one.per_second == 4000
    assert one.cpu_us("broker") == pytest.approx(10)


ELSEWHERE = {"list_200_ms", "list_5000_ms", "completion_ms", "broker_rss_growth_mib"} | {
    "first_screen_s",
    "cpu_ui_pct",
    "cpu_all_pct",
    "key_p95_ms",
    "quiet_bytes_per_s",
    "idle_pct",
}
"""Measured by the groups `cli` and `console`, whose tests look that each of theirs is."""
"""Goals that no round of windows is held against."""
SPEED = {
    "sdk": 80,
    "proxy": 100,
    "nats": 50,
    "two_hosts": 32,
    "sdk_8": 60,
    "nats_8": 40,
    "grpc_aio": 5,
    "zerorpc": 4,
}


def lanes(*names: str) -> list[Round]:
    cpu = {"sdk": "broker", "proxy": "proxy", "nats": "server"}
    return [
        {
            name: window(SPEED[name], p50_us=SPEED[name], **{"client": 1.0, cpu.get(name, "worker"): 1.0})
            for name in names
        }
    ]


def ratios_of(in_flight: int) -> dict[str, float]:
    return {figure.name: figure.value for figure in comparisons(lanes(*LANES_AT[in_flight]), in_flight)}


def test_figures_compare_our_lane_with_each_peer() -> None:
    found = ratios_of(64)
    assert found["sdk_vs_proxy_64"] == pytest.approx(0.8)
    assert found["sdk_vs_nats_64"] == pytest.approx(1.6)
    assert found["broker_cpu_vs_proxy_64"] == pytest.approx(100 / 80)
    assert found["sdk_vs_grpc_aio_64"] == pytest.approx(16)
    assert found["sdk_vs_zerorpc_64"] == pytest.approx(20)
    assert found["two_hosts_vs_one_64"] == pytest.approx(0.4)
    assert found["sdk_8_instances_vs_1_64"] == pytest.approx(0.75)
    assert found["sdk_vs_nats_8_64"] == pytest.approx(1.5)
    assert ratios_of(256)["sdk_vs_grpc_aio_256"] == pytest.approx(16)
    assert ratios_of(1)["p50_vs_nats_1"] == pytest.approx(1.6)


def test_each_ratio_belongs_to_one_number_in_flight() -> None:
    # "_64" is not the end of "_164", nor "_1" that of "_vs_1_64".
    names = [name for in_flight in LANES_AT for name in ratios_of(in_flight)]
    assert len(names) == len(set(names))
    assert set(ratios_of(1)) == {
        f"{name}{end}" for name in ("p50_vs_proxy_1", "p50_vs_nats_1") for end in ("", "_low", "_high")
    }


def test_every_goal_of_the_group_is_measured() -> None:
    assert set(GOALS) - ELSEWHERE <= {name for in_flight in LANES_AT for name in ratios_of(in_flight)}


@pytest.mark.parametrize("missing", sorted(set(SPEED) - {"sdk"}))
def test_a_missing_lane_leaves_its_figures_out_and_no_others(missing: str) -> None:
    for in_flight, names in LANES_AT.items():
        rounds = lanes(*(name for name in names if name != missing))
        found = {figure.name for figure in (*comparisons(rounds, in_flight), *raw(rounds, in_flight))}
        assert not [name for name in found if name.startswith(f"{missing}_per_s")]
        full = lanes(*names)
        lost = {figure.name for figure in (*comparisons(full, in_flight), *raw(full, in_flight))} - found
        short = missing.removesuffix("_aio")
        assert all(short in name or (missing == "sdk_8" and "nats_8" in name) for name in lost)
        assert bool(lost) is (missing in names)


def test_growth_is_the_end_less_the_start_for_each_role() -> None:
    found = {
        one.name: one.value for one in growth("g", {"broker": 30.0, "client": 40.0}, {"broker": 33.5, "client": 39.0})
    }
    assert found == {
        "broker_rss_start_mib": 30.0,
        "broker_rss_end_mib": 33.5,
        "broker_rss_growth_mib": 3.5,
        "client_rss_start_mib": 40.0,
        "client_rss_end_mib": 39.0,
        "client_rss_growth_mib": -1.0,
    }


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("sdk_vs_proxy_64", 0.75, True),
        ("sdk_vs_proxy_64", 0.7499, False),
        ("broker_cpu_vs_proxy_64", 3.0, True),
        ("broker_cpu_vs_proxy_64", 3.01, False),
        ("p50_vs_nats_1", 1.16, False),
        ("sdk_vs_grpc_aio_64", 10.0, True),
        ("sdk_vs_grpc_aio_64", 9.99, False),
        ("two_hosts_vs_one_64", 0.349, False),
        ("broker_rss_growth_mib", 8.0, True),
        ("broker_rss_growth_mib", 8.01, False),
        ("worker_rss_growth_mib", 100.0, None),
        ("list_200_ms", 199.9, True),
        ("list_200_ms", 200.0, False),
        ("sdk_per_s_64", 1.0, None),
    ],
)
def test_a_goal_holds_on_its_own_side_only(name: str, value: float, holds: bool | None) -> None:
    assert Figure("g", name, value, "ratio").holds is holds


def test_json_has_exactly_the_six_keys() -> None:
    with_goal = json.loads(Figure("data-plane", "sdk_vs_nats_64", 1.23456789, "ratio").to_json())
    assert with_goal == {
        "group": "data-plane",
        "name": "sdk_vs_nats_64",
        "value": 1.235,
        "unit": "ratio",
        "goal": 1.3,
        "holds": False,
    }
    raw_figure = json.loads(Figure("data-plane", "sdk_per_s_64", 51234.5, "requests/s").to_json())
    assert (raw_figure["goal"], raw_figure["holds"]) == (None, None)


@given(st.sampled_from(sorted(GOALS)), st.floats(0.5, 1.5))
def test_the_verdict_agrees_with_the_printed_value(name: str, share_of_goal: float) -> None:
    goal = GOALS[name]
    printed = json.loads(Figure("g", name, goal.limit * share_of_goal, "ratio").to_json())
    assert printed["holds"] is goal.holds(printed["value"])


@pytest.mark.parametrize(("value", "holds"), [(199.996, False), (199.94, True)])
def test_a_value_is_judged_as_it_is_printed(value: float, holds: bool) -> None:
    assert Figure("g", "list_200_ms", value, "ms").holds is holds


def test_the_table_starts_with_what_has_a_goal() -> None:
    figures = [Figure("g", "sdk_per_s_64", 51234.5, "requests/s"), Figure("g", "sdk_vs_nats_64", 1.2, "ratio")]
    header, first, second = table(figures).splitlines()
    assert header.split() == ["GROUP", "NAME", "VALUE", "UNIT", "GOAL"]
    assert first.split() == ["g", "sdk_vs_nats_64", "1.2", "ratio", "≥", "1.3", "MISSED"]
    assert second.split() == ["g", "sdk_per_s_64", "51,230", "requests/s"]
