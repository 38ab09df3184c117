"""`/health`: the host's verdict in the form of application/health+json, one check a component. Pure.

A package fails when none of its instances here can serve; while one can, the others' trouble is a warning.
The register never fails a host: brokers serve from memory.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from h2o_agent.snapshot import STALE_S
from h2o_agent.views.conducting import control_findings
from h2o_agent.views.finding import Finding, Verdict
from h2o_agent.views.head import Json, seconds
from h2o_agent.views.instances import child_state, child_why, packages_here, queue_shares
from h2o_agent.views.lately import promises, tier_breaches, without_slots
from h2o_agent.views.machine import crash_loop, disk
from h2o_agent.views.register import register_findings
from h2o_agent.views.starvation import starved
from h2o_core.figures import many
from h2o_core.names import shown
from h2o_core.pb.registration_pb2 import Check

if TYPE_CHECKING:
    from h2o_agent.snapshot import ChildStatus, Snapshot, Told
    from h2o_core.pb.stats_pb2 import BrokerReport, InstanceReport

STARTING_PATIENCE_S: Final = 30.0
"""A child that has not registered after this long is in trouble."""
HEARTBEAT_LATE_MS: Final = 5000.0


@dataclass(frozen=True, slots=True)
class Health:
    """The whole answer; `verdict` decides the status code."""

    verdict: Verdict
    document: Json


def health(snapshot: Snapshot, version: str) -> Health:
    """The host: broker, register, and every package that runs here or is meant to."""
    verdict, output, found = _host(snapshot)
    described = f"host {snapshot.host} of fleet {snapshot.fleet}"
    return _health(verdict, snapshot.host, described, version, output, found)


def findings(snapshot: Snapshot) -> list[Finding]:
    """All checks of the host, as `health` has them."""
    return _host(snapshot)[2]


def _host(snapshot: Snapshot) -> tuple[Verdict, str, list[Finding]]:
    findings = [_broker(snapshot), *register_findings(snapshot), *_links(snapshot), *disk(snapshot)]
    findings.extend(control_findings(snapshot))
    if snapshot.broker is not None:
        findings.append(_bystander(crash_loop(snapshot.broker, snapshot.now_s)))
    if not snapshot.broker_problem():
        findings.extend(_refused_elsewhere(snapshot))
        findings.extend(tier_breaches(snapshot))
    verdict = max(finding.weight for finding in findings)
    outputs = [finding.output for finding in findings if finding.weight is Verdict.FAIL]
    if snapshot.broker_problem():
        findings.extend(crash_loop(child, snapshot.now_s) for child in snapshot.children)
    else:
        for package in sorted(packages_here(snapshot, snapshot.told)):
            own_verdict, own_output, own = _package(snapshot, package)
            verdict = max(verdict, own_verdict)
            findings.extend(own)
            outputs.extend([own_output] if own_output else [])
    return verdict, "; ".join(outputs), findings


def package_health(snapshot: Snapshot, package: str, version: str) -> Health | None:
    """One package on this host; None when it neither runs here nor is meant to."""
    if package not in packages_here(snapshot, snapshot.told):
        return None
    described = f"{package} on host {snapshot.host}"
    service_id = f"{snapshot.host}/{package}"
    if snapshot.broker_problem():
        broker = _broker(snapshot)
        return _health(Verdict.FAIL, service_id, described, version, broker.output, [broker])
    verdict, output, findings = _package(snapshot, package)
    return _health(verdict, service_id, described, version, output, findings)


def _health(
    verdict: Verdict, service_id: str, described: str, version: str, output: str, findings: list[Finding]
) -> Health:
    checks: defaultdict[str, list[Any]] = defaultdict(list)
    for finding in findings:
        checks[finding.check].append(finding.entry())
    document: Json = {
        "status": verdict.word,
        "version": version.partition(".")[0],
        "releaseId": version,
        "serviceId": service_id,
        "description": described,
        "checks": checks,
    }
    if output:
        document["output"] = output
    return Health(verdict, document)


def _bystander(finding: Finding) -> Finding:
    """What is said of the broker beside `broker:answering`, which alone decides."""
    return replace(finding, counts_as=min(finding.verdict, Verdict.WARN))


def _refused_elsewhere(snapshot: Snapshot) -> list[Finding]:
    """Callers of this host that got no slot of packages that don't run here."""
    assert snapshot.told is not None
    here = {f"{package}:capacity" for package in packages_here(snapshot, snapshot.told)}
    return [finding for finding in without_slots(snapshot, snapshot.told) if finding.check not in here]


