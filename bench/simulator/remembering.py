"""What a simulated host remembers of the last hours: of each version what its rates yield, slot by slot the same.

Made when somebody asks: a host that nobody asks costs nothing.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from bench.simulator.counting import BEFORE_S, shape
from h2o_agent.history.answering import PACKAGE
from h2o_agent.history.tally import Tally
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.io.clock import unix_s
from h2o_core.pb.host_pb2 import History, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.simulator.plan import Feature, Host
    from h2o_agent.history.answering import Query
    from h2o_core.pb.host_pb2 import Point


class SimulatedPast:
    """What its application asks at ``/history``."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def answer(self, query: Query, most_bytes: int) -> History:
        """What is whole of what is asked for; *most_bytes* is more than it ever has."""
        del most_bytes
        now_s, slot_s = unix_s(), query.resolution_s
        first = int(-(-max(query.since_s, now_s - BEFORE_S) // slot_s))
        begins_s = [float(slot * slot_s) for slot in range(first, int(now_s // slot_s))]
        return History(
            host=self._host.name,
            as_of_s=now_s,
            resolution_s=slot_s,
            series=[
                Series(kind=PACKAGE, package=package, version=version, points=_repeated(tally.point(0.0), begins_s))
                for package, version, tally in self._tallies(query)
            ],
        )

    def _tallies(self, query: Query) -> Iterator[tuple[str, str, Tally]]:
        """Each version's slot."""
        tallies: dict[tuple[str, str], Tally] = {}
        for instance in self._host.instances:
            package, key = instance.package, (instance.package.name, instance.version)
            if not query.wants((PACKAGE, *key)):
                continue
            tally = tallies.setdefault(key, Tally(float(query.resolution_s)))
            tally.instances += 1
            for feature in package.features:
                self._count(tally, feature, package.per_s * feature.share * query.resolution_s)
        return ((package, version, tally) for (package, version), tally in sorted(tallies.items()))

    def _count(self, tally: Tally, feature: Feature, requests: float) -> None:
        drawn = shape(feature.takes_ms * self._host.slowness)
        total = int(requests)
        ends = [int(total * share + 0.5) for share in accumulate(drawn.share)]  # so that few requests have a tail, too
        counts = {at: end - begin for at, begin, end in zip(drawn.index, [0, *ends], ends, strict=False) if end > begin}
        bad, declared = int(total * feature.fails), int(total * feature.declines)
        for code, count in ((Code.OK, total - bad - declared), (Code.INTERNAL, bad), (Code.APPLICATION, declared)):
            if count:
                tally.outcomes[code.value] = tally.outcomes.get(code.value, 0) + count
        tally.processing.merge(Histogram.from_lists(list(counts), counts.values()))


def _repeated(point: Point, begins_s: Iterable[float]) -> Iterator[Point]:
    """It is copied into the answer before the next time is set."""
    for point.t_s in begins_s:
        yield point
