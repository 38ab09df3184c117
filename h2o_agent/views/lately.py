"""What `/health` says of the last minute: promises not kept, callers that got no slot, broken tier rules. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.views.finding import Finding, Verdict
from h2o_agent.views.head import milliseconds
from h2o_core.control.settings import TierRule
from h2o_core.figures import many
from h2o_core.names import InvalidName, parse_feature, parse_package, shown, tier_breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_agent.metrics.totals import Asked, Served
    from h2o_agent.snapshot import Snapshot, Told
    from h2o_core.histogram import Histogram
    from h2o_core.pb.manifest_pb2 import Feature

FEWEST: Final = 20
"""Of fewer requests the slowest one is the 95th percentile."""
_SKETCH_ERROR: Final = 1.011
_MS: Final = 1e6


def promises(snapshot: Snapshot, told: Told, package: str) -> Iterator[Finding]:
    """One for each feature of *package* that has promised something and was measured often enough to tell."""
    window = snapshot.lately
    if window is None:
        return
    declared = {
        (shown(manifest.package), manifest.version, shown(feature.name)): feature
        for manifest in told.picture.manifests
        for feature in manifest.features
    }
    for key, times in sorted(window.measured.items()):
        feature = declared.get(key)
        promised = feature is not None and (feature.mean_ms > 0 or feature.upper95_ms > 0)
        if key.package == package and feature is not None and promised and times.count >= FEWEST:
            yield _promise(key, feature, times, window.over_s, told.report.now_s)


def _promise(key: Served, feature: Feature, times: Histogram, over_s: float, now_s: float) -> Finding:
    mean_ms, upper95_ms = times.sum_ns / times.count / _MS, times.quantile(0.95) / _MS
    broken: list[str] = []
    if 0 < feature.mean_ms * _SKETCH_ERROR < mean_ms:
        broken.append(f"the mean is {mean_ms:.3g} ms, promised are {feature.mean_ms:g}")
    if 0 < feature.upper95_ms * _SKETCH_ERROR < upper95_ms:
        broken.append(f"95 of 100 take up to {upper95_ms:.3g} ms, promised are {feature.upper95_ms:g}")
    output = f"{' and '.join(broken)} ({many(times.count, 'request')} in {over_s:.0f} s)" if broken else ""
    return Finding(
        check=f"{key.package}:promise",
        component=f"{key.feature}@{key.version}",
        kind="component",
        verdict=Verdict.WARN if broken else Verdict.PASS,
        observed=milliseconds(upper95_ms if feature.upper95_ms > 0 else mean_ms),
        unit="ms",
        time_s=now_s,
        output=output,
    )


def without_slots(snapshot: Snapshot, told: Told) -> Iterator[Finding]:
    """Who of this host's callers was refused for want of a slot, wherever the instances are that had none."""
    window = snapshot.lately
    if window is None:
        return
    for key, count in sorted(window.refused.items()):
        caller = f"{key.caller}@{key.version}" if key.version else key.caller
        yield Finding(
            check=f"{'/'.join(key.feature.split('/')[:2])}:capacity",
            component=caller,
            kind="component",
            verdict=Verdict.WARN,
            observed=count,
            unit="requests",
            time_s=told.report.now_s,
            output=f"{caller} got no slot for {many(count, 'request')} to {key.feature} in {window.over_s:.0f} s",
        )


def tier_breaches(snapshot: Snapshot) -> Iterator[Finding]:
    """Who of this host called against the tier rules. It is said; no host or package is worse for it."""
    window, told = snapshot.lately, snapshot.told
    if window is None or told is None:
        return
    what = "let pass while control/fleet says warn" if told.report.tiers == TierRule.WARN else "refused"
    for key, count in sorted(window.breaches.items()):
        caller = f"{key.caller}@{key.version}" if key.version else key.caller
        calls = f"{many(count, 'call')} to {key.feature} in {window.over_s:.0f} s, {what}"
        yield Finding(
            check="tiers:breach",
            component=f"{caller} → {key.feature}",
            kind="component",
            verdict=Verdict.WARN,
            observed=count,
            unit="requests",
            time_s=told.report.now_s,
            output=f"{calls}: {_rule(key)}",
            counts_as=Verdict.PASS,
            severity="NOTE",
        )


def _rule(key: Asked) -> str:
    try:
        return tier_breach(parse_package(f"/{key.caller}"), parse_feature(f"/{key.feature}"))
    except InvalidName:
        return "see the tiers in docs/packages.md"
