"""What the agents of a fake fleet remember: made by the agent's own history, of what their brokers reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_agent.history.answering import PACKAGE, Answer, Query, folded, samples_of
from h2o_agent.history.fold import Fold
from h2o_agent.history.rings import Ring
from h2o_console.store.recalled import SLOT_S

if TYPE_CHECKING:
    from h2o_agent.history.rings import Frame
    from tests.console.fake_fleet import FakeFleet

MINUTE_S = 60
_BYTES = 1 << 24


@dataclass
class Memory:
    """Of one host; `minutes` are whole."""

    fold: Fold = field(default_factory=Fold)
    ring: Ring = field(default_factory=lambda: Ring(MINUTE_S, 1, _BYTES))
    minutes: list[Frame] = field(default_factory=list["Frame"])


class Memories:
    """Let it `hear` every few seconds; `answer`: what an agent says of the last quarter of an hour at ``/history``."""

    def __init__(self, fleet: FakeFleet) -> None:
        self._fleet = fleet
        self._of = {host: Memory() for host in fleet.hosts}

    def hear(self) -> None:
        for host, memory in self._of.items():
            tallies = memory.fold.report(self._fleet.stats(host).report)
            whole = memory.ring.add(self._fleet.now_s, {(PACKAGE, *key): tally for key, tally in tallies.items()})
            if whole is not None:
                memory.minutes.append(whole)

    def answer(self, host: str) -> bytes:
        now_s = self._fleet.now_s
        return answer(host, self._of[host].minutes, now_s, now_s - 900)


def answer(host: str, minutes: list[Frame], now_s: float, since_s: float) -> bytes:
    """*minutes*, the oldest first, in the slots that a console asks for."""
    query = Query(int(SLOT_S), PACKAGE, since_s=since_s)
    made = Answer(_BYTES)
    made.add(folded(samples_of(reversed(minutes), query), query.resolution_s, since_s, now_s))
    return made.history(host, now_s, query, 0).SerializeToString()
