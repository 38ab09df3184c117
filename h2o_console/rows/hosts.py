"""Host views → rows, and the columns of the Hosts view: how the servers, their brokers and links do. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_1S, LAST_10S
from h2o_console.rows.cells import Tone
from h2o_console.rows.facts import host_facts
from h2o_console.rows.figures import UNKNOWN, age, skew, whole
from h2o_console.rows.judged import JudgedRow, error_column, rate_column, why_column
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.reasons import errors, reasons, worst
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column, most, name_column
from h2o_console.text import safe
from h2o_core.insights.kinds.servers import FULL_PCT, FULLEST_PCT, SKEW_S, STEAL_PCT

if TYPE_CHECKING:
    from h2o_console.rows.told import Told
    from h2o_console.store.views import HostView


@dataclass(frozen=True, slots=True)
class HostRow(JudgedRow):
    """A host as a line. Of a silent one only what the brokers say is shown, the rest is unknown."""

    zone: str = ""
    link: str = ""
    instances: int = 0
    ready: int | None = None
    cpu_pct: float | None = None
    steal_pct: float | None = None
    memory_pct: float | None = None
    disk_pct: float | None = None
    skew_ms: int | None = None
    epoch_lag: int | None = None
    links: int | None = None
    links_down: int = 0
    rps: float | None = None
    requests: int = 0
    failed: int = 0
    queued: int | None = None
    up: str = UNKNOWN
    version: str = UNKNOWN
    agent: str = UNKNOWN

    @property
    def found_by(self) -> str:
        """Name, zone and link."""
        return f"{self.name} {self.zone} {self.link}"


def host_row(view: HostView, told: Told) -> HostRow:
    """What there is to say of a host."""
    found = reasons(told.of(Place(Kind.HOST, view.name)), host_facts(view), looked=told.looked, name=view.name)
    vitals = None if view.silent else view.vitals
    fresh = not view.silent
    skewed_s = vitals.clock_skew_s if vitals and math.isfinite(vitals.clock_skew_s or 0.0) else None
    return HostRow(
        key=view.name,
        name=safe(view.name, 80) or "(no name)",
        glyph=worst(found),
        reasons=found,
        zone=safe(view.zone, 20),
        link=safe(view.link, 12),
        instances=view.instances,
        ready=view.ready if fresh else None,
        cpu_pct=_steady(vitals.cpu_pct) if vitals else None,
        steal_pct=_steady(vitals.steal_pct) if vitals else None,
        memory_pct=_steady(vitals.memory_pct) if vitals else None,
        disk_pct=_steady(vitals.disk_pct) if vitals else None,
        skew_ms=None if skewed_s is None else round(skewed_s * 1000),
        epoch_lag=view.epoch_lag if fresh else None,
        links=view.links if fresh else None,
        links_down=view.links_down if fresh else 0,
        rps=view.rps if fresh else None,
        requests=sum(view.outcomes.values()) if fresh else 0,
        failed=errors(view.outcomes) if fresh else 0,
        queued=view.queued if fresh else None,
        up=UNKNOWN if view.broker_up_s is None or view.silent else age(view.broker_up_s),
        version=safe(view.agent_version, 20) or UNKNOWN,
        agent=safe(view.agent, 40) or UNKNOWN,
    )


def _steady(share_pct: float | None) -> float | None:
    """Only what is shown: a hundredth of a per cent repaints nothing."""
    if share_pct is None or not math.isfinite(share_pct):
        return None
    return round(share_pct, 1 if share_pct < 10 else 0)


def _instances(row: HostRow, _: Canvas) -> Shown:
    if row.ready is None:
        return str(row.instances), Tone.UNKNOWN
    whole_ = row.ready == row.instances
    return (str(row.instances), Tone.PLAIN) if whole_ else (f"{row.ready}/{row.instances}", Tone.WARN)


def share_tone(share_pct: float | None, warn_pct: float, bad_pct: float = 101.0) -> Tone:
    """How loud a server's share is said."""
    if share_pct is None:
        return Tone.UNKNOWN
    return Tone.BAD if share_pct >= bad_pct else Tone.WARN if share_pct >= warn_pct else Tone.PLAIN


def _skew(row: HostRow, _: Canvas) -> Shown:
    if row.skew_ms is None:
        return UNKNOWN, Tone.UNKNOWN
    return skew(row.skew_ms / 1000), Tone.WARN if abs(row.skew_ms) >= SKEW_S * 1000 else Tone.DIM


