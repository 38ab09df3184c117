"""The register through an agent, for who has no way to ZooKeeper: reads, and control changes that it vouches for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, Reply, post
from h2o_console.feed.answers import table, text, whole
from h2o_core.insights.notes import fields_of
from h2o_core.names import parse_host
from h2o_core.register import (
    REASONS,
    Create,
    Delete,
    Node,
    NoNode,
    RegisterError,
    RegisterRefused,
    RegisterUnavailable,
    Set,
    TransactionFailed,
)
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2o_core.insights.notes import Note
    from h2o_core.register import Operation

_AT_ONCE: Final = 64


class NotTaken(RegisterRefused):
    """The agent lets us in, and says that it is nothing that can be written."""


class RegisterByAgent:
    """What commands use of `h2o_core.io.registry.Registry`, with the same errors. `start` before anything else."""

    def __init__(self, address: str, token: str, timeout_s: float, fleet: str = "") -> None:
        """*token*: one that writes, "" on the Unix socket. *fleet*: the one that is meant, "" for the agent's."""
        self._address = address
        self._token = token
        self._timeout_s = timeout_s
        self.paths = Paths(fleet or "unknown")
        self._meant = fleet
        self._wanted: dict[str, asyncio.Future[Node | None]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Ask whose agent it is; raises RegisterUnavailable, RegisterRefused."""
        answered = await self._post("/register", {"fleet": self._meant, "sync": False})
        self.paths = Paths(parse_host(text(answered, "fleet")))

    async def sync(self) -> None:
        """From here on reads see everything that was committed before."""
        await self._post("/register", {"fleet": self._meant, "sync": True})

    async def get(self, path: str) -> Node | None:
        """A node, or None. Those that are asked for in one turn of the loop go in one question."""
        path = self._relative(path)
        if path not in self._wanted:
            if not self._wanted:
                asyncio.get_running_loop().call_soon(self._ask_together)
            self._wanted[path] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._wanted[path])

    async def children(self, path: str) -> list[str]:
        """The names below a node, sorted; raises NoNode."""
        path = self._relative(path)
        answered = await self._post("/register", {"fleet": self._meant, "children": [path]})
        found: Any = table(answered, "children").get(path)
        if not isinstance(found, list):
            msg = f"{path}: there is no such node"
            raise NoNode(msg)
        return sorted(name for name in found if isinstance(name, str))  # pyright: ignore[reportUnknownVariableType] - JSON

    async def create(self, path: str, data: bytes) -> None:
        """Nothing: the agent makes the parents of what a change writes, and this is asked for no other node."""
        if data:
            msg = f"{path}: an agent writes control changes alone"
            raise RegisterRefused(msg)

    async def transact(self, operations: Sequence[Operation]) -> None:
        """A control change; raises TransactionFailed."""
        said = [_said(one) for one in operations]
        await self._post("/changes", {"fleet": self._meant, "operations": said}, writes=True)

    async def note(self, note: Note, *, anew: bool = False) -> Note:
        """Have it stand; as the agent has written it: with the owner as that knows them.

        *anew*: in place of notes that can't be read; an older agent knows no such thing, and refuses.
        """
        fields = {key: value for key, value in fields_of(note).items() if key != "at"}
        fields |= {"anew": True} if anew else {}
        answered = await self._post("/notes", {"fleet": self._meant, **fields}, writes=True)
        return replace(note, owner=text(answered, "owner") or note.owner)

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self.paths.root}/")

    def _ask_together(self) -> None:
        wanted, self._wanted = self._wanted, {}
        paths = list(wanted)
        for at in range(0, len(paths), _AT_ONCE):
            some = {path: wanted[path] for path in paths[at : at + _AT_ONCE]}
            task = asyncio.get_running_loop().create_task(self._ask(some))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, wanted: Mapping[str, asyncio.Future[Node | None]]) -> None:
        try:
            answered = table(await self._post("/register", {"fleet": self._meant, "nodes": list(wanted)}), "nodes")
        except RegisterError as error:
            for future in wanted.values():
                if not future.done():
                    future.set_exception(error)
            return
        for path, future in wanted.items():
            if not future.done():
                future.set_result(_node(table(answered, path)) if answered.get(path) is not None else None)

    async def _post(self, path: str, body: Mapping[str, Any], *, writes: bool = False) -> Mapping[str, Any]:
        ask = partial(post, self._address, path, body, self._timeout_s, self._token)
        try:
            reply = await asyncio.to_thread(ask)
        except AgentUnreachable as error:
            raise RegisterUnavailable(str(error), outcome_unknown=writes and error.sent) from None
        except AgentRefused as error:
            raise RegisterRefused(error.error) from None
        if reply.status == 200:
            return reply.document
        raise _error(reply)


def _said(one: Operation) -> Mapping[str, Any]:
    match one:
        case Create():
            return {"operation": "create", "path": one.path, "data": one.data.decode("latin-1")}
        case Set():
            return {"operation": "set", "path": one.path, "data": one.data.decode("latin-1"), "version": one.version}
        case Delete():
            return {"operation": "delete", "path": one.path, "version": one.version}
        case _:
            msg = f"{one.path}: an agent checks nothing else for a change"
            raise RegisterRefused(msg)


def _node(said: Mapping[str, Any]) -> Node:
    return Node(
        data=text(said, "data").encode("latin-1", "replace"),
        version=whole(said, "version") or 0,
        czxid=whole(said, "czxid") or 0,
        mzxid=whole(said, "mzxid") or 0,
        owner=whole(said, "owner") or 0,
        stamp_ms=whole(said, "stamp_ms") or 0,
        created_ms=whole(said, "created_ms") or 0,
    )


def _error(reply: Reply) -> RegisterError:
    """What an agent's refusal is to who asked ZooKeeper."""
    said = reply.document
    sentence = text(said, "error") or f"the agent answers {reply.status}"
    if reply.status == 409:
        reason = REASONS.get(text(said, "kind"), RegisterError)
        return TransactionFailed(whole(said, "index") or 0, reason(sentence))
    if reply.status == 503:
        return RegisterUnavailable(sentence, outcome_unknown=said.get("unknown") is True)
    return NotTaken(sentence) if reply.status == 400 else RegisterRefused(sentence)
