"""A broker reads what operators decided, as h2o_broker.register.catching_up does: node by node and not at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.simulation.agenda import MS, US

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from h2o_broker.register.decisions import Unreadable, Wanted
    from h2o_broker.register.known import Known
    from h2o_core.times import Moment
    from tests.simulation.operators import Operators


class Broker(Protocol):
    """Whose reading it is."""

    lives: bool
    known: Known
    dice: Random

    @property
    def reaches_register(self) -> bool:
        """A connection to the register stands."""
        ...

    def later(self, ns: int, call: Callable[..., None], *arguments: object) -> None:
        """*call* in *ns*, or when the process can."""

    def moment(self) -> Moment:
        """Now."""
        ...

    def flush(self) -> None:
        """Send what was said."""


class CatchingUp:
    """`done`: what was decided has been read at least once, so that the broker may join."""

    def __init__(self, operators: Operators, broker: Broker) -> None:
        self.done = False
        self._operators = operators
        self._broker = broker
        self._at_it = self._again = False
        self._found: dict[str, bytes | Unreadable | None] = {}

    def ring(self) -> None:
        """The epoch may be another, or the connection is new."""
        self._again = True
        if not self._at_it and self._broker.lives and self._broker.reaches_register:
            self._at_it = True
            self._wait(self._begin)

    def _wait(self, call: Callable[..., None], *arguments: object) -> None:
        self._broker.later(self._broker.dice.randrange(100 * US, 5 * MS), call, *arguments)

    def _cut_off(self) -> bool:
        """The register went away: the next connection rings."""
        if self._broker.reaches_register:
            return False
        self._at_it = False
        return True

    def _begin(self) -> None:
        if self._cut_off():
            return
        self._again = False
        wanted = self._broker.known.decisions.wanted(self._operators.node())
        if wanted is None:
            self._broker.known.confirmed(self._broker.moment())
            self._end()
            return
        self._found = {}
        settings = self._operators.paths.settings
        paths = sorted({settings, *self._operators.documents} if wanted.everything else wanted.paths)
        self._wait(self._read, wanted, paths)

    def _read(self, wanted: Wanted, paths: list[str]) -> None:
        if self._cut_off():
            return
        if paths:
            self._found[paths[0]] = self._operators.documents.get(paths[0])
            self._wait(self._read, wanted, paths[1:])
        elif self._broker.known.decided(wanted, self._operators.node(), self._found, self._broker.moment()):
            self._end()
        else:
            self._begin()
        self._broker.flush()

    def _end(self) -> None:
        self.done = True
        self._at_it = False
        if self._again:
            self.ring()
