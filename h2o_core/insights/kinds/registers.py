"""ZooKeeper as brokers see it: silent, alarmed, or read by some and not by others (who applies which epoch). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import many, span
from h2o_core.insights import actions
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject
from h2o_core.insights.sums import grouped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from h2o_core.insights.picture import Host
    from h2o_core.insights.sums import Sums

SILENT_S: Final = 3.0
"""A session is read again within a second or two; longer is silence."""
BEHIND_S: Final = 3.0
"""A change is applied by every broker in less than a second."""
_STAYS: Final = 0.6
NOT_REGISTERED: Final = frozenset({"kept", "withdrawn"})


def find(sums: Sums) -> Iterator[Finding]:
    """Of all brokers that speak."""
    speaking = [host for host in sums.picture.hosts if host.name not in sums.silent and not host.broker_problem]
    yield from _silent(speaking)
    yield from _alarms(sums)
    for host in speaking:
        yield from _epoch(host, sums)


def _silent(speaking: Sequence[Host]) -> Iterator[Finding]:
    away = [
        host
        for host in speaking
        if host.register_state not in {"", "connected"} and (host.register_silent_s or 0.0) >= SILENT_S * _STAYS
    ]
    if not away:
        return
    if len(away) * 2 > len(speaking):
        yield _away(Subject(), away, f"{many(len(away), 'broker')} of {len(speaking)}")
        return
    for host in away:
        yield _away(Subject(host=host.name), [host], f"the broker of {host.name}")


def _away(subject: Subject, away: Sequence[Host], who: str) -> Finding:
    longest_s = max(host.register_silent_s or 0.0 for host in away)
    state = max(away, key=lambda host: host.register_silent_s or 0.0).register_state
    verb = "hear" if len(away) > 1 else "hears"
    everybody = not subject.host
    consequence = "requests go on from memory, nothing can be changed" if everybody else "it routes from memory"
    return Finding(
        Kind.REGISTER,
        subject,
        Severity.PAGE if everybody else Severity.TICKET,
        f"{who} {verb} nothing from ZooKeeper ({state}) for {span(longest_s)}: {consequence}",
        (Evidence("silence", round(longest_s, 1), "s", SILENT_S), Evidence("brokers", len(away))),
        action=actions.look("h2o doctor", sentence="check the way to ZooKeeper"),
        strength=longest_s / SILENT_S,
    )


def _alarms(sums: Sums) -> Iterator[Finding]:
    """The same alarm of many brokers is one."""
    for (_, path), alarms in grouped(sums.picture.alarms, lambda one: (one.kind, one.path)).items():
        hosts = sorted({alarm.host for alarm in alarms})
        since_s = max(0.0, sums.picture.now_s - min(alarm.since_s for alarm in alarms))
        where = hosts[0] if len(hosts) == 1 else many(len(hosts), "broker")
        yield Finding(
            Kind.ALARM,
            Subject(path=path),
            Severity.TICKET,
            f"{path}: {alarms[0].sentence} (says {where})",
            (Evidence("since", round(since_s, 1), "s"), Evidence("brokers", len(hosts))),
            action=actions.look("h2o describe {}", hosts[0]),
        )


def _epoch(host: Host, sums: Sums) -> Iterator[Finding]:
    subject = Subject(host=host.name)
    at = "" if host.epoch is None else f" (it applies {host.epoch})"
    look = actions.look("h2o describe {}", host.name)
    behind_s = host.behind_s or 0.0
    if host.unapplied:
        documents = ", ".join(host.unapplied)
        sentence = f"{host.name} can't use {documents}: what was decided before is in force there"
        yield Finding(Kind.EPOCH, subject, Severity.TICKET, sentence, action=look)
    elif behind_s >= BEHIND_S * _STAYS:
        newest = "" if sums.picture.control is None else f" {sums.picture.control.epoch}"
        sentence = (
            f"{host.name} is behind the newest epoch{newest} for {span(behind_s)}{at}: it routes by older decisions"
        )
        evidence = (Evidence("behind", round(behind_s, 1), "s", BEHIND_S),)
        strength = behind_s / BEHIND_S
        yield Finding(Kind.EPOCH, subject, Severity.TICKET, sentence, evidence, action=look, strength=strength)
    elif host.register in NOT_REGISTERED:
        sentence = f"{host.name} is not in the register and its broker answers: nobody knows which epoch it applies"
        yield Finding(Kind.EPOCH, subject, Severity.TICKET, sentence, action=look)
