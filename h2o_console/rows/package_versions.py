"""A package's versions side by side, and its features × versions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_60S
from h2o_console.rows.cells import Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, millis, whole_percent
from h2o_console.rows.package_instances import states_text
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import errors
from h2o_console.rows.sections import Field, Grid, outcomes_text, plain, title
from h2o_console.rows.shares import declared_share, failed_share
from h2o_console.text import safe
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.store.views import FeatureView, PackageView

_VERSIONS: Final = (
    Field("VERSION", 7),
    Field("INST", 5, 2, right=True),
    Field("TRAF%", 5, 1, right=True),
    Field("REQS", 7, 4, right=True),
    Field("p50", 5, 3, right=True),
    Field("p95 ms", 6, right=True),
    Field("ERR%", 5, right=True),
    Field("APP%", 5, 2, right=True),
    Field("STATES, LAST ERROR", 14),
)
_FEATURES: Final = (
    Field("FEATURE", 8),
    Field("VERSION", 7, 3),
    Field("REQS", 7, 2, right=True),
    Field("p50", 5, 5, right=True),
    Field("p95 ms", 6, right=True),
    Field("PROMISED", 8, 4, right=True),
    Field("ERR%", 5, right=True),
    Field("APP%", 5, 6, right=True),
    Field("OUTCOMES, LAST ERROR", 20),
)


def version_lines(view: PackageView, width: int) -> Iterator[Line]:
    """Side by side: what runs, and what only features tell of."""
    names = newest_first(dict.fromkeys((*(one.version for one in view.instances), *_served(view)), 0))
    yield from title(f"VERSIONS, {LAST_60S} (p50: the busiest feature, p95: the slowest)", width)
    if not names:
        yield plain("none:versions", "  no version runs", Tone.UNKNOWN, width)
        return
    grid = Grid.fitting(_VERSIONS, {"VERSION": [safe(name, 24) for name in names]}, width)
    yield from grid.heads()
    total = sum(sum(one.outcomes.values()) for one in view.features)
    for name in names:
        yield _version(view, name, total, grid)


def _served(view: PackageView) -> Iterator[str]:
    return (one.version for one in view.features if one.outcomes)


def _version(view: PackageView, name: str, total: int, grid: Grid) -> Line:
    instances = [one for one in view.instances if one.version == name]
    features = [one for one in view.features if one.version == name]
    outcomes = Counter[str]()
    for one in features:
        outcomes.update(one.outcomes)
    requests, failed = outcomes.total(), errors(outcomes)
    timed = max(features, key=lambda one: sum(one.outcomes.values()), default=None)
    ready = sum(one.ready for one in instances)
    count = str(ready) if ready == len(instances) else f"{ready}/{len(instances)}"
    slow = [one for one in features if _is_slow(one)]
    values = (
        (safe(name, 24) or "(not told)", Tone.NAME),
        (count, Tone.PLAIN if ready == len(instances) else Tone.WARN),
        (whole_percent(requests, total) if view.known else UNKNOWN, Tone.PLAIN),
        (str(requests) if view.known else UNKNOWN, Tone.PLAIN),
        (millis(timed.p50_ms if timed else None), Tone.PLAIN),
        (millis(max((one.p95_ms for one in features if one.p95_ms is not None), default=None)), _slow_tone(slow)),
        failed_share(failed, requests),
        declared_share(outcomes["APPLICATION"], requests),
        (f"{states_text(instances)}{_promise(slow, view.name)}{_newest_error(features)}", Tone.DIM),
    )
    return grid.line(f"version:{name}", values, Place(Kind.INSTANCES, view.name))


def _is_slow(one: FeatureView) -> bool:
    return one.p95_ms is not None and one.upper95_ms is not None and one.p95_ms > one.upper95_ms


def _slow_tone(slow: Sequence[FeatureView]) -> Tone:
    return Tone.WARN if slow else Tone.PLAIN


def _promise(slow: Sequence[FeatureView], package: str) -> str:
    if not slow:
        return ""
    worst = max(slow, key=lambda one: (one.p95_ms or 0.0) / (one.upper95_ms or 1.0))
    return f", {_foot(worst, package)} p95 {millis(worst.p95_ms)} of {millis(worst.upper95_ms)} ms promised"


def _newest_error(features: Sequence[FeatureView]) -> str:
    told = [one for one in features if one.last_error and one.error_age_s is not None]
    if not told:
        return ""
    newest = min(told, key=lambda one: one.error_age_s or 0.0)
    return f", last error {age(newest.error_age_s or 0.0)} ago: {safe(newest.last_error, 200)}"


def feature_lines(view: PackageView, width: int) -> Iterator[Line]:
    """Each feature at each version: asked, timed beside what is promised, and what came of it."""
    yield from title(f"FEATURES × VERSIONS, {LAST_60S}" if width >= 40 else "FEATURES", width)
    if not view.features:
        yield plain("none:features", "  no feature is known yet", Tone.UNKNOWN, width)
        return
    names = [_foot(one, view.name) for one in view.features]
    versions = [safe(one.version, 20) for one in view.features]
    table = Grid.fitting(_FEATURES, {"FEATURE": names, "VERSION": versions}, width)
    yield from table.heads()
    for one in sorted(view.features, key=lambda feature: (feature.feature, feature.version)):
        yield _feature(one, view.name, table)


def _foot(one: FeatureView, package: str) -> str:
    return safe(one.feature.removeprefix(package + "/"), 60)


def _feature(one: FeatureView, package: str, table: Grid) -> Line:
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    declared = one.outcomes.get("APPLICATION", 0)
    last = ""
    if one.last_error and one.error_age_s is not None:
        last = f"  last error {age(one.error_age_s)} ago: {safe(one.last_error, 200)}"
    values = (
        (_foot(one, package), Tone.PLAIN),
        (safe(one.version, 20), Tone.DIM),
        (str(requests) if one.known else UNKNOWN, Tone.PLAIN),
        (millis(one.p50_ms), Tone.PLAIN),
        (millis(one.p95_ms), Tone.WARN if _is_slow(one) else Tone.PLAIN),
        (millis(one.upper95_ms), Tone.DIM),
        failed_share(failed, requests),
        declared_share(declared, requests),
        (f"{outcomes_text(one.outcomes)}{last}", Tone.DIM),
    )
    return table.line(f"feature:{one.version}:{one.feature}", values, Place(Kind.FEATURE, one.feature))
