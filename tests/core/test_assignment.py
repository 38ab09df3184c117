"""Which version a request gets: exact shares, cohorts that only grow, and who beats whom."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, strategies as st

from h2o_core.assignment import Assigned, CompiledTraffic, How, assign, undecided
from h2o_core.control.settings import NewVersions
from h2o_core.control.traffic import WHOLE, MatchRule, Traffic

STABLE, NEW, NEXT = "1.0.0", "2.0.0", "3.0.0"
ALL = {STABLE, NEW, NEXT}
TRAFFIC = Traffic("/service/customer", STABLE, ((STABLE, 9_000), (NEW, 1_000)))


def compiled(*weights: tuple[str, int], rules: tuple[MatchRule, ...] = (), **more: str) -> CompiledTraffic:
    return CompiledTraffic(replace(TRAFFIC, weights=weights or TRAFFIC.weights, rules=rules, **more))


def at(parts: int) -> CompiledTraffic:
    return compiled((STABLE, WHOLE - parts), (NEW, parts))


def never() -> float:
    raise AssertionError


def key_of(number: int) -> bytes:
    return f"customer-{number}".encode()


# ---------------------------------------------------------------------- sticky keys


def test_the_first_draw_is_the_formula_of_the_document():
    traffic = compiled((STABLE, 0), (NEW, WHOLE), salt="s1", experiment="checkout")
    drawn = int.from_bytes(blake2b(b"checkout|s1|customer-42", digest_size=8).digest(), "big")
    assert traffic.by_key(b"customer-42") == (NEW, int(drawn / 2**64 * WHOLE))


ROW = re.compile(r"^\| (?:`(\S+)`)? ?\| `(\S+)` \| `(\S+)` \| (\d+) \| (\d+) \|$", re.MULTILINE)
VECTORS = ROW.findall((Path(__file__).parents[2] / "docs/decisions/0017-keys-stay-where-they-are.md").read_text())


@pytest.mark.parametrize(("experiment", "salt", "key", "first", "later"), VECTORS)
def test_the_vectors_of_decision_0017(experiment: str, salt: str, key: str, first: str, later: str):
    at_first = compiled((STABLE, 0), (NEW, WHOLE), experiment=experiment, salt=salt)
    at_last = compiled((NEXT, 0), (STABLE, 0), (NEW, WHOLE), experiment=experiment, salt=salt)
    buckets = [traffic.by_key(key.encode())[1] for traffic in (at_first, at_last)]
    assert buckets == [int(first), int(later)]


def test_decision_0017_has_vectors():
    assert len(VECTORS) == 3


def test_shares_of_200_000_keys_are_exact_and_no_key_leaves_as_the_weight_rises():
    count = 200_000
    half = at(5_000)
    buckets = [half.by_key(key_of(number))[1] for number in range(count)]
    before: set[int] = set()
    for share in (1, 5, 10, 25, 50, 100):
        parts = share * 100
        cohort = {number for number, bucket in enumerate(buckets) if bucket < parts}
        assert abs(100 * len(cohort) / count - share) <= 0.2
        assert before <= cohort
        before = cohort
        traffic = at(parts)  # and that is what it does: of a sample each one
        assert all((traffic.by_key(key_of(number))[0] == NEW) == (number in cohort) for number in range(0, count, 97))


def test_cohorts_of_two_experiments_are_independent():
    one, other = (compiled((STABLE, 9_000), (NEW, 1_000), experiment=name) for name in ("one", "other"))
    first, second = ({key for key in range(20_000) if each.by_key(key_of(key))[0] == NEW} for each in (one, other))
    assert len(first & second) / len(first) == pytest.approx(0.10, abs=0.02)


def test_shares_of_four_versions_are_exact():
    weights = (("a", 1_000), (STABLE, 4_000), ("b", 2_000), ("c", 3_000))
    traffic = CompiledTraffic(replace(TRAFFIC, weights=weights))
    count = 40_000
    got = [traffic.by_key(key_of(number))[0] for number in range(count)]
    for version, parts in weights:
        assert got.count(version) / count == pytest.approx(parts / WHOLE, abs=0.008)


@st.composite
def weights_of_four(draw: st.DrawFn) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=3, max_size=3)))
    return [high - low for low, high in pairwise([0, *cuts, WHOLE])]


NAMES = (STABLE, "a", "b", "c")


def versions_of_keys(parts: list[int], order: list[int]) -> list[str]:
    """Where 60 keys are, with those weights of `NAMES`, in that order."""
    traffic = CompiledTraffic(replace(TRAFFIC, weights=tuple((NAMES[at], parts[at]) for at in order)))
    return [traffic.by_key(key_of(number))[0] for number in range(60)]


@given(weights_of_four(), st.integers(1, 3), st.integers(0, WHOLE), st.permutations(range(4)))
def test_no_key_leaves_a_version_whose_weight_alone_rises(parts: list[int], who: int, by: int, order: list[int]):
    rise = min(by, parts[0])  # the stable one gives
    after = [parts[0] - rise, *parts[1:]]
    after[who] += rise
    moves = zip(versions_of_keys(parts, order), versions_of_keys(after, order), strict=True)
    assert not [(old, new) for old, new in moves if old == NAMES[who] != new]


@given(weights_of_four(), st.integers(1, 3), st.integers(0, WHOLE), st.permutations(range(4)))
def test_no_key_comes_to_a_version_whose_weight_alone_falls(parts: list[int], who: int, by: int, order: list[int]):
    fall = min(by, parts[who])  # the stable one takes
    after = [parts[0] + fall, *parts[1:]]
    after[who] -= fall
    moves = zip(versions_of_keys(parts, order), versions_of_keys(after, order), strict=True)
    assert not [(old, new) for old, new in moves if old != NAMES[who] == new]


@given(weights_of_four(), st.integers(0, WHOLE))
def test_the_first_of_them_keeps_its_keys_whatever_becomes_of_the_others(parts: list[int], by: int):
    change = min(by, parts[0])
    after = [parts[0] - change, parts[1], parts[2] + change, parts[3]]
    order = [1, 0, 2, 3]
    moves = zip(versions_of_keys(parts, order), versions_of_keys(after, order), strict=True)
    assert all((old == "a") == (new == "a") for old, new in moves)


def test_a_version_without_weight_changes_nothing_for_those_after_it():
    with_it = CompiledTraffic(replace(TRAFFIC, weights=((STABLE, 8_000), ("a", 1_000), ("b", 0), ("c", 1_000))))
    without = CompiledTraffic(replace(TRAFFIC, weights=((STABLE, 8_000), ("a", 1_000), ("c", 1_000))))
    assert all(with_it.by_key(key_of(number)) == without.by_key(key_of(number)) for number in range(2_000))


@given(weights_of_four(), st.binary(max_size=40))
def test_a_version_without_weight_gets_no_key(parts: list[int], key: bytes):
    traffic = CompiledTraffic(replace(TRAFFIC, weights=tuple(zip(NAMES, parts, strict=True))))
    version, bucket = traffic.by_key(key)
    assert parts[NAMES.index(version)]
    assert -1 <= bucket < WHOLE


# ---------------------------------------------------------------------- without a key


def test_without_a_key_dice_follow_the_weights():
    traffic = compiled((NEW, 1_000), (STABLE, 7_000), (NEXT, 2_000))
    dice = Random(7).random
    got = [assign(traffic, ALL, dice=dice) for _ in range(50_000)]
    assert {one.how for one in got} == {How.RANDOM}
    assert {one.bucket for one in got} == {-1}
    for version, share in ((NEW, 0.1), (STABLE, 0.7), (NEXT, 0.2)):
        assert sum(one.version == version for one in got) / len(got) == pytest.approx(share, abs=0.008)


@pytest.mark.parametrize(("dice", "version"), [(0.0, NEW), (0.09999, NEW), (0.1, STABLE), (0.9999999, STABLE)])
def test_dice_at_the_edges(dice: float, version: str):
    assert assign(compiled(), ALL, dice=lambda: dice).version == version


# ---------------------------------------------------------------------- rules


RULES = {
    "its caller": (MatchRule(NEW, callers=("/api/shop",)), {"caller": "/api/shop"}, {"caller": "/api/shops"}),
    "a glob": (MatchRule(NEW, callers=("/orchestration/*",)), {"caller": "/orchestration/x"}, {"caller": "/api/x"}),
    "the operator": (MatchRule(NEW, callers=("operator",)), {"caller": "operator"}, {"caller": "/api/x"}),
    "a header": (MatchRule(NEW, headers={"x": "1"}), {"headers": {"x": "1", "y": "2"}}, {"headers": {"x": "2"}}),
    "all headers": (
        MatchRule(NEW, headers={"x": "1", "y": ""}),
        {"headers": {"x": "1", "y": ""}},
        {"headers": {"x": "1"}},
    ),
    "a key": (MatchRule(NEW, keys=("42", "43")), {"key": b"43"}, {"key": b"4"}),
    "caller and key": (
        MatchRule(NEW, callers=("/api/*",), keys=("42",)),
        {"caller": "/api/x", "key": b"42"},
        {"caller": "/service/x", "key": b"42"},
    ),
}


@pytest.mark.parametrize(("rule", "hit", "miss"), RULES.values(), ids=RULES.keys())
def test_a_rule(rule: MatchRule, hit: dict[str, object], miss: dict[str, object]):
    traffic = compiled((STABLE, WHOLE), (NEW, 0), rules=(rule,))
    for _ in range(2):  # what is remembered of a caller holds
        assert assign(traffic, ALL, dice=never, **hit) == Assigned(NEW, How.RULE, 0)  # pyright: ignore[reportArgumentType]
        missed = assign(traffic, ALL, dice=lambda: 0.5, **miss)  # pyright: ignore[reportArgumentType]
        assert (missed.version, missed.rule) == (STABLE, -1)


def test_the_first_rule_that_matches_decides_and_beats_all_else():
    rules = (MatchRule(NEXT, keys=("7",)), MatchRule(NEW, callers=("*",)), MatchRule(STABLE, callers=("*",)))
    traffic = compiled((STABLE, WHOLE), rules=rules)
    got = assign(traffic, ALL, caller="/api/x", key=b"42", carried=STABLE, dice=never)
    assert got == Assigned(NEW, How.RULE, 1)


def test_headers_are_read_only_where_a_rule_asks_for_them():
    assert not compiled(rules=(MatchRule(NEW, keys=("1",)),)).reads_headers
    assert compiled(rules=(MatchRule(NEW, headers={"x": "1"}),)).reads_headers


def test_callers_that_are_remembered_are_bounded():
    traffic = compiled(rules=(MatchRule(NEW, callers=("/api/*",)),))
    for number in range(10_000):
        assert traffic.by_rule(f"/api/x{number}", {}, b"") == 0
    assert len(traffic._rules[0]._answers) <= 4_096


# ---------------------------------------------------------------------- what travelled, and what is not there


@pytest.mark.parametrize(
    ("weights", "carried", "present", "how"),
    [
        (((STABLE, 9_000), (NEW, 1_000)), NEW, ALL, How.CARRIED),
        (((STABLE, 9_000), (NEW, 1_000)), STABLE, ALL, How.CARRIED),
        (((STABLE, 0), (NEW, 10_000)), STABLE, ALL, How.CARRIED),  # stable holds without weight
        (((STABLE, 10_000), (NEW, 0)), NEW, ALL, How.WHOLE),  # an abort beats it
        (((STABLE, 9_000), (NEW, 0), (NEXT, 1_000)), NEW, ALL, How.STICKY),  # also while another is tried
        (((STABLE, 10_000),), NEW, ALL, How.WHOLE),  # not named
        (((STABLE, 9_000), (NEW, 1_000)), NEW, {STABLE}, How.STICKY),  # not there
        (((STABLE, 9_000), (NEW, 1_000)), "", ALL, How.STICKY),
    ],
)
def test_what_travelled_holds_while_it_may(
    weights: tuple[tuple[str, int], ...], carried: str, present: set[str], how: How
):
    got = assign(compiled(*weights), present, key=b"customer-42", carried=carried, dice=never)
    assert got.how is how
    assert (got.version == carried) == (how is How.CARRIED)


def test_a_chosen_version_without_instances_is_the_stable_one_s_and_marked():
    got = assign(compiled((STABLE, 0), (NEW, WHOLE)), {STABLE, NEXT}, key=b"1", dice=never)
    assert (got.version, got.how, got.broken) == (STABLE, How.FALLBACK, True)
    assert got.bucket >= 0
    by_rule = assign(compiled(rules=(MatchRule(NEXT, keys=("1",)),)), {STABLE, NEW}, key=b"1", dice=never)
    assert by_rule == Assigned(STABLE, How.FALLBACK, 0, broken=True)


def test_stable_itself_without_instances_is_no_fallback_and_nobody_else_is_asked():
    got = assign(compiled((STABLE, WHOLE)), {NEW}, dice=lambda: 0.0)
    assert got == Assigned(STABLE, How.RANDOM, broken=True)


def test_where_the_stable_version_has_all_weight_nothing_is_looked_at():
    whole = compiled((STABLE, WHOLE), (NEW, 0))
    assert whole.settled == Assigned(STABLE, How.WHOLE)
    assert assign(whole, ALL, key=b"1", carried=NEW, dice=never) is whole.settled
    assert assign(whole, {NEW}, key=b"1", dice=never) == Assigned(STABLE, How.STICKY, broken=True)
    assert compiled((STABLE, WHOLE), rules=(MatchRule(NEW, keys=("1",)),)).settled is None
    assert compiled((STABLE, 0), (NEW, WHOLE)).settled is None, "the stable one may be carried"


# ---------------------------------------------------------------------- without a document


PRESENT = {"0.9.0": 12, "1.0.0": 7, "2.0.0": 15}


def test_who_serves_when_nobody_has_decided():
    assert undecided(PRESENT, NewVersions.HOLD) == Assigned("1.0.0", How.HOLD)
    assert undecided(PRESENT, NewVersions.SHARE) == Assigned("", How.SHARE)
    assert undecided({}, NewVersions.HOLD) == Assigned("", How.HOLD)