def _epoch(row: HostRow, _: Canvas) -> Shown:
    if row.epoch_lag is None:
        return UNKNOWN, Tone.UNKNOWN
    return str(row.epoch_lag), Tone.WARN if row.epoch_lag else Tone.DIM


def _links(row: HostRow, _: Canvas) -> Shown:
    if row.links is None:
        return UNKNOWN, Tone.UNKNOWN
    up = row.links - row.links_down
    return (f"{up}/{row.links}", Tone.WARN) if row.links_down else (str(row.links), Tone.PLAIN)


def _by_name(row: HostRow) -> tuple[str, ...]:
    return (row.name,)


HOSTS: Final[Table[HostRow]] = Table(
    (
        glyph_column(),
        name_column("HOST", lambda row: (row.name, Tone.NAME)),
        Column(
            "ZONE",
            lambda row, _: (row.zone or UNKNOWN, Tone.DIM),
            4,
            goes=8,
            least=NARROW,
            grows=lambda _: 12,
            sort="zone",
            by=lambda row: (row.zone, row.name),
            ascending=True,
        ),
        Column(
            "INST",
            _instances,
            5,
            "instances that the host runs; 3/4: of four, three take requests",
            right=True,
            goes=2,
            least=NARROW,
            sort="instances",
            by=lambda row: (-row.instances, row.name),
        ),
        Column(
            "CPU%",
            lambda row, _: (whole(row.cpu_pct), Tone.PLAIN),
            4,
            "of all cores together, over the last second",
            right=True,
            goes=1,
            least=NARROW,
            sort="cpu",
            by=lambda row: (most(row.cpu_pct), row.name),
            over=LAST_1S,
        ),
        Column(
            "STEAL",
            lambda row, _: (whole(row.steal_pct), share_tone(row.steal_pct, STEAL_PCT)),
            5,
            "what the hypervisor takes from it, % of all cores, last second",
            right=True,
            goes=7,
            least=NARROW,
            over=LAST_1S,
        ),
        Column(
            "MEM%",
            lambda row, _: (whole(row.memory_pct), share_tone(row.memory_pct, FULL_PCT, FULLEST_PCT)),
            4,
            "memory that is not available any more",
            right=True,
            goes=3,
            least=NARROW,
            sort="memory",
            by=lambda row: (most(row.memory_pct), row.name),
        ),
        Column(
            "DISK%",
            lambda row, _: (whole(row.disk_pct), share_tone(row.disk_pct, FULL_PCT, FULLEST_PCT)),
            5,
            "used, of the file system that the agent keeps its state and logs on",
            right=True,
            goes=4,
            least=NARROW,
            sort="disk",
            by=lambda row: (most(row.disk_pct), row.name),
        ),
        Column(
            "SKEW",
            _skew,
            6,
            "its clock against ZooKeeper's: + ahead",
            right=True,
            goes=10,
            least=NARROW,
        ),
        Column(
            "LAG",
            _epoch,
            4,
            "epoch lag: changes of control that its broker is behind the newest",
            right=True,
            goes=9,
            least=NARROW,
        ),
        Column(
            "LINKS",
            _links,
            7,
            "its broker's links to other hosts; 4/5: one of five is not up",
            right=True,
            goes=6,
            least=NARROW,
        ),
        rate_column(
            "requests a second that its instances served, mean of the last 10 s", _by_name, goes=5, over=LAST_10S
        ),
        error_column(
            "of what its instances served failed by the package's or the platform's fault, last 60 s", _by_name
        ),
        Column(
            "QUEUE",
            lambda row, _: (UNKNOWN if row.queued is None else str(row.queued), Tone.PLAIN),
            5,
            "requests that wait here for a free slot",
            right=True,
            goes=11,
            least=NARROW,
            wide=True,
        ),
        Column("UP", lambda row, _: (row.up, Tone.DIM), 4, "of its broker", right=True, goes=12, least=90, wide=True),
        Column("AGENT", lambda row, _: (row.agent, Tone.DIM), 9, goes=13, least=90, grows=lambda _: 40, wide=True),
        Column("VERSION", lambda row, _: (row.version, Tone.DIM), 7, "of its agent", goes=14, least=90, wide=True),
        why_column(),
    ),
    worst=lambda row: (-row.glyph, -row.hurt, row.name),
)
