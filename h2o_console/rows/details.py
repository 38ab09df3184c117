"""One package in full: why, its versions side by side, features × versions, instances, hosts, what happened, callers.

Pure: a view in, lines for a list out. Tables lose their least columns when the width is short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_10S, LAST_60S
from h2o_console.rows.call_lines import call_lines
from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, line, millis, percent, rate, whole_percent
from h2o_console.rows.instances import instance_reasons
from h2o_console.rows.packages import package_reasons
from h2o_console.rows.places import SHORT_ID, Kind, Place
from h2o_console.rows.reasons import error_tone, errors
from h2o_console.rows.sections import Field, Grid, known, outcomes_text, pieces, plain, title, verdict
from h2o_console.text import pad, safe
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.rows.reasons import Reason
    from h2o_console.rows.told import Told
    from h2o_console.store.views import CallView, FeatureView, InstanceView, PackageView

Times = Mapping[str, tuple[float | None, float | None]]
"""Instance id → (p50, p95) in ms."""


_INSTANCES: Final = (
    Field("INSTANCE", 8, 3),
    Field("VERSION", 7, 2),
    Field("HOST", 6),
    Field("ZONE", 8, 6),
    Field("STATE", 10),
    Field("RPS", 7, 1, right=True, over=LAST_10S),
    Field("p50", 5, 5, right=True, over=LAST_60S),
    Field("p95 ms", 6, 1, right=True, over=LAST_60S),
    Field("ERR%", 5, right=True, over=LAST_60S),
    Field("BUSY", 7, 4, right=True),
    Field("QUEUE", 5, 4, right=True),
    Field("UP", 5, 3, right=True),
    Field("WHY", 12),
)
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
_HOSTS: Final = (
    Field("HOST", 6),
    Field("ZONE", 8, 3),
    Field("INST", 5, right=True),
    Field("RPS", 7, 1, right=True, over=LAST_10S),
    Field("ERR%", 5, right=True, over=LAST_60S),
    Field("STATES", 14),
)


def package_lines(
    view: PackageView,
    told: Told,
    times: Times,
    width: int,
    graphs: Iterable[Line] = (),
    calls: Iterable[CallView] = (),
    *,
    ascii_only: bool = False,
) -> tuple[Line, ...]:
    """All lines of the package's screen; *graphs* stand below its versions. Features, instances, hosts are ways on."""
    return (
        *verdict(package_reasons(view, told), width),
        *_numbers(view, width, ascii_only=ascii_only),
        *_versions(view, width),
        *graphs,
        *_features(view, width),
        *_instances(view, told, times, width),
        *_hosts(view, width),
        *_happened(view, width),
        *callers_lines(view, tuple(calls), width),
    )


