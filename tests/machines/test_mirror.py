"""The mirror against a model of ZooKeeper's reads and watches, in every order that kazoo's threads can produce.

A session's reads are answered in the order they were asked; watches come on another thread of kazoo's, so they
overtake answers and are overtaken. What the model takes for granted is held against the real one by
tests/system/test_registry.py, which compares a mirror with real ZooKeeper after a random history.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_core.io.registry.mirror import Mirror, Missing
from h2o_core.register import MirrorEvent, Node, NodeGone, NodeSeen, Synced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = "/h2o/test/packages"
PATHS = [ROOT, f"{ROOT}/p", f"{ROOT}/q", f"{ROOT}/p/1", f"{ROOT}/p/2", f"{ROOT}/q/1"]


class Server:
    """The nodes, and the watches that one connection has left on them."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.watches: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self.fired: deque[Callable[[], None]] = deque()
        self._zxid = 0

    def put(self, path: str) -> None:
        self._zxid += 1
        old = self.nodes.get(path)
        version, czxid = (old.version + 1, old.czxid) if old else (0, self._zxid)
        self.nodes[path] = Node(b"", version, czxid, self._zxid, 0, 0)
        self._fire("data", path)
        if old is None:
            self._fire("children", path.rpartition("/")[0])

    def remove(self, path: str) -> None:
        self._zxid += 1
        del self.nodes[path]
        self._fire("data", path)
        self._fire("children", path)
        self._fire("children", path.rpartition("/")[0])

    def names(self, path: str) -> set[str]:
        return {one[len(path) + 1 :] for one in self.nodes if one.rpartition("/")[0] == path}

    def _fire(self, kind: str, path: str) -> None:
        self.fired.extend(self.watches.pop((kind, path), []))


