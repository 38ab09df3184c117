"""How the demo's callers fare: what is said of the last seconds, from their own count."""

from __future__ import annotations

from collections import Counter, deque

from examples.demo.callers import Lately, Sample, lately


def _sample(at_s: float, ok: int, internal: int, declared: int = 0) -> Sample:
    return Sample(at_s, Counter({"OK": ok, "INTERNAL": internal, "APPLICATION card_refused": declared}))


def test_nothing_is_said_before_there_is_a_whole_window() -> None:
    assert lately(deque()).ended == 0
    assert lately(deque([_sample(0.0, 10, 1), _sample(4.9, 20, 9)])).ended == 0
    assert not Lately(Counter()).well


def test_only_the_last_window_counts() -> None:
    samples = deque([_sample(0.0, 0, 0), _sample(1.0, 10, 90), _sample(3.0, 60, 90), _sample(6.0, 200, 90, 10)])
    assert lately(samples).ended == 200
    assert lately(samples).well
    samples.append(_sample(8.0, 275, 115, 10))
    assert (lately(samples).ended, lately(samples).failed) == (250, 25)
    assert not lately(samples).well


def test_a_failure_now_and_then_is_as_usual() -> None:
    assert Lately(Counter(OK=246, INTERNAL=4)).well
    assert not Lately(Counter(OK=245, INTERNAL=5)).well


def test_sentences() -> None:
    assert Lately(Counter()).sentence() == "callers: no request has ended in the last 5 s"
    assert Lately(Counter(OK=250)).sentence() == "callers: none of 250 requests in the last 5 s failed"
    failing = Lately(Counter(OK=225, INTERNAL=20, TIMEOUT=5))
    assert failing.sentence() == "callers: 10.0% of 250 requests in the last 5 s failed (20 INTERNAL, 5 TIMEOUT)"
