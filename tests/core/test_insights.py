"""What counts as a finding and what does not: small samples, causes, order, and what must hold for any fleet."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings, strategies as st

from h2o_core.histogram import Histogram
from h2o_core.insights.comparing import What, worse
from h2o_core.insights.counts import FAILURES, Counts, less, quantile, together
from h2o_core.insights.detecting import detect
from h2o_core.insights.finding import Kind, Severity, Subject
from h2o_core.insights.grouping import triage
from h2o_core.insights.picture import Call, Control, Host, Instance, Picture, Served
from h2o_core.insights.ranked import Ranked
from h2o_core.insights.sums import Sums
from h2o_core.plan.intents import Drain, RollBack
from tests.support.insight_healthy import HEALTHY
from tests.support.insight_situations import CUSTOMER, GEO, PLANTED
from tests.support.insight_world import NOW_S, picture, well

A, B = "/service/a", "/service/b"
Item = TypeVar("Item")


def times(count: int, ms: float, slow: int = 0, slow_ms: float = 0.0) -> Histogram:
    sketch = Histogram()
    for _ in range(count):
        sketch.record(round(ms * 1e6))
    for _ in range(slow):
        sketch.record(round(slow_ms * 1e6))
    return sketch


def counts(ok: int, failed: int = 0, code: str = "INTERNAL", ms: float = 10.0) -> Counts:
    outcomes = {name: count for name, count in (("OK", ok), (code, failed)) if count}
    return Counts(outcomes, times(ok + failed, ms))


# ---------------------------------------------------------------------- statistics


def test_a_quantile_is_bounded_by_the_ranks_around_it() -> None:
    sketch = Histogram()
    for ms in range(1, 1001):
        sketch.record(ms * 1_000_000)
    found = quantile(Ranked(sketch), 0.5, z=2.0)
    assert found is not None
    assert found.low_ns == pytest.approx(468e6, rel=0.03)
    assert found.high_ns == pytest.approx(532e6, rel=0.03)
    assert quantile(Ranked(Histogram()), 0.5) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_taking_away_gives_back_what_was_put_together(a: int, b: int, c: int, d: int) -> None:
    one, other = counts(a, b), counts(c, d, "TIMEOUT", ms=30.0)
    left = less(together((one, other)), [one])
    assert dict(left.outcomes) == dict(other.outcomes)
    assert left.times.lists() == other.times.lists()


@pytest.mark.parametrize(
    ("now", "reference", "what"),
    [
        (counts(18, 2), counts(1000, 1), None),  # two of twenty are an anecdote
        (counts(280, 20), counts(1000, 10), What.FAILURES),  # 300 requests, +5 points
        (counts(990, 10), counts(1000, 10), None),  # as ever
        (counts(15, 4), counts(1000), None),  # too few to compare
        (counts(200, 100, "APPLICATION"), counts(1000, 100, "APPLICATION"), What.APPLICATION),
        (counts(1000, 0, ms=24.0), counts(1000, 0, ms=10.0), What.DURATIONS),
        (counts(1000, 0, ms=13.0), counts(1000, 0, ms=10.0), None),  # a third longer
        (counts(1000, 0, ms=0.9), counts(1000, 0, ms=0.3), None),  # three times nothing
        (counts(100, 300, "BAD_REQUEST"), counts(1000), None),  # its callers' fault
    ],
)
def test_what_is_worse(now: Counts, reference: Counts, what: What | None) -> None:
    found = [one for one in worse(now, reference) if one.strength >= 1]
    assert (found[0].what if found else None) is what


# ---------------------------------------------------------------------- one finding


def test_a_finding_has_evidence_a_sentence_and_an_action_that_opens_as_a_plan() -> None:
    planted = {one.name: one for one in PLANTED}
    (first, *_) = triage(planted["a canary fails"].make(7))
    cause = first.cause
    assert cause.action is not None
    assert cause.action.intent == RollBack(CUSTOMER, "2.3.1")
    assert cause.evidence[0].against is not None
    assert cause.evidence[0].over_s == 60.0
    assert cause.evidence[0].requests
    assert "2.4.0 is worse" in cause.sentence
    assert first.changed is not None
    assert "epoch 41 by eva changed it 120 s ago" not in cause.sentence
    assert "by eva changed it" in first.sentence(NOW_S)
    (host, *_) = triage(planted["a host fails in all it does"].make(7))
    assert host.cause.action is not None
    assert isinstance(host.cause.action.intent, Drain)


def test_a_name_from_outside_is_quoted_in_a_command() -> None:
    seen = replace(picture(requests=0), hosts=(Host("h; rm -rf x", age_s=None, link="suspect"),))
    (found,) = triage(seen)
    assert found.cause.action is not None
    assert found.cause.action.command == "h2o drain 'h; rm -rf x'"


def test_a_symptom_offers_no_action_and_is_counted_at_its_cause() -> None:
    planted = {one.name: one for one in PLANTED}
    (found, *others) = triage(planted["a service is slow, its callers with it"].make(7))
    assert not others
    assert {one.subject.package for one in found.symptoms} >= {"/orchestration/booking", "/api/website"}
    assert all(one.action is None for one in found.symptoms)
    assert f"explains {len(found.symptoms)} findings" in found.sentence(NOW_S)


def test_unknown_is_not_zero() -> None:
    """Nobody knows its past, its control, its agent's age: nothing of that is a finding but the silence."""
    instances = (Instance("1" * 16, A, "1.0", "host-1"), Instance("2" * 16, A, "1.0", "host-2"))
    served = (Served(A, "1.0", "host-1", counts(500)),)
    seen = Picture(
        NOW_S, hosts=(well("host-1"), replace(well("host-2"), vitals=None)), instances=instances, served=served
    )
    assert triage(seen) == ()


