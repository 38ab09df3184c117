"""What is the case with a package, a host or an instance, without judging it: states, shares, ages.

Pure. It stands behind the findings. A fact that is part of what a finding would say has that finding's kind.
All texts from outside go through `safe` here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Glyph
from h2o_console.rows.figures import age, percent, whole_percent
from h2o_console.rows.reasons import Reason, errors, fails
from h2o_console.text import safe
from h2o_core.figures import many, share
from h2o_core.health import IN_SPITE
from h2o_core.insights.finding import Kind
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.store.views import (
        CheckView,
        ChildView,
        FeatureView,
        HostView,
        InstanceView,
        PackageView,
        SilentHost,
    )

_FRESH_S: Final = 90.0
"""An error that is older was none of the last minute's."""


def package_facts(view: PackageView) -> Iterator[Reason]:
    """Of a package."""
    yield from _absent(view)
    yield from _silent(view)
    yield from _instances(view)
    yield from _busy(view)
    yield from _versions(view)
    yield from _refused(view)
    yield from _last_error(view)


def _absent(view: PackageView) -> Iterator[Reason]:
    if view.counts.total:
        return
    if view.gone_s is not None:
        was = f" (was {view.peak})" if view.peak > 1 else ""
        text = f"no instance left{was}: the last one went {age(view.gone_s)} ago"
        yield Reason(Glyph.NOTE, text, Kind.GONE)
    elif not view.callers:
        yield Reason(Glyph.NOTE, "no instance runs, nobody calls it", Kind.GONE)


def _silent(view: PackageView) -> Iterator[Reason]:
    counts = view.counts
    if not counts.silent:
        return
    hosts = sorted(view.silent, key=lambda host: -(host.age_s or 0.0))
    if not hosts:
        yield Reason(Glyph.UNKNOWN, "no stats yet")
        return
    some = "" if not view.known else f", {counts.silent} of {many(counts.total, 'instance')}"
    more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
    why = f": {safe(hosts[0].why, 80)}" if hosts[0].why else ""
    yield Reason(Glyph.UNKNOWN, f"no stats {_since(hosts[0])}{more}{some}{why}")


def _since(host: SilentHost) -> str:
    since = "yet" if host.age_s is None else f"for {age(host.age_s)}"
    return f"{since} from {safe(host.host, 40)}"


def _instances(view: PackageView) -> Iterator[Reason]:
    counts = view.counts
    if counts.first_troubled is not None:
        head = f"{counts.ready} of {counts.total}" if counts.ready else "no instance is"
        states = _states(counts.first_troubled, counts.troubled)
        yield Reason(Glyph.NOTE, f"{head} ready: {states}", None if counts.ready else Kind.GONE)
    if (unwell := counts.first_unwell) is not None:
        more = f" and {counts.unwell - 1} more" if counts.unwell > 1 else ""
        text = f"health is ignored: {safe(unwell.host, 40)} gets requests {safe(unwell.why, 120)}{more}"
        yield Reason(Glyph.NOTE, text, Kind.PANIC)


def _states(first: InstanceView, count: int) -> str:
    why = f": {safe(first.why, 80)}" if first.why else ""
    more = f" and {count - 1} more" if count > 1 else ""
    return f"{safe(first.host, 40)} {_state_word(first)}{why}{more}"


def _state_word(view: InstanceView) -> str:
    return "not routable" if view.state == "ready" else safe(view.state, 20)


def _busy(view: PackageView) -> Iterator[Reason]:
    counts = view.counts
    if counts.slots and counts.in_flight >= counts.slots:
        yield Reason(Glyph.NOTE, f"all {many(counts.slots, 'slot')} busy, {counts.queued} queued", Kind.STARVED)


def _versions(view: PackageView) -> Iterator[Reason]:
    running = view.counts.versions
    if len(running) < 2:
        return
    requests = Counter[str]()
    for feature in view.features:
        requests[feature.version] += sum(feature.outcomes.values())
    shares = ", ".join(
        f"{safe(version, 20)} {whole_percent(requests[version], requests.total())}%" if requests else safe(version, 20)
        for version in newest_first(running)
    )
    yield Reason(Glyph.NOTE, f"{len(running)} versions: {shares}")


def _refused(view: PackageView) -> Iterator[Reason]:
    wrong = view.outcomes.get("BAD_REQUEST", 0)
    if wrong:
        share = percent(wrong, sum(view.outcomes.values()))
        yield Reason(Glyph.FINE, f"{share}% BAD_REQUEST: a caller sends what it does not take")


def _last_error(view: PackageView) -> Iterator[Reason]:
    """The newest error of a feature that failed. Agents keep one for each, be it a failure or a declared one."""
    recent = [
        feature
        for feature in view.features
        if feature.last_error and (feature.error_age_s or 0.0) < _FRESH_S and errors(feature.outcomes)
    ]
    if recent:
        newest = min(recent, key=lambda feature: feature.error_age_s or 0.0)
        kind = " of any kind" if newest.outcomes.get("APPLICATION") else ""
        said, ago = safe(newest.last_error, 100), age(newest.error_age_s or 0.0)
        yield Reason(Glyph.FINE, f"last error{kind}: {_foot(newest, view.name)}: {said} ({ago} ago)")


