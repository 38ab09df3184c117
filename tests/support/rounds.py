"""Fault rounds as tests: a file for each subject, so that they share the machine's cores; the rest in one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from bench.faults.registry import ROUNDS
from bench.faults.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

    from bench.faults.round import Round

SUBJECTS: Final = ("instance", "broker", "agent", "conductor", "peer", "http", "logs", "zookeeper")
"""First words of rounds that have a file of their own."""


def rounds_of(subject: str) -> list[ParameterSet]:
    """Parameters for the rounds of *subject*; of "" those that are nobody's."""
    return [
        pytest.param(one, marks=[pytest.mark.long, pytest.mark.timeout(300)] if one.long else [], id=one.name)
        for one in ROUNDS
        if one.name.partition("_")[0] == subject or (not subject and one.name.partition("_")[0] not in SUBJECTS)
    ]


def play(fault: Round, directory: Path) -> None:
    """Play it; fails with every sentence of its verdict."""
    with Stage(directory, print, minutes=2) as stage:
        result = fault.run(stage)
    verdict = fault.verdict(result)
    assert not verdict, "\n".join(verdict)
