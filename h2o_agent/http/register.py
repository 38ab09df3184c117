"""`/register`, `/changes`, `/notes`: for who has no way to ZooKeeper, the register read and written by a POST."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from h2o_agent.control_change import Change, checked
from h2o_agent.http.answers import answer, error
from h2o_agent.http.connection import MOST_WRITTEN_BYTES
from h2o_agent.http.described import Described
from h2o_agent.http.guard import KNOWN_AS
from h2o_core.documents import InvalidDocument, Reader
from h2o_core.insights.notes import parse_note
from h2o_core.register import REASONS, Create, Delete, RegisterError, RegisterUnavailable, Set, TransactionFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_core.insights.notes import Note
    from h2o_core.register import Node, Operation

_HINT: Final = "see docs/http.md; `h2o` does all this by itself when its context names an agent and a write token"
_PATH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}(/[A-Za-z0-9][A-Za-z0-9._+-]{0,199}){0,7}")
MOST_NODES: Final = 64
_NOTED: Final = {"kind", "subject", "says", "owner", "until", "reason"}
_MOST_OPERATIONS: Final = 1000
_HIGHEST_VERSION: Final = (1 << 31) - 1


class Registrar(Protocol):
    """Whoever has the register (`h2o_agent.registrar.Registrar`)."""

    @property
    def fleet(self) -> str:
        """Whose it is."""
        ...

    def now_s(self) -> float:
        """Unix time."""
        ...

    async def read(
        self, nodes: Sequence[str], children: Sequence[str], *, sync: bool
    ) -> tuple[list[Node | None], list[list[str] | None]]:
        """Nodes, and names below nodes; None: there is no such node."""
        ...

    async def change(self, change: Change) -> None:
        """Write it."""
        ...

    async def note(self, note: Note, *, anew: bool = False) -> None:
        """Write that, too; *anew*: in place of notes that can't be read."""
        ...


def routes(registrar: Registrar) -> list[Described]:
    """All three."""

    async def read(request: Request) -> Response:
        reader = _of_fleet(await request.body(), registrar.fleet, {"fleet", "sync", "nodes", "children"})
        sync = reader.flag("sync") if "sync" in reader.fields else False
        nodes, children = _paths(reader, "nodes"), _paths(reader, "children")
        found, below = await registrar.read(nodes, children, sync=sync)
        return answer(
            {
                "schema": 1,
                "fleet": registrar.fleet,
                "nodes": {path: _node(node) for path, node in zip(nodes, found, strict=True)},
                "children": dict(zip(children, below, strict=True)),
            }
        )

    async def change(request: Request) -> Response:
        reader = _of_fleet(await request.body(), registrar.fleet, {"fleet", "operations"})
        operations = [_operation(item) for item in reader.objects("operations", _MOST_OPERATIONS)]
        known_as: str = request.scope["state"].get(KNOWN_AS, "")
        wanted = checked(operations, known_as, registrar.now_s())
        await registrar.change(wanted)
        entry = wanted.entry
        return answer(
            {
                "schema": 1,
                "fleet": registrar.fleet,
                "epoch": entry.epoch,
                "change_id": entry.change_id,
                "actor": entry.author.actor,
                "verified": entry.author.verified,
            }
        )

    async def note(request: Request) -> Response:
        reader = _of_fleet(await request.body(), registrar.fleet, {"fleet", "anew", *_NOTED})
        anew = reader.flag("anew") if "anew" in reader.fields else False
        known_as: str = request.scope["state"].get(KNOWN_AS, "")
        said = parse_note(replace(reader, fields={"owner": "operator", **reader.fields, "at": registrar.now_s()}))
        wanted = replace(said, owner=known_as or said.owner)
        await registrar.note(wanted, anew=anew)
        return answer(
            {
                "schema": 1,
                "fleet": registrar.fleet,
                "id": wanted.key.id,
                "owner": wanted.owner,
                "verified": bool(known_as),
                "at": wanted.at_s,
            }
        )

    return [
        Described(
            "/register",
            _refusing(read),
            "What stands in the register, for who may write",
            reads=False,
            posts="look",
            answers="looked",
            also_posting=(503,),
        ),
        Described(
            "/changes",
            _refusing(change),
            "Apply a control change: epoch, documents and audit entry in one transaction",
            reads=False,
            posts="change",
            answers="changed",
            also_posting=(409, 503),
        ),
        Described(
            "/notes",
            _refusing(note),
            "Say of a finding that you look after it, or that it is to be quiet",
            reads=False,
            posts="note",
            answers="noted",
            also_posting=(503,),
        ),
    ]


def _refusing(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await work(request)
        except InvalidDocument as problem:
            return error(400, str(problem), _HINT)
        except TransactionFailed as problem:
            return _failed(problem)
        except RegisterUnavailable as problem:
            said = {"error": str(problem), "hint": "is ZooKeeper up? h2o doctor", "unknown": problem.outcome_unknown}
            return answer(said, 503)
        except RegisterError as problem:
            return answer({"error": str(problem), "hint": "see the agent's log", "unknown": False}, 503)

    return endpoint


def _failed(problem: TransactionFailed) -> Response:
    kind = next((name for name, one in REASONS.items() if isinstance(problem.reason, one)), "")
    said = {"error": str(problem.reason), "hint": "look again, and decide again", "index": problem.index, "kind": kind}
    return answer(said, 409)


def _of_fleet(body: bytes, fleet: str, fields: set[str]) -> Reader:
    reader = Reader.of_json("the body", body, MOST_WRITTEN_BYTES)
    if unknown := sorted(set(reader.fields) - fields):
        reader.fail(f"there is no field {unknown[0][:64]!a}; there are {', '.join(sorted(fields))}")
    if (meant := reader.text("fleet", empty=True) or fleet) != fleet:
        reader.fail(f"this agent belongs to fleet {fleet}, not to {meant}")
    return reader


def _paths(reader: Reader, key: str) -> list[str]:
    paths = list(reader.texts(key, MOST_NODES)) if key in reader.fields else []
    for path in paths:
        _path(reader, path)
    return paths


def _path(reader: Reader, path: str) -> str:
    if not _PATH.fullmatch(path):
        reader.fail(f"{path[:64]!a} is no path below the fleet's root: control/epoch")
    return path


def _operation(item: Reader) -> Operation:
    path, kind = _path(item, item.text("path")), item.text("operation")
    if kind == "delete":
        return Delete(path, _version(item))
    try:
        data = item.raw_text("data").encode("latin-1")
    except UnicodeEncodeError:
        item.fail("data has characters that are no bytes")
    if kind == "create":
        return Create(path, data)
    if kind != "set":
        item.fail(f"operation is {kind[:32]!a}, not set, create or delete")
    return Set(path, data, _version(item))


def _version(item: Reader) -> int:
    return item.integer("version", 0, _HIGHEST_VERSION)


def _node(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "data": node.data.decode("latin-1"),
        "version": node.version,
        "czxid": node.czxid,
        "mzxid": node.mzxid,
        "owner": node.owner,
        "stamp_ms": node.stamp_ms,
        "created_ms": node.created_ms,
    }