def _foot(feature: FeatureView, package: str) -> str:
    """The feature's name without its package's."""
    return safe(feature.feature.removeprefix(package + "/"), 40)


# ---------------------------------------------------------------------- hosts


def host_facts(view: HostView) -> Iterator[Reason]:
    """Of a host."""
    if view.silent:
        since = "yet" if view.age_s is None else f"for {age(view.age_s)}"
        why = f": {safe(view.why, 120)}" if view.why else ""
        yield Reason(Glyph.UNKNOWN, f"no stats {since}{why}", Kind.SILENT)
    if view.broker_problem:
        yield Reason(Glyph.UNKNOWN, f"its broker does not answer: {safe(view.broker_problem, 120)}", Kind.BROKER)
    yield from _links(view)
    if view.register_state not in {"", "connected"}:
        silent = "" if view.register_silent_s is None else f" for {age(view.register_silent_s)}"
        said = safe(view.register_state, 20)
        yield Reason(Glyph.NOTE, f"ZooKeeper {said}{silent}: its broker routes from memory", Kind.REGISTER)
    if view.epoch_lag:
        yield Reason(Glyph.NOTE, f"{many(view.epoch_lag, 'change')} of control behind the newest epoch", Kind.EPOCH)
    if view.vitals is not None and view.vitals.log_lines_dropped:
        yield Reason(Glyph.NOTE, f"{many(view.vitals.log_lines_dropped, 'log line')} dropped since its agent started")
    if view.crash_loops:
        crash = "an instance crashes" if view.crash_loops == 1 else f"{view.crash_loops} instances crash"
        yield Reason(Glyph.NOTE, f"{crash} again and again", Kind.CRASHES)
    if not view.silent and view.instances and view.ready < view.instances and view.link != "leaving":
        yield Reason(Glyph.NOTE, f"{view.ready} of {many(view.instances, 'instance')} ready")
    if not view.silent and fails(view.outcomes):
        requests = sum(view.outcomes.values())
        failed = share(errors(view.outcomes) / requests)
        yield Reason(Glyph.NOTE, f"{failed} of {many(requests, 'request')} here failed; :packages say why", Kind.HOST)


def _links(view: HostView) -> Iterator[Reason]:
    if view.link == "leaving":
        yield Reason(Glyph.NOTE, "it is leaving")
    elif view.link == "absent":
        yield Reason(Glyph.NOTE, "no broker of it is registered: its agent alone is there", Kind.BROKER)
    elif view.link in {"refused", "suspect", "connecting"}:
        why = "" if view.silent or not view.why else f": {safe(view.why, 120)}"
        yield Reason(Glyph.NOTE, f"link {view.link}, says the asked broker{why}", Kind.LINK)
    if view.links_down:
        yield Reason(
            Glyph.NOTE,
            f"not up: {view.links_down} of its {many(view.links, 'link')} to other hosts",
        )


# ---------------------------------------------------------------------- instances


def instance_facts(view: InstanceView) -> Iterator[Reason]:
    """Of an instance."""
    if view.silent:
        yield Reason(Glyph.UNKNOWN, "no fresh stats from its host")
    elif view.ready and view.why.startswith(IN_SPITE):
        yield Reason(Glyph.NOTE, f"gets requests {safe(view.why, 160)}", Kind.PANIC)
    elif not view.ready:
        why = f": {safe(view.why, 160)}" if view.why else ""
        yield Reason(Glyph.NOTE, f"{_state_word(view)}{why}", Kind.UNHEALTHY)
    yield from _child(view.child)
    if not view.silent and view.slots and view.in_flight is not None and view.in_flight >= view.slots:
        waiting = f", {view.queued} queued" if view.queued else ""
        yield Reason(Glyph.NOTE, f"all {many(view.slots, 'slot')} busy{waiting}", Kind.STARVED)


def _child(child: ChildView | None) -> Iterator[Reason]:
    if child is None:
        return
    ended = f": {safe(child.exit, 80)}" if child.exit else ""
    ago = f" {age(child.exit_age_s)} ago" if child.exit and child.exit_age_s is not None else ""
    if child.crash_loops:
        text = f"crashes again and again ({child.failures} in a row){ended}{ago}"
        yield Reason(Glyph.NOTE, text, Kind.CRASHES)
    elif child.state in {"backoff", "failed"}:
        due = "" if child.due_in_s is None else f", next try in {age(child.due_in_s)}"
        why = f": {safe(child.why, 160)}" if child.why else ended
        yield Reason(Glyph.NOTE, f"{child.state}{due}{why}")
    elif child.exit and child.exit_age_s is not None and child.exit_age_s < 600:
        yield Reason(Glyph.NOTE, f"the process before it ended{ago}{ended}")


def check_facts(checks: Iterable[CheckView]) -> Iterator[Reason]:
    """Health checks that do not pass."""
    for check in checks:
        if check.status in {"fail", "warn"}:
            said = f": {safe(check.output, 160)}" if check.output else ""
            yield Reason(Glyph.NOTE, f"check {safe(check.name, 40)} {check.status}{said}")