def _broker(snapshot: Snapshot) -> Finding:
    told = snapshot.told
    age_s = None if told is None else seconds(told.age_s)
    problem = snapshot.broker_problem()
    verdict = Verdict.FAIL if problem else Verdict.PASS
    if not problem and told is not None and told.age_s >= STALE_S:
        verdict, problem = Verdict.WARN, f"the broker has not answered for {told.age_s:.0f} s; what it said is old"
    component = str(snapshot.broker.pid) if snapshot.broker is not None and snapshot.broker.pid else "broker"
    return Finding("broker:answering", component, "component", verdict, age_s, "s", snapshot.now_s, problem)


def _links(snapshot: Snapshot) -> list[Finding]:
    """The links to other hosts that can't come up by themselves. A host that is merely gone is its own trouble."""
    if snapshot.told is None or snapshot.broker_problem():
        return []
    report = snapshot.told.report
    strangers = [("links:strangers", "broker", report.strangers)] if report.strangers else []
    refused = [("links:refused", peer.host, peer.why) for peer in report.peers if peer.state == "refused"]
    return [
        Finding(check, component, "component", Verdict.WARN, None, "", report.now_s, output)
        for check, component, output in strangers + refused
    ]


def _package(snapshot: Snapshot, package: str) -> tuple[Verdict, str, list[Finding]]:
    """Its verdict, the sentence when it fails, and what was found."""
    assert snapshot.told is not None
    findings: list[Finding] = []
    serving = 0
    shares = queue_shares(snapshot.told.report)
    registered: set[str] = set()
    for report in snapshot.told.report.instances:
        registered.add(report.launch)
        if shown(report.package) == package:
            own = _instance(package, report, shares[report.instance], snapshot.told)
            serving += report.state == "ready" and all(finding.weight is not Verdict.FAIL for finding in own)
            findings.extend(own)
    own_children = [child for child in snapshot.children if child.package == package]
    findings.extend(
        _child(package, child, snapshot) for child in own_children if not child.token or child.token not in registered
    )
    findings.extend(crash_loop(child, snapshot.now_s) for child in own_children)
    findings.extend(_panics(package, snapshot.told.report))
    findings.extend(promises(snapshot, snapshot.told, package))
    findings.extend(starved(snapshot.told, package))
    findings.extend(one for one in without_slots(snapshot, snapshot.told) if one.check == f"{package}:capacity")
    findings.extend(
        Finding(f"{package}:limits", child.key, "component", Verdict.WARN, None, "", snapshot.now_s, sentence)
        for child in own_children
        for sentence in child.unkept
    )
    if not serving:
        return Verdict.FAIL, f"no instance of {package} on this host can serve", findings
    return min(Verdict.WARN, max(finding.weight for finding in findings)), "", findings


def _instance(package: str, report: InstanceReport, queued: int, told: Told) -> list[Finding]:
    now_s = told.report.now_s
    findings = [_answering(package, report, now_s), _capacity(package, report, queued, now_s)]
    if report.verdict in {"ejected", "probing"}:
        findings.append(_ejected(package, report, now_s))
    findings.extend(_declared(package, report.instance, check) for check in report.heartbeat.checks)
    return findings


