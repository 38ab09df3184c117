"""The order of a host's children: the broker first and last. Pure: events in, instructions out, time an argument."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from h2o_agent.lifecycle import Child, Event, Instruction, Policy, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BROKER: Final = "broker"
BROKER_POLICY: Final = Policy(first_backoff_s=0.2, cap_s=5.0, stable_s=10.0, grace_s=5.0)


class Phase(StrEnum):
    """Where the host as a whole is."""

    BROKER_FIRST = "waits for its broker"
    UP = "up"
    LEAVING = "its instances leave"
    BROKER_LAST = "its broker leaves"
    GONE = "gone"


class HostOrder:
    """A host's children. Instances start when the broker has answered once, and leave before it does."""

    def __init__(self, instances: Iterable[str], policy: Policy | None = None) -> None:
        self.phase = Phase.BROKER_FIRST
        self._grace_s: float | None = None
        self._policy = policy or Policy()
        self._wanted = list(instances)
        self.children = {BROKER: Child(BROKER, BROKER_POLICY)}
        for key in self._wanted:
            self.children[key] = Child(key, self._policy)

    def add(self, key: str) -> None:
        """A child that is not wanted any more but still lives (found after the agent's restart)."""
        self.children[key] = Child(key)

    def want(self, instances: Iterable[str], now_s: float) -> list[Instruction]:
        """From now on these are the host's instances: others leave, new ones start, the rest is not touched."""
        if self.phase not in {Phase.BROKER_FIRST, Phase.UP}:
            return []
        self._wanted = list(instances)
        for key in self._wanted:
            self.children.setdefault(key, Child(key, self._policy))
        orders: list[Instruction] = []
        for child in self._instances():
            if child.key not in self._wanted and not child.over:
                orders += child.handle(Event.STOP, now_s)
        return orders + self._advance(now_s)

    def start(self, now_s: float) -> list[Instruction]:
        """Start the broker, unless it was adopted."""
        return self._start(self.children[BROKER], now_s)

    def handle(  # noqa: PLR0913 - what an event brings with it
        self,
        key: str,
        event: Event,
        now_s: float,
        *,
        pid: int = 0,
        age_s: float = 0.0,
        exit_code: int | None = None,
        why: str = "",
        grace_s: float | None = None,
    ) -> list[Instruction]:
        """One event of one child, and what follows from it for the others."""
        child = self.children[key]
        orders = child.handle(event, now_s, pid=pid, age_s=age_s, exit_code=exit_code, why=why, grace_s=grace_s)
        return orders + self._advance(now_s)

    def stop(self, now_s: float, grace_s: float | None = None) -> list[Instruction]:
        """Leave in order. A second call with a shorter grace hurries what is still there."""
        self._grace_s = grace_s
        if self.phase in {Phase.BROKER_FIRST, Phase.UP}:
            self.phase = Phase.LEAVING
            self.children[BROKER].retire(now_s)
        leaving = [self.children[BROKER]] if self.phase is Phase.BROKER_LAST else self._instances()
        orders: list[Instruction] = []
        for child in leaving:
            if not child.over:
                orders += child.handle(Event.STOP, now_s, grace_s=grace_s)
        return orders + self._advance(now_s)

    def tick(self, now_s: float) -> list[Instruction]:
        """What time alone brings about."""
        orders: list[Instruction] = []
        for child in self.children.values():
            orders += child.tick(now_s)
        return orders + self._advance(now_s)

    def next_wakeup(self) -> float | None:
        """When `tick` is to be called at the latest; None: only an event can change anything."""
        return min((child.due_s for child in self.children.values() if child.due_s is not None), default=None)

    def _instances(self) -> Iterator[Child]:
        return (child for key, child in self.children.items() if key != BROKER)

    def _start(self, child: Child, now_s: float) -> list[Instruction]:
        return child.handle(Event.START, now_s) if child.state is State.WAITING else []

    def _replace_over(self, now_s: float) -> list[Instruction]:
        """Who has left is forgotten, or begins anew if it is wanted again by now."""
        orders: list[Instruction] = []
        for child in [child for child in self._instances() if child.forgettable]:
            del self.children[child.key]
        for key in self._wanted:
            child = self.children.setdefault(key, Child(key, self._policy))
            orders += self._start(child, now_s)
        return orders

    def _advance(self, now_s: float) -> list[Instruction]:
        orders: list[Instruction] = []
        broker = self.children[BROKER]
        if self.phase is Phase.BROKER_FIRST and broker.state is State.RUNNING:
            self.phase = Phase.UP
            for child in self._instances():
                orders += self._start(child, now_s)
        elif self.phase is Phase.UP:
            orders += self._replace_over(now_s)
        if self.phase is Phase.LEAVING and all(child.over for child in self._instances()):
            self.phase = Phase.BROKER_LAST
            if not broker.over:
                orders += broker.handle(Event.STOP, now_s, grace_s=self._grace_s)
        if self.phase is Phase.BROKER_LAST and broker.over:
            self.phase = Phase.GONE
        return orders