def _numbers(view: PackageView, width: int, *, ascii_only: bool) -> Iterator[Line]:
    yield from title(f"ALL VERSIONS, {LAST_60S} (requests/s: {LAST_10S})", width)
    requests, failed = sum(view.outcomes.values()), errors(view.outcomes)
    shown = (
        (f"  {rate(view.rps)} requests/s ", Tone.PLAIN),
        (line(view.rps_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  p50 {millis(view.p50_ms)} ms  p95 {millis(view.p95_ms)} ms ", Tone.PLAIN),
        (line(view.p95_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  ERR {percent(failed, requests)}%", error_tone(failed, requests)),
        (f"  {outcomes_text(view.outcomes)}", Tone.DIM),
    )
    yield pieces("numbers", shown, width)


def _versions(view: PackageView, width: int) -> Iterator[Line]:
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
        (percent(failed, requests), error_tone(failed, requests)),
        (percent(outcomes["APPLICATION"], requests), Tone.PLAIN if outcomes["APPLICATION"] else Tone.DIM),
        (f"{_states(instances)}{_promise(slow, view.name)}{_newest_error(features)}", Tone.DIM),
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


def _states(instances: Sequence[InstanceView]) -> str:
    states = Counter("no fresh stats" if one.silent else safe(shown_state(one), 20) for one in instances)
    return ", ".join(f"{count} {state}" for state, count in states.most_common()) or "no instance"


def shown_state(one: InstanceView) -> str:
    """Its state; one that is ready and takes no requests is not routable."""
    return one.state if one.ready or one.state != "ready" else "unroutable"


def _newest_error(features: Sequence[FeatureView]) -> str:
    told = [one for one in features if one.last_error and one.error_age_s is not None]
    if not told:
        return ""
    newest = min(told, key=lambda one: one.error_age_s or 0.0)
    return f", last error {age(newest.error_age_s or 0.0)} ago: {safe(newest.last_error, 200)}"


def _instances(view: PackageView, told: Told, times: Times, width: int) -> Iterator[Line]:
    yield from title(f"INSTANCES ({len(view.instances)})", width)
    if not view.instances:
        yield plain("none", "  no instance runs", Tone.UNKNOWN, width)
        return
    content = {
        "HOST": [safe(one.host, 40) for one in view.instances],
        "VERSION": [safe(one.version, 24) for one in view.instances],
    }
    table = Grid.fitting(_INSTANCES, content, width)
    yield from table.heads()
    for at, instance in enumerate(sorted(view.instances, key=lambda one: (one.ready, one.version, one.host, one.key))):
        yield _instance(instance, next(iter(instance_reasons(instance, told)), None), at, times, table)


def _instance(one: InstanceView, why: Reason | None, at: int, times: Times, table: Grid) -> Line:
    p50, p95 = times.get(one.id, (None, None))
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    values = (
        (safe(one.id, 30)[:SHORT_ID] or "(none)", Tone.PLAIN),
        (safe(one.version, 24) or UNKNOWN, Tone.PLAIN),
        (safe(one.host, 40), Tone.PLAIN),
        (safe(one.zone, 20), Tone.DIM),
        (safe(shown_state(one), 20), Tone.UNKNOWN if one.silent else Tone.GOOD if one.ready else Tone.WARN),
        (rate(one.rps), Tone.PLAIN),
        (millis(p50), Tone.PLAIN),
        (millis(p95), Tone.PLAIN),
        (percent(failed, requests), error_tone(failed, requests)),
        (f"{known(one.in_flight)}/{known(one.slots)}", Tone.PLAIN),
        (known(one.queued), Tone.PLAIN),
        (UNKNOWN if one.up_s is None else age(one.up_s), Tone.DIM),
        (f"{why.glyph.sign} {why.text}" if why else Glyph.FINE.word, why.glyph.tone if why else Tone.DIM),
    )
    return table.line(f"instance:{one.id or f'{one.host}:{at}'}", values, Place(Kind.INSTANCE, one.key))


def _features(view: PackageView, width: int) -> Iterator[Line]:
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
        (percent(failed, requests), error_tone(failed, requests)),
        (percent(declared, requests), Tone.PLAIN if declared else Tone.DIM),
        (f"{outcomes_text(one.outcomes)}{last}", Tone.DIM),
    )
    return table.line(f"feature:{one.version}:{one.feature}", values, Place(Kind.FEATURE, one.feature))


def _hosts(view: PackageView, width: int) -> Iterator[Line]:
    by_host: dict[str, list[InstanceView]] = {}
    for one in view.instances:
        by_host.setdefault(one.host, []).append(one)
    if not by_host:
        return
    yield from title(f"HOSTS ({len(by_host)}), as far as this package goes", width)
    grid = Grid.fitting(_HOSTS, {"HOST": [safe(name, 40) for name in by_host]}, width)
    yield from grid.heads()
    for name, instances in sorted(by_host.items()):
        yield _host(name, instances, grid)


def _host(name: str, instances: Sequence[InstanceView], grid: Grid) -> Line:
    outcomes = Counter[str]()
    for one in instances:
        outcomes.update(one.outcomes)
    paces = [one.rps for one in instances if one.rps is not None]
    requests, failed = outcomes.total(), errors(outcomes)
    ready = sum(one.ready for one in instances)
    values = (
        (safe(name, 40), Tone.PLAIN),
        (safe(instances[0].zone, 20), Tone.DIM),
        (f"{ready}/{len(instances)}" if ready < len(instances) else str(ready), Tone.PLAIN),
        (rate(sum(paces) if paces else None), Tone.PLAIN),
        (percent(failed, requests), error_tone(failed, requests)),
        (_states(instances), Tone.DIM),
    )
    return grid.line(f"host:{name}", values, Place(Kind.HOST, name))


_RECENT_S: Final = 3600.0


def _happened(view: PackageView, width: int) -> Iterator[Line]:
    """Starts and ends in the last hour, the newest first, as far as the agents know them."""
    events = sorted(_events(view), key=lambda event: event[0])
    if not events:
        return
    yield from title("WHAT HAPPENED in the last hour, as far as is known", width)
    for at, (ago_s, text, tone, place) in enumerate(events[:20]):
        cells = (Cell(f"  {pad(age(ago_s), 5, right=True)} ago  ", Tone.DIM), Cell(pad(text, max(width - 13, 0)), tone))
        yield Line(f"event:{at}", cells, selectable=place is not None, opens=place)


def _events(view: PackageView) -> Iterator[tuple[float, str, Tone, Place | None]]:
    if view.gone_s is not None:
        yield view.gone_s, "the last instance went", Tone.BAD, None
    for one in view.instances:
        place = Place(Kind.INSTANCE, one.key)
        where = f"{safe(one.version, 24)} on {safe(one.host, 40)}".strip()
        name = safe(one.id, 30)[:SHORT_ID]
        if name and one.up_s is not None and 0 <= one.up_s < _RECENT_S:
            yield one.up_s, f"{name} came ({where})", Tone.GOOD, place
        child = one.child
        if child is not None and child.exit and child.exit_age_s is not None and 0 <= child.exit_age_s < _RECENT_S:
            often = f", {child.failures} times in a row" if child.failures > 1 else ""
            yield child.exit_age_s, f"an instance ended: {safe(child.exit, 60)}{often} ({where})", Tone.WARN, place


def callers_lines(view: PackageView, calls: Sequence[CallView], width: int) -> Iterator[Line]:
    """What its callers got, counted where they are."""
    if not calls and not view.callers:
        return
    yield from title(f"CALLERS, {LAST_60S} (counted where they call from; never added to the above)", width)
    if not calls:
        yield plain("callers", f"  {outcomes_text(view.callers)}", Tone.PLAIN, width)
        return
    yield from call_lines(calls, width, lambda _: Place(Kind.CALLS, view.name))
