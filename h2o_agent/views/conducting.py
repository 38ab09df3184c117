"""`/conductor`, and what `/health` says of control: who conducts, and what the conductor leaves to people. Pure.

None of it counts for this host's verdict: the conductor's host is not worse for what it says of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.views.finding import Finding, Verdict
from h2o_agent.views.head import SCHEMA, Json, moment

if TYPE_CHECKING:
    from h2o_agent.conductor.conducting import Conducting
    from h2o_agent.conductor.duties import Remark
    from h2o_agent.snapshot import Snapshot

_SEVERITY: Final = {"review": "NOTE"}
"""What somebody wanted to be reminded of; the rest is for somebody to mend."""


def leader_of(snapshot: Snapshot) -> str | None:
    """The host whose agent conducts; None: nobody's, as far as it is known here."""
    found = snapshot.conducting
    if found is not None and found.leading:  # before it is announced, too
        return snapshot.host
    return None if found is None or found.leader is None else found.leader.host


def document(snapshot: Snapshot) -> Json:
    """`/conductor`."""
    found = snapshot.conducting
    answer: Json = {
        "schema": SCHEMA,
        "fleet": snapshot.fleet,
        "host": snapshot.host,
        "as_of": moment(snapshot.now_s),
        "leading": found is not None and found.leading,
        "standing": "" if found is None else found.standing,
        "drained": found is not None and found.drained,
        "leader": None,
        "since": None,
        "term": None,
        "next_due": None,
        "problem": "",
        "duties": [],
    }
    if found is None:
        return answer
    if found.leader is not None:
        answer |= {"leader": found.leader.host, "since": moment(found.leader.since_s), "term": found.leader.term}
    if found.leading:
        answer |= {"leader": snapshot.host, "term": found.term}
        answer |= {"next_due": _moment(found.next_s), "problem": found.problem, "duties": _duties(found)}
    return answer


def _duties(found: Conducting) -> list[Json]:
    stays = {(remark.duty, remark.subject): remark.sentence for remark in found.remarks}
    return [
        {
            "duty": due.duty,
            "subject": due.subject,
            "due": _moment(due.at_s),
            "past": found.next_s is None or due.at_s < found.next_s,
            "reason": due.reason,
            "stays": stays.get((due.duty, due.subject), ""),
        }
        for due in found.dues
    ]


def _moment(at_s: float | None) -> str | None:
    """None also for a time that no calendar has."""
    try:
        return None if at_s is None else moment(at_s)
    except (ValueError, OverflowError):
        return None


def control_findings(snapshot: Snapshot) -> list[Finding]:
    """Who conducts; from the conductor what it remarks as well."""
    found = snapshot.conducting
    if found is None:
        return []
    leader = leader_of(snapshot)
    nobody = "" if leader or snapshot.register_problem else "nobody conducts: no avoid and no drain ends by itself"
    findings = [_finding(snapshot, "conductor", leader or "nobody", found.problem or nobody, "NOTE")]
    return findings + [_remarked(snapshot, remark) for remark in found.remarks]


def _remarked(snapshot: Snapshot, remark: Remark) -> Finding:
    return _finding(snapshot, remark.duty, remark.subject, remark.sentence, _SEVERITY.get(remark.duty, "TICKET"))


def _finding(snapshot: Snapshot, measured: str, component: str, wrong: str, severity: str) -> Finding:
    return Finding(
        check=f"control:{measured}",
        component=component,
        kind="component",
        verdict=Verdict.WARN if wrong else Verdict.PASS,
        observed=None,
        unit="",
        time_s=snapshot.now_s,
        output=wrong,
        counts_as=Verdict.PASS,
        severity=severity,
    )
