"""One host in full: why, the server, its broker, its instances, links, queues, and what its callers got. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_1S, LAST_10S, LAST_60S
from h2o_console.rows.cells import Line, Tone
from h2o_console.rows.figures import UNKNOWN, age, millis, percent, rate, size, skew, whole
from h2o_console.rows.hosts import host_row, share_tone
from h2o_console.rows.instances import InstanceRow, instance_row
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import error_tone, errors
from h2o_console.rows.sections import Field, Grid, facts, known, outcomes_text, plain, title, verdict
from h2o_console.rows.shares import failed_share
from h2o_console.text import safe
from h2o_core.insights.kinds.servers import FULL_PCT, FULLEST_PCT, STEAL_PCT

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.views import HostDetail, HostView, LinkView, VitalsView

_INSTANCES: Final = (
    Field("INSTANCE", 8, 2),
    Field("PACKAGE", 7),
    Field("VERSION", 7, 3),
    Field("STATE", 9),
    Field("RPS", 7, 1, right=True, over=LAST_10S),
    Field("p95 ms", 6, 1, right=True, over=LAST_60S),
    Field("ERR%", 5, right=True, over=LAST_60S),
    Field("BUSY", 7, 4, right=True),
    Field("CPU%", 4, 5, right=True, over=LAST_1S),
    Field("MEM", 5, 5, right=True),
    Field("UP", 5, 6, right=True),
    Field("WHY", 12),
)
_LINKS: Final = (
    Field("LINK TO", 7),
    Field("STATE", 10),
    Field("RTT ms", 6, 1, right=True),
    Field("PONG ms ago", 11, 3, right=True),
    Field("IN FLIGHT", 9, 2, right=True),
    Field("WHY", 12),
)
_QUEUES: Final = (Field("PACKAGE", 7), Field("VERSION", 7), Field("QUEUED", 6, right=True), Field("OF", 6))


def host_lines(detail: HostDetail, told: Told, width: int, graphs: Iterable[Line] = ()) -> tuple[Line, ...]:
    """All lines of the host's screen; instances, packages and hosts are ways on."""
    host = detail.host
    return (
        *verdict(host_row(host, told).reasons, width),
        *_server(None if host.silent else host.vitals, width),
        *_broker(detail, width),
        *graphs,
        *_instances([instance_row(one, told) for one in detail.instances], width),
        *_links(detail.links, width),
        *_queues(detail, width),
        *_called(host, width),
        *_register(detail, width),
        *_counters(detail, width),
    )


def _server(vitals: VitalsView | None, width: int) -> Iterator[Line]:
    yield from title(f"SERVER, {LAST_1S}", width)
    if vitals is None:
        yield plain("none:server", "  unknown: its agent says nothing of it", Tone.UNKNOWN, width)
        return
    memory = (
        f"{whole(vitals.memory_pct)}%, {size(vitals.memory_available_bytes)} of {size(vitals.memory_total_bytes)} left"
    )
    disk = f"{whole(vitals.disk_pct)}%, {size(vitals.disk_available_bytes)} of {size(vitals.disk_total_bytes)} left"
    yield from facts(
        "server",
        (
            ("CPU", _share(vitals.cpu_pct), Tone.PLAIN),
            ("steal", _share(vitals.steal_pct), share_tone(vitals.steal_pct, STEAL_PCT)),
            ("cores", known(vitals.cores), Tone.PLAIN),
            ("load 1 min", UNKNOWN if vitals.load1 is None else f"{vitals.load1:.2f}", Tone.PLAIN),
            (
                "memory",
                UNKNOWN if vitals.memory_pct is None else memory,
                share_tone(vitals.memory_pct, FULL_PCT, FULLEST_PCT),
            ),
            ("disk", UNKNOWN if vitals.disk_pct is None else disk, share_tone(vitals.disk_pct, FULL_PCT, FULLEST_PCT)),
            ("clock", skew(vitals.clock_skew_s), Tone.PLAIN),
        ),
        width,
    )


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{whole(value)}%"


def _broker(detail: HostDetail, width: int) -> Iterator[Line]:
    host = detail.host
    yield from title("BROKER AND AGENT", width)
    behind = UNKNOWN if host.epoch_lag is None else f"{host.epoch_lag} behind" if host.epoch_lag else "the newest"
    epoch = UNKNOWN if host.epoch is None else f"{host.epoch}, {behind}"
    labels = " ".join(f"{safe(key, 20)}={safe(value, 20)}" for key, value in sorted(host.labels.items()))
    yield from facts(
        "broker",
        (
            ("zone", safe(host.zone, 20), Tone.PLAIN),
            ("address", safe(host.address, 60), Tone.PLAIN),
            ("agent", safe(host.agent, 60), Tone.PLAIN),
            ("version", safe(host.agent_version, 20), Tone.PLAIN),
            ("broker up", UNKNOWN if host.broker_up_s is None or host.silent else age(host.broker_up_s), Tone.PLAIN),
            ("epoch", UNKNOWN if host.silent else epoch, Tone.WARN if host.epoch_lag else Tone.PLAIN),
            ("link from the asked broker", safe(host.link, 12), Tone.PLAIN),
            ("round trip ms", millis(host.rtt_ms), Tone.PLAIN),
            ("ZooKeeper", safe(host.register_state, 20), Tone.PLAIN),
            ("register", safe(host.register, 20), Tone.PLAIN),
            (
                "stats",
                UNKNOWN if host.age_s is None else f"{age(host.age_s)} old",
                Tone.WARN if host.silent else Tone.DIM,
            ),
            ("labels", labels, Tone.PLAIN),
        ),
        width,
    )


