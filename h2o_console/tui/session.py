"""What all screens share: the store and its board, whose fleet it is, the clocks, and whether time stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from h2o_console.feed.poller import monotonic_s
from h2o_console.rows.packages import PackageRow, package_board
from h2o_console.store.fleet import Store
from h2o_console.store.views import FleetView
from h2o_console.tui.tailing import Tails
from h2o_core.io.clock import rfc3339, unix_s

if TYPE_CHECKING:
    from h2o_console.rows.board import Board

_FLEET_S: Final = 0.95


class Looks(Protocol):
    """Who wants to know which hosts are on screen."""

    def look_at(self, hosts: Iterable[str]) -> None:
        """These are."""
        ...

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Host → its agent's address, and what opens it."""
        ...


@dataclass(slots=True)
class Session:
    """One person at one fleet. `clock` is the store's; `wall` gives unix seconds for the eye.

    `keys`: the keys of each command, by its id.
    """

    context: str
    store: Store = field(default_factory=Store)
    poller: Looks | None = None
    ascii_only: bool = False
    clock: Callable[[], float] = monotonic_s
    wall: Callable[[], float] = unix_s
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    board: Board[PackageRow] = field(init=False)
    fleet: FleetView = field(default_factory=FleetView)
    frozen_at_s: float | None = None
    tails: Tails = field(default_factory=Tails)
    _fleet_s: float = float("-inf")
    _seen: int = -1
    _on_screen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.board = package_board(self.store)

    def update(self) -> bool:
        """Bring board and fleet up to now, unless frozen; True when a row changed."""
        if self.frozen_at_s is not None:
            return False
        now_s = self.clock()
        # Ages move each second; what is not an age shows at once.
        if now_s - self._fleet_s >= _FLEET_S or self.store.changed != self._seen:
            self.fleet, self._fleet_s, self._seen = self.store.fleet(now_s), now_s, self.store.changed
        return self.board.update(now_s, self._on_screen)

    def freeze(self) -> None:
        """Stop the picture, or let it run again; the store goes on either way."""
        self.frozen_at_s = self.clock() if self.frozen_at_s is None else None

    @property
    def frozen_s(self) -> float | None:
        """How long the picture has stood still; None when it runs."""
        return None if self.frozen_at_s is None else self.clock() - self.frozen_at_s

    def utc(self) -> str:
        """``14:02:07 UTC``."""
        return f"{rfc3339(self.wall())[11:19]} UTC"

    def look_at(self, packages: Iterable[str]) -> None:
        """These packages are on screen: their hosts are asked each second."""
        self._on_screen = tuple(packages)
        if self.poller is not None:
            self.poller.look_at(self.store.hosts_of(self._on_screen))
