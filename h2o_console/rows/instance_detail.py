"""One instance in full: why, what it does now, its process, its checks and its features. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_10S, LAST_60S
from h2o_console.rows.cells import Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, line, millis, percent, rate, size, whole
from h2o_console.rows.instances import instance_reasons
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import error_tone, errors
from h2o_console.rows.sections import Field, Grid, facts, known, outcomes_text, pieces, plain, title, verdict
from h2o_console.rows.shares import failed_share
from h2o_console.text import safe

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.views import ChildView, InstanceDetail, InstanceView

_FEATURES: Final = (
    Field("FEATURE", 8),
    Field("REQS", 7, 2, right=True),
    Field("p50", 5, 5, right=True),
    Field("p95 ms", 6, right=True),
    Field("PROMISED", 8, 4, right=True),
    Field("ERR%", 5, right=True),
    Field("OUTCOMES, LAST ERROR", 20),
)
_CHECKS: Final = (
    Field("CHECK", 8),
    Field("STATUS", 6),
    Field("SEVERITY", 8, 2),
    Field("VALUE", 8, 1, right=True),
    Field("AGE", 5, 3, right=True),
    Field("SAYS", 12),
)


def instance_lines(detail: InstanceDetail, told: Told, width: int, *, ascii_only: bool = False) -> tuple[Line, ...]:
    """All lines of the instance's screen; its package and its host are ways on."""
    one = detail.instance
    return (
        *verdict(instance_reasons(one, told, detail.checks), width),
        *_belongs(one, width),
        *_now(detail, width, ascii_only=ascii_only),
        *_process(one, width),
        *_checks(detail, width),
        *_features(detail, width),
    )


def _belongs(one: InstanceView, width: int) -> Iterator[Line]:
    yield from title("WHAT AND WHERE", width)
    version = f"  package {safe(one.package, 80)} {safe(one.version, 30)}"
    yield Line("package", plain("", version, Tone.NAME, width).cells, opens=Place(Kind.PACKAGE, one.package))
    host = f"  host    {safe(one.host, 60)}{f', zone {safe(one.zone, 20)}' if one.zone else ''}"
    yield Line("host", plain("", host, Tone.NAME, width).cells, opens=Place(Kind.HOST, one.host))
    yield plain("id", f"  id      {safe(one.id, 60) or '(not registered)'}", Tone.DIM, width)


