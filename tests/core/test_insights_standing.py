"""Findings from second to second: opened, ongoing, closed, acknowledged, muted; and a list that does not flicker."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings, strategies as st

from h2o_core.insights.counts import Counts
from h2o_core.insights.finding import Key, Kind, Subject
from h2o_core.insights.notes import Note, Says
from h2o_core.insights.picture import Picture, Served
from h2o_core.insights.standing import CLOSES_AFTER_S, Findings, News
from tests.support.insight_world import well

A, B = "/service/a", "/service/b"
FAILS_A = Key(Kind.FAILING, Subject(A))


def seen(at_s: float, failed_a: int, failed_b: int = 0) -> Picture:
    served = tuple(
        Served(package, "1.0", "host-1", Counts({"OK": 10_000 - failed, "INTERNAL": failed}))
        for package, failed in ((A, failed_a), (B, failed_b))
    )
    return Picture(at_s, (well("host-1"),), served=served)


def subjects(news: News) -> list[str]:
    return [one.cause.subject.package for one in news.groups]


def test_a_finding_opens_goes_on_and_closes_after_a_while() -> None:
    findings = Findings()
    assert findings.see(seen(0, 5)).opened == ()
    assert [one.key for one in findings.see(seen(1, 500)).opened] == [FAILS_A]
    again = findings.see(seen(2, 520))
    assert (again.opened, again.closed) == ((), ())
    assert findings.open[FAILS_A].since_s == 1
    assert findings.see(seen(3, 0)).groups, "one good second is no end"
    assert findings.see(seen(2 + CLOSES_AFTER_S - 0.1, 0)).closed == ()
    end = findings.see(seen(2 + CLOSES_AFTER_S, 0))
    assert [one.key for one in end.closed] == [FAILS_A]
    assert (end.groups, findings.open) == ((), {})


def test_what_is_open_stays_so_where_it_would_not_open() -> None:
    """Between 0.6 and 1.0 of the threshold."""
    weak = 60
    findings = Findings()
    assert findings.see(seen(0, weak)).groups == ()
    findings.see(seen(1, 500))
    for second in range(2, 60):
        assert subjects(findings.see(seen(second, weak))) == [A]


@settings(max_examples=50)
@given(st.lists(st.integers(50, 90), min_size=5, max_size=40))
def test_noise_around_the_threshold_does_not_flicker(failed: list[int]) -> None:
    findings = Findings()
    news = [findings.see(seen(second, count)) for second, count in enumerate(failed)]
    assert sum(len(one.opened) for one in news) <= 1
    assert sum(len(one.closed) for one in news) == 0


def test_the_order_follows_in_steps() -> None:
    findings = Findings()
    assert subjects(findings.see(seen(0, 1000, 950))) == [A, B]
    assert subjects(findings.see(seen(1, 1000, 1100))) == [A, B], "a tenth more is no reason to jump"
    assert subjects(findings.see(seen(2, 1000, 1300))) == [B, A]


def note(says: Says, at_s: float, until_s: float) -> Note:
    return Note(*FAILS_A, says, "eva", at_s, until_s, "INC-7")


def test_somebody_looks_after_it_until_it_closes() -> None:
    findings = Findings()
    findings.see(seen(0, 500))
    after = note(Says.ACKNOWLEDGED, 0.5, 100)
    findings.noted([after])
    assert findings.see(seen(1, 500)).groups
    assert findings.open[FAILS_A].acknowledged == after
    findings.see(seen(20, 0))
    assert findings.see(seen(21, 500)).opened
    assert findings.open[FAILS_A].acknowledged is None, "that was another one"
    again = replace(after, at_s=22.0)
    findings.noted([again])
    findings.see(seen(23, 500))
    assert findings.open[FAILS_A].acknowledged == again
    findings.see(seen(100, 500))
    assert findings.open[FAILS_A].acknowledged is None, "it has ended"


def test_whoever_begins_to_look_later_believes_the_note() -> None:
    findings = Findings()
    findings.noted([note(Says.ACKNOWLEDGED, 0.5, 100)])
    findings.see(seen(50, 500))
    assert findings.open[FAILS_A].acknowledged is not None
    findings.noted([])
    findings.see(seen(51, 500))
    assert findings.open[FAILS_A].acknowledged is None


def test_what_is_muted_is_apart_until_then_also_when_it_opens_again() -> None:
    findings = Findings()
    findings.see(seen(0, 500))
    findings.noted([note(Says.MUTED, 0.5, 100.0)])
    muted = findings.see(seen(1, 500, 500))
    assert subjects(muted) == [B]
    assert [one.cause.key for one in muted.muted] == [FAILS_A]
    assert findings.mutes[FAILS_A].owner == "eva"
    findings.see(seen(50, 0))
    assert findings.see(seen(60, 500)).groups == ()
    assert subjects(findings.see(seen(100, 500))) == [A]
    findings.noted([note(Says.MUTED, 100.0, 200.0)])
    assert findings.see(seen(101, 500)).groups == ()
    findings.noted([])
    assert subjects(findings.see(seen(102, 500))) == [A]
