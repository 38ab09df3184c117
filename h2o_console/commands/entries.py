"""Whom a control change is about, by the documents that it wrote. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.names import from_dotted, shown
from h2o_core.plan.situation import HOSTS, TRAFFICS

if TYPE_CHECKING:
    from h2o_core.audit import Entry


def subjects(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Packages (without their first slash) and hosts that it is about."""
    paths = [edit.path for edit in entry.edits]
    packages = [shown(from_dotted(path.removeprefix(TRAFFICS))) for path in paths if path.startswith(TRAFFICS)]
    return tuple(packages), tuple(path.removeprefix(HOSTS) for path in paths if path.startswith(HOSTS))