def _now(detail: InstanceDetail, width: int, *, ascii_only: bool) -> Iterator[Line]:
    one = detail.instance
    requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
    yield from title(f"WHAT IT DOES, {LAST_60S} (requests/s: {LAST_10S})", width)
    shown = (
        (f"  {rate(one.rps)} requests/s ", Tone.PLAIN),
        (line(detail.rps_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  ERR {percent(failed, requests)}%", error_tone(failed, requests)),
        (f"  p50 {millis(one.p50_ms)} ms  p95 {millis(one.p95_ms)} ms ", Tone.PLAIN),
        (line(detail.p95_line, 10, ascii_only=ascii_only), Tone.GRAPH),
        (f"  {outcomes_text(one.outcomes)}" if not one.silent else "", Tone.DIM),
    )
    yield pieces("numbers", shown, width)
    routable = UNKNOWN if one.routable is None else "yes" if one.routable else "no"
    yield from facts(
        "now",
        (
            ("state", safe(one.state, 20), Tone.UNKNOWN if one.silent else Tone.GOOD if one.ready else Tone.WARN),
            ("routable", routable, Tone.PLAIN),
            ("busy", f"{known(one.in_flight)} of {known(one.slots)} slots", Tone.PLAIN),
            ("executing", known(detail.executing), Tone.PLAIN),
            ("queued", known(one.queued), Tone.PLAIN),
            ("up", UNKNOWN if one.up_s is None else age(one.up_s), Tone.PLAIN),
            ("heartbeat", _ago(detail.heartbeat_age_s), Tone.PLAIN),
            ("pong", _ago(detail.pong_age_s), Tone.PLAIN),
        ),
        width,
    )


def _ago(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{age(seconds)} ago"


def _process(one: InstanceView, width: int) -> Iterator[Line]:
    yield from title("PROCESS", width)
    child = one.child
    if child is None:
        yield plain("none:process", "  no agent says that it supervises it", Tone.UNKNOWN, width)
        return
    yield from facts("process", _facts(child), width)
    if child.exit:
        ended = f"  ended {_ago(child.exit_age_s)}: {safe(child.exit, 120)}"
        yield plain("exit", ended, Tone.WARN if child.failures else Tone.DIM, width)
    if child.why:
        yield plain("said", f"  {safe(child.why, 200)}", Tone.WARN, width)
    yield plain("hint", "  d describes it: argv, limits, its last words", Tone.DIM, width)


def _facts(child: ChildView) -> Iterator[tuple[str, str, Tone]]:
    yield "child", safe(child.key, 80), Tone.PLAIN
    yield "state", safe(child.state, 20), Tone.PLAIN
    yield "pid", known(child.pid), Tone.PLAIN
    yield "up", UNKNOWN if child.up_s is None else age(child.up_s), Tone.PLAIN
    yield "CPU of a core", UNKNOWN if child.cpu_pct is None else f"{whole(child.cpu_pct)}%", Tone.PLAIN
    yield "memory", size(child.rss_bytes), Tone.PLAIN
    yield "restarts", str(child.restarts), Tone.WARN if child.restarts else Tone.PLAIN
    yield "deaths in a row", str(child.failures), Tone.WARN if child.failures else Tone.PLAIN
    if child.due_in_s is not None:
        yield "next try in", age(child.due_in_s), Tone.WARN


def _checks(detail: InstanceDetail, width: int) -> Iterator[Line]:
    if not detail.checks:
        return
    yield from title("HEALTH CHECKS of the package", width)
    values = [
        UNKNOWN if check.observed is None else f"{check.observed:.4g} {safe(check.unit, 12)}".strip()
        for check in detail.checks
    ]
    names = [safe(check.name, 40) for check in detail.checks]
    grid = Grid.fitting(_CHECKS, {"CHECK": names, "VALUE": values}, width)
    yield from grid.heads()
    tones = {"pass": Tone.GOOD, "warn": Tone.WARN, "fail": Tone.BAD}
    for at, (check, value) in enumerate(zip(detail.checks, values, strict=True)):
        cells = (
            (safe(check.name, 40), Tone.PLAIN),
            (safe(check.status, 8), tones.get(check.status, Tone.UNKNOWN)),
            (safe(check.severity, 8), Tone.DIM),
            (value, Tone.PLAIN),
            (UNKNOWN if check.age_s is None else age(check.age_s), Tone.DIM),
            (safe(check.output, 200), Tone.PLAIN),
        )
        yield grid.line(f"check:{at}:{check.name}", cells)


def _features(detail: InstanceDetail, width: int) -> Iterator[Line]:
    yield from title(f"FEATURES of this instance, {LAST_60S}", width)
    if not detail.features:
        yield plain("none:features", "  no feature is known yet", Tone.UNKNOWN, width)
        return
    package = detail.instance.package
    names = [safe(one.feature.removeprefix(package + "/"), 60) for one in detail.features]
    grid = Grid.fitting(_FEATURES, {"FEATURE": names}, width)
    yield from grid.heads()
    for name, one in sorted(zip(names, detail.features, strict=True), key=lambda entry: entry[0]):
        requests, failed = sum(one.outcomes.values()), errors(one.outcomes)
        slow = one.p95_ms is not None and one.upper95_ms is not None and one.p95_ms > one.upper95_ms
        last = ""
        if one.last_error and one.error_age_s is not None:
            last = f"  last error {age(one.error_age_s)} ago: {safe(one.last_error, 200)}"
        values = (
            (name, Tone.PLAIN),
            (str(requests) if one.known else UNKNOWN, Tone.PLAIN),
            (millis(one.p50_ms), Tone.PLAIN),
            (millis(one.p95_ms), Tone.WARN if slow else Tone.PLAIN),
            (millis(one.upper95_ms), Tone.DIM),
            failed_share(failed, requests),
            (f"{outcomes_text(one.outcomes)}{last}", Tone.DIM),
        )
        yield grid.line(f"feature:{one.feature}", values)