def _ejected(package: str, report: InstanceReport, now_s: float) -> Finding:
    """Its broker keeps requests from it; the author's own failing checks speak for themselves."""
    verdict = Verdict.FAIL if report.verdict == "ejected" else Verdict.WARN
    left_s = report.verdict_until_s - now_s if report.verdict_until_s else 0.0
    output = f"{report.verdict_why}; tried again in {left_s:.0f} s" if left_s > 0 else report.verdict_why
    return Finding(f"{package}:ejected", report.instance, "component", verdict, None, "", now_s, output)


def _panics(package: str, report: BrokerReport) -> list[Finding]:
    """Versions of it of which so few are healthy, on all hosts, that this host's callers choose in spite of it."""
    return [
        Finding(
            f"{package}:panic",
            pool.version,
            "component",
            Verdict.WARN,
            pool.healthy,
            "instances",
            report.now_s,
            f"healthy instances of {pool.version}: {pool.healthy} of {pool.total}; health is ignored",
        )
        for pool in report.pools
        if pool.panic and shown(pool.package) == package
    ]


def _answering(package: str, report: InstanceReport, now_s: float) -> Finding:
    verdict, output = Verdict.PASS, ""
    late_ms = report.heartbeat_age_ms if report.heartbeat_age_ms >= 0 else (now_s - report.started_s) * 1000
    if report.state == "suspect":
        verdict, output = Verdict.FAIL, f"it has not answered for {report.pong_age_ms / 1000:.1f} s"
    elif report.state != "ready":
        verdict, output = Verdict.WARN, f"it is {report.state}"
    elif late_ms > HEARTBEAT_LATE_MS:
        verdict, output = Verdict.WARN, f"its last heartbeat is {late_ms / 1000:.0f} s old"
    return Finding(
        f"{package}:answering",
        report.instance,
        "component",
        verdict,
        round(report.pong_age_ms, 1),
        "ms",
        now_s,
        output,
    )


def _capacity(package: str, report: InstanceReport, queued: int, now_s: float) -> Finding:
    output = ""
    if queued:
        wait = many(queued, "request waits", "requests wait")
        output = f"{report.in_flight} of {many(report.slots, 'slot')} taken, {wait}"
    elif report.slots and report.in_flight >= report.slots:
        output = f"all {many(report.slots, 'slot is', 'slots are')} taken"
    return Finding(
        f"{package}:capacity",
        report.instance,
        "component",
        Verdict.WARN if output else Verdict.PASS,
        report.in_flight,
        "requests",
        now_s,
        output,
    )


def _declared(package: str, instance_id: str, check: Check) -> Finding:
    """A check of the author's own. PAGE counts in full, TICKET is a warning at the most, NOTE is only shown."""
    verdict = Verdict(min(check.status, Verdict.FAIL))
    severity = Check.Severity.Name(check.severity) if check.severity in Check.Severity.values() else "NOTE"
    limit = {"PAGE": Verdict.FAIL, "TICKET": Verdict.WARN}.get(severity, Verdict.PASS)
    return Finding(
        check=f"{package}:{check.name.replace(':', ' ')}",
        component=instance_id,
        kind="component",
        verdict=verdict,
        observed=check.observed if check.unit or check.observed else None,  # the wire has no "none was read"
        unit=check.unit,
        time_s=check.time_s,
        output=check.output if verdict is not Verdict.PASS else "",
        counts_as=min(verdict, limit),
        severity=severity,
    )


def _child(package: str, child: ChildStatus, snapshot: Snapshot) -> Finding:
    """A process that should be an instance, and is not registered."""
    state = child_state(child)
    late = state == "starting" and child.age_s > STARTING_PATIENCE_S
    return Finding(
        check=f"{package}:answering",
        component=child.key,
        kind="component",
        verdict=Verdict.FAIL if state == "backoff" or late else Verdict.WARN,
        observed=None,
        unit="ms",
        time_s=snapshot.now_s,
        output=child_why(child),
    )