def test_a_silent_hosts_old_counts_are_nobodys_evidence() -> None:
    served = (Served(A, "1.0", "host-1", counts(100, 100)),)
    seen = Picture(NOW_S, hosts=(replace(well("host-1"), age_s=60.0),), served=served)
    assert [one.cause.kind for one in triage(seen)] == [Kind.SILENT]


def test_who_calls_each_other_in_a_circle_still_has_a_cause() -> None:
    served = (Served(A, "1.0", "host-1", counts(100, 100)), Served(B, "1.0", "host-1", counts(100, 100)))
    calls = (
        Call(A, "1.0", f"{B}/x", "host-1", counts(100, 100)),
        Call(B, "1.0", f"{A}/x", "host-1", counts(100, 100)),
    )
    groups = triage(Picture(NOW_S, hosts=(well("host-1"),), served=served, calls=calls, control=Control(1)))
    assert [(one.cause.kind, len(one.symptoms)) for one in groups] == [(Kind.FAILING, 1)]


def test_pages_are_for_what_hurts_many() -> None:
    few = Picture(NOW_S, (well("host-1"),), served=(Served(A, "1.0", "host-1", counts(2000, 40)),))
    many = Picture(NOW_S, (well("host-1"),), served=(Served(A, "1.0", "host-1", counts(2000, 400)),))
    assert [one.severity for one in triage(few)] == [Severity.TICKET]
    assert [one.severity for one in triage(many)] == [Severity.PAGE]


# ---------------------------------------------------------------------- for any fleet


@cache
def planted_picture(at: int) -> Picture:
    return PLANTED[at].make(7)


def shuffled(seen: Picture, dice: Random) -> Picture:
    def mixed(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(dice.sample(items, len(items)))

    return replace(
        seen,
        hosts=mixed(seen.hosts),
        instances=mixed(seen.instances),
        children=mixed(seen.children),
        served=mixed(seen.served),
        measured=mixed(seen.measured),
        calls=mixed(seen.calls),
        waiting=mixed(seen.waiting),
        pools=mixed(seen.pools),
        alarms=mixed(seen.alarms),
    )


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(PLANTED) - 1), dice=st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_makes_no_difference(at: int, dice: Random) -> None:
    seen = planted_picture(at)
    assert triage(shuffled(seen, dice)) == triage(seen)


