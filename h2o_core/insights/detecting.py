"""All kinds asked about one picture: all findings, symptoms and what only stays open included. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.insights.finding import Kind
from h2o_core.insights.kinds import (
    decisions,
    drift,
    hosts,
    instances,
    packages,
    promises,
    registers,
    servers,
    starved,
    tiers,
    versions,
)

if TYPE_CHECKING:
    from h2o_core.insights.finding import Finding
    from h2o_core.insights.sums import Sums


def detect(sums: Sums) -> list[Finding]:
    """In no order that means anything; each key once."""
    found = list(hosts.find(sums))
    places = {("" if one.kind is Kind.HOST else one.subject.package, one.subject.host) for one in found}
    found += versions.find(sums, places)
    for kind in (packages, starved, promises, instances, servers, registers, decisions, drift, tiers):
        found += kind.find(sums)
    return list({one.key: one for one in found}.values())
