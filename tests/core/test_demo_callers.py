"""How the demo's callers fare: what is said of the last seconds, from their own count."""

from __future__ import annotations

from collections import deque

from examples.demo.callers import Lately, Sample, lately


def test_nothing_is_said_before_there_is_a_whole_window() -> None:
    assert lately(deque()) == Lately(0, 0)
    assert lately(deque([Sample(0.0, 10, 1), Sample(4.9, 20, 9)])) == Lately(0, 0)
    assert not Lately(0, 0).well


def test_only_the_last_window_counts() -> None:
    samples = deque([Sample(0.0, 0, 0), Sample(1.0, 100, 90), Sample(3.0, 150, 90), Sample(6.0, 300, 90)])
    assert lately(samples) == Lately(200, 0)
    assert lately(samples).well
    samples.append(Sample(8.0, 400, 115))
    assert lately(samples) == Lately(250, 25)
    assert not lately(samples).well


def test_sentences() -> None:
    assert Lately(0, 0).sentence() == "callers: no request has ended in the last 5 s"
    assert Lately(250, 0).sentence() == "callers: none of 250 requests in the last 5 s failed"
    assert Lately(250, 25).sentence() == "callers: 10% of 250 requests in the last 5 s failed"