def joined(seen: Picture, dice: Random) -> Picture:
    """One more host, which does a part of what some other host did lately, and fails in nothing."""
    served = [one for one in seen.served if one.now.requests]
    some = dice.sample(served, min(len(served), 4))
    more = tuple(
        replace(one, host="host-9", now=Counts({"OK": one.now.requests}, times(one.now.requests, 0.5)), before=None)
        for one in {(each.package, each.version): each for each in some}.values()
    )
    return replace(seen, hosts=(*seen.hosts, well("host-9")), served=(*seen.served, *more))


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, len(PLANTED) - 1), dice=st.randoms(use_true_random=False))
def test_nothing_is_said_of_a_healthy_host_that_joins_a_sick_fleet(at: int, dice: Random) -> None:
    found = detect(Sums(joined(planted_picture(at), dice)))
    assert [one.sentence for one in found if one.subject.host == "host-9"] == []


@settings(max_examples=20, deadline=None)
@given(dice=st.randoms(use_true_random=False))
def test_a_healthy_fleet_stays_so_with_one_more_healthy_host(dice: Random) -> None:
    seen = HEALTHY["an ordinary minute"](7)
    assert triage(joined(seen, dice)) == ()


@settings(max_examples=200, deadline=None)
@given(failed=st.integers(0, 300), more=st.integers(0, 300), others=st.integers(0, 600))
def test_more_errors_never_rank_lower(failed: int, more: int, others: int) -> None:
    def place(count: int) -> float:
        served = (
            Served(A, "1.0", "host-1", counts(1000 - count, count)),
            Served(B, "1.0", "host-1", counts(1000 - others, others)),
        )
        groups = triage(Picture(NOW_S, (well("host-1"),), served=served))
        found = [at for at, one in enumerate(groups) if one.cause.subject == Subject(A)]
        return found[0] if found else 99

    assert place(failed + more) <= place(failed)


@given(failed=st.integers(0, 500), more=st.integers(0, 400))
def test_more_errors_are_never_weaker(failed: int, more: int) -> None:
    def strength(count: int) -> float:
        found = worse(counts(1000 - count, count), counts(1000))
        return max((one.strength for one in found), default=0.0)

    assert strength(failed + more) >= strength(failed) - 1e-9
    assert counts(1000 - failed, failed).of(FAILURES) == failed


def test_a_fault_of_a_version_at_one_bad_host_is_the_hosts() -> None:
    """2.0 runs only where everything fails: the host is to blame, as long as others show it."""
    served = (
        *(Served(A, "1.0", host, counts(300)) for host in ("host-2", "host-3")),
        Served(A, "2.0", "host-1", counts(200, 100)),
        *(Served(GEO, "1.0", host, counts(300)) for host in ("host-2", "host-3")),
        Served(GEO, "1.0", "host-1", counts(200, 100)),
    )
    hosts = tuple(map(well, ("host-1", "host-2", "host-3")))
    groups = triage(Picture(NOW_S, hosts, served=served))
    assert [(one.cause.kind, one.cause.subject.host) for one in groups] == [(Kind.HOST, "host-1")]


def test_a_host_that_fails_a_little_in_every_call_is_seen_in_all_of_them_together() -> None:
    """Eight failures of two hundred are nothing to tell, forty of a thousand are."""
    calls = tuple(
        Call(A, "1.0", f"/service/c{at}/get", host, counts(200 - failed, failed, "UNAVAILABLE"))
        for at in range(5)
        for host, failed in (("host-1", 8), ("host-2", 0), ("host-3", 0))
    )
    hosts = tuple(map(well, ("host-1", "host-2", "host-3")))
    found = [one for one in detect(Sums(Picture(NOW_S, hosts, calls=calls))) if one.kind is Kind.HOST]
    assert [(one.subject.host, one.strength >= 1) for one in found] == [("host-1", True)]
    assert "of all its calls 4.0 % UNAVAILABLE" in found[0].sentence
