"""Why a package is shown as it is: short sentences from what was measured, the worst first.

Pure. Every sentence names its evidence (a code, a host, a number and its window); nothing is guessed. All
texts from outside go through `safe` here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.figures import age, millis, percent, times, whole_percent
from h2o_console.text import safe
from h2o_core.errors import MEANINGS, Code, Fault
from h2o_core.health import IN_SPITE
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.store.views import FeatureView, InstanceView, PackageView, SilentHost

BROKEN_SHARE: Final = 0.05
WARNING_SHARE: Final = 0.01
APPLICATION_SHARE: Final = 0.2
"""Declared application errors are no fault; from here on they are worth a look."""
PROMISE_SLACK: Final = 1.1
"""The sketch is wrong by 1.1 % at most; a tenth above the promise is no rounding."""
FEWEST: Final = 20
"""Requests below which a quantile says nothing."""

OURS: Final = frozenset(
    code.name for code, meaning in MEANINGS.items() if meaning.fault in {Fault.PACKAGE, Fault.PLATFORM}
)
"""Outcomes that count into ERR%: the package's or the platform's fault, not the caller's."""
_TROUBLE: Final = frozenset({"suspect", "backoff", "ready"})
"""States that do not pass by themselves, in an instance that is not ready ("ready": not routable)."""
_UNSERVED: Final = ("NO_ROUTE", "UNAVAILABLE")