class Connection:
    """The mirror's `Reads`: requests wait to be served, answers wait to be delivered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.requests: deque[Callable[[], Callable[[], None]]] = deque()
        self.answers: deque[Callable[[], None]] = deque()

    def data(self, path: str, done: Callable[[Node | Missing], None], changed: Callable[[], None]) -> None:
        def serve() -> Callable[[], None]:
            node = self.server.nodes.get(path)
            if node is not None:
                self._watch("data", path, changed)
            return lambda: done(node or Missing.ABSENT)

        self.requests.append(serve)

    def children(self, path: str, done: Callable[[Iterable[str] | Missing], None], changed: Callable[[], None]) -> None:
        def serve() -> Callable[[], None]:
            if path not in self.server.nodes:
                return lambda: done(Missing.ABSENT)
            names = self.server.names(path)
            self._watch("children", path, changed)
            return lambda: done(names)

        self.requests.append(serve)

    def appears(self, path: str, done: Callable[[bool], None], changed: Callable[[], None]) -> None:
        def serve() -> Callable[[], None]:
            there = path in self.server.nodes
            self._watch("data", path, changed)
            return lambda: done(there)

        self.requests.append(serve)

    def _watch(self, kind: str, path: str, changed: Callable[[], None]) -> None:
        self.server.watches.setdefault((kind, path), []).append(changed)


class MirrorMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.connection: Connection | None = None
        self.picture: dict[str, tuple[int, int]] = {}
        self.synced = 0
        self.mirror = Mirror(ROOT, self.on_event, depth=2, post=lambda call: call())

    def on_event(self, event: MirrorEvent) -> None:
        assert self.connection is not None, "nothing is known while the connection is gone"
        match event:
            case NodeSeen(name, _, version, czxid, _):
                assert self.picture.get(name) != (czxid, version), "that is what was told before"
                self.picture[name] = (czxid, version)
            case NodeGone(name):
                del self.picture[name]
            case Synced():
                self.synced += 1

    @rule(path=st.sampled_from(PATHS))
    def put(self, path: str) -> None:
        for parent in PATHS[:3]:
            if path.startswith(f"{parent}/") and parent not in self.server.nodes:
                self.server.put(parent)
        self.server.put(path)

    @rule(path=st.sampled_from(PATHS))
    def remove(self, path: str) -> None:
        for one in sorted(self.server.nodes, reverse=True):
            if f"{one}/".startswith(f"{path}/"):
                self.server.remove(one)

    @rule(path=st.sampled_from(PATHS[3:]))
    def replace_in_one_transaction(self, path: str) -> None:
        if path in self.server.nodes:
            self.server.remove(path)
            self.server.put(path)

    @precondition(lambda self: self.connection is None)
    @rule()
    def connect(self) -> None:
        self.connection = Connection(self.server)
        self.synced = 0
        self.mirror.resync(self.connection)

    @precondition(lambda self: self.connection is not None)
    @rule()
    def disconnect(self) -> None:
        self.connection = None
        self.server.watches.clear()
        self.server.fired.clear()

    @precondition(lambda self: self.connection and self.connection.requests)
    @rule()
    def serve_a_request(self) -> None:
        assert self.connection is not None
        self.connection.answers.append(self.connection.requests.popleft()())

    @precondition(lambda self: self.connection and self.connection.answers)
    @rule()
    def deliver_an_answer(self) -> None:
        assert self.connection is not None
        self.connection.answers.popleft()()

    @precondition(lambda self: self.server.fired)
    @rule()
    def deliver_a_watch(self) -> None:
        self.server.fired.popleft()()

    @rule(data=st.data())
    def let_it_all_arrive(self, data: st.DataObject) -> None:
        """In any order; then the mirror knows what ZooKeeper holds, and has said once that it does."""
        if self.connection is None:
            self.connect()
        assert self.connection is not None
        while waiting := [one for one in (self.connection.requests, self.connection.answers, self.server.fired) if one]:
            chosen = data.draw(st.sampled_from(waiting))
            answer = chosen.popleft()()
            if answer is not None:
                self.connection.answers.append(answer)
        leaves = {path: node for path, node in self.server.nodes.items() if path.count("/") == ROOT.count("/") + 2}
        assert self.picture == {path[len(ROOT) + 1 :]: (node.czxid, node.version) for path, node in leaves.items()}
        assert self.synced == 1

    @invariant()
    def is_whole_at_most_once_a_connection(self) -> None:
        assert self.synced <= 1


TestMirror = MirrorMachine.TestCase
TestMirror.settings = settings(max_examples=4 * settings().max_examples)  # interleavings are many, and cheap


def test_a_reconnection_tells_only_what_differs():
    server = Server()
    for path in PATHS:
        server.put(path)
    events: list[MirrorEvent] = []
    mirror = Mirror(ROOT, events.append, depth=2, post=lambda call: call())
    for expected in (4, 2):
        connection = Connection(server)
        mirror.resync(connection)
        while connection.requests:
            connection.requests.popleft()()()
        assert len(events) == expected
        events.clear()
        server.put(f"{ROOT}/p/1")
    mirror.resync(Connection(server), forget=True)


def test_another_ensemble_s_numbers_mean_nothing():
    events: list[MirrorEvent] = []
    mirror = Mirror(ROOT, events.append, depth=1, post=lambda call: call())
    for forget in (False, True):  # two servers that have counted to the same number, as a wiped one may
        server = Server()
        server.put(ROOT)
        server.put(f"{ROOT}/p")
        connection = Connection(server)
        mirror.resync(connection, forget=forget)
        while connection.requests:
            connection.requests.popleft()()()
        assert [type(one) for one in events] == [NodeSeen, Synced]
        events.clear()


def test_closed_means_closed():
    server = Server()
    server.put(ROOT)
    events: list[MirrorEvent] = []
    mirror = Mirror(ROOT, events.append, depth=0, post=lambda call: call())
    connection = Connection(server)
    mirror.resync(connection)
    mirror.close()
    connection.requests.popleft()()()
    mirror.resync(connection)
    assert not connection.requests
    assert events == []
