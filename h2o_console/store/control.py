"""What is decided in the fleet, as an agent told it: control documents and the last changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_core.insights import reports
from h2o_core.insights.picture import Control

if TYPE_CHECKING:
    from h2o_core.audit import Entry
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic
    from h2o_core.insights.notes import Note


@dataclass(frozen=True, slots=True)
class ControlSeen:
    """All control documents at one epoch, the journal's newest entries, newest first, and notes about findings.

    `traffic` by package, `hosts` by host; `notes`: who looks after which finding, and which is to be quiet until when;
    `unreadable`: sentences. `read_s` is when it was read (monotonic), `age_s`
    how old it was then: ZooKeeper may be away.
    """

    epoch: int
    traffic: Mapping[str, Traffic] = field(default_factory=dict[str, "Traffic"])
    hosts: Mapping[str, HostControl] = field(default_factory=dict[str, "HostControl"])
    tiers: str = "enforce"
    entries: tuple[Entry, ...] = ()
    notes: tuple[Note, ...] = ()
    unreadable: tuple[str, ...] = ()
    read_s: float = 0.0
    age_s: float = 0.0

    def for_insights(self) -> Control:
        """As a picture has it."""
        return Control(self.epoch, self.traffic, self.hosts, self.tiers, tuple(map(reports.changed, self.entries)))
