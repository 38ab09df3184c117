"""One package in full: why, versions × instances, features with their outcomes, and what callers got.

Pure: a view in, lines for a list out. Tables lose their least columns when the width is short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, line, millis, percent, rate, whole_percent
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import error_tone, errors, newest_first, reasons
from h2o_console.rows.sections import Field, Grid, known, outcomes_text, pieces, plain, title, verdict
from h2o_console.text import safe

if TYPE_CHECKING:
    from h2o_console.store.views import FeatureView, InstanceView, PackageView

Times = Mapping[str, tuple[float | None, float | None]]
"""Instance id → (p50, p95) in ms."""


_INSTANCES: Final = (
    Field("INSTANCE", 8, 2),
    Field("HOST", 6),
    Field("ZONE", 8, 6),
    Field("STATE", 9),
    Field("RPS/10s", 7, 1, right=True),
    Field("p50", 5, 5, right=True),
    Field("p95 ms", 6, 1, right=True),
    Field("ERR%", 5, right=True),
    Field("BUSY", 7, 4, right=True),
    Field("QUEUE", 5, 4, right=True),
    Field("UP", 5, 3, right=True),
    Field("WHY", 12),
)
_FEATURES: Final = (
    Field("FEATURE", 8),
    Field("VERSION", 7, 3),
    Field("REQS", 7, 2, right=True),
    Field("p50", 5, 5, right=True),
    Field("p95 ms", 6, right=True),
    Field("PROMISED", 8, 4, right=True),
    Field("ERR%", 5, right=True),
    Field("OUTCOMES IN 60 s, LAST ERROR", 20),
)


def package_lines(view: PackageView, times: Times, width: int, *, ascii_only: bool = False) -> tuple[Line, ...]:
    """All lines of the package's screen; keys are ``instance:…`` and ``feature:…``."""
    return (
        *verdict(reasons(view), width),
        *_numbers(view, width, ascii_only=ascii_only),
        *_instances(view, times, width),
        *_features(view, width),
        *_callers(view, width),
    )


def _numbers(view: PackageView, width: int, *, ascii_only: bool) -> Iterator[Line]:
    yield from title("LAST 60 s, all versions (requests/s: 10 s)", width)
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


def _instances(view: PackageView, times: Times, width: int) -> Iterator[Line]:
    yield from title("VERSIONS × INSTANCES" if width >= 40 else "INSTANCES", width)
    if not view.instances:
        yield plain("none", "  no instance runs", Tone.UNKNOWN, width)
        return
    ids, hosts = [safe(one.id, 30) for one in view.instances], [safe(one.host, 40) for one in view.instances]
    table = Grid.fitting(_INSTANCES, {"INSTANCE": ids, "HOST": hosts}, width)
    yield table.heads()
    by_version: dict[str, list[InstanceView]] = {}
    for instance in view.instances:
        by_version.setdefault(instance.version, []).append(instance)
    total = sum(view.outcomes.values())
    for version in newest_first(dict.fromkeys(by_version, 0)):
        share = sum(sum(one.outcomes.values()) for one in view.features if one.version == version)
        measured = f", {whole_percent(share, total)}% of the requests measured" if total else ""
        count = len(by_version[version])
        label = f"{safe(version, 30)}: {count} {'instance' if count == 1 else 'instances'}{measured}"
        yield plain(f"version:{version}", f"  {label}", Tone.NAME, width)
        for at, instance in enumerate(by_version[version]):
            yield _instance(instance, at, times, table)


def _instance(one: InstanceView, at: int, times: Times, table: Grid) -> Line:
    p50, p95 = times.get(one.id, (None, None))
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    state = one.state if one.ready or one.state != "ready" else "unroutable"
    why = "no fresh stats" if one.silent else one.why
    values = (
        (safe(one.id, 30) or "(not registered)", Tone.PLAIN),
        (safe(one.host, 40), Tone.PLAIN),
        (safe(one.zone, 20), Tone.DIM),
        (safe(state, 20), Tone.UNKNOWN if one.silent else Tone.GOOD if one.ready else Tone.WARN),
        (rate(one.rps), Tone.PLAIN),
        (millis(p50), Tone.PLAIN),
        (millis(p95), Tone.PLAIN),
        (percent(failed, requests), error_tone(failed, requests)),
        (f"{known(one.in_flight)}/{known(one.slots)}", Tone.PLAIN),
        (known(one.queued), Tone.PLAIN),
        (UNKNOWN if one.up_s is None else age(one.up_s), Tone.DIM),
        (safe(why, 200), Tone.DIM),
    )
    return table.line(f"instance:{one.id or f'{one.host}:{at}'}", values, Place(Kind.INSTANCE, one.key))


def _features(view: PackageView, width: int) -> Iterator[Line]:
    yield from title("FEATURES, LAST 60 s", width)
    if not view.features:
        yield plain("none:features", "  no feature is known yet", Tone.UNKNOWN, width)
        return
    names = [_foot(one, view.name) for one in view.features]
    versions = [safe(one.version, 20) for one in view.features]
    table = Grid.fitting(_FEATURES, {"FEATURE": names, "VERSION": versions}, width)
    yield table.heads()
    for one in sorted(view.features, key=lambda feature: (feature.feature, feature.version)):
        yield _feature(one, view.name, table)


def _foot(one: FeatureView, package: str) -> str:
    return safe(one.feature.removeprefix(package + "/"), 60)


def _feature(one: FeatureView, package: str, table: Grid) -> Line:
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    slow = one.p95_ms is not None and one.upper95_ms is not None and one.p95_ms > one.upper95_ms
    last = ""
    if one.last_error and one.error_age_s is not None:
        last = f"  last error {age(one.error_age_s)} ago: {safe(one.last_error, 200)}"
    values = (
        (_foot(one, package), Tone.PLAIN),
        (safe(one.version, 20), Tone.DIM),
        (str(requests), Tone.PLAIN),
        (millis(one.p50_ms), Tone.PLAIN),
        (millis(one.p95_ms), Tone.WARN if slow else Tone.PLAIN),
        (millis(one.upper95_ms), Tone.DIM),
        (percent(failed, requests), error_tone(failed, requests)),
        (f"{outcomes_text(one.outcomes)}{last}", Tone.DIM),
    )
    return table.line(f"feature:{one.version}:{one.feature}", values)


def _callers(view: PackageView, width: int) -> Iterator[Line]:
    if not any(count for code, count in view.callers.items() if code != "OK"):
        return
    yield from title("WHAT CALLERS GOT IN 60 s (counted where they are; not to be added up)", width)
    yield plain("callers", f"  {outcomes_text(view.callers)}", Tone.PLAIN, width)
