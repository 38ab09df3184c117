"""Why a host or an instance is shown as it is: short sentences with their evidence, the worst first.

Pure. As `h2o_console.rows.reasons`, which judges packages; all texts from outside go through `safe` here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Glyph
from h2o_console.rows.figures import age, percent, size, skew, whole
from h2o_console.rows.reasons import BROKEN_SHARE, OURS, WARNING_SHARE, Kind, Reason, errors
from h2o_console.text import safe
from h2o_core.health import IN_SPITE

if TYPE_CHECKING:
    from h2o_console.store.views import CheckView, ChildView, HostView, InstanceView, VitalsView

CPU_PCT: Final = 90.0
STEAL_PCT: Final = 10.0
MEMORY_PCT: Final = 90.0
DISK_PCT: Final = 85.0
FULL_PCT: Final = 97.0
"""From here on memory or disk is no warning any more: the next allocation fails."""
SKEW_S: Final = 0.5
"""Deadlines travel as remaining time, but logs and findings are told apart by their times."""
_PASSING: Final = frozenset({"starting", "draining", "leaving", "stopping", "waiting"})
"""States of an instance that pass by themselves."""


def ranked(found: Iterable[Reason]) -> tuple[Reason, ...]:
    """The worst first."""
    return tuple(sorted(found, key=lambda reason: (-reason.glyph, -reason.hurt)))


def host_reasons(view: HostView) -> tuple[Reason, ...]:
    """All that is to say of a host; empty when all is well."""
    return ranked((*_reach(view), *_vitals(view.vitals), *_work(view)))


def _reach(view: HostView) -> Iterator[Reason]:
    if view.silent:
        since = "yet" if view.age_s is None else f"for {age(view.age_s)}"
        why = f": {safe(view.why, 120)}" if view.why else ""
        yield Reason(Kind.SILENT, Glyph.UNKNOWN, f"no stats {since}{why}")
    if view.broker_problem:
        yield Reason(Kind.LINK, Glyph.BROKEN, f"its broker does not answer: {safe(view.broker_problem, 120)}", 1)
    if view.link == "leaving":
        yield Reason(Kind.LEAVING, Glyph.NOTE, "it is leaving")
    elif view.link == "absent":
        yield Reason(Kind.LINK, Glyph.WARN, "no broker of it is registered: its agent alone is there")
    elif view.link in {"refused", "suspect", "connecting"}:
        glyph = Glyph.NOTE if view.link == "connecting" else Glyph.BROKEN
        why = "" if view.silent or not view.why else f": {safe(view.why, 120)}"
        yield Reason(Kind.LINK, glyph, f"link {view.link}, says the asked broker{why}")
    if view.links_down:
        yield Reason(Kind.LINK, Glyph.WARN, f"{view.links_down} of its {view.links} links to other hosts are not up")
    if view.register_state not in {"", "connected"}:
        silent = "" if view.register_silent_s is None else f" for {age(view.register_silent_s)}"
        said = safe(view.register_state, 20)
        yield Reason(Kind.REGISTER, Glyph.WARN, f"ZooKeeper {said}{silent}: its broker routes from memory")
    if view.epoch_lag:
        behind = "1 change" if view.epoch_lag == 1 else f"{view.epoch_lag} changes"
        yield Reason(Kind.EPOCH, Glyph.WARN, f"{behind} of control behind the newest epoch")


def _vitals(vitals: VitalsView | None) -> Iterator[Reason]:
    if vitals is None:
        return
    if vitals.cpu_pct is not None and vitals.cpu_pct >= CPU_PCT:
        yield Reason(Kind.SERVER, Glyph.WARN, f"CPU {whole(vitals.cpu_pct)}% of {vitals.cores or '?'} cores")
    if vitals.steal_pct is not None and vitals.steal_pct >= STEAL_PCT:
        yield Reason(Kind.SERVER, Glyph.WARN, f"the hypervisor takes {whole(vitals.steal_pct)}% of its CPU (steal)")
    if vitals.memory_pct is not None and vitals.memory_pct >= MEMORY_PCT:
        glyph = Glyph.BROKEN if vitals.memory_pct >= FULL_PCT else Glyph.WARN
        left = size(vitals.memory_available_bytes)
        yield Reason(Kind.SERVER, glyph, f"memory {whole(vitals.memory_pct)}% used, {left} left")
    if vitals.disk_pct is not None and vitals.disk_pct >= DISK_PCT:
        glyph = Glyph.BROKEN if vitals.disk_pct >= FULL_PCT else Glyph.WARN
        left = size(vitals.disk_available_bytes)
        yield Reason(Kind.SERVER, glyph, f"disk {whole(vitals.disk_pct)}% used, {left} left")
    if vitals.clock_skew_s is not None and abs(vitals.clock_skew_s) >= SKEW_S:
        yield Reason(Kind.CLOCK, Glyph.WARN, f"its clock is {skew(vitals.clock_skew_s)} off ZooKeeper's")
    if vitals.log_lines_dropped:
        yield Reason(Kind.SERVER, Glyph.NOTE, f"{vitals.log_lines_dropped} log lines dropped since its agent started")


def _work(view: HostView) -> Iterator[Reason]:
    if view.crash_loops:
        many = "an instance crashes" if view.crash_loops == 1 else f"{view.crash_loops} instances crash"
        yield Reason(Kind.CRASHES, Glyph.WARN, f"{many} again and again")
    if not view.silent and view.instances and view.ready < view.instances and view.link != "leaving":
        glyph = Glyph.BROKEN if not view.ready else Glyph.NOTE
        yield Reason(Kind.NOT_READY, glyph, f"{view.ready} of {view.instances} instances ready")
    if not view.silent:
        yield from failing(view.outcomes)


def failing(outcomes: Mapping[str, int]) -> Iterator[Reason]:
    """What failed by the package's or the platform's fault in the last minute."""
    requests, failed = sum(outcomes.values()), errors(outcomes)
    if not failed:
        return
    share = failed / requests
    glyph = (
        Glyph.BROKEN if share >= BROKEN_SHARE and failed > 2 else Glyph.WARN if share >= WARNING_SHARE else Glyph.NOTE
    )
    leading, count = Counter({code: n for code, n in outcomes.items() if code in OURS}).most_common(1)[0]
    others = f" of {failed}" if count != failed else ""
    yield Reason(Kind.FAILING, glyph, f"{safe(leading, 24)} {percent(failed, requests)}% ({count}{others})", failed)


def instance_reasons(view: InstanceView) -> tuple[Reason, ...]:
    """All that is to say of an instance; empty when all is well."""
    return ranked((*_state(view), *_child(view.child), *_served(view)))


def _state(view: InstanceView) -> Iterator[Reason]:
    if view.silent:
        yield Reason(Kind.SILENT, Glyph.UNKNOWN, "no fresh stats from its host")
        return
    if view.ready:
        if view.why.startswith(IN_SPITE):
            yield Reason(Kind.PANIC, Glyph.WARN, f"gets requests {safe(view.why, 160)}")
        return
    state = "not routable" if view.state == "ready" else safe(view.state, 20)
    why = f": {safe(view.why, 160)}" if view.why else ""
    glyph = Glyph.NOTE if view.state in _PASSING else Glyph.WARN
    kind = Kind.LEAVING if view.state in {"leaving", "draining"} else Kind.NOT_READY
    yield Reason(kind, glyph, f"{state}{why}")


def _child(child: ChildView | None) -> Iterator[Reason]:
    if child is None:
        return
    ended = f": {safe(child.exit, 80)}" if child.exit else ""
    ago = f" {age(child.exit_age_s)} ago" if child.exit and child.exit_age_s is not None else ""
    if child.crash_loops:
        yield Reason(Kind.CRASHES, Glyph.BROKEN, f"crashes again and again ({child.failures} in a row){ended}{ago}", 1)
    elif child.state in {"backoff", "failed"}:
        due = "" if child.due_in_s is None else f", next try in {age(child.due_in_s)}"
        why = f": {safe(child.why, 160)}" if child.why else ended
        yield Reason(Kind.CRASHES, Glyph.WARN, f"{child.state}{due}{why}")
    elif child.exit and child.exit_age_s is not None and child.exit_age_s < 600:
        yield Reason(Kind.CRASHES, Glyph.NOTE, f"the process before it ended{ago}{ended}")


def _served(view: InstanceView) -> Iterator[Reason]:
    if view.silent:
        return
    yield from failing(view.outcomes)
    if view.slots and view.in_flight is not None and view.in_flight >= view.slots:
        waiting = f", {view.queued} queued" if view.queued else ""
        yield Reason(Kind.OVERLOADED, Glyph.WARN, f"all {view.slots} slots busy{waiting}")


_BAD_CHECKS: Final = {"fail": Glyph.BROKEN, "warn": Glyph.WARN}


def check_reasons(checks: Iterable[CheckView]) -> Iterator[Reason]:
    """Health checks that do not pass."""
    for check in checks:
        if glyph := _BAD_CHECKS.get(check.status):
            said = f": {safe(check.output, 160)}" if check.output else ""
            yield Reason(Kind.CHECK, glyph, f"check {safe(check.name, 40)} {check.status}{said}")
