"""A copy of a part of ZooKeeper that keeps itself up to date, told as events.

Raw reads with watches, no kazoo recipe: those read everything again with a thread a watch. A mirror is
driven from the loop alone. On each new connection it reads everything again, and tells only what differs.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from h2o_core.register import MirrorEvent, Node, NodeGone, NodeSeen, Synced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LOG: Final = logging.getLogger(__name__)


class Missing(Enum):
    """Why a read brought nothing."""

    ABSENT = auto()
    UNREADABLE = auto()


class Reads(Protocol):
    """What one connection offers; `done` and `changed` are called on the loop, and never after its end."""

    def data(self, path: str, done: Callable[[Node | Missing], None], changed: Callable[[], None]) -> None:
        """Read a node; `changed` is called once when it is set or deleted after that."""
        ...

    def children(self, path: str, done: Callable[[Iterable[str] | Missing], None], changed: Callable[[], None]) -> None:
        """List a node's children; `changed` is called once when the list differs or the node is deleted."""
        ...

    def appears(self, path: str, done: Callable[[bool], None], changed: Callable[[], None]) -> None:
        """Is the node there? `changed` is called once when it comes, is set or goes after that."""
        ...


class Mirror:
    """Everything *depth* levels below *path* (0: the node itself). Made by `Registry.mirror`."""

    def __init__(
        self, path: str, on_event: Callable[[MirrorEvent], None], depth: int, post: Callable[[Callable[[], None]], None]
    ) -> None:
        """*post* calls on the loop, one after the other: a consumer that fails or is slow is on its own."""
        self.path = path
        self._on_event = on_event
        self._depth = depth
        self._post = post
        self._reads: Reads | None = None
        self._children: dict[str, set[str]] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        # Names whose read has been asked for on this connection, and of these the ones still under way;
        # True: it changed meanwhile, so read it once more.
        self._asked: set[str] = set()
        self._under_way: dict[str, bool] = {}
        self._synced = False
        self._closed = False

    def resync(self, reads: Reads, *, forget: bool = False) -> None:
        """Read everything on a new connection. *forget* what was seen: another ensemble counts from anew."""
        if self._closed:
            return
        self._reads = reads
        self._asked.clear()
        self._under_way.clear()
        self._synced = False
        if forget:
            self._stamps = dict.fromkeys(self._stamps, (-1, -1))
        self._read("")

    @property
    def closed(self) -> bool:
        """It tells nothing any more."""
        return self._closed

    def close(self) -> None:
        """No more events."""
        self._closed = True
        self._reads = None

    def _read(self, name: str) -> None:
        reads = self._reads
        if reads is None:
            return
        if name in self._under_way:
            self._under_way[name] = True
            return
        self._asked.add(name)
        self._under_way[name] = False
        path = _join(self.path, name)
        changed = partial(self._read, name)
        if self._level(name) == self._depth:
            reads.data(path, partial(self._on_data, name), changed)
        else:
            reads.children(path, partial(self._on_children, name), changed)

    def _on_data(self, name: str, node: Node | Missing) -> None:
        if isinstance(node, Node):
            stamp = (node.czxid, node.mzxid)
            if self._stamps.get(name) != stamp:
                self._stamps[name] = stamp
                self._tell(NodeSeen(name, node.data, node.version, node.czxid, node.owner))
        elif self._is_absent(name, node):
            return
        self._done(name)

    def _on_children(self, name: str, children: Iterable[str] | Missing) -> None:
        if isinstance(children, Missing):
            if self._is_absent(name, children):
                return
        else:
            now = set(children)
            for child in self._children.get(name, set()) - now:
                self._drop(_join(name, child))
            self._children[name] = now
            for child in now:
                if _join(name, child) not in self._asked:
                    self._read(_join(name, child))
        self._done(name)

    def _is_absent(self, name: str, missing: Missing) -> bool:
        """Deal with it; True when the root is not there, and its coming is waited for before it is done."""
        if missing is Missing.UNREADABLE:
            _LOG.warning("%s can't be read with this credential; its last state stays", _join(self.path, name))
            return False
        self._drop(name)
        if name or self._reads is None:
            return False
        # Nothing is left on a node that is absent, so a second watch waits for the root to come.
        self._reads.appears(self.path, self._on_root, partial(self._read, ""))
        return True

    def _on_root(self, there: bool) -> None:  # noqa: FBT001 - the answer to a question
        if there:
            self._under_way[""] = True
        self._done("")

    def _drop(self, name: str) -> None:
        self._asked.discard(name)
        for child in self._children.pop(name, ()):
            self._drop(_join(name, child))
        if self._stamps.pop(name, None) is not None:
            self._tell(NodeGone(name))

    def _done(self, name: str) -> None:
        if self._under_way.pop(name):
            self._read(name)
        elif not self._under_way and not self._synced:
            self._synced = True
            self._tell(Synced())

    def _tell(self, event: MirrorEvent) -> None:
        self._post(lambda: None if self._closed else self._on_event(event))

    @staticmethod
    def _level(name: str) -> int:
        return name.count("/") + 1 if name else 0


def _join(name: str, child: str) -> str:
    return f"{name}/{child}" if name and child else name or child