def _instances(instances: Sequence[InstanceRow], width: int) -> Iterator[Line]:
    yield from title(f"INSTANCES ({len(instances)})", width)
    if not instances:
        yield plain("none:instances", "  no instance runs here", Tone.UNKNOWN, width)
        return
    rows = sorted(instances, key=lambda row: (-row.glyph, row.package, row.key))
    content = {
        "PACKAGE": [safe(row.package, 60) for row in rows],
        "VERSION": [row.version for row in rows],
    }
    grid = Grid.fitting(_INSTANCES, content, width)
    yield from grid.heads()
    for row in rows:
        state = Tone.UNKNOWN if row.silent else Tone.GOOD if row.ready else Tone.WARN
        why = row.reasons[0] if row.reasons else None
        values = (
            (row.name, Tone.PLAIN),
            (safe(row.package, 60), Tone.NAME),
            (row.version or UNKNOWN, Tone.PLAIN),
            (row.state, state),
            (rate(row.rps), Tone.PLAIN),
            (millis(row.p95_ms), Tone.PLAIN),
            failed_share(row.failed, row.requests),
            (f"{known(row.in_flight)}/{known(row.slots)}", Tone.PLAIN),
            (whole(row.cpu_pct), Tone.PLAIN),
            (size(row.rss_bytes), Tone.PLAIN),
            (row.up, Tone.DIM),
            (f"{why.glyph.sign} {why.text}" if why else row.glyph.word, why.glyph.tone if why else Tone.DIM),
        )
        yield grid.line(f"instance:{row.key}", values, Place(Kind.INSTANCE, row.key))


def _links(links: tuple[LinkView, ...], width: int) -> Iterator[Line]:
    if not links:
        return
    yield from title(f"LINKS ({len(links)}), as this host's broker says", width)
    grid = Grid.fitting(_LINKS, {"LINK TO": [safe(link.host, 40) for link in links]}, width)
    yield from grid.heads()
    for link in sorted(links, key=lambda link: (link.state == "up", link.host)):
        values = (
            (safe(link.host, 40), Tone.PLAIN),
            (safe(link.state, 12), Tone.GOOD if link.state == "up" else Tone.WARN),
            (millis(link.rtt_ms), Tone.PLAIN),
            (millis(link.pong_age_ms), Tone.DIM),
            (str(link.in_flight), Tone.PLAIN),
            (safe(link.why, 200), Tone.DIM),
        )
        yield grid.line(f"link:{link.host}", values, Place(Kind.HOST, link.host))


def _queues(detail: HostDetail, width: int) -> Iterator[Line]:
    waiting = [queue for queue in detail.queues if queue.queued]
    if not waiting:
        return
    yield from title("QUEUES: what waits for a free slot", width)
    grid = Grid.fitting(_QUEUES, {"PACKAGE": [safe(queue.package, 60) for queue in waiting]}, width)
    yield from grid.heads()
    for queue in waiting:
        full = Tone.WARN if queue.queued >= queue.capacity else Tone.PLAIN
        values = (
            (safe(queue.package, 60), Tone.NAME),
            (safe(queue.version, 20), Tone.PLAIN),
            (str(queue.queued), full),
            (str(queue.capacity), Tone.DIM),
        )
        yield grid.line(f"queue:{queue.package}:{queue.version}", values, Place(Kind.PACKAGE, queue.package))


def _called(host: HostView, width: int) -> Iterator[Line]:
    if host.silent or not (host.called or host.outcomes):
        return
    failed, requests = errors(host.outcomes), sum(host.outcomes.values())
    yield from title(f"SERVED, {LAST_60S}", width)
    served = f"  served here: {outcomes_text(host.outcomes)}, ERR {percent(failed, requests)}%"
    yield plain("served", served, error_tone(failed, requests) if failed else Tone.PLAIN, width)
    yield plain("called", f"  its callers got: {outcomes_text(host.called)} (not to be added up)", Tone.DIM, width)


def _register(detail: HostDetail, width: int) -> Iterator[Line]:
    if not (detail.alarms or detail.strangers):
        return
    yield from title("WHAT ITS BROKER FINDS WRONG", width)
    for at, alarm in enumerate(detail.alarms):
        since = "" if alarm.age_s is None else f" ({age(alarm.age_s)})"
        yield plain(f"alarm:{at}", f"  ! {safe(alarm.path, 60)}: {safe(alarm.sentence, 200)}{since}", Tone.WARN, width)
    if detail.strangers:
        yield plain("strangers", f"  ! {safe(detail.strangers, 200)}", Tone.WARN, width)


def _counters(detail: HostDetail, width: int) -> Iterator[Line]:
    counted = {name: count for name, count in detail.counters.items() if count}
    if not counted:
        return
    yield from title("ODD THINGS since its broker started", width)
    named = ((safe(name, 40), str(count), Tone.PLAIN) for name, count in sorted(counted.items()))
    yield from facts("counters", named, width)