class Kind(Enum):
    """What a finding is about."""

    GONE = "gone"
    SILENT = "silent"
    UNSERVED = "unserved"
    FAILING = "failing"
    OVERLOADED = "overloaded"
    SLOW = "slow"
    NOT_READY = "not ready"
    PANIC = "panic"
    LAST_ONE = "last one"
    VERSIONS = "versions"
    BAD_REQUESTS = "bad requests"
    LINK = "link"
    REGISTER = "register"
    EPOCH = "epoch"
    SERVER = "server"
    CLOCK = "clock"
    CRASHES = "crashes"
    LEAVING = "leaving"
    CHECK = "check"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding: what about, how bad, the sentence, and how many requests it hurt in the last minute."""

    kind: Kind
    glyph: Glyph
    text: str
    hurt: int = 0


def most_hurt(reasons: Iterable[Reason]) -> int:
    """Requests hurt in the last minute, by the worst of them."""
    return max((reason.hurt for reason in reasons), default=0)


def errors(outcomes: Mapping[str, int]) -> int:
    """Requests that failed by the package's or the platform's fault."""
    return sum(count for code, count in outcomes.items() if code in OURS)


def error_tone(failed: int, requests: int) -> Tone:
    """How loud a share of failures is said."""
    if not failed or not requests:
        return Tone.DIM
    share = failed / requests
    return Tone.BAD if share >= BROKEN_SHARE else Tone.WARN if share >= WARNING_SHARE else Tone.PLAIN


def reasons(view: PackageView) -> tuple[Reason, ...]:
    """All that is to say of a package, the worst first; empty when all is well."""
    found = [
        *_absent(view),
        *_silent(view),
        *_unserved(view),
        *_failing(view),
        *_overloaded(view),
        *_slow(view),
        *_instances(view),
        *_versions(view),
        *_refused(view),
    ]
    return tuple(sorted(found, key=lambda reason: (-reason.glyph, -reason.hurt)))


def _absent(view: PackageView) -> Iterator[Reason]:
    if view.instances:
        return
    if view.gone_s is not None:
        was = f" (was {view.peak})" if view.peak > 1 else ""
        yield Reason(Kind.GONE, Glyph.BROKEN, f"no instance left{was}: the last one went {age(view.gone_s)} ago", 1)
    elif not view.callers:
        yield Reason(Kind.GONE, Glyph.NOTE, "no instance runs, nobody calls it")


def _silent(view: PackageView) -> Iterator[Reason]:
    silent = [instance for instance in view.instances if instance.silent]
    if not silent:
        return
    hosts = sorted(view.silent, key=lambda host: -(host.age_s or 0.0))
    if not hosts:
        yield Reason(Kind.SILENT, Glyph.UNKNOWN, "no stats yet")
        return
    some = "" if not view.known else f", {len(silent)} of {len(view.instances)} instances"
    yield Reason(
        Kind.SILENT, Glyph.UNKNOWN, f"no stats {_since(hosts[0])}{_more_hosts(hosts)}{some}{_because(hosts[0])}"
    )


def _since(host: SilentHost) -> str:
    since = "yet" if host.age_s is None else f"for {age(host.age_s)}"
    return f"{since} from {safe(host.host, 40)}"


def _because(host: SilentHost) -> str:
    return f": {safe(host.why, 80)}" if host.why else ""


def _more_hosts(hosts: list[SilentHost]) -> str:
    return f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""


def _unserved(view: PackageView) -> Iterator[Reason]:
    for code in _UNSERVED:
        count = view.callers.get(code, 0)
        if count:
            glyph = Glyph.WARN if any(instance.ready for instance in view.instances) else Glyph.BROKEN
            yield Reason(Kind.UNSERVED, glyph, f"callers got {code} {count} times in 60 s", count)


def _failing(view: PackageView) -> Iterator[Reason]:
    bad = Counter({code: n for code, n in view.outcomes.items() if code in OURS and code != Code.OVERLOADED.name})
    requests, failed = sum(view.outcomes.values()), bad.total()
    if not failed:
        return
    share = failed / requests
    glyph = (
        Glyph.BROKEN if share >= BROKEN_SHARE and failed > 2 else Glyph.WARN if share >= WARNING_SHARE else Glyph.NOTE
    )
    leading, count = bad.most_common(1)[0]
    others = f" of {failed}" if len(bad) > 1 else ""
    where = _where(view, failed)
    text = f"{safe(leading, 24)} {percent(failed, requests)}% ({count}{others}){where}{_last_error(view)}"
    yield Reason(Kind.FAILING, glyph, text, failed)


def _where(view: PackageView, failed: int) -> str:
    """Names the version or the host that has nearly all of the failures, if another one has traffic too."""
    by_version: Counter[str] = Counter()
    by_host: Counter[str] = Counter()
    traffic: dict[str, set[str]] = {"version": set(), "host": set()}
    for instance in view.instances:
        count = sum(n for code, n in instance.outcomes.items() if code in OURS and code != Code.OVERLOADED.name)
        by_version[instance.version] += count
        by_host[instance.host] += count
        if instance.outcomes:
            traffic["version"].add(instance.version)
            traffic["host"].add(instance.host)
    named: list[str] = []
    for counts, known in ((by_version, traffic["version"]), (by_host, traffic["host"])):
        if len(known) > 1:
            name, count = counts.most_common(1)[0]
            if count >= 0.9 * failed:
                named.append(safe(name, 40))
    return f", only {' '.join(named)}" if named else ""


def _last_error(view: PackageView) -> str:
    """The newest error of a feature that failed. Agents keep one for each, be it a failure or a declared one."""
    recent = [
        feature
        for feature in view.features
        if feature.last_error and (feature.error_age_s or 0.0) < 90 and errors(feature.outcomes)
    ]
    if not recent:
        return ""
    newest = min(recent, key=lambda feature: feature.error_age_s or 0.0)
    kind = ", last error of any kind" if newest.outcomes.get(Code.APPLICATION.name) else ""
    said = safe(newest.last_error, 100)
    return f"{kind}: {_foot(newest, view.name)}: {said} ({age(newest.error_age_s or 0.0)} ago)"


def _foot(feature: FeatureView, package: str) -> str:
    """The feature's name without its package's."""
    return safe(feature.feature.removeprefix(package + "/"), 40)


def _overloaded(view: PackageView) -> Iterator[Reason]:
    count = view.outcomes.get(Code.OVERLOADED.name, 0)
    busy = [one for one in view.instances if one.slots and one.in_flight is not None]
    slots, in_flight = sum(one.slots or 0 for one in busy), sum(one.in_flight or 0 for one in busy)
    queued = sum(one.queued or 0 for one in busy)
    state = f"{in_flight} of {slots} slots busy, {queued} queued" if busy else "slots unknown"
    if count:
        requests = sum(view.outcomes.values())
        glyph = Glyph.BROKEN if count >= BROKEN_SHARE * requests else Glyph.WARN
        yield Reason(Kind.OVERLOADED, glyph, f"OVERLOADED {count} times in 60 s: {state}", count)
    elif busy and in_flight >= slots:
        yield Reason(Kind.OVERLOADED, Glyph.WARN, f"all slots busy: {state}")


def _slow(view: PackageView) -> Iterator[Reason]:
    slow: list[tuple[float, FeatureView]] = []
    for feature in view.features:
        if feature.p95_ms is None or not feature.upper95_ms or sum(feature.outcomes.values()) < FEWEST:
            continue
        ratio = feature.p95_ms / feature.upper95_ms
        if ratio > PROMISE_SLACK:
            slow.append((ratio, feature))
    if not slow:
        return
    ratio, worst = max(slow, key=lambda entry: entry[0])
    more = f" and {len(slow) - 1} more" if len(slow) > 1 else ""
    version = f" {safe(worst.version, 20)}" if len({one.version for one in view.instances}) > 1 else ""
    yield Reason(
        Kind.SLOW,
        Glyph.WARN,
        f"p95 {times(ratio)} its promise: {_foot(worst, view.name)}{version} {millis(worst.p95_ms)} ms,"
        f" promised {millis(worst.upper95_ms)}{more}",
        sum(feature.outcomes.get("OK", 0) // 20 for _, feature in slow),
    )


def _instances(view: PackageView) -> Iterator[Reason]:
    known = [one for one in view.instances if not one.silent]
    troubled = [one for one in known if not one.ready]
    ready = [one for one in view.instances if one.ready]
    if known and not ready:
        yield Reason(Kind.NOT_READY, Glyph.BROKEN, f"no instance is ready: {_states(troubled)}", 1)
    elif troubled:
        glyph = Glyph.WARN if any(one.state in _TROUBLE for one in troubled) else Glyph.NOTE
        yield Reason(Kind.NOT_READY, glyph, f"{len(ready)} of {len(view.instances)} ready: {_states(troubled)}")
    unwell = [one for one in ready if one.why.startswith(IN_SPITE)]
    if unwell:
        more = f" and {len(unwell) - 1} more" if len(unwell) > 1 else ""
        text = f"health is ignored: {safe(unwell[0].host, 40)} gets requests {safe(unwell[0].why, 120)}{more}"
        yield Reason(Kind.PANIC, Glyph.WARN, text)
    if len(ready) == 1 and len(view.instances) == 1 and view.peak > 1:
        yield Reason(Kind.LAST_ONE, Glyph.WARN, f"one instance left of {view.peak}: {safe(ready[0].host, 40)}")


def _states(instances: list[InstanceView]) -> str:
    first = instances[0]
    why = f": {safe(first.why, 80)}" if first.why else ""
    state = "not routable" if first.state == "ready" else safe(first.state, 20)
    more = f" and {len(instances) - 1} more" if len(instances) > 1 else ""
    return f"{safe(first.host, 40)} {state}{why}{more}"


def _versions(view: PackageView) -> Iterator[Reason]:
    running = Counter(instance.version for instance in view.instances)
    if len(running) < 2:
        return
    requests = Counter[str]()
    for feature in view.features:
        requests[feature.version] += sum(feature.outcomes.values())
    idle = [version for version in running if not requests[version]]
    if requests.total() >= FEWEST and idle and view.known:
        yield Reason(
            Kind.VERSIONS, Glyph.NOTE, f"{safe(idle[0], 20)} runs without traffic ({running[idle[0]]} instances)"
        )
        return
    shares = ", ".join(
        f"{safe(version, 20)} {whole_percent(requests[version], requests.total())}%" if requests else safe(version, 20)
        for version in newest_first(running)
    )
    yield Reason(Kind.VERSIONS, Glyph.NOTE, f"{len(running)} versions: {shares}")


def _refused(view: PackageView) -> Iterator[Reason]:
    requests = sum(view.outcomes.values())
    if requests < FEWEST:
        return
    wrong, declared = view.outcomes.get("BAD_REQUEST", 0), view.outcomes.get("APPLICATION", 0)
    if wrong >= BROKEN_SHARE * requests:
        yield Reason(
            Kind.BAD_REQUESTS,
            Glyph.NOTE,
            f"{percent(wrong, requests)}% BAD_REQUEST: a caller sends what it does not take",
        )
    if declared >= APPLICATION_SHARE * requests:
        yield Reason(Kind.APPLICATION, Glyph.NOTE, f"{percent(declared, requests)}% declared application errors")
