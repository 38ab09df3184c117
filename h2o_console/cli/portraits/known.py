"""All that a page of `h2o describe` is told from: the fleet's picture, and what single hosts count. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from h2o_console.cli.counting import Counted, since_start
from h2o_console.cli.reported import counts_of
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from h2o_console.cli.views import HostsView, InstancesView
    from h2o_core.pb.host_pb2 import HostStats

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """All that was asked for: the fleet's instances, hosts and features, and what single hosts count."""

    view: InstancesView
    hosts: HostsView
    features: Sequence[Mapping[str, Any]]
    answers: Mapping[str, HostStats]
    as_of: str

    def counted(self, wanted: Callable[[Counted], bool]) -> list[Counted]:
        """What the hosts that answered count of what is *wanted*."""
        return [one for one in since_start(map(counts_of, self.answers.values())) if wanted(one)]

    def age_s(self, then: float | None) -> float | None:
        """How long ago a unix time was, by the clock of whoever told the picture."""
        now = unix_s(self.as_of)
        return None if not then or now is None else max(0.0, now - then)


def entry_of(entries: Iterable[Mapping[str, Any]], key: str, value: str) -> Entry:
    """The one whose *key* is *value*, as a copy; empty when there is none."""
    for each in entries:
        if each.get(key) == value:
            return dict(each)
    return {}
