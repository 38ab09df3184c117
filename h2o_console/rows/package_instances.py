"""A package's instances, each with why it stands as it does, and the hosts that they are on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_10S, LAST_60S
from h2o_console.rows.cells import Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, millis, rate
from h2o_console.rows.instances import instance_reasons, shown_state
from h2o_console.rows.places import SHORT_ID, Kind, Place
from h2o_console.rows.reasons import errors
from h2o_console.rows.sections import Field, Grid, known, plain, title
from h2o_console.rows.shares import failed_share
from h2o_console.text import safe

if TYPE_CHECKING:
    from h2o_console.rows.reasons import Reason
    from h2o_console.rows.told import Told
    from h2o_console.store.views import InstanceView, PackageView

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
_HOSTS: Final = (
    Field("HOST", 6),
    Field("ZONE", 8, 3),
    Field("INST", 5, right=True),
    Field("RPS", 7, 1, right=True, over=LAST_10S),
    Field("ERR%", 5, right=True, over=LAST_60S),
    Field("STATES", 14),
)


def instance_lines(view: PackageView, told: Told, times: Times, width: int) -> Iterator[Line]:
    """What needs a look first, then by version and host."""
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
        failed_share(failed, requests),
        (f"{known(one.in_flight)}/{known(one.slots)}", Tone.PLAIN),
        (known(one.queued), Tone.PLAIN),
        (UNKNOWN if one.up_s is None else age(one.up_s), Tone.DIM),
        (f"{why.glyph.sign} {why.text}" if why else Glyph.FINE.word, why.glyph.tone if why else Tone.DIM),
    )
    return table.line(f"instance:{one.id or f'{one.host}:{at}'}", values, Place(Kind.INSTANCE, one.key))


def host_lines(view: PackageView, width: int) -> Iterator[Line]:
    """What each host does for this package."""
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
        failed_share(failed, requests),
        (states_text(instances), Tone.DIM),
    )
    return grid.line(f"host:{name}", values, Place(Kind.HOST, name))


def states_text(instances: Sequence[InstanceView]) -> str:
    """How many are in which state."""
    states = Counter("no fresh stats" if one.silent else safe(shown_state(one), 20) for one in instances)
    return ", ".join(f"{count} {state}" for state, count in states.most_common()) or "no instance"
