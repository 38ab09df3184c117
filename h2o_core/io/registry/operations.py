"""A fleet's register for an asyncio loop: reads, writes, transactions, mirrors. kazoo's threads only hand over."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kazoo import exceptions as kazoo_errors
from kazoo.security import ACL, Id

from h2o_core.access import AccessEntry, Permission, Role, acl_for, credentials_of, world_can_write
from h2o_core.documents import LARGE_CAP_BYTES
from h2o_core.io.registry.handover import Handover
from h2o_core.io.registry.mirror import Mirror, Missing
from h2o_core.io.registry.reads import CUT_OFF, ConnectionReads, node_of
from h2o_core.io.registry.session import Session
from h2o_core.register import (
    Check,
    Create,
    Delete,
    MirrorEvent,
    Node,
    NodeExists,
    NoNode,
    Operation,
    RegisterError,
    RegisterRefused,
    RegistryState,
    Set,
    StateKind,
    TooLarge,
    TransactionFailed,
    VersionConflict,
)
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazoo.client import KazooClient
    from kazoo.interfaces import IAsyncResult

MAX_WRITE_BYTES: Final = LARGE_CAP_BYTES + (8 << 10)
"""Of one operation or a whole transaction; ZooKeeper ends the session of who sends more than 1 MiB."""
_OPERATION_BYTES: Final = 512
_OPERATIONS_IN_FLIGHT: Final = 40
T = TypeVar("T")


class Registry:
    """A fleet's register. All paths are absolute, or relative to the fleet's root.

    Operations raise RegisterUnavailable at once when ZooKeeper is away, and after the session's time-out
    when it does not answer; RegisterRefused when the credential does not suffice.
    """

    def __init__(
        self,
        zookeeper: str,
        fleet: str,
        *,
        dev: bool,
        session_timeout_s: float = 6.0,
        on_state: Callable[[RegistryState], None] | None = None,
        role: Role = Role.OPERATOR,
        secret: bytes = b"",
    ) -> None:
        """*zookeeper*: "host:port,host:port". *secret*: the fleet's; needed unless *dev*. Raises RegisterRefused."""
        if not dev and not secret:
            msg = f"fleet {fleet} is not a development fleet: give its secret (secret_file in the host file)"
            raise RegisterRefused(msg)
        self.paths = Paths(fleet)
        self._dev = dev
        self._credentials = {} if dev else credentials_of(secret, fleet)
        own = self._credentials.get(role)
        self._handover = Handover()
        self._session = Session(
            zookeeper,
            session_timeout_s,
            auth=[("digest", f"{own.user}:{own.password}")] if own else [],
            handover=self._handover,
            admit=self._judge_root,
            on_connection=self._resync,
            on_state=self._tell_state,
        )
        self._listeners = [on_state] if on_state is not None else []
        self._mirrors: list[Mirror] = []
        self._pending: set[asyncio.Future[Any]] = set()
        self._slots = asyncio.Semaphore(_OPERATIONS_IN_FLIGHT)

    @property
    def state(self) -> RegistryState:
        """How the session stands."""
        return self._session.state

    async def start(self, timeout_s: float) -> None:
        """Connect; raises RegisterUnavailable after *timeout_s* (and goes on trying until `stop`), RegisterRefused."""
        await self._session.start(timeout_s)

    async def stop(self) -> None:
        """End the session: its ephemeral nodes go at once. Never waits for more than 3 s."""
        for mirror in self._mirrors:
            mirror.close()
        await self._session.stop()
        for future in self._pending:
            if not future.done():
                future.set_exception(self._session.unavailable())

    async def get(self, path: str) -> Node | None:
        """A node, or None."""
        path = self._absolute(path)
        try:
            return node_of(await self._operate(lambda client: client.get_async(path), path, write=False))
        except NoNode:
            return None

    async def children(self, path: str) -> list[str]:
        """The names below a node, sorted; raises NoNode."""
        path = self._absolute(path)
        return sorted(await self._operate(lambda client: client.get_children_async(path), path, write=False))

    async def sync(self) -> None:
        """From here on reads see everything that was committed before, whichever server answers them."""
        root = self.paths.root
        await self._operate(lambda client: client.sync_async(root), root, write=False)

    async def create(self, path: str, data: bytes, *, ephemeral: bool = False) -> None:
        """Make a node, and its parents (persistent, empty); raises NodeExists."""
        path = self._absolute(path)
        _check_size(path, len(data))
        try:
            await self._create(path, data, ephemeral=ephemeral)
        except NoNode:
            await self._make_parents(path)
            await self._create(path, data, ephemeral=ephemeral)

    async def create_next(self, path: str, data: bytes) -> str:
        """Make an ephemeral node, *path* with the next number of its parent added, and its parents; its whole path.

        Raises RegisterUnavailable with `outcome_unknown`: it may be there, and only who lists the parent finds it.
        """
        path = self._absolute(path)
        _check_size(path, len(data))
        try:
            return await self._create(path, data, ephemeral=True, numbered=True)
        except NoNode:
            await self._make_parents(path)
            return await self._create(path, data, ephemeral=True, numbered=True)

    async def set(self, path: str, data: bytes, version: int = -1) -> int:
        """Write a node and return its new version; raises NoNode, VersionConflict."""
        path = self._absolute(path)
        _check_size(path, len(data))
        stat = await self._operate(lambda client: client.set_async(path, data, version), path, write=True)
        return stat.version

    async def delete(self, path: str, version: int = -1) -> None:
        """Remove a node; raises NoNode, VersionConflict."""
        path = self._absolute(path)
        await self._operate(lambda client: client.delete_async(path, version), path, write=True)

    async def transact(self, operations: Sequence[Operation]) -> None:
        """Do all of them or none; raises TransactionFailed, which kazoo would not."""
        _check_size("the transaction", sum(len(getattr(one, "data", b"")) + _OPERATION_BYTES for one in operations))
        results = await self._operate(partial(self._commit, operations), "the transaction", write=True)
        for index, (operation, result) in enumerate(zip(operations, results, strict=True)):
            if isinstance(result, Exception) and not isinstance(result, _COLLATERAL):
                raise TransactionFailed(index, self._translated(result, operation.path, write=True))

    def mirror(self, path: str, on_event: Callable[[MirrorEvent], None], *, depth: int = 1) -> Mirror:
        """Keep a copy of everything *depth* levels below *path* (0: the node itself).

        *on_event* is called on the loop with NodeSeen, NodeGone and Synced (h2o_core.register), for at most
        1 ms at a time.
        """
        mirror = Mirror(self._absolute(path), on_event, depth, self._handover)
        self._mirrors = [one for one in self._mirrors if not one.closed]
        self._mirrors.append(mirror)
        if self._session.reads is not None and self.state.kind is StateKind.CONNECTED:
            mirror.resync(self._session.reads)
        return mirror

    def when_gone(self, path: str, tell: Callable[[], None]) -> None:
        """Call *tell* once, on the loop, when the node is not there or goes; never after this connection's end."""
        reads = self._session.reads
        if reads is None or self.state.kind is not StateKind.CONNECTED:
            return
        path = self._absolute(path)

        def look() -> None:  # also when it was set: that uses up the watch
            reads.data(path, lambda node: tell() if node is Missing.ABSENT else None, look)

        look()

    def listen(self, on_state: Callable[[RegistryState], None]) -> None:
        """Call *on_state* on the loop for each new state, and once for the one that holds."""
        self._listeners.append(on_state)
        on_state(self.state)

    def _tell_state(self, state: RegistryState) -> None:
        for listener in list(self._listeners):
            listener(state)

    def _resync(self, reads: ConnectionReads, forget: bool) -> None:  # noqa: FBT001 - as Session calls it
        for mirror in self._mirrors:
            mirror.resync(reads, forget=forget)

    async def _judge_root(self) -> str:
        """Why this root is not to be used, "" when it is. A wrong password connects silently, and is found here."""
        root = self.paths.root
        if self._dev:
            return ""
        try:
            acls, _ = await self._ask(lambda client: client.get_acls_async(root), root, write=False)
        except NoNode:
            return ""
        except RegisterRefused:
            return f"{root} does not open with this secret; is it this fleet's?"
        if world_can_write(AccessEntry(acl.id.scheme, acl.id.id, Permission(acl.perms)) for acl in acls):
            return f"everybody may write to {root}: use another fleet name, or dev = true"
        return ""

    def _absolute(self, path: str) -> str:
        absolute = path if path.startswith("/") else f"{self.paths.root}/{path}"
        if not f"{absolute}/".startswith(f"{self.paths.root}/"):
            msg = f"{path} is not below {self.paths.root}"
            raise ValueError(msg)
        return absolute

    def _acl(self, path: str) -> list[ACL]:
        entries = acl_for(path, dev=self._dev, credentials=self._credentials)
        return [ACL(int(one.permissions), Id(one.scheme, one.id)) for one in entries]

    async def _create(self, path: str, data: bytes, *, ephemeral: bool, numbered: bool = False) -> str:
        acl = self._acl(path)
        return await self._operate(
            lambda client: client.create_async(path, data, acl=acl, ephemeral=ephemeral, sequence=numbered),
            path,
            write=True,
        )

    async def _make_parents(self, path: str) -> None:
        parts = path.split("/")[1:-1]
        for count in range(1, len(parts) + 1):
            try:
                await self._create("/" + "/".join(parts[:count]), b"", ephemeral=False)
            except NodeExists:
                continue

    def _commit(self, operations: Sequence[Operation], client: KazooClient) -> IAsyncResult[list[object]]:
        transaction = client.transaction()
        for one in operations:
            path = self._absolute(one.path)
            match one:
                case Create():
                    transaction.create(path, one.data, acl=self._acl(path), ephemeral=one.ephemeral)
                case Set():
                    transaction.set_data(path, one.data, one.version)
                case Delete():
                    transaction.delete(path, one.version)
                case Check():
                    transaction.check(path, one.version)
        return transaction.commit_async()

    async def _operate(self, start: Callable[[KazooClient], IAsyncResult[T]], path: str, *, write: bool) -> T:
        if self.state.kind is not StateKind.CONNECTED:
            raise self._session.unavailable()
        return await self._ask(start, path, write=write)

    async def _ask(self, start: Callable[[KazooClient], IAsyncResult[T]], path: str, *, write: bool) -> T:
        """One operation; no more of them at once than kazoo takes without blocking (see h2o_core.io.registry.reads)."""
        async with self._slots:
            client = self._session.client
            if client is None:
                raise self._session.unavailable()
            future: asyncio.Future[IAsyncResult[T]] = asyncio.get_running_loop().create_future()
            self._pending.add(future)
            try:
                async with asyncio.timeout(self._session.timeout_s):
                    start(client).rawlink(lambda result: self._handover(partial(_settle, future, result)))
                    result = await future
            except TimeoutError:
                raise self._session.unavailable(outcome_unknown=write) from None
            finally:
                self._pending.discard(future)
        if result.exception is not None:
            raise self._translated(result.exception, path, write=write)
        return result.value

    def _translated(self, error: BaseException, path: str, *, write: bool) -> RegisterError:
        for kind, ours, sentence in _TRANSLATIONS:
            if isinstance(error, kind):
                return ours(f"{path}: {sentence}")
        if isinstance(error, CUT_OFF):
            return self._session.unavailable(outcome_unknown=write)
        return RegisterError(f"{path}: {type(error).__name__}: {error}")


_COLLATERAL: Final = (kazoo_errors.RolledBackError, kazoo_errors.RuntimeInconsistency)
_TRANSLATIONS: Final[tuple[tuple[type[Exception], type[RegisterError], str], ...]] = (
    (kazoo_errors.NoNodeError, NoNode, "there is no such node"),
    (kazoo_errors.NodeExistsError, NodeExists, "there is such a node already"),
    (kazoo_errors.BadVersionError, VersionConflict, "it was written by somebody else since it was read"),
    (kazoo_errors.NoAuthError, RegisterRefused, "this credential may not do that"),
    (kazoo_errors.AuthFailedError, RegisterRefused, "ZooKeeper did not accept the credential"),
    (kazoo_errors.NotEmptyError, RegisterError, "it has nodes below it"),
)


def _settle(future: asyncio.Future[IAsyncResult[T]], result: IAsyncResult[T]) -> None:
    if not future.done():
        future.set_result(result)


def _check_size(path: str, size: int) -> None:
    if size > MAX_WRITE_BYTES:
        msg = f"{path}: {size:,} bytes are more than the {MAX_WRITE_BYTES:,} that can be written at once"
        raise TooLarge(msg)
