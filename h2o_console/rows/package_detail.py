"""One package in full: why, its versions side by side, features × versions, instances, hosts, what happened, callers.

Pure: a view in, lines for a list out. Tables lose their least columns when the width is short.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from h2o_console.measured import LAST_10S, LAST_60S
from h2o_console.rows.call_lines import CALLERS, call_lines
from h2o_console.rows.cells import Line, Tone
from h2o_console.rows.figures import line, millis, percent, rate
from h2o_console.rows.package_events import event_lines
from h2o_console.rows.package_instances import Times, host_lines, instance_lines
from h2o_console.rows.package_versions import feature_lines, version_lines
from h2o_console.rows.packages import package_reasons
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import error_tone, errors
from h2o_console.rows.sections import outcomes_text, pieces, plain, title, verdict

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.views import CallView, PackageView


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
        *version_lines(view, width),
        *graphs,
        *feature_lines(view, width),
        *instance_lines(view, told, times, width),
        *host_lines(view, width),
        *event_lines(view, width),
        *_callers(view, tuple(calls), width),
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


def _callers(view: PackageView, calls: Sequence[CallView], width: int) -> Iterator[Line]:
    """What its callers got, counted where they are."""
    if not calls and not view.callers:
        return
    yield from title(CALLERS, width)
    if not calls:
        yield plain("callers", f"  {outcomes_text(view.callers)}", Tone.PLAIN, width)
        return
    yield from call_lines(calls, width, lambda _: Place(Kind.CALLS, view.name))
