"""What `/health` says of the register: never worse than a warning, since brokers serve from memory. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.views.finding import Finding, Verdict
from h2o_agent.views.head import seconds

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot, Told


def register_findings(snapshot: Snapshot) -> list[Finding]:
    """The agent's own node, the broker's session, and what that broker's alarms say."""
    own = snapshot.register_problem
    findings = [
        Finding(
            check="register:agent",
            component=snapshot.host,
            kind="datastore",
            verdict=Verdict.WARN if own else Verdict.PASS,
            observed=None,
            unit="",
            time_s=snapshot.now_s,
            output=f"the agent is not in the register: {own}" if own else "",
        )
    ]
    if snapshot.told is not None and not snapshot.broker_problem():
        findings.extend(_told_register(snapshot.told))
    return findings


def _told_register(told: Told) -> list[Finding]:
    """The broker's session, how old what it serves may be, and what is wrong with the register."""
    register, now_s = told.report.register, told.report.now_s
    connected = register.state == "connected"
    source = "the last-known file" if register.from_file else "memory"
    said = register.error or f"ZooKeeper is {register.state}; the broker serves from {source}"
    age_s = register.picture_age_s
    old = f"what it knows of other hosts may be {age_s:.0f} s old" if age_s > 0 else ""
    if age_s < 0:
        old = "it has never read the register, and had no last-known file"
    return [
        _datastore("register:silent", "broker", seconds(register.silent_s), now_s, "" if connected else said),
        _datastore("register:age", "broker", seconds(age_s) if age_s >= 0 else None, now_s, old),
        *(
            _datastore(f"register:{alarm.kind}", alarm.path, None, alarm.since_s, alarm.sentence)
            for alarm in register.alarms
        ),
        *_left_out(register.alarms_left_out, now_s),
    ]


def _left_out(count: int, now_s: float) -> list[Finding]:
    return [_datastore("register:more", "broker", None, now_s, f"and {count} more alarms")] if count else []


def _datastore(check: str, component: str, observed: float | None, time_s: float, wrong: str) -> Finding:
    """Never worse than a warning: brokers serve from memory."""
    verdict = Verdict.WARN if wrong else Verdict.PASS
    return Finding(check, component, "datastore", verdict, observed, "" if observed is None else "s", time_s, wrong)
