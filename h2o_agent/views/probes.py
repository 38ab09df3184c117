"""`/livez`, `/readyz`, `/healthz`: named checks, one line each, in the manner of Kubernetes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from h2o_agent.snapshot import Snapshot

SUPERVISOR_LATE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One check; `problem` is empty when it holds."""

    name: str
    problem: str


def live(snapshot: Snapshot) -> list[Probe]:
    """Is this process of any use? Nothing outside it counts, ZooKeeper least of all."""
    late = snapshot.supervised_s > SUPERVISOR_LATE_S
    said = f"nobody has looked after the children for {snapshot.supervised_s:.0f} s"
    return [Probe("supervisor", said if late else "")]


def ready(snapshot: Snapshot) -> list[Probe]:
    """Can it answer for its host, and is it to be asked?"""
    return [
        Probe("broker", snapshot.broker_problem()),
        Probe("register", snapshot.register_problem),
        Probe("staying", "this host is leaving" if snapshot.leaving else ""),
    ]


def text(name: str, probes: Sequence[Probe], excluded: Collection[str], *, verbose: bool) -> tuple[bool, str]:
    """(does it pass, the body). The lines are shown when asked for, or when one of them fails."""
    holds = all(probe.name in excluded or not probe.problem for probe in probes)
    if holds and not verbose:
        return True, "ok\n"
    lines = [_line(probe, excluded) for probe in probes]
    lines.extend(f"[?]{each} excluded, but there is no such check" for each in sorted(_unknown(probes, excluded)))
    lines.append(f"{name} check {'passed' if holds else 'failed'}")
    return holds, "\n".join(lines) + "\n"


def _line(probe: Probe, excluded: Collection[str]) -> str:
    if probe.name in excluded:
        return f"[+]{probe.name} excluded: {_one_line(probe.problem) or 'ok'}"
    return f"[-]{probe.name} failed: {_one_line(probe.problem)}" if probe.problem else f"[+]{probe.name} ok"


def _unknown(probes: Sequence[Probe], excluded: Collection[str]) -> set[str]:
    return {_one_line(each)[:40] for each in excluded} - {probe.name for probe in probes}


def _one_line(said: str) -> str:
    """What others wrote stands on the line it was put on, and moves no cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in said)
